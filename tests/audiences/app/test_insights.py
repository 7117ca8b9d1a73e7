"""Understanding an audience: its overview, whom it shares, what it is made of, and why somebody is in it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import orjson
from django.contrib.auth.models import Permission as StoredPermission
from django.utils import timezone

from audiences.calculating import work
from audiences.choices import CalculationKind, SizeReason
from audiences.models import Audience, AudienceSize, Calculation, ParentModelGrant, SchemaModel
from audiences.selectors.insights import overlap_rows
from audiences.services import ColumnSettings, change_columns
from audiences.services import audiences as services
from audiences.services.priority import create_priority_list
from audiences.services.sizes import ask_for_daily_sizes, forget_old_sizes, store_size
from connectors.models import Source
from syncs.choices import RunStatus
from syncs.models import Run, Sync
from tests.audiences.app.acting import Caller, Person, audience, where
from tests.audiences.app.shop import change
from tests.audiences.app.test_audiences import customers, place, source
from tests.workspaces.test_object_grants import custom_role
from tests.world import Place, World
from workspaces.access import forget_grants

__all__ = ["customers", "place", "source"]


def test_the_overview_says_who_is_meant_who_uses_it_and_what_happened(
    world: World, place: Place, customers: SchemaModel, source: Source
) -> None:
    made = audience(place, customers)
    audience(place, customers, "Letter", where({"type": "audience", "audience": str(made.pk)}))
    page = Person(place, f"audiences/{made.pk}").html
    assert "Customers where region is “north”." in page
    assert "Letter" in page
    assert "added the audience" in page.lower()
    assert f"/audiences/{made.pk}/definition" in page
    again = Person(place, f"audiences/{made.pk}").client.post(
        f"/{place.workspace.slug}/studio/audiences/{made.pk}/count"
    )
    assert (again.status_code, again["Location"]) == (302, made.get_absolute_url())
    assert "Counting in" in Person(place, f"audiences/{made.pk}").html
    reader = Person(place, f"audiences/{made.pk}", world.people["viewer"]).html
    assert "Calculate now" not in reader
    assert "Calculate again" not in reader
    assert "Customers where region is “north”." in reader


def test_sizes_are_kept_once_a_day_and_when_somebody_counts(
    place: Place, customers: SchemaModel, source: Source
) -> None:
    made = audience(place, customers)
    now = timezone.now()
    assert ask_for_daily_sizes(now) == 1
    assert ask_for_daily_sizes(now) == 0, "one attempt a day"
    work(Calculation.objects.get(kind=CalculationKind.DAILY).pk)
    store_size(made, 5, SizeReason.RUN, at=now - timedelta(days=3))
    change(source, "INSERT INTO customers VALUES (5, 'Edsger', 'e@shop.test', 'north', DATE '2026-05-01')")
    person = Person(place, f"audiences/{made.pk}")
    assert "3 of 5 Customers" in asked(person, f"parents/{customers.pk}/calculate", audience=made.pk)
    sizes = AudienceSize.objects.filter(audience=made).order_by("at").values_list("reason", "members")
    assert list(sizes) == [("run", 5), ("daily", 2), ("asked", 3)]
    page = Person(place, f"audiences/{made.pk}?days=7").html
    assert re.search(r'"data": \[5, null, null, 3\]', page), "the last count of each day"
    assert "75.0% of 4 Customers" not in page, "nobody has counted the model"
    nothing = Person(place, f"audiences/{made.pk}?since=2020-01-01&until=2020-02-01").html
    assert "No count in this time" in nothing
    services.update_audience(actor=place.actor, audience=made, definition=where())
    assert ask_for_daily_sizes(now + timedelta(days=1)) == 1
    assert forget_old_sizes(now + timedelta(days=500)) == 3


def may_build(world: World, customers: SchemaModel) -> None:
    """Let the member build audiences of the customers, without seeing rows."""
    role = custom_role(world, "Builders")
    stored = StoredPermission.objects.get(content_type__model="schemamodel", codename="configure")
    ParentModelGrant.objects.create(
        workspace_id=role.workspace_id, role=role, permission=stored, content_object=customers
    )
    forget_grants()


def asked(person: Person, path: str, **fields: Any) -> str:
    """Ask on a page, let a worker answer, and read the answer."""
    begun = person.client.post(f"/{person.path.split('/')[1]}/studio/{path}", fields)
    if begun.status_code != 200:
        return begun.content.decode()
    made = Calculation.objects.latest("pk")
    assert f"/studio/calculations/{made.pk}" in begun.content.decode()
    work(made.pk)
    answer: str = person.client.get(f"/{person.path.split('/')[1]}/studio/calculations/{made.pk}").content.decode()
    return " ".join(re.sub(r"<script.*?</script>|<[^>]+>", " ", answer, flags=re.S).split())


def test_overlaps_are_counted_both_ways_and_made_into_audiences(
    world: World, place: Place, customers: SchemaModel, source: Source
) -> None:
    made = audience(place, customers)
    not_ada = {
        "type": "property",
        "field": {"column": "name"},
        "test": {"operator": "not_equals", "operand": {"kind": "values", "values": ["Ada"]}},
    }
    other = audience(place, customers, "Not Ada", where(not_ada))
    person = Person(place, f"audiences/{made.pk}/insights")
    assert "Not Ada" in person.html
    said = asked(person, f"parents/{customers.pk}/compare", audience=made.pk, **{"with": other.pk})
    assert "1 member is in “Not Ada”, too: 50% of this audience, 33% of the other." in said
    unsaved = orjson.dumps(where()).decode()
    said = asked(person, f"parents/{customers.pk}/compare", tree=unsaved, **{"with": [made.pk, other.pk]})
    assert "2 members are in “North”, too: 50% of this audience, 100% of the other." in said
    assert "Save this audience first" in said
    assert "Choose an audience to compare with." in asked(person, f"parents/{customers.pk}/compare", audience=made.pk)
    refused = asked(person, f"parents/{customers.pk}/compare", audience=made.pk, **{"with": made.pk})
    assert "shares all of its members with itself" in refused
    create_priority_list(actor=place.actor, parent=customers, name="Letters", audience_ids=[other.pk, made.pk])
    said = asked(person, f"parents/{customers.pk}/compare", audience=made.pk, **{"with": other.pk})
    assert "Nobody is in “Not Ada”, too." in said, "whom the higher one has, the lower one does not get"
    said = asked(person, f"parents/{customers.pk}/break-down", audience=made.pk, of='{"field":{"column":"name"}}')
    assert "Ada 1 100%" in said
    only = overlap_rows(
        {"others": [{"id": str(other.pk), "name": "", "both": 1, "only_this": 1, "only_other": 2}]}, made
    )
    page = person.client.post(f"/{place.slug}/studio/audiences/new/{customers.pk}", {"tree": only[0].made_of[1][1]})
    assert "that are in “North” and are not in “Not Ada”" in page.content.decode()
    assert Person(place, f"audiences/{made.pk}/insights", world.people["viewer"]).html.count("<form") <= 3


def test_breakdowns_show_groups_ranges_and_what_is_calculated_of_them(
    world: World, place: Place, customers: SchemaModel, source: Source
) -> None:
    made = audience(place, customers, "Everybody", where())
    orders_of = str(customers.relationships_to.get().pk)
    region = '{"field":{"column":"region","via":[]}}'
    count = f'{{"relationship":"{orders_of}"}}'
    path = f"parents/{customers.pk}/break-down"
    person = Person(place, f"audiences/{made.pk}/insights")
    assert region.replace('"', "&quot;") in person.html
    said = asked(person, path, audience=made.pk, of=region)
    assert "north 2 50%" in said
    assert "No value 1 25%" in said
    said = asked(person, path, audience=made.pk, of=count, by=region, calculation="sum")
    assert "The sum of Orders" in said
    assert "north 2 2 50%" in said
    assert "0 3 75% 2 1 25%" in asked(person, path, audience=made.pk, of=count)
    change(
        source,
        "INSERT INTO customers SELECT n, 'N' || n, NULL, 'west', DATE '2026-01-01' + n::INT FROM range(100, 130) t(n)",
    )
    joined = '{"field":{"column":"joined","via":[]}}'
    assert "Apr 2026" in asked(person, path, audience=made.pk, of=joined)
    number = '{"field":{"column":"id","via":[]}}'
    assert re.search(
        r"below 20 4 12% 20 to 40 0 0% .* 120 and more 10 29%", asked(person, path, audience=made.pk, of=number)
    )
    for wrong, words in [
        ({"of": "{"}, "Choose a column"),
        ({"of": number, "calculation": "sum"}, "to group by"),
        ({"of": region, "by": region, "calculation": "sum"}, "is no number"),
    ]:
        assert words in asked(person, path, audience=made.pk, **wrong)
    change_columns(actor=place.actor, model=customers, names=["region"], settings=ColumnSettings(privacy="redacted"))
    assert region.replace('"', "&quot;") not in Person(place, f"audiences/{made.pk}/insights").html
    assert "cannot be used here" in asked(person, path, audience=made.pk, of=region)


def test_groups_of_few_people_are_told_to_nobody_who_may_not_see_rows(
    world: World, place: Place, customers: SchemaModel, source: Source
) -> None:
    change(source, "INSERT INTO customers SELECT n, 'N', NULL, 'west', NULL FROM range(100, 105) t(n)")
    made = audience(place, customers, "Everybody", where())
    path, region = f"parents/{customers.pk}/break-down", '{"field":{"column":"region","via":[]}}'
    whole = asked(Person(place, f"audiences/{made.pk}"), path, audience=made.pk, of=region)
    assert "south 1" in whole
    whole_id = Calculation.objects.latest("pk").pk
    may_build(world, customers)
    builder = Person(place, f"audiences/{made.pk}", world.people["member"])
    said = asked(builder, path, audience=made.pk, of=region)
    assert "west 5 56%" in said
    assert "south" not in said
    assert "Other (groups of few people among them) 4" in said
    theirs = builder.client.get(f"/{place.slug}/studio/calculations/{whole_id}").content.decode()
    assert "south" not in theirs, "nor in what somebody else asked"
    assert '"south"' not in str(Calculation.objects.latest("pk").counts), "nor kept"


def test_events_of_members_are_counted(place: Place, customers: SchemaModel, source: Source) -> None:
    change(
        source, "INSERT INTO orders VALUES (12, 2, 5, now()::TIMESTAMP - INTERVAL 1 DAY), (13, 2, 5, now()::TIMESTAMP)"
    )
    made = audience(place, customers)
    person = Person(place, f"audiences/{made.pk}")
    assert "Orders 1" in asked(person, f"audiences/{made.pk}/events", days="30")
    assert "Orders 2" in asked(person, f"audiences/{made.pk}/events", days="400")
    assert "can be counted" in asked(person, f"audiences/{made.pk}/events", days="0")
    assert "Members by event" in Person(place, f"audiences/{made.pk}").html


def test_programs_ask_the_same(place: Place, customers: SchemaModel, source: Source) -> None:
    call = Caller(place)
    made = audience(place, customers)
    other = audience(place, customers, "Everybody", where())
    store_size(made, 5, SizeReason.RUN)
    assert [row["members"] for row in call("GET", f"audiences/{made.pk}/sizes")["data"]] == [5]

    def answer(asked: Any) -> Any:
        work(int(asked["id"]))
        return call("GET", f"calculations/{asked['id']}")["answer"]

    shared = answer(call("POST", f"audiences/{made.pk}/overlap", {"audienceIds": [other.pk]}))
    assert shared["others"] == [{"id": str(other.pk), "name": "Everybody", "both": 2, "only_this": 0, "only_other": 2}]
    by = {"by": {"field": {"column": "region"}}}
    groups = answer(call("POST", f"audiences/{other.pk}/breakdown", by))["groups"]
    assert {group["label"]: group["members"] for group in groups} == {"north": 2, "south": 1, "No value": 1}
    refused = call("POST", f"audiences/{made.pk}/breakdown", {"by": {"field": {"column": "gone"}}}, status=422)
    assert "gone" in str(refused)
    waiting = call("POST", f"audiences/{made.pk}/breakdown", by)
    call("DELETE", f"calculations/{waiting['id']}", status=204)
    assert call("GET", f"calculations/{waiting['id']}")["status"] == "cancelled"
    why = call("POST", f"audiences/{made.pk}/explanation", {"key": "3"})
    assert (why["member"], why["conditions"][0]["value"]) == (False, "south")
    profile = call("POST", f"schema-models/{customers.pk}/profile", {"key": "1"})
    assert (profile["columns"]["name"], profile["audienceIds"]) == ("Ada", [str(other.pk), str(made.pk)])

    first = call("POST", f"audiences/{made.pk}/preview")
    assert first["columns"][0] == {"name": "name", "type": "string"}
    assert (sorted(row[0] for row in first["rows"]), first["more"]) == (["Ada", "Grace"], False)
    found = [row[0] for row in call("POST", f"schema-models/{customers.pk}/profiles", {"search": "lin"})["rows"]]
    assert "Linus" in found
    assert "Ada" not in found
    event = call("POST", f"schema-models/{customers.pk}/timeline", {"key": "1"})["events"][0]
    assert (event["event"], event["at"][:4]) == ("Orders", "2026")
    (did,) = answer(call("POST", f"audiences/{made.pk}/events", {"days": 400}))["events"]
    assert (did["name"], did["members"]) == ("Orders", 1)
    change_columns(actor=place.actor, model=customers, names=["name"], settings=ColumnSettings(privacy="redacted"))
    assert "Ada" not in str(call("POST", f"audiences/{made.pk}/preview"))


def test_the_overview_counts_runs_of_the_last_week(place: Place) -> None:
    sync: Sync = place.rows["audience_sync"]
    made = Audience.objects.get(model=sync.model_id)
    ended = {"status": RunStatus.SUCCEEDED, "finished_at": timezone.now() - timedelta(days=2)}
    Run.objects.filter(pk=place.rows["run"].pk).update(sync=sync, **ended)
    page = Person(place, f"audiences/{made.pk}").html
    assert re.search(r"Completed</span>\s*<span class=\"stat-value\">1<", page)
