"""Audiences through their pages: built without SQL, saved, counted, looked at, and taken down."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audiences.calculating import work
from audiences.choices import CalculationState, Cardinality
from audiences.models import Audience, Calculation, Relationship, SchemaModel
from audiences.query.codec import load_definition
from audiences.services import Settings, update_schema_model
from audiences.services import audiences as services
from audiences.services.members import preview_members
from audiences.services.organizing import label_audience
from config.errors import Conflict
from connectors.models import Source
from governance.audit.models import AuditEntry
from tests.audiences.app.acting import NORTH, Person, audience, where
from tests.audiences.app.shop import change, orders, parent, related, warehouse
from tests.world import Place, World
from workspaces.scoping import workspace_scope


@pytest.fixture
def place(world: World) -> Iterator[Place]:
    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


@pytest.fixture
def source(place: Place) -> Source:
    return warehouse(place)


@pytest.fixture
def customers(place: Place, source: Source) -> SchemaModel:
    made = parent(place, source)
    orders(place, made)
    return made


def test_a_marketer_builds_an_audience_by_clicking(place: Place, customers: SchemaModel) -> None:
    person = Person(place, f"audiences/new/{customers.pk}")
    person.press("add|/where|property")
    person.type(**{"json:/where/conditions/0/field": '{"column":"region","via":[]}'})
    person.type(**{"list:/where/conditions/0/test/operand/values": "north"})
    person.press("add|/where|event")
    person.press('set|/where/conditions/1/number|{"count": 2}')
    assert "Customers where region is “north” and that did Orders at least 2 times." in person.html
    refused = person.press("save", name=" ")
    assert refused.status_code == 422
    assert "Give the audience a name." in person.html
    saved = person.press("save", name="Loyal in the north", description="For the spring letter")
    made = Audience.objects.get(name="Loyal in the north")
    assert saved.headers["HX-Redirect"] == f"{made.get_absolute_url()}/templates?new=1"
    asked = person.client.get(f"{made.get_absolute_url()}/templates?new=1").content.decode()
    assert "Finish without syncs" in asked
    assert "Add a destination" in asked
    assert load_definition(made.definition).where.conditions
    assert AuditEntry.objects.filter(event="audience.created", resource_id=made.pk).count() == 1


def test_what_is_unfinished_is_marked_and_not_saved(place: Place, customers: SchemaModel) -> None:
    person = Person(place, f"audiences/new/{customers.pk}")
    person.press("add|/where|property")
    assert "has no value to compare with" in person.html
    assert "1 to finish" in person.html
    answer = person.press("save", name="Unfinished")
    assert answer.status_code == 422
    assert not Audience.objects.exists()


@pytest.mark.parametrize(
    "do", ["add|/where|spell", "remove|/nowhere", "up|/where", "set|/where/conditions/7/x|1", "add", "set|/where|{"]
)
def test_edits_that_fit_no_page_are_refused_in_words(place: Place, customers: SchemaModel, do: str) -> None:
    answer = Person(place, f"audiences/new/{customers.pk}").press(do)
    assert answer.status_code == 422
    assert "does not fit the page" in answer.content.decode()


def test_saved_definitions_are_changed_discarded_and_saved_again(place: Place, customers: SchemaModel) -> None:
    made = audience(place, customers)
    person = Person(place, f"audiences/{made.pk}/definition")
    assert "Discard changes" not in person.html
    person.press("add|/where|event")
    assert "Discard changes" in person.html
    assert person.press("discard").headers["HX-Redirect"] == person.path
    person = Person(place, f"audiences/{made.pk}/definition")
    person.press("add|/where|event")
    person.press("save")
    made.refresh_from_db()
    assert [each["type"] for each in made.definition["where"]["conditions"]] == ["property", "event"]


def test_sizes_are_counted_with_how_each_condition_narrows(place: Place, customers: SchemaModel) -> None:
    event = {"type": "event", "relationship": str(customers.relationships_to.get().pk)}
    made = audience(place, customers, definition=where(NORTH, event))
    calculation = services.calculate_size(
        actor=place.actor, parent=customers, definition=made.definition, audience=made
    )
    work(calculation.pk)
    calculation.refresh_from_db()
    assert calculation.counts == {"members": 1, "total": 4, "alone": [2, 1], "after": [2, 1]}
    made.refresh_from_db()
    assert made.size == 1
    page = Person(place, f"audiences/{made.pk}/definition").html
    assert "2 left" in page
    assert "1 left" in page


def test_a_size_of_another_definition_is_forgotten(place: Place, customers: SchemaModel) -> None:
    made = audience(place, customers)
    Audience.objects.filter(pk=made.pk).update(size=2)
    services.update_audience(actor=place.actor, audience=made, name="Northerners")
    made.refresh_from_db()
    assert made.size == 2
    services.update_audience(actor=place.actor, audience=made, definition=where())
    made.refresh_from_db()
    assert made.size is None


def test_counting_is_shown_and_can_be_given_up(place: Place, customers: SchemaModel) -> None:
    person = Person(place, f"audiences/new/{customers.pk}")
    client, slug = person.client, place.workspace.slug
    tree = orjson.dumps(where(NORTH)).decode()
    begun = client.post(f"/{slug}/studio/parents/{customers.pk}/calculate", {"tree": tree})
    assert "Counting in Warehouse" in begun.content.decode()
    calculation = Calculation.objects.get()
    url = f"/{slug}/studio/calculations/{calculation.pk}"
    assert "was given up" in client.post(url).content.decode()
    work(calculation.pk)
    calculation.refresh_from_db()
    assert (calculation.state, calculation.counts) == (CalculationState.CANCELLED, {})


def test_a_count_that_fails_says_what_the_source_said(place: Place, source: Source, customers: SchemaModel) -> None:
    change(source, "DROP TABLE customers")
    calculation = services.calculate_size(actor=place.actor, parent=customers, definition=where(NORTH))
    work(calculation.pk)
    page = Person(place, f"calculations/{calculation.pk}").html
    assert "The count failed" in page
    assert "customers" in page


def test_members_are_shown_without_what_privacy_hides(place: Place, customers: SchemaModel) -> None:
    customers.columns.filter(name="email").update(privacy="redacted")
    made = audience(place, customers)
    person = Person(place, f"audiences/{made.pk}/members")
    answer = person.client.post(
        f"/{place.workspace.slug}/studio/parents/{customers.pk}/members", {"audience": made.pk}
    ).content.decode()
    assert "Grace" in answer
    assert "Linus" not in answer
    assert "grace@shop.test" not in answer
    assert AuditEntry.objects.filter(event="schema_model.members_previewed").count() == 1


def test_audiences_are_made_of_audiences_but_never_of_themselves(place: Place, customers: SchemaModel) -> None:
    north = audience(place, customers)
    member = {"type": "audience", "audience": str(north.pk)}
    audience(place, customers, "In the north", where(member))
    person = Person(place, f"audiences/{north.pk}/definition")
    assert "In the north" in person.press("add|/where|audience").content.decode()
    assert "would be made of itself" in person.html
    refused = person.client.post(
        f"{north.get_absolute_url()}/delete", {"confirm_name": "North"}, follow=True
    ).content.decode()
    assert "is a condition of “In the north”" in refused


def test_copies_have_a_definition_of_their_own(place: Place, customers: SchemaModel) -> None:
    made = audience(place, customers)
    person = Person(place, f"audiences/{made.pk}/definition")
    person.client.post(f"{made.get_absolute_url()}/rename", {"description": "Everybody up there"})
    person.client.post(f"{made.get_absolute_url()}/clone")
    person.client.post(f"{made.get_absolute_url()}/clone", {"name": "North by north-west"})
    assert Audience.objects.filter(name="North by north-west", definition=made.definition).exists()
    copy = Audience.objects.get(name="North (copy)")
    assert copy.description == "Everybody up there"
    services.update_audience(actor=place.actor, audience=copy, definition=where())
    made.refresh_from_db()
    assert made.definition["where"]["conditions"]


def test_a_column_that_vanished_is_told_where_it_was_used(place: Place, source: Source, customers: SchemaModel) -> None:
    made = audience(place, customers)
    customers.columns.filter(name="region").update(missing=True)
    page = Person(place, f"audiences/{made.pk}/definition").html
    assert "not there any more" in page
    assert "region" in page


LOCKED = {
    "audiences": "Add audience",
    "traits": "Add trait",
    "priority-lists": "Add priority list",
    "lists": "Upload a list",
    "templates/syncs": "Add sync template",
    "governance/rules": "Add destination rule",
    "governance/subsets": "Add subset category",
    "schema": "Create parent model",
}


def test_readers_see_definitions_and_change_nothing(world: World, place: Place, customers: SchemaModel) -> None:
    made = audience(place, customers)
    person = Person(place, f"audiences/{made.pk}/definition", world.people["viewer"])
    assert "north" in person.html
    assert "Save audience" not in person.html
    assert "You can look at this audience, and not change it." in person.html
    assert "You need the right to configure audiences" in person.html
    assert "You need the right to view the parent model" in person.html  # of the preview of its members
    assert place.owner.email in person.html, "who can grant it"
    assert person.press("save").status_code == 403
    for path, button in LOCKED.items():
        page = Person(place, path, world.people["viewer"]).html
        (told,) = re.findall(rf"</svg>{button}</button><div[^>]*>([^<]*)</div>", page)
        assert "You need the right to" in told, path
        assert place.owner.email in told, path
    for path in LOCKED:
        assert "btn-locked" not in Person(place, path).html, path


def test_the_list_is_searched_and_narrowed(place: Place, customers: SchemaModel) -> None:
    audience(place, customers)
    audience(place, customers, "Everybody", where())
    page = Person(place, "audiences?q=every").html
    assert "Everybody" in page
    assert ">North<" not in page
    north = Audience.objects.get(name="North")
    label_audience(actor=place.actor, audience=north, add={"brand": "ACME"})
    for query, shown in {
        "label=brand%3DACME": ["North"],
        "without=brand%3DACME": ["Everybody"],
        f"source={customers.source_id}&creator={place.owner.pk}": ["Everybody", "North"],
        "duplicates=yes": [],
    }.items():
        page = Person(place, f"audiences?{query}").html
        assert [name for name in ("Everybody", "North") if f'">{name}</a>' in page] == shown, query
    saved = {"page": "audiences", "name": "ACME", "query": "label=brand%3DACME"}
    Person(place, "audiences").client.post(reverse("workspaces:saved_filters", args=[place.workspace.slug]), saved)
    assert "view=" in Person(place, "audiences").html


def test_suggestions_are_those_of_the_column_itself(place: Place, customers: SchemaModel) -> None:
    ordered = SchemaModel.objects.get(name="Orders")
    for model, values in ((customers, ["1"]), (ordered, ["7"])):
        model.columns.filter(name__in=("id", "customer_id")).update(suggest=True, suggestions=[[values[0], 3]])
    relation = str(customers.relationships_to.get().pk)
    inner = {"type": "property", "field": {"column": "customer_id"}, "test": {"operator": "equals"}}
    outer = {"type": "property", "field": {"column": "id"}, "test": {"operator": "equals"}}
    event = {"type": "event", "relationship": relation, "where": {"conditions": [inner]}}
    person = Person(place, f"audiences/new/{customers.pk}")
    person.press("", **{"json:/where/conditions": orjson.dumps([outer, event]).decode()})
    lists = dict(re.findall(r'<datalist id="([^"]+)"><option value="([^"]+)">', person.html))
    used = re.findall(r' list="([^"]+)"', person.html)
    assert [lists[each] for each in used] == ["1", "7"]
    assert f"look|{ordered.pk}" in person.html
    assert "The values of Orders are being looked for." in person.press(f"look|{ordered.pk}").content.decode()
    ordered.refresh_from_db()
    assert ordered.looking


def test_a_trait_that_a_program_defined_in_place_is_shown_to_be_changed(place: Place, customers: SchemaModel) -> None:
    relation = str(customers.relationships_to.get().pk)
    count = {
        "type": "trait",
        "definition": {"method": "count", "relationship": relation},
        "test": {"operator": "greater", "operand": {"kind": "values", "values": [3]}},
    }
    made = audience(place, customers, "Keen", where(count))
    person = Person(place, f"audiences/{made.pk}/definition")
    assert "the number of Orders is more than 3" in person.html
    assert 'aria-label="Count by"' in person.html
    assert "Discard changes" not in person.html
    person.type(**{"list:/where/conditions/0/test/operand/values": "5"})
    person.press("save")
    made.refresh_from_db()
    changed = made.definition["where"]["conditions"][0]
    assert (changed["definition"]["method"], changed["test"]["operand"]["values"]) == ("count", [5])


def test_an_audience_deep_inside_another_is_not_deleted(place: Place, customers: SchemaModel) -> None:
    north = audience(place, customers)
    deep = where({"type": "group", "match": "any", "conditions": [{"type": "audience", "audience": str(north.pk)}]})
    other = audience(place, customers, "Deep", deep)
    audience(place, customers, "Another", where({"type": "audience", "audience": str(other.pk)}))
    with pytest.raises(Conflict, match=r"a condition of audience “Deep”\."):
        services.delete_audience(actor=place.actor, audience=north)


def test_a_page_reads_the_schema_once(place: Place, customers: SchemaModel) -> None:
    made = audience(place, customers)
    person = Person(place, f"audiences/{made.pk}/definition")
    with CaptureQueriesContext(connection) as asked:
        assert person.client.get(person.path).status_code == 200
    assert sum('FROM "audiences_throughstep"' in each["sql"] for each in asked) == 1


def test_the_size_is_limited_by_a_column(place: Place, customers: SchemaModel) -> None:
    person = Person(place, f"audiences/new/{customers.pk}")
    person.press("set|/limit|{}")
    assert person.tree["limit"] == {"by": {"column": "id"}, "count": 100}
    person.type(**{"number:/limit/size": "50", "text:/limit/kind": "percent", "flag:/limit/bottom": "true"})
    assert "only the bottom 50 percent by id" in person.html
    person.type(**{"json:/limit/of": '{"by":{"column":"joined"}}', "number:/limit/size": "50"})
    assert person.tree["limit"] == {"by": {"column": "joined"}, "count": 50, "bottom": True}, "days have no percent"
    person.type(**{"number:/limit/size": "one"})
    assert "1 to finish" in person.html
    person.type(**{"number:/limit/size": "1"})
    person.press("save", name="The first")
    made = Audience.objects.get(name="The first")
    answer = person.client.post(
        f"/{place.workspace.slug}/studio/parents/{customers.pk}/members", {"audience": made.pk}
    ).content.decode()
    assert ("Ada" in answer, "Grace" in answer) == (True, False)
    person = Person(place, f"audiences/{made.pk}/definition")
    person.press("drop|/limit")
    assert "limit" not in person.tree


def test_rows_without_a_value_follow_the_workspace(world: World, place: Place, customers: SchemaModel) -> None:
    other = {**NORTH, "test": {**NORTH["test"], "operator": "not_equals"}}

    def members() -> int:
        counted = services.calculate_size(actor=place.actor, parent=customers, definition=where(other))
        work(counted.pk)
        counted.refresh_from_db()
        return int(counted.counts["members"])

    assert members() == 2
    client, url = Client(), f"/{place.workspace.slug}/settings/studio"
    client.force_login(world.people["editor"])
    assert client.get(url).status_code == 403
    client.force_login(place.owner)
    assert client.post(url, {"nulls": "maybe"}).status_code == 422
    client.post(url, {"nulls": "special"})
    assert members() == 1
    assert AuditEntry.objects.filter(event="studio_settings.changed").count() == 1


def test_people_are_asked_for_by_their_household_and_by_those_they_share_it_with(place: Place, source: Source) -> None:
    statements = (
        "ALTER TABLE customers ADD COLUMN home BIGINT",
        "UPDATE customers SET home = CASE WHEN id < 3 THEN 1 WHEN id = 3 THEN 2 END",
        "CREATE TABLE homes (home_id BIGINT, plan VARCHAR)",
        "INSERT INTO homes VALUES (1, 'family'), (2, 'single')",
    )
    for statement in statements:
        change(source, statement)
    customers = parent(place, source, entity="people")
    homes = related(place, "homes", "home_id", customers, (Cardinality.ONE_TO_MANY, (("home_id", "home"),)))
    update_schema_model(actor=place.actor, model=homes, settings=Settings(entity="household"))
    tie = Relationship.objects.get()
    person = Person(place, f"audiences/new/{customers.pk}")
    assert f'value="add|/where|level:{tie.pk}"' in person.html
    person.press(f"add|/where|level:{tie.pk}")
    assert '<optgroup label="Household">' in person.html
    person.press("add|/where/conditions/0/where|property")
    person.type(**{"json:/where/conditions/0/where/conditions/0/field": '{"column":"plan","via":[]}'})
    person.type(**{"list:/where/conditions/0/where/conditions/0/test/operand/values": "family"})
    assert "Customers that have any Homes where plan is “family”." in person.html
    assert _names(place, customers, person.tree) == {"Ada", "Grace"}

    person = Person(place, f"audiences/new/{customers.pk}")
    person.press(f"add|/where|level:{tie.pk}")
    person.type(**{"flag:/where/conditions/0/others": "true"})
    person.press("add|/where/conditions/0/where|property")
    person.type(**{"json:/where/conditions/0/where/conditions/0/field": '{"column":"name","via":[]}'})
    person.type(**{"list:/where/conditions/0/where/conditions/0/test/operand/values": "Ada"})
    assert "Customers that share Homes with any other Customers where name is “Ada”." in person.html
    assert _names(place, customers, person.tree) == {"Grace"}, "not Ada herself, and nobody without a home"
    asked = {"tree": orjson.dumps(person.tree).decode(), "key": "2", "pointer": "/where/conditions/0"}
    told = person.client.post(f"/{place.workspace.slug}/studio/parents/{customers.pk}/explain/rows", asked)
    assert "ada@shop.test" in told.content.decode()
    beside = person.client.get(f"/{place.workspace.slug}/studio/profiles/{customers.pk}/one/related", {"key": "2"})
    assert "Other Customers of the same Homes" in beside.content.decode()
    assert "ada@shop.test" in beside.content.decode()
    person.press("save", name="Lives with Ada")
    made = Audience.objects.get(name="Lives with Ada")
    counted = services.calculate_size(actor=place.actor, parent=customers, definition=made.definition, audience=made)
    work(counted.pk)
    assert "1</b>" in Person(place, f"audiences/{made.pk}").html
    assert "in 1 Homes" in Person(place, f"audiences/{made.pk}").html


def _names(place: Place, customers: SchemaModel, definition: Any) -> set[str]:
    found = preview_members(actor=place.actor, parent=customers, definition=definition)
    at = [column.name for column in found.columns].index("name")
    return {row[at] for row in found.rows or ()}
