"""Real purchases: the studio's answer is the answer of SQL written by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb
import pytest

from audiences.query.codec import load_definition
from audiences.query.evidence import evidence, trait_rows
from audiences.query.schema import (
    Cardinality,
    ModelKind,
    Relationship,
    SavedAudience,
    StudioColumn,
    StudioModel,
    StudioSchema,
)
from audiences.query.sentences import Speaker
from audiences.query.statements import Asker
from audiences.query.times import Clock
from connectors.sdk.types import ColumnType, Table
from tests.invariants.tree import CHECKOUT

PURCHASES = CHECKOUT.parent / "shared" / "data" / "cdnow_transactions.csv"
NUMBER, DATE = ColumnType.NUMBER, ColumnType.DATE
BY_HAND = """
SELECT customer_id FROM purchases GROUP BY customer_id
HAVING count(*) >= 3 AND sum(amount_usd) > 100
   AND max(CASE WHEN order_date >= DATE '1998-04-01' AND order_date < DATE '1998-06-30' THEN 1 ELSE 0 END) = 0
ORDER BY customer_id
"""
LAPSED = {
    "where": {
        "type": "group",
        "conditions": [
            {"type": "event", "relationship": "bought", "number": {"operator": "greater_or_equal", "count": 3}},
            {
                "type": "trait",
                "definition": {
                    "method": "aggregation",
                    "relationship": "bought",
                    "function": "sum",
                    "column": {"column": "amount_usd"},
                },
                "test": {"operator": "greater", "operand": {"kind": "values", "values": [100]}},
            },
            {
                "type": "event",
                "relationship": "bought",
                "performed": False,
                "when": {"operator": "within", "operand": {"kind": "window", "amount": 90, "unit": "day"}},
            },
        ],
    }
}


@pytest.fixture(scope="module")
def purchases() -> duckdb.DuckDBPyConnection:
    if not PURCHASES.exists():
        pytest.skip("the real purchases are not part of the repository")
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE purchases AS SELECT row_number() OVER () AS id, * FROM read_csv(?)", [str(PURCHASES)]
    )
    return connection


def _schema() -> StudioSchema:
    customers = StudioModel(
        id="1",
        name="Customers",
        kind=ModelKind.PARENT,
        relation="SELECT DISTINCT customer_id FROM purchases -- everybody who bought",
        primary_key=("customer_id",),
        columns=(StudioColumn(name="customer_id", type=NUMBER),),
    )
    names = {"id": NUMBER, "customer_id": NUMBER, "order_date": DATE, "quantity": NUMBER, "amount_usd": NUMBER}
    bought = StudioModel(
        id="2",
        name="Purchases",
        kind=ModelKind.EVENT,
        relation=Table("main", "purchases"),
        primary_key=("id",),
        columns=tuple(
            StudioColumn(name=name, type=kind, alias="Amount" if name == "amount_usd" else "")
            for name, kind in names.items()
        ),
        timestamp="order_date",
    )
    joined = Relationship(
        id="bought", from_="1", to="2", cardinality=Cardinality.ONE_TO_MANY, keys=(("customer_id", "customer_id"),)
    )
    return StudioSchema(dialect="duckdb", models={"1": customers, "2": bought}, relationships={"bought": joined})


def test_lapsed_good_customers(purchases: duckdb.DuckDBPyConnection) -> None:
    asker = Asker(schema=_schema(), clock=Clock(datetime(1998, 6, 30, tzinfo=UTC)))
    audience = SavedAudience(id="1", name="Lapsed", model="1", definition=load_definition(LAPSED))
    wanted = purchases.execute(BY_HAND).fetchall()
    assert sorted(purchases.execute(asker.members(audience).sql()).fetchall()) == wanted
    assert purchases.execute(asker.count(audience).sql()).fetchall() == [(len(wanted),)]
    assert len(wanted) == 2835
    query = asker.funnel(audience)
    counts = dict(zip(query.columns, purchases.execute(query.sql()).fetchall()[0], strict=True))
    assert [counts[name] for name in ("total", "alone_0", "alone_1", "alone_2")] == [23570, 7583, 6233, 20268]
    assert [counts[name] for name in ("after_0", "after_1", "after_2")] == [7583, 5258, 2835]
    assert Speaker(_schema()).sentence("1", audience.definition) == (
        "Customers that did Purchases at least 3 times and where the sum of Amount of Purchases is more than 100 "
        "and that did not do Purchases within the previous 90 days."
    )


def test_a_member_is_explained_with_the_rows_that_decide(purchases: duckdb.DuckDBPyConnection) -> None:
    asker = Asker(schema=_schema(), clock=Clock(datetime(1998, 6, 30, tzinfo=UTC)))
    audience = SavedAudience(id="1", name="Lapsed", model="1", definition=load_definition(LAPSED))
    customer = 22
    query, paths = asker.explain(audience, [customer])
    (row,) = purchases.execute(query.sql()).fetchall()
    told = dict(zip(paths, row, strict=True))
    mine = f"FROM purchases WHERE customer_id = {customer}"
    (times, spent) = purchases.execute(f"SELECT count(*), sum(amount_usd) {mine}").fetchall()[0]
    assert told[paths[1]] == (times >= 3)
    assert told[paths[2]] == (spent > 100)
    decided = evidence(asker, audience, paths[1], [customer])
    assert decided is not None
    shown = purchases.execute(decided.sql()).fetchall()
    newest = purchases.execute(f"SELECT * {mine} ORDER BY order_date DESC, id LIMIT 10").fetchall()
    assert shown == newest
    worth = evidence(asker, audience, paths[2], [customer])
    assert worth is not None
    assert purchases.execute(worth.sql()).fetchall() == [(spent,)]
    counted = trait_rows(asker, audience, paths[2], [customer], rows=1000)
    assert counted is not None
    assert len(purchases.execute(counted.sql()).fetchall()) == times
    assert evidence(asker, audience, paths[0], [customer]) is None
