"""What conditions, traits and windows mean, one by one, over a few rows that can be read."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from audiences.query import conditions as c
from audiences.query import times
from audiences.query.conditions import Operator as Op
from audiences.query.conditions import Unit
from audiences.query.schema import SavedAudience
from audiences.query.statements import Asker
from audiences.query.times import Bound, Clock, Comparison
from tests.audiences.query import shop
from tests.audiences.query.stores import DuckStore

NOW = datetime(2024, 6, 3, 10, tzinfo=UTC)  # noon in Berlin


@pytest.fixture(scope="module")
def store() -> DuckStore:
    store = DuckStore()
    store.connection.execute(
        """INSERT INTO customers (id, name, score, vip, born) VALUES
        (1, 'Ann', 10, true, '1990-06-03'), (2, 'Bob', 20, false, '1992-02-29'), (3, NULL, NULL, NULL, NULL)"""
    )
    store.connection.execute(
        """INSERT INTO orders (id, customer_id, amount, item, "at") VALUES
        (1, 1, 5, 'x', '2024-06-02 12:00+00'), (2, 1, 7, NULL, '2024-06-03 09:00+00'),
        (3, 1, 5, 'y', '2024-04-01 00:00+02'), (4, 2, 9, 'x', '2024-05-31 23:59+02'), (5, 2, 1, 'x', NULL)"""
    )
    store.connection.execute("INSERT INTO lines VALUES (1, 1, 'toy', 1), (2, 1, 'toy', 2), (3, 4, 'car', 1)")
    return store


def _asker() -> Asker:
    return Asker(schema=shop.schema("duckdb"), clock=Clock(NOW, shop.ZONE))


def _ids(store: DuckStore, condition: c.Condition) -> list[int]:
    definition = c.Definition(c.Group(conditions=(condition,)))
    audience = SavedAudience(id="a", name="A", model="customers", definition=definition)
    return sorted(key for (key,) in store.rows(_asker().members(audience).sql()))


def _property(column: str, operator: Op, *values: Any) -> c.Condition:
    return c.PropertyCondition(c.Field(column), c.Test(operator, c.Values(values) if values else None))


def _where(*conditions: c.Condition) -> c.Group:
    return c.Group(conditions=conditions)


def _ordered(window: c.Window, **changed: Any) -> c.Condition:
    return c.EventCondition("orders", when=c.Test(Op.WITHIN, window), **changed)


TOYS = c.RelationCondition(
    "lines", c.Quantifier.NUMBER, c.Number(Op.GREATER_OR_EQUAL, 2), _where(_property("sku", Op.EQUALS, "toy"))
)


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        (_property("name", Op.EQUALS, "Ann", "Zoe"), [1]),
        (_property("name", Op.NOT_EQUALS, "Ann", "Zoe"), [2, 3]),
        (_property("name", Op.NOT_CONTAINS, "nn", "zz"), [2, 3]),
        (_property("name", Op.NOT_EXISTS), [3]),
        (_property("vip", Op.EQUALS, False), [2]),
        (_property("score", Op.LESS_OR_EQUAL, 10), [1]),
        (c.PropertyCondition(c.Field("score"), c.Test(Op.GREATER_OR_EQUAL, c.Percentile(51))), [2]),
        (c.PropertyCondition(c.Field("score"), c.Test(Op.GREATER_OR_EQUAL, c.Percentile(50))), [1, 2]),
        (c.PropertyCondition(c.Field("born"), c.Test(Op.ANNIVERSARY)), [1]),
        (_ordered(c.Window(1, Unit.DAY)), [1]),
        (_ordered(c.Window(1, Unit.DAY), number=c.Number(Op.GREATER_OR_EQUAL, 2)), [1]),
        (_ordered(c.Window(1, Unit.DAY), performed=False), [2, 3]),
        (_ordered(c.Window(1, Unit.DAY), number=c.Number(Op.LESS, 1)), [2, 3]),
        (_ordered(c.Window(1, Unit.DAY), where=_where(_property("item", Op.EQUALS, "y"))), []),
        (_ordered(c.Window(2, Unit.MONTH, calendar=True), number=c.Number(Op.EQUALS, 1)), [1, 2]),
        (c.EventCondition("orders", performed=False), [3]),
        (c.RelationCondition("orders", where=_where(TOYS)), [1]),
        (c.RelationCondition("orders", c.Quantifier.NONE, where=_where(TOYS)), [2, 3]),
        (c.RelationCondition("orders", c.Quantifier.NUMBER, c.Number(Op.NOT_EQUALS, 3)), [2, 3]),
    ],
)
def test_conditions(store: DuckStore, condition: c.Condition, wanted: list[int]) -> None:
    assert _ids(store, condition) == wanted
    # In a group with something that never holds, the compiler goes another way.
    never = _property("score", Op.LESS, -1)
    assert _ids(store, c.Group(c.Match.ANY, (condition, never))) == wanted


ITEM, AMOUNT, AT = c.Field("item"), c.Field("amount"), c.Field("at")


@pytest.mark.parametrize(
    ("trait", "wanted"),
    [
        (c.CountTrait("orders"), [3, 2, 0]),
        (c.CountTrait("orders", ITEM), [2, 2, 0]),
        (c.CountTrait("orders", ITEM, distinct=True), [2, 1, 0]),
        (c.CountTrait("orders", where=_where(_property("amount", Op.GREATER, 5))), [1, 1, 0]),
        (c.AggregationTrait("orders", c.Function.SUM, AMOUNT), [17, 10, None]),
        (c.AggregationTrait("orders", c.Function.AVERAGE, AMOUNT), [pytest.approx(17 / 3), 5, None]),
        (c.OccurrenceTrait("orders", c.Which.LAST, ITEM, AT), ["x", "x", None]),
        (c.OccurrenceTrait("orders", c.Which.FIRST, ITEM, AT), ["y", "x", None]),
        (c.OccurrenceTrait("orders", c.Which.LAST, ITEM), ["y", "x", None]),
        (c.OccurrenceTrait("orders", c.Which.MOST_FREQUENT, AMOUNT), [5, 1, None]),
        (c.OccurrenceTrait("orders", c.Which.LEAST_FREQUENT, AMOUNT), [7, 1, None]),
        (c.ListTrait("orders", (c.ListColumn(ITEM),), order_by=AT), [["y", "x"], ["x", "x"], None]),
        (c.ListTrait("orders", (c.ListColumn(ITEM),), distinct=True), [["x", "y"], ["x"], None]),
        (
            c.ListTrait("orders", (c.ListColumn(AMOUNT),), order_by=AT, descending=True, skip=1, take=1),
            [[5], [1], None],
        ),
    ],
)
def test_traits(store: DuckStore, trait: c.Trait, wanted: list[Any]) -> None:
    assert [value for _, value in sorted(store.rows(_asker().trait_values("customers", trait).sql()))] == wanted


BERLIN = ZoneInfo("Europe/Berlin")


def _berlin(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=BERLIN)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("now", "window", "start", "end"),
    [
        # The documented examples.
        ((2024, 6, 3, 12), c.Window(2, Unit.MONTH), (2024, 4, 3, 12), (2024, 6, 3, 12)),
        ((2024, 6, 3, 12), c.Window(2, Unit.MONTH, calendar=True), (2024, 4, 1), (2024, 6, 1)),
        ((2024, 6, 3, 12), c.Window(0, Unit.MONTH, calendar=True), (2024, 6, 1), (2024, 7, 1)),
        ((2024, 6, 3, 12), c.Window(1, Unit.QUARTER, calendar=True), (2024, 1, 1), (2024, 4, 1)),
        ((2024, 6, 5, 12), c.Window(1, Unit.WEEK, calendar=True), (2024, 5, 27), (2024, 6, 3)),
        ((2024, 6, 5, 12), c.Window(1, Unit.YEAR, calendar=True, ahead=True), (2025, 1, 1), (2026, 1, 1)),
        ((2024, 6, 5, 12), c.Window(3, Unit.DAY, ahead=True), (2024, 6, 5, 12), (2024, 6, 8, 12)),
        # The last days of months.
        ((2024, 3, 31, 1), c.Window(1, Unit.MONTH), (2024, 2, 29, 1), (2024, 3, 31, 1)),
        ((2024, 5, 31, 1), c.Window(1, Unit.MONTH), (2024, 4, 30, 1), (2024, 5, 31, 1)),
        ((2024, 1, 31, 1), c.Window(1, Unit.MONTH), (2023, 12, 31, 1), (2024, 1, 31, 1)),
        ((2024, 2, 29, 1), c.Window(1, Unit.YEAR), (2023, 2, 28, 1), (2024, 2, 29, 1)),
        # The day that the clocks go forward has 23 hours, and begins at midnight all the same.
        ((2024, 3, 31, 12), c.Window(12, Unit.HOUR), (2024, 3, 30, 23), (2024, 3, 31, 12)),
        ((2024, 4, 1), c.Window(1, Unit.DAY), (2024, 3, 31), (2024, 4, 1)),
    ],
)
def test_windows(now: tuple[int, ...], window: c.Window, start: tuple[int, ...], end: tuple[int, ...]) -> None:
    found = times.window(window, Clock(_berlin(*now).astimezone(UTC), "Europe/Berlin"), ())
    assert (found.start, found.end) == (_berlin(*start), _berlin(*end))


@pytest.mark.parametrize(
    ("comparison", "moment", "wanted"),
    [
        (Comparison.BEFORE, (2024, 6, 3), (Comparison.BEFORE, date(2024, 6, 3))),
        (Comparison.BEFORE, (2024, 6, 3, 12), (Comparison.BEFORE, date(2024, 6, 4))),
        (Comparison.FROM, (2024, 6, 3, 12), (Comparison.FROM, date(2024, 6, 3))),
        (Comparison.AFTER, (2024, 6, 3, 12), (Comparison.AFTER, date(2024, 6, 3))),
    ],
)
def test_windows_hold_for_the_days_that_they_touch(
    comparison: Comparison, moment: tuple[int, ...], wanted: tuple[Comparison, date]
) -> None:
    bound = Bound(comparison, _berlin(*moment).astimezone(UTC))
    assert times.in_days(bound, Clock(NOW, "Europe/Berlin")) == wanted


@pytest.mark.parametrize(
    ("dialect", "native", "zoned"),
    [
        ("postgres", "timestamp with time zone", True),
        ("postgres", "timestamp without time zone", False),
        ("duckdb", "TIMESTAMP WITH TIME ZONE", True),
        ("duckdb", "TIMESTAMP", False),
        ("snowflake", "TIMESTAMP_LTZ(9)", True),
        ("snowflake", "TIMESTAMP_NTZ(9)", False),
        ("bigquery", "TIMESTAMP", True),
        ("bigquery", "DATETIME", False),
        ("databricks", "TIMESTAMP", True),
        ("databricks", "TIMESTAMP_NTZ", False),
        ("sqlserver", "datetimeoffset(7)", True),
        ("sqlserver", "datetime2", False),
        ("trino", "timestamp(6) with time zone", True),
        ("clickhouse", "DateTime64(6)", True),
    ],
)
def test_which_native_types_hold_moments(dialect: str, native: str, zoned: bool) -> None:
    assert times.is_zoned(dialect, native) is zoned
