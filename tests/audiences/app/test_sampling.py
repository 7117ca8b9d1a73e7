"""Samples of parent models: taken in the source, asked by pages and programs, and left by who is forgotten."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db.models import F
from django.utils import timezone

from audiences.calculating import work as calculate
from audiences.choices import Cardinality, LookState
from audiences.models import Calculation, SampledModel, SampleTable, Sampling, SchemaModel
from audiences.privacy.samples import SampleHolder
from audiences.query.splits import slot
from audiences.sampling import drop_unread, work
from audiences.selectors.sampling import sample_for
from audiences.selectors.schema import studio_schema
from audiences.services import ColumnSettings, Tie, change_columns, create_relationship
from audiences.services import sampling as services
from config.embedded import Urls
from config.errors import Conflict
from connectors import services as connectors
from connectors.access import open_source
from connectors.models import Source
from connectors.sdk.planner import Statement, warehouse_of
from governance.privacy.registry import Order, Subject, Wait
from tests.audiences.app import shop
from tests.audiences.app.acting import NORTH, Caller, Person, audience, where
from tests.world import Place, World
from workspaces.scoping import workspace_scope

PEOPLE = 1_000
MORE = """
INSERT INTO customers SELECT n, 'N' || n, 'n' || n || '@shop.test', CASE WHEN n % 2 = 0 THEN 'north' ELSE 'south' END,
  DATE '2026-01-01' FROM {numbers};
INSERT INTO orders SELECT 100 + n, n, 5, TIMESTAMP '2026-05-03 10:00:00' FROM {numbers} WHERE n % 4 = 0
"""
NUMBERS = {"duckdb": f"range(5, {PEOPLE + 1}) t(n)", "postgres": f"generate_series(5, {PEOPLE}) t(n)"}


@pytest.fixture(params=["duckdb", "postgres"])
def source(request: pytest.FixtureRequest, world: World, services: Urls, settings: Any) -> Any:
    """A shop of a thousand customers, in a source that Headrace may write into."""
    settings.OUTBOUND_ALLOW = ["*"]
    place = world.acme
    with workspace_scope(place.workspace.pk):
        if request.param == "duckdb":
            made = shop.warehouse(place, f"Sampled {uuid4().hex[:8]}")
            shop.change(made, MORE.format(numbers=NUMBERS["duckdb"]))
        else:
            made = shop.database(place, services.acme_url)
            run(services.acme_url, MORE.format(numbers=NUMBERS["postgres"]))
        yield made


def run(url: str, statements: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as there:
        there.execute("SET search_path TO main")
        there.execute(statements)
        for schema in ("headrace_planner", "headrace_audit"):
            there.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")


@pytest.fixture
def place(world: World) -> Place:
    return world.acme


@pytest.fixture
def customers(place: Place, source: Source) -> SchemaModel:
    """The customers with their orders."""
    assert connectors.check_write_access(actor=place.actor, source=source).ok
    made = shop.parent(place, Source.objects.get(pk=source.pk))
    shop.orders(place, made)
    return SchemaModel.objects.select_related("source").get(pk=made.pk)


def in_source(source: Source, table: SampleTable, column: str) -> set[Any]:
    """One column of a sample."""
    with warehouse_of(open_source(source)).session() as session:
        from sqlglot import exp

        from connectors.sdk.planner import own_table

        asked = exp.select(exp.column(column, quoted=True)).from_(own_table(table.name))
        return {value for (value,) in session.rows(Statement(asked))}


def tables(sampling: Sampling) -> dict[str, SampleTable]:
    rows = SampleTable.objects.filter(sampling=sampling, made_at__isnull=False, drop_at=None)
    return {table.model_name: table for table in rows}


def sampled(place: Place, customers: SchemaModel, percent: Any = 20) -> Sampling:
    """The customers and their orders, sampled."""
    [orders] = SchemaModel.objects.filter(name="Orders")
    services.change_sampling(
        actor=place.actor, parent=customers, enabled=True, percent=percent, every="", models={orders.pk: "inherit"}
    )
    made = services.run_sampling(actor=place.actor, parent=customers)
    work(made.pk)
    made = Sampling.objects.get(pk=made.pk)
    assert made.state == LookState.DONE, list(SampledModel.objects.values_list("error_message", flat=True))
    return made


def inside(sampling: Sampling) -> set[int]:
    edge = round(float(sampling.percent) * 100)
    return {key for key in range(1, PEOPLE + 1) if slot(sampling.salt, str(key)) < edge}


def test_a_page_takes_a_sample_and_the_builder_asks_it(place: Place, customers: SchemaModel, source: Source) -> None:
    [orders] = SchemaModel.objects.filter(name="Orders")
    made = audience(place, customers, "North", where(NORTH))
    person = Person(place, f"schema/{customers.pk}/sampling")
    assert "Orders" in person.html
    assert "Use sampled data" not in Person(place, f"audiences/{made.pk}/definition").html
    form = {"enabled": "on", "percent": "20", "every": "day", "model": str(orders.pk), "do": "run"}
    answer = person.client.post(person.path, {**form, "percent": "0"})
    assert answer.status_code == 422
    assert person.client.post(person.path, {**form, "do": "save"}).status_code == 302
    Sampling.objects.update(salt="salt")
    assert person.client.post(person.path, form).status_code == 302
    sampling = Sampling.objects.get(parent_model=customers)
    assert sampling.state == LookState.WAITING
    work(sampling.pk)
    work(sampling.pk)  # a second message finds nothing to do
    found, keys = tables(sampling), inside(sampling)
    assert in_source(source, found["Customers"], "id") == keys
    assert in_source(source, found["Orders"], "customer_id") == {1} & keys | {
        key for key in keys if key > 4 and key % 4 == 0
    }
    assert f"{len(keys):,}" in Person(place, f"schema/{customers.pk}/sampling").html
    assert "Customers" in Person(place, f"schema/{orders.pk}/sampling").html

    person = Person(place, f"audiences/{made.pk}/definition")
    assert "Use sampled data" in person.html
    north = {key for key in keys if key in (1, 2) or (key > 4 and key % 2 == 0)}
    said = asked(person, f"parents/{customers.pk}/calculate", audience=made.pk, sampled="1")
    assert f"about {len(north) * 5:,} of about {len(keys) * 5:,} Customers · approximate, from a 20% sample" in said
    whole = asked(person, f"parents/{customers.pk}/calculate", audience=made.pk)
    assert "500 of 1,000 Customers" in whole
    assert abs(len(north) * 5 - 500) < 135, "three standard deviations, and always the same for this salt"
    made.refresh_from_db()
    assert made.size == 500, "a sample's size is not kept as the audience's"
    rows = person.client.post(
        f"/{place.slug}/studio/parents/{customers.pk}/members", {"audience": made.pk, "sampled": "1"}
    )
    assert "Of the rows in the sample." in rows.content.decode()

    def preview(**more: str) -> str:
        tree = {"definition": {"type": "count", "relationship": str(customers.relationships_to.get().pk)}}
        import orjson

        data = {"tree": orjson.dumps(tree).decode(), **more}
        answer = person.client.post(f"/{place.slug}/studio/schema/{customers.pk}/trait-values", data)
        return str(answer.content.decode())

    assert "Of the rows in the sample." in preview(sampled="1")
    assert "Of the rows in the sample." not in preview()
    person.press("save", sampled="1")
    made.refresh_from_db()
    assert made.sampled
    assert "worked out from a 20% sample" in Person(place, f"audiences/{made.pk}").html


def asked(person: Person, path: str, **fields: Any) -> str:
    answer = person.client.post(f"/{person.path.split('/')[1]}/studio/{path}", fields)
    assert answer.status_code == 200, answer.content
    made = Calculation.objects.latest("pk")
    calculate(made.pk)
    shown = person.client.get(f"/{person.path.split('/')[1]}/studio/calculations/{made.pk}").content.decode()
    return " ".join(re.sub(r"<script.*?</script>|<[^>]+>", " ", shown, flags=re.S).split())


def test_a_failing_run_keeps_the_sample_and_another_schedule_makes_one_table(
    place: Place, customers: SchemaModel, source: Source
) -> None:
    sampling = sampled(place, customers)
    [orders] = SchemaModel.objects.filter(name="Orders")
    before = tables(sampling)
    SchemaModel.objects.filter(pk=orders.pk).update(table_name="nowhere")
    services.run_sampling(actor=place.actor, parent=customers)
    work(sampling.pk)
    assert tables(sampling) == before
    page = Person(place, f"schema/{customers.pk}/sampling").html
    assert "nowhere" in page, "the source's own words"
    assert "Nothing of this run was taken over" in page
    SchemaModel.objects.filter(pk=orders.pk).update(table_name="orders")
    services.change_sampling(actor=place.actor, parent=customers, models={orders.pk: "hour"})
    assert services.ask_for_due_samples(timezone.now()) == 0
    assert services.ask_for_due_samples(timezone.now() + timedelta(hours=2)) == 1
    assert Sampling.objects.get(pk=sampling.pk).wanted == [orders.pk]
    killed = services.begin_sample(sampling.pk)
    assert killed is not None
    note = services.note_table(killed, orders, "h_left_behind", "")
    assert services.take_up_lost_samples(timezone.now()) == 0
    assert services.take_up_lost_samples(timezone.now() + timedelta(minutes=5)) == 1
    work(sampling.pk)
    after = tables(sampling)
    assert after["Customers"] == before["Customers"]
    assert after["Orders"] != before["Orders"]
    assert not services.finish_sample(killed, {note.pk: 1}), "the attempt before is nobody's any more"
    SampleTable.objects.filter(drop_at__isnull=False).update(drop_at=F("drop_at") - timedelta(hours=1))
    assert drop_unread(source) >= 1
    assert not SampleTable.objects.filter(pk=before["Orders"].pk).exists()
    with warehouse_of(open_source(source)).session() as session:
        prefix = before["Orders"].name.partition("_sample")[0]
        assert set(session.tables(f"{prefix}_sample{sampling.pk}_")) == {table.name for table in after.values()}
    services.change_sampling(actor=place.actor, parent=customers, enabled=False)
    assert drop_unread(source) == 2
    assert not SampleTable.objects.exists()
    assert set(sampling.sampled.values_list("state", "ran_at")) == {("", None)}
    services.change_sampling(actor=place.actor, parent=customers, enabled=True)
    assert services.ask_for_due_samples(timezone.now()) == 1, "what was dropped is taken again at once"


def test_a_model_of_two_parents_is_asked_of_whichever_sample_fits(place: Place, customers: SchemaModel) -> None:
    first = sampled(place, customers)
    [orders] = SchemaModel.objects.filter(name="Orders")
    buyers = shop.parent(place, customers.source, name="Buyers")
    tie = Tie(other=buyers, cardinality=Cardinality.MANY_TO_ONE, keys=(("customer_id", "id"),))
    create_relationship(actor=place.actor, model=orders, tie=tie)
    second = services.change_sampling(
        actor=place.actor, parent=buyers, enabled=True, percent=50, every="", models={orders.pk: "inherit"}
    )
    services.run_sampling(actor=place.actor, parent=buyers)
    work(second.pk)

    def parent() -> str:
        return sample_for(studio_schema(customers.source), orders).parent

    assert services.run_sampling(actor=place.actor, parent=customers).pk == first.pk
    work(first.pk)
    assert parent() == str(customers.pk)
    change_columns(actor=place.actor, model=customers, names=["region"], settings=ColumnSettings(privacy="sync_only"))
    assert parent() == str(buyers.pk), "that of the first is outdated"
    services.change_sampling(actor=place.actor, parent=buyers, enabled=False)
    with pytest.raises(Conflict, match="changed after its sample"):
        parent()


def test_programs_sample_and_count_approximately(place: Place, customers: SchemaModel, source: Source) -> None:
    call = Caller(place)
    path = f"schema-models/{customers.pk}/sampling"
    assert call("GET", path)["enabled"] is False
    call("POST", f"{path}/run", status=409)
    [orders] = SchemaModel.objects.filter(name="Orders")
    body = {"enabled": True, "percent": 30, "every": "week", "models": [{"modelId": orders.pk}]}
    assert call("PATCH", path, body)["models"][1] == {
        "modelId": str(orders.pk), "every": "inherit", "status": "", "ranAt": None, "error": "", "rows": None,
        "takenAt": None, "usable": False,
    }  # fmt: skip
    made = audience(
        place,
        customers,
        "North",
        where(NORTH),
    )
    call("POST", f"audiences/{made.pk}/size", {"sampled": True})
    calculate(Calculation.objects.latest("pk").pk)
    assert "There is no sample of Customers yet." in call("GET", f"audiences/{made.pk}/size")["error"]
    call("POST", f"{path}/run")
    work(Sampling.objects.get().pk)
    keys = inside(Sampling.objects.get())
    answer = call("GET", path)
    assert (answer["status"], [each["usable"] for each in answer["models"]]) == ("done", [True, True])
    assert answer["models"][0]["rows"] == len(keys)
    call("POST", f"audiences/{made.pk}/size", {"sampled": True})
    calculate(Calculation.objects.latest("pk").pk)
    size = call("GET", f"audiences/{made.pk}/size")
    assert (size["samplePercent"], size["total"]) == (30, round(len(keys) / 0.3))
    everybody = audience(place, customers, "Everybody", where())
    made_of = call(
        "POST", f"audiences/{everybody.pk}/breakdown", {"by": {"field": {"column": "region"}}, "sampled": True}
    )
    calculate(int(made_of["id"]))
    groups = call("GET", f"calculations/{made_of['id']}")["answer"]["groups"]
    assert {each["label"]: each["members"] for each in groups}["south"] == round(
        len([key for key in keys if key == 3 or (key > 4 and key % 2)]) / 0.3
    )
    first = audience(place, customers, "First", {**where(), "limit": {"by": {"column": "id"}, "count": 400}})
    call("POST", f"audiences/{first.pk}/size", {"sampled": True})
    calculate(Calculation.objects.latest("pk").pk)
    assert call("GET", f"audiences/{first.pk}/size")["members"] == 400, "a limit is one of all rows"
    asking = {"audienceIds": [everybody.pk], "sampled": True}
    overlap = call("POST", f"audiences/{made.pk}/overlap", asking)
    calculate(int(overlap["id"]))
    [shared] = call("GET", f"calculations/{overlap['id']}")["answer"]["others"]
    assert shared["both"] == size["members"]
    # A change of the schema sets what was sampled before aside.
    change_columns(actor=place.actor, model=customers, names=["region"], settings=ColumnSettings(privacy="sync_only"))
    assert [each["usable"] for each in call("GET", path)["models"]] == [False, False]


def test_who_is_forgotten_leaves_the_samples_and_comes_into_none_again(
    place: Place, customers: SchemaModel, source: Source
) -> None:
    sampling = sampled(place, customers, 100)
    holder, order = SampleHolder(), Order(case_id=7, subject=Subject("N8@shop.test", "*"))
    [found] = [holder.find(pk, order.subject, _nothing) for pk in holder.places(order.subject)]
    assert found is not None
    assert found["keys"] == ["8"]
    assert found["held"][0]["values"]["name"] == "N8"
    Sampling.objects.update(state=LookState.RUNNING)
    with pytest.raises(Wait, match="being taken"):
        holder.begin(order, _nothing)
    Sampling.objects.update(state=LookState.DONE)
    notes = holder.begin(order, _nothing)
    lines = [line for step in holder.steps(order, notes) for line in holder.erase(order, notes, step, _nothing)]
    assert [line["count"] for line in lines] == [2, 0], "the customer and the order"
    there = tables(sampling)
    assert there["Customers"].rows == PEOPLE - 1
    assert 8 not in in_source(source, there["Customers"], "id")
    assert 8 not in in_source(source, there["Orders"], "customer_id")
    services.run_sampling(actor=place.actor, parent=customers)
    work(sampling.pk)
    again = tables(sampling)
    assert again["Customers"] != there["Customers"]
    assert again["Customers"].rows == PEOPLE - 1
    assert 8 not in in_source(source, again["Orders"], "customer_id")
    [customers_held, *_] = [
        line for line in holder.holdings(source.pk) if "Customers" in line.label and "half" not in line.kept
    ]
    assert customers_held.rows == PEOPLE - 1


def _nothing() -> None:
    return None
