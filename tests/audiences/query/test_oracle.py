"""Compiled SQL says what the plain-Python evaluator says, on real databases.

``ORACLE_EXAMPLES`` is how many sets of tables are tried; many trees are asked of each.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from audiences.query import conditions as c
from audiences.query.codec import dump, load_definition
from audiences.query.schema import SavedAudience, StudioSchema
from audiences.query.statements import Asker
from config.embedded import Urls
from tests.audiences.query import shop
from tests.audiences.query.evaluator import Evaluator
from tests.audiences.query.stores import DuckStore, PostgresStore, Store

EXAMPLES = int(os.environ.get("ORACLE_EXAMPLES", "8"))
TREES = 12
oracle = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="ORACLE_EXAMPLES" not in os.environ,
    database=None,
    phases=[Phase.generate],  # what fails prints its SQL; shrinking would take minutes
    suppress_health_check=list(HealthCheck),
)
half = settings(oracle, max_examples=EXAMPLES // 2)


@pytest.fixture(scope="module")
def stores(services: Urls) -> Iterator[list[Store]]:
    postgres = PostgresStore(services.database_url)
    yield [DuckStore(), postgres]
    postgres.close()


trees = st.lists(st.tuples(shop.groups("customers", 3, 2, 3), shop.limits), min_size=TREES // 2, max_size=TREES)
small = shop.groups("customers", 1, 0, 2).filter(lambda group: "audience" not in str(dump(group)))


@oracle
@given(shop.tables(), trees, small, small, st.sampled_from(shop.MOMENTS), st.booleans())
def test_members(
    stores: list[Store],
    tables: dict[str, list[dict[str, Any]]],
    trees: list[tuple[c.Group, c.Limit | None]],
    first: c.Group,
    top: c.Group,
    now: Any,
    null_is_a_value: bool,
) -> None:
    clock = shop.clock(now)
    referred = shop.first_audiences(first, top)
    for store in stores:
        store.fill(tables)
        schema = shop.schema(
            store.dialect, audiences=referred, traits={"spent": shop.spent}, null_is_a_value=null_is_a_value
        )
        asker, evaluator = Asker(schema=schema, clock=clock), Evaluator(schema, tables, clock, shop.FORMULAS)
        for place, (tree, limit) in enumerate(trees):
            definition = load_definition(json.loads(json.dumps(dump(c.Definition(tree, limit)))))
            audience = SavedAudience(id="asked", name="Asked", model="customers", definition=definition)
            wanted = sorted(row["id"] for row in evaluator.members(audience))
            query = asker.members(audience)
            found = sorted(key for (key,) in store.rows(query.sql()))
            assert found == wanted, f"{store.dialect}: {query.sql(pretty=True)}"
            if place % 4 == 0:
                assert store.rows(asker.count(audience).sql()) == [(len(wanted),)]
                _narrowing(store, asker, evaluator, audience, schema)


def _narrowing(store: Store, asker: Asker, evaluator: Evaluator, audience: SavedAudience, schema: StudioSchema) -> None:
    """The funnel and the explanation of a row say the same as the conditions one by one."""
    model, where = schema.models["customers"], audience.definition.where
    query = asker.funnel(audience)
    (row,) = store.rows(query.sql())
    found = dict(zip(query.columns, map(int, row), strict=True))
    rows = evaluator.tables["customers"]
    holds = [[evaluator.holds(model, each, condition) for each in rows] for condition in where.conditions]
    join = all if where.match is c.Match.ALL else any
    assert found["total"] == len(rows)
    for place, one in enumerate(holds):
        assert found[f"alone_{place}"] == sum(one), query.sql(pretty=True)
        so_far = zip(*holds[: place + 1], strict=True)
        assert found[f"after_{place}"] == sum(join(each) for each in so_far)
    explained, paths = asker.explain(audience, [rows[0]["id"]])
    (flags,) = store.rows(explained.sql())
    told = dict(zip(paths, flags, strict=True))
    for place, one in enumerate(holds):
        assert bool(told["where", "conditions", place]) is one[0]


values = st.lists(shop.definitions("customers", 1, lists=True), min_size=1, max_size=TREES)


@oracle
@given(shop.tables(), values, st.sampled_from(shop.MOMENTS))
def test_trait_values(
    stores: list[Store], tables: dict[str, list[dict[str, Any]]], values: list[tuple[c.Trait, Any]], now: Any
) -> None:
    clock = shop.clock(now)
    none = c.Group()
    for store in stores:
        store.fill(tables)
        schema = shop.schema(store.dialect, audiences=shop.first_audiences(none, none), traits={"spent": shop.spent})
        asker, evaluator = Asker(schema=schema, clock=clock), Evaluator(schema, tables, clock, shop.FORMULAS)
        model = schema.models["customers"]
        for definition, _ in values:
            query = asker.trait_values("customers", definition)
            found = {key: _plain(value) for key, value in store.rows(query.sql())}
            wanted = {row["id"]: _plain(evaluator.trait(model, row, definition)[0]) for row in tables["customers"]}
            assert found == wanted, f"{store.dialect}: {query.sql(pretty=True)}"


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return round(float(value), 6) if value is not None and not isinstance(value, str | bool) else value
