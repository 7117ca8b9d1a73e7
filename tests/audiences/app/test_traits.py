"""Traits: what is calculated for customers and orders, from their rows and from each other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from audiences.calculating import work as calculate
from audiences.definitions import schema_with_audiences
from audiences.models import Audience, Relationship, SchemaModel, Trait
from audiences.query.conditions import Field
from audiences.query.statements import Output
from audiences.selectors import computed_outputs, enrichment_outputs
from audiences.services import audiences as studio
from audiences.services import enrichments, traits
from audiences.services.members import preview_members
from audiences.services.models import delete_schema_model
from audiences.services.relationships import delete_relationship
from audiences.services.syncing import open_for_syncs
from audiences.trait_checks import values_of
from audiences.trait_values import work
from config.embedded import Urls
from config.errors import Conflict, Denied, Invalid
from connectors.access import open_source
from connectors.models import Source
from syncs.configuration import Proposal
from syncs.definitions import first_rows
from syncs.services.syncs import create_sync
from tests.audiences.app.acting import Caller, Person
from tests.audiences.app.shop import change, database, orders, parent, warehouse
from tests.world import Place, World
from workspaces.actors import person
from workspaces.scoping import workspace_scope

Tree = dict[str, Any]


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


def way(customers: SchemaModel) -> str:
    """The relationship to orders."""
    return str(customers.relationships_to.get().pk)


def spent(customers: SchemaModel, function: str = "sum", **more: Any) -> Tree:
    column = {"column": "total"}
    return {"method": "aggregation", "relationship": way(customers), "function": function, "column": column, **more}


def dearer_than(amount: float) -> Tree:
    test = {"operator": "greater", "operand": {"kind": "values", "values": [amount]}}
    return {"type": "group", "conditions": [{"type": "property", "field": {"column": "total"}, "test": test}]}


def formula(sql: str, result: str = "string") -> Tree:
    return {"method": "formula", "sql": sql, "result": result}


def trait(place: Place, model: SchemaModel, name: str, definition: Tree, **more: Any) -> Trait:
    return traits.create_trait(actor=place.actor, model=model, name=name, definition=definition, **more)


def values(model: SchemaModel, made: Trait) -> dict[Any, Any]:
    """The trait's value by key, as the source gives it."""
    key = Output("key", field=Field(model.primary_key[0]))
    query = values_of(schema_with_audiences(model.source), str(model.pk), [key, Output("value", trait=str(made.pk))])
    return dict(first_rows(open_source(model.source), query.sql(), 100, 30.0))


@pytest.mark.services
@pytest.mark.parametrize("system", ["duckdb", "postgres"])
def test_every_method_is_calculated_for_each_row(place: Place, services: Urls, settings: Any, system: str) -> None:
    settings.OUTBOUND_ALLOW = ["*"]
    customers = parent(place, warehouse(place) if system == "duckdb" else database(place, services.acme_url))
    orders(place, customers)
    to_orders = way(customers)
    listed = {"columns": [{"column": {"column": "order_id"}}], "order_by": {"column": "ordered_at"}, "descending": True}
    last = {"which": "last", "column": {"column": "order_id"}, "order_by": {"column": "ordered_at"}}
    tier = "CASE WHEN SUM({{column \"total\"}}) > 25 THEN 'high' ELSE 'low' END"
    ltv = trait(place, customers, "Lifetime value", spent(customers))
    made = {
        "count": trait(
            place, customers, "Dear orders", {"method": "count", "relationship": to_orders, "where": dearer_than(10)}
        ),
        "last": trait(place, customers, "Last order", {"method": "occurrence", "relationship": to_orders, **last}),
        "list": trait(
            place, customers, "Orders, newest first", {"method": "list", "relationship": to_orders, **listed}
        ),
        "sql": trait(
            place,
            customers,
            "Tier",
            {"method": "sql", "relationship": to_orders, "sql": tier, "result": "string", "default": "none"},
        ),
        "formula": trait(place, customers, "Big", formula('COALESCE({{"trait.Lifetime value"}}, 0) > 20', "boolean")),
    }
    assert {key: float(value or 0) for key, value in values(customers, ltv).items()} == {1: 27.5, 2: 0, 3: 0, 4: 0}
    found = {name: values(customers, each) for name, each in made.items()}
    assert [found[name][1] for name in ("count", "last", "sql", "formula")] == [1, 11, "high", True]
    assert [found[name][2] for name in ("count", "last", "sql", "formula")] == [0, None, "none", False]
    assert [int(each) for each in _read(found["list"][1])] == [11, 10]


def _read(value: Any) -> list[Any]:
    return list(json.loads(value)) if isinstance(value, str) else list(value)


def test_formulas_follow_renamed_traits_and_loops_are_refused(place: Place, customers: SchemaModel) -> None:
    ltv = trait(place, customers, "LTV", spent(customers))
    tier = trait(place, customers, "Tier", formula("CASE WHEN {{\"trait.LTV\"}} > 20 THEN 'high' END"))
    traits.update_trait(actor=place.actor, trait=ltv, name="Lifetime value")
    assert values(customers, tier)[1] == "high"
    with pytest.raises(Invalid, match=r"“Lifetime value” would be made of itself: .* “Tier” → “Lifetime value”"):
        traits.update_trait(actor=place.actor, trait=ltv, definition=formula('LENGTH({{"trait.Tier"}})', "number"))
    with pytest.raises(Conflict, match="“Lifetime value” is used by trait “Tier”"):
        traits.delete_trait(actor=place.actor, trait=ltv)
    traits.archive_trait(actor=place.actor, trait=ltv)
    assert values(customers, tier)[1] == "high", "what uses an archived trait goes on working"


WRONG: tuple[tuple[str, Tree, str], ...] = (
    ("ltv", formula("name"), "has a trait “LTV” already"),
    ("Region", formula("name"), "has a column “region” already"),
    (" ", formula("name"), "Give the trait a name"),
    ("New", formula('{{"trait.Nothing"}}'), "There is no trait “Nothing”"),
    ("New", formula("SUM(id)"), "A formula is about one row"),
    ("New", {"method": "median"}, "median"),
)


def test_what_is_wrong_with_a_trait_is_said(place: Place, customers: SchemaModel) -> None:
    trait(place, customers, "LTV", spent(customers))
    for name, definition, words in WRONG:
        with pytest.raises(Invalid, match=words):
            trait(place, customers, name, definition)


def test_traits_that_follow_a_template_change_with_it(place: Place, customers: SchemaModel) -> None:
    blank = {"operator": "greater", "operand": {"kind": "blank", "label": "least amount"}}
    where = {"conditions": [{"type": "property", "field": {"column": "total"}, "test": blank}]}
    template = trait(place, customers, "Spent", spent(customers, where=where), is_template=True)
    fill = {"least amount": {"kind": "values", "values": [10]}}
    follower = traits.create_trait_from(actor=place.actor, template=template, name="Spent on dear ones", blanks=fill)
    cheap = {"operator": "less", "operand": {"kind": "values", "values": [15]}}
    extra = {"conditions": [{"type": "property", "field": {"column": "total"}, "test": cheap}]}
    narrow = traits.create_trait_from(
        actor=place.actor,
        template=template,
        name="Little",
        blanks={"least amount": {"kind": "values", "values": [1]}},
        extra=extra,
    )
    own = traits.create_trait_from(actor=place.actor, template=template, name="Own", blanks=fill)
    traits.update_trait(actor=place.actor, trait=own, definition=spent(customers, "minimum"))
    assert [float(values(customers, each)[1]) for each in (follower, narrow, own)] == [20.5, 7, 7]
    with pytest.raises(Invalid, match="blank"):
        traits.create_trait_from(actor=place.actor, template=template, name="Unfilled")

    traits.update_trait(actor=place.actor, trait=template, definition=spent(customers, "average", where=where))
    for each in (follower, narrow, own):
        each.refresh_from_db()
    assert [each.definition["function"] for each in (follower, narrow, own)] == ["average", "average", "minimum"]
    assert (own.overrides, follower.overrides) == (True, False)
    assert float(values(customers, narrow)[1]) == 7
    traits.update_trait(actor=place.actor, trait=own, follow=True, blanks=fill)
    assert Trait.objects.get(pk=own.pk).definition["function"] == "average"
    with pytest.raises(Conflict, match="would not work any more"):
        traits.update_trait(actor=place.actor, trait=template, definition=formula("name"))


def test_traits_live_on_events_too(place: Place, customers: SchemaModel) -> None:
    event = SchemaModel.objects.get(name="Orders")
    size = trait(place, event, "Size of order", formula("CASE WHEN total > 10 THEN 'large' ELSE 'small' END"))
    large = {"operator": "equals", "operand": {"kind": "values", "values": ["large"]}}
    where = {"conditions": [{"type": "trait", "trait": str(size.pk), "test": large}]}
    definition = {"where": {"conditions": [{"type": "event", "relationship": way(customers), "where": where}]}}
    made = studio.create_audience(actor=place.actor, parent=customers, name="Large", definition=definition)
    calculation = studio.calculate_size(actor=place.actor, parent=customers, definition=made.definition, audience=made)
    calculate(calculation.pk)
    made.refresh_from_db()
    assert made.size == 1
    with pytest.raises(Conflict, match="audience “Large”"):
        traits.delete_trait(actor=place.actor, trait=size)
    with pytest.raises(Conflict, match="trait “Size of order”"):
        delete_schema_model(actor=place.actor, model=event)
    assert computed_outputs(made) == [], "only traits of the parent model are sent along"


def test_frequent_values_are_found_for_filters(place: Place, source: Source, customers: SchemaModel) -> None:
    made = trait(place, customers, "Tier", formula("COALESCE(region, 'nowhere')"), suggest=True)
    work(made.pk)
    made.refresh_from_db()
    assert made.suggestions == [["north", 2]], "values that only one row has are nobody's business"
    change(source, "DROP TABLE customers")
    work(made.pk)
    made.refresh_from_db()
    assert made.suggestions
    assert "customers" in made.suggest_error


def test_audiences_have_columns_of_their_own(world: World, place: Place, customers: SchemaModel) -> None:
    ltv = trait(place, customers, "LTV", spent(customers))
    made = studio.create_audience(actor=place.actor, parent=customers, name="All", definition={"where": {}})
    sent = open_for_syncs(actor=place.actor, audience=made)
    added = enrichments.add_enrichment(
        actor=place.actor, audience=made, name="Spent on dear ones", trait=ltv.pk, where=dearer_than(10)
    )
    made.refresh_from_db()
    assert [output.name for output in computed_outputs(made)] == ["LTV", "Spent on dear ones"]
    types = dict(sent.columns.filter(missing=False).values_list("name", "type"))
    assert (types["LTV"], types["Spent on dear ones"]) == ("number", "number")
    query = values_of(schema_with_audiences(customers.source), str(customers.pk), enrichment_outputs(made))
    found = [float(value) for (value,) in first_rows(open_source(customers.source), query.sql(), 9, 30.0) if value]
    assert found == [20.5]
    for name, words in (("ltv", "already"), ("Email", "already")):
        with pytest.raises(Invalid, match=words):
            enrichments.add_enrichment(actor=place.actor, audience=made, name=name, trait=ltv.pk)
    with pytest.raises(Conflict, match="audience “All”"):
        traits.delete_trait(actor=place.actor, trait=ltv)
    with pytest.raises(Denied):
        enrichments.remove_enrichment(actor=person(world["viewer"]), audience=made, enrichment=added["id"])
    copied = studio.clone_audience(actor=place.actor, audience=made)
    assert copied.enrichments == made.enrichments
    enrichments.remove_enrichment(actor=place.actor, audience=made, enrichment=added["id"])
    assert Audience.objects.get(pk=made.pk).enrichments == []
    traits.archive_trait(actor=place.actor, trait=ltv)
    left = set(sent.columns.filter(missing=False).values_list("name", flat=True))
    assert not left & {"LTV", "Spent on dear ones"}, "what is gone or archived is offered to no mapping"


def test_values_that_privacy_hides_stay_hidden_in_previews(place: Place, customers: SchemaModel) -> None:
    made = studio.create_audience(actor=place.actor, parent=customers, name="All", definition={"where": {}})
    for name, sql in (("Loud", "UPPER(email)"), ("Soft", "LOWER(name)")):
        enrichments.add_enrichment(actor=place.actor, audience=made, name=name, definition=formula(sql))
    customers.columns.filter(name="email").update(privacy="redacted")
    made.refresh_from_db()
    found = preview_members(actor=place.actor, parent=customers, definition=made.definition, audience=made)
    names = [column.name for column in found.columns]
    assert "Soft" in names
    assert "Loud" not in names


def test_traits_are_made_changed_and_removed_over_the_api(place: Place, customers: SchemaModel) -> None:
    call = Caller(place)
    body = {"modelId": customers.pk, "name": "LTV", "definition": spent(customers)}
    made = call("POST", "traits", body)
    assert (made["resultType"], made["archived"], made["templateId"]) == ("number", False, None)
    sql = '{{"trait.LTV"}} + 1'
    plus = call("POST", "traits", {**body, "name": "More", "definition": formula(sql, "number")})
    assert plus["definition"]["sql"] == sql, "people read names, whatever is stored"
    wrong = call("POST", "traits", {**body, "name": "X", "definition": formula("nothing")}, status=422)
    assert "nothing" in str(wrong["details"])
    template = call("POST", "traits", {**body, "name": "Template", "isTemplate": True})
    child = call("POST", "traits", {"templateId": template["id"], "name": "Child", "where": dearer_than(10)})
    first = call("POST", f"traits/{child['id']}/preview")
    known = {row[0]: row[-1] for row in first["rows"]}
    assert (first["columns"][-1]["name"], float(known[1]), first["unfit"]) == ("Child", 20.5, "")
    call("PATCH", f"traits/{template['id']}", {"definition": spent(customers, "average")})
    assert call("GET", f"traits/{child['id']}")["definition"]["function"] == "average"
    assert [each["name"] for each in call("GET", "traits?template=true")["data"]] == ["Template"]
    call("PATCH", f"traits/{child['id']}", {"archived": True})
    assert [each["name"] for each in call("GET", "traits?archived=true")["data"]] == ["Child"]
    call("DELETE", f"traits/{template['id']}", status=409)
    call("DELETE", f"traits/{child['id']}", status=204)

    audience = call("POST", "audiences", {"parentModelId": customers.pk, "name": "All", "definition": {"where": {}}})
    path = f"audiences/{audience['id']}/enrichments"
    added = call("POST", path, {"name": "Spent", "traitId": made["id"], "where": dearer_than(10)})
    call("PATCH", f"{path}/{added['id']}", {"name": "Spent on dear ones"})
    assert [each["name"] for each in call("GET", path)["data"]] == ["Spent on dear ones"]
    call("DELETE", f"{path}/{added['id']}", status=204)
    call("GET", f"{path}/{added['id']}", status=404)


def test_a_marketer_makes_a_trait_by_clicking(world: World, place: Place, customers: SchemaModel) -> None:
    someone = Person(place, f"traits/new/{customers.pk}")
    assert "the sum of total of Orders" in someone.html, "the first guess is no key"
    someone.type(**{"text:/definition/method": "occurrence"})
    someone.type(**{"json:/definition/column": '{"column":"order_id","via":[]}'})
    someone.press("add|/definition/where|property")
    assert "1 to finish" in someone.html
    someone.type(**{"json:/definition/where/conditions/0/field": '{"column":"total","via":[]}'})
    someone.type(**{"list:/definition/where/conditions/0/test/operand/values": "7"})
    assert "the last order_id of Orders by ordered_at where total is 7." in someone.html
    assert "Give the trait a name." in someone.press("save", name=" ").content.decode()
    saved = someone.press("save", name="Order of seven", description="For the letter")
    made = Trait.objects.get(name="Order of seven")
    assert "name_trait" not in someone.html, "a condition inside a trait is kept with the trait"
    assert saved.headers["HX-Redirect"] == made.get_absolute_url()
    assert values(customers, made)[1] == 11

    page = Person(place, f"traits/{made.pk}")
    assert "Discard changes" not in page.html
    page.type(**{"text:/definition/method": "formula"})
    page.type(**{"text:/definition/sql": '{{"trait.Nobody"}} || {{"name"}}'})
    assert "trait.Nobody is not there" in page.html
    page.type(**{"text:/definition/sql": "UPPER(", "insert:/definition/sql": '{{"name"}}'})
    assert page.tree["definition"]["sql"] == 'UPPER({{"name"}}'
    page.type(**{"text:/definition/sql": 'UPPER({{"name"}})'})
    page.press("save", suggest="on", description="Loud")
    made.refresh_from_db()
    assert (made.method, made.suggest, made.description) == ("formula", True, "Loud")
    listed = Person(place, "traits?q=seven").html
    assert "SQL formula" in listed
    reader = Person(place, f"traits/{made.pk}", world.people["viewer"])
    assert "Discard changes" not in reader.html
    assert reader.press("save").status_code == 403


def test_values_are_previewed_with_what_rows_are_known_by(world: World, place: Place, customers: SchemaModel) -> None:
    def preview(definition: Tree, user: Any = None) -> str:
        url = f"/{place.workspace.slug}/studio/schema/{customers.pk}/trait-values"
        posted = {"tree": json.dumps({"definition": definition})}
        return str(Person(place, "traits", user).client.post(url, posted).content.decode())

    shown = preview(spent(customers))
    assert "Ada" in shown
    assert "27.5" in shown
    assert "The type of the result does not fit" in preview(formula("name", "number"))
    assert "You may not see rows of Customers" in preview(spent(customers), world.people["viewer"])
    customers.columns.filter(name="email").update(privacy="redacted")
    assert "ada@shop.test" not in preview(formula("email"))


def test_templates_are_followed_filled_in_and_left_again_on_pages(place: Place, customers: SchemaModel) -> None:
    someone = Person(place, f"traits/new/{customers.pk}?template=1")
    someone.press("add|/definition/where|property")
    someone.type(**{"json:/definition/where/conditions/0/field": '{"column":"total","via":[]}'})
    someone.type(**{"text:/definition/where/conditions/0/test/operator": "greater"})
    someone.type(**{"text:/definition/where/conditions/0/test/operand/kind": "blank"})
    someone.type(**{"text:/definition/where/conditions/0/test/operand/label": "least amount"})
    someone.press("save", name="Spent")
    template = Trait.objects.get(name="Spent", is_template=True)
    assert "Spent" in Person(place, "traits/from").html
    page = Person(place, f"traits/from/{template.pk}")
    page.type(**{"list:/blanks/least amount/operand/values": "10"})
    assert "the sum of total of Orders where total is more than 10." in page.html
    page.press("save", name="Spent on dear ones")
    follower = Trait.objects.get(name="Spent on dear ones")
    assert (follower.follows, float(values(customers, follower)[1])) == (True, 20.5)
    page = Person(place, f"traits/{follower.pk}")
    assert "Discard changes" not in page.html
    page.press("add|/extra|property")
    page.press("remove|/extra/conditions/0")
    page.press("own")
    page.type(**{"text:/definition/function": "average"})
    page.press("save")
    follower.refresh_from_db()
    assert (follower.follows, follower.definition["function"]) == (False, "average")
    assert "Follow “Spent” again" in Person(place, f"traits/{follower.pk}").html
    usage = Person(place, f"traits/{template.pk}/usage").html
    assert "with logic of its own now" in usage
    client, path = page.client, f"/{place.workspace.slug}/studio/traits/{template.pk}"
    assert "is used by trait" in client.post(f"{path}/delete", {"confirm_name": "Spent"}, follow=True).content.decode()
    assert "/usage?archive=1" in Person(place, "traits?shown=templates").html
    assert "goes on working with it" in client.get(f"{path}/usage?archive=1").content.decode()
    client.post(f"{path}/do/archive")
    assert "Spent" in Person(place, "traits?shown=archived").html
    client.post(f"{path}/clone")
    assert Trait.objects.filter(name="Spent (copy)", is_template=True).exists()


def test_traits_are_used_edited_and_kept_inside_an_audience(place: Place, customers: SchemaModel) -> None:
    ltv = trait(place, customers, "LTV", spent(customers))
    made = studio.create_audience(actor=place.actor, parent=customers, name="Big", definition={"where": {}})
    page = Person(place, f"audiences/{made.pk}/definition")
    page.press("add|/where|trait")
    page.type(**{"text:/where/conditions/0/test/operator": "greater"})
    page.type(**{"list:/where/conditions/0/test/operand/values": "20"})
    assert "Customers where LTV is more than 20." in page.html
    assert "Save as a column of this audience" in page.html
    page.press(f"set|/where/conditions/0/definition|{json.dumps(spent(customers))}")
    page.type(**{"text:/where/conditions/0/definition/function": "average"})
    assert "the average of total of Orders is more than 20" in page.html
    page.press("name_trait|/where/conditions/0")
    refused = page.press("keep_trait|/where/conditions/0", keep_name="ltv").content.decode()
    assert "has a trait “LTV” already" in refused
    page.press("keep_trait|/where/conditions/0", keep_name="Usual order")
    kept = Trait.objects.get(name="Usual order")
    assert page.tree["where"]["conditions"][0]["trait"] == str(kept.pk)
    assert Trait.objects.get(pk=ltv.pk).definition["function"] == "sum"
    page.press("add|/where|event")
    page.press("name_column|/where/conditions/1")
    page.press(
        "keep_column|/where/conditions/1", keep_name="Last order", keep_how="last", keep_column='{"column":"order_id"}'
    )
    assert "“Last order” is a column of this audience now" in page.html
    page.press("keep_column|/where/conditions/0", keep_name="Their usual order")
    made.refresh_from_db()
    assert [each["name"] for each in made.enrichments] == ["Last order", "Their usual order"]
    page.press("save")
    members = page.client.post(
        f"/{place.workspace.slug}/studio/parents/{customers.pk}/members", {"audience": made.pk}
    ).content.decode()
    assert "Last order" in members

    form = Person(place, f"audiences/{made.pk}/traits/new")
    form.press("add|/where|property", trait=str(ltv.pk))
    form.type(**{"json:/where/conditions/0/field": '{"column":"total","via":[]}', "trait": str(ltv.pk)})
    form.type(**{"list:/where/conditions/0/test/operand/values": "7", "trait": str(ltv.pk)})
    form.press("save", trait=str(ltv.pk), name="Spent on sevens")
    page = Person(place, f"audiences/{made.pk}/traits")
    assert "total is 7" in page.html
    added = Audience.objects.get(pk=made.pk).enrichments[-1]["id"]
    page.client.post(f"/{place.workspace.slug}/studio/audiences/{made.pk}/traits/{added}/remove")
    assert len(Audience.objects.get(pk=made.pk).enrichments) == 2


def test_sql_of_people_gives_lists_objects_and_merged_values(place: Place, customers: SchemaModel) -> None:
    event = SchemaModel.objects.get(name="Orders")
    Relationship.objects.filter(from_model=event).update(merged=["region"])
    over = {"method": "sql", "relationship": way(customers), "result": "object"}
    ids = trait(place, customers, "Ids", {**over, "sql": 'ARRAY_AGG(DISTINCT {{column "order_id"}})'})
    pairs = 'JSON_GROUP_OBJECT({{column "order_id"}}, {{column "total"}})'
    objects = trait(place, customers, "Amounts", {**over, "sql": pairs})
    assert sorted(int(each) for each in _read(values(customers, ids)[1])) == [10, 11]
    assert set(json.loads(values(customers, objects)[1])) == {"10", "11"}
    north = trait(place, event, "North", formula("{{\"merged.Customers.region\"}} LIKE 'nor%'", "boolean"))
    assert values(event, north) == {10: True, 11: True}
    with pytest.raises(Invalid, match="not of the type number"):
        trait(place, customers, "X", {**over, "sql": "COUNT(*)", "result": "number", "default": "none"})


def test_what_a_trait_needs_is_not_taken_away_unsaid(place: Place, customers: SchemaModel) -> None:
    trait(place, customers, "LTV", spent(customers))
    event = SchemaModel.objects.get(name="Orders")
    with pytest.raises(Conflict, match="used by trait “LTV”"):
        delete_relationship(actor=place.actor, relationship=event.relationships.get())
    event.columns.filter(name="total").update(missing=True)
    assert "which the trait “LTV” is made of" in Person(place, f"schema/{event.pk}").html


def test_a_trait_that_a_sync_sends_keeps_its_name_and_is_sent_after_it_was_archived(
    place: Place, customers: SchemaModel
) -> None:
    ltv = trait(place, customers, "LTV", spent(customers))
    audience = studio.create_audience(actor=place.actor, parent=customers, name="All", definition={"where": {}})
    least = spent(customers, "minimum")
    own = enrichments.add_enrichment(actor=place.actor, audience=audience, name="Least", definition=least)
    body = {"endpoint": "/worth", "payload": "json_editor", "json": '{"worth": [{{ row.LTV }}, {{ row.Least }}]}'}
    model = open_for_syncs(actor=place.actor, audience=audience)
    proposal = Proposal(sync_type="requests", settings={"added": body})
    create_sync(actor=place.actor, model=model, destination=place.rows["destination"], proposal=proposal, name="Worth")
    with pytest.raises(Conflict, match="“Worth” calls its column"):
        traits.update_trait(actor=place.actor, trait=ltv, name="Value")
    with pytest.raises(Conflict, match="sync “Worth”"):
        traits.delete_trait(actor=place.actor, trait=ltv)
    with pytest.raises(Conflict, match="“Least” is sent by “Worth”"):
        enrichments.remove_enrichment(actor=place.actor, audience=audience, enrichment=own["id"])
    traits.archive_trait(actor=place.actor, trait=ltv)
    assert model.columns.filter(name="LTV", missing=False).exists()
    assert "Worth" in Person(place, f"traits/{ltv.pk}/usage").html


def test_what_several_audiences_ask_is_offered_as_one_trait(place: Place, customers: SchemaModel) -> None:
    orders = str(customers.relationships_to.get().pk)
    lately = {"operator": "within", "operand": {"kind": "window", "amount": 30, "unit": "day"}}
    active = {"where": {"conditions": [{"type": "event", "relationship": orders, "when": lately}]}}
    studio.create_audience(actor=place.actor, parent=customers, name="Active", definition=active)
    page = Person(place, f"audiences/new/{customers.pk}")
    page.press("add|/where|event")
    assert "Also in" not in page.html
    page.press('set|/where/conditions/0/when|{"operator": "within"}')
    assert "Also in “Active”" in page.html
    page.press("as_trait|/where/conditions/0")
    page.press("keep_trait|/where/conditions/0", keep_name="Recent orders")
    kept = Trait.objects.get(name="Recent orders")
    assert (kept.definition["method"], "window" in str(kept.definition)) == ("count", True)
    [condition] = page.tree["where"]["conditions"]
    assert (condition["trait"], condition["test"]["operator"]) == (str(kept.pk), "greater_or_equal")
    assert "Customers where Recent orders is at least 1." in page.html
    assert "Also in" not in page.html, "it is said once now"
    assert page.client.post(page.path, {"tree": "{}", "do": "as_trait|/where/conditions/9"}).status_code == 422
