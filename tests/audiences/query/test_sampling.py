"""Samples: the same rows everywhere, whole joins inside, and single people taken out of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from audiences.query import conditions as c
from audiences.query.codec import dump
from audiences.query.sample_rows import Wanted, deletions, keys_in, matching
from audiences.query.sampling import fingerprint, kept_columns, sample_parent, sample_related, ways_from
from audiences.query.schema import Privacy, SavedAudience, StudioSchema
from audiences.query.splits import slot
from audiences.query.statements import Asker
from config.embedded import Urls
from connectors.sdk.planner import PLANNER_SCHEMA
from connectors.sdk.types import Table
from tests.audiences.query import shop
from tests.audiences.query.stores import DuckStore, PostgresStore
from tests.audiences.query.test_oracle import half

Rows = dict[str, list[dict[str, Any]]]
EVERYBODY = SavedAudience(id="a", name="A", model="customers", definition=c.Definition())


@pytest.fixture(scope="module")
def stores(services: Urls) -> Iterator[list[DuckStore | PostgresStore]]:
    postgres = PostgresStore(services.database_url)
    yield [DuckStore(), postgres]
    postgres.close()


def sampled(
    store: DuckStore | PostgresStore, asker: Asker, percent: float, ticked: set[str], schema: str = ""
) -> tuple[Asker, Any]:
    """Samples of the customers and these models, and who asks of them."""

    def make(model: str, query: str) -> Table:
        name = f"sample_of_{model}"
        place = f"{schema}.{name}" if schema else name
        store.connection.execute(f"DROP TABLE IF EXISTS {place}")
        store.connection.execute(
            f"CREATE {'' if schema or store.dialect == 'duckdb' else 'TEMP'} TABLE {place} AS {query}"
        )
        return Table(schema, name)

    tables = {"customers": make("customers", sample_parent(asker, "customers", percent, "salt").sql())}
    for model, ways in ways_from(asker.schema, "customers").items():
        if model in ticked:
            tables[model] = make(model, sample_related(asker, "customers", tables["customers"], ways).sql())
    models = {id_: replace(each, sample=tables.get(id_)) for id_, each in asker.schema.models.items()}
    schema_ = replace(asker.schema, models=models, sampled_for="customers")
    return Asker(schema=schema_, clock=asker.clock, sampled=True), tables


def asker_of(store: DuckStore | PostgresStore, **more: Any) -> Asker:
    return Asker(schema=shop.schema(store.dialect, **more), clock=shop.clock(shop.BASE))


@settings(half, max_examples=6)
@given(
    shop.tables(),
    st.lists(shop.groups("customers", 3, 2, 3), min_size=6, max_size=10),
    st.sets(st.sampled_from([name for name in shop.TYPES if name != "customers"])),
)
def test_members_in_the_sample_are_the_members_of_all_rows_that_are_in_it(
    stores: list[DuckStore | PostgresStore], tables: Rows, trees: list[c.Group], ticked: set[str]
) -> None:
    trees = [tree for tree in trees if "percentile" not in str(dump(tree)) and "top" not in str(dump(tree))]
    assume(trees)
    first = shop.first_audiences(c.Group(), c.Group())
    for store in stores:
        store.fill(tables)
        asker = asker_of(store, audiences=first, traits={"spent": shop.spent})
        asking, _ = sampled(store, asker, 50, ticked)
        inside = {row["id"] for row in tables["customers"] if slot("salt", str(row["id"])) < 5000}
        for tree in trees:
            audience = replace(EVERYBODY, definition=c.Definition(tree))
            whole = {key for (key,) in store.rows(asker.members(audience).sql())}
            query = asking.members(audience).sql(pretty=True)
            assert {key for (key,) in store.rows(query)} == whole & inside, f"{store.dialect}: {query}"


def filled() -> DuckStore:
    store = DuckStore()
    run = store.connection.execute
    run("INSERT INTO customers (id, city_id) SELECT range, range % 7 FROM range(1000)")
    run("INSERT INTO cities (id, label) SELECT range, 'C' || range FROM range(7)")
    run("INSERT INTO orders (id, customer_id) SELECT range, range % 1000 FROM range(3000)")
    run("INSERT INTO lines (id, order_id) SELECT range, range % 3000 FROM range(6000)")
    run(f"CREATE SCHEMA {PLANNER_SCHEMA}")
    return store


def test_larger_samples_hold_smaller_ones_and_what_belongs_to_them() -> None:
    store = filled()
    asker = asker_of(store)
    small, large = (
        {row[0] for row in store.rows(sample_parent(asker, "customers", percent, "salt").sql())} for percent in (5, 20)
    )
    assert small < large
    assert large == {key for key in range(1000) if slot("salt", str(key)) < 2000}
    asking, tables = sampled(store, asker, 20, {"orders", "lines", "cities"})
    assert store.rows(asking.count(EVERYBODY).sql()) == [(len(large),)]
    lines = store.rows(f"SELECT order_id FROM {tables['lines'].name}")
    assert len(lines) == 6 * len(large)
    assert {order % 1000 for (order,) in lines} == large


def test_a_person_leaves_all_tables_with_what_is_theirs_alone() -> None:
    store = filled()
    asker = asker_of(store)
    asking, tables = sampled(store, asker, 100, {"orders", "lines", "cities"}, PLANNER_SCHEMA)
    ways = ways_from(asker.schema, "customers")
    assert len(store.rows(matching(asker, tables, "lines", Wanted("3", "order_id"), 10).sql())) == 2
    [(key, *_)] = store.rows(matching(asker, tables, "customers", Wanted("3"), 10).sql())
    touched = []
    for model, statement in deletions(asker, "customers", tables, ways, {"customers": {key}}):
        store.connection.execute(statement.sql("duckdb"))
        touched.append(model)
    assert touched[-1] == "customers"
    left = {name: {row[0] for row in store.rows(keys_in(asker, tables, name).sql())} for name in tables}
    assert {name: len(keys) for name, keys in left.items()} == {
        "customers": 999, "orders": 2997, "lines": 5994, "cities": 7,
    }  # fmt: skip
    assert store.rows(asking.count(EVERYBODY).sql()) == [(999,)]


def test_a_sample_has_only_what_may_be_read_and_is_known_by_how_it_was_made() -> None:
    schema = shop.schema("duckdb")
    ways = ways_from(schema, "customers")
    before = fingerprint(schema, "orders", ways["orders"], "customers")
    assert fingerprint(_with(schema, "cities", alias="Towns"), "orders", ways["orders"], "customers") == before
    hidden = _with(schema, "orders", privacy=Privacy.BLOCKED)
    assert kept_columns(hidden, hidden.models["orders"]) == ["id", "customer_id", "at"]
    assert fingerprint(hidden, "orders", ways["orders"], "customers") != before


def _with(schema: StudioSchema, model: str, **changed: Any) -> StudioSchema:
    columns = tuple(replace(column, **changed) for column in schema.models[model].columns)
    models: Mapping[str, Any] = {**schema.models, model: replace(schema.models[model], columns=columns)}
    return replace(schema, models=models)
