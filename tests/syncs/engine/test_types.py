"""Values of every kind: what counts as a change, and what arrives."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from connectors.sdk.arrow import mark
from connectors.sdk.destination import Batch, RowResult
from connectors.sdk.types import ColumnType
from syncs.engine.spec import ModelColumn
from tests.syncs.engine.support import House, MemoryDestination

BIG = 2**63 - 1
DEEP = pa.struct([("a", pa.int64()), ("b", pa.list_(pa.string()))])
LOCAL = datetime.fromisoformat("2024-02-29T23:59:00")  # a local time, without a zone
EAST = timezone(timedelta(hours=5, minutes=30))


def one(value: Any, kind: pa.DataType) -> pa.Table:
    return pa.table({"id": ["key"], "value": pa.array([value], kind)})


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        (pa.string(), None, ""),
        (pa.string(), "a", "a "),
        (pa.string(), "é", "e\u0301"),
        (pa.string(), "a\0b", "a\0c"),
        (pa.int64(), None, 0),
        (pa.int64(), BIG, BIG - 1),
        (pa.uint64(), 2**64 - 1, 2**64 - 2),
        (pa.float64(), 0.0, -0.0),
        (pa.float64(), math.nan, None),
        (pa.float64(), 0.1 + 0.2, 0.3),
        (pa.decimal128(38, 0), Decimal("9" * 38), Decimal("9" * 37 + "8")),
        (pa.decimal256(60, 2), Decimal("1" * 50), Decimal("1" * 49 + "2")),
        (pa.bool_(), None, False),
        (pa.date32(), date(1, 1, 1), date(1, 1, 2)),
        (pa.timestamp("us"), LOCAL + timedelta(microseconds=1), LOCAL),
        (pa.timestamp("ns", "UTC"), 1_000_001_000, 1_000_002_000),
        (pa.list_(pa.int64()), None, []),
        (pa.list_(pa.int64()), [], [None]),
        (pa.list_(pa.int64()), [None], None),
        (pa.list_(pa.int64()), [None], [None, None]),
        (pa.list_(pa.string()), ["NULL"], [None]),
        (pa.list_(pa.string()), ["a, b"], ["a", "b"]),
        (DEEP, {"a": 1, "b": []}, {"a": 1, "b": None}),
        (DEEP, None, {"a": None, "b": None}),
        (pa.list_(pa.decimal128(38, 0)), [Decimal("9" * 38)], [Decimal("9" * 37 + "8")]),
        (pa.binary(), b"\x00", b""),
        (pa.month_day_nano_interval(), pa.MonthDayNano([1, 0, 0]), pa.MonthDayNano([0, 30, 0])),
        (pa.duration("us"), timedelta(microseconds=1), timedelta(microseconds=2)),
    ],
)
def test_every_difference_is_seen_and_no_difference_is_made_up(
    house: House, kind: pa.DataType, before: Any, after: Any
) -> None:
    house.run(one(before, kind))
    assert house.run(one(before, kind)).prepared.planned.total == 0
    assert house.run(one(after, kind)).prepared.planned.changed == 1
    assert house.run(one(before, kind)).prepared.planned.changed == 1


def test_the_same_moment_in_another_zone_is_the_same_value(house: House) -> None:
    moment = datetime(2024, 6, 1, 12, 0, tzinfo=UTC)
    house.run(one(moment, pa.timestamp("us", "UTC")))
    run = house.run(one(moment.astimezone(EAST), pa.timestamp("us", "+05:30")))
    assert run.prepared.planned.total == 0


@pytest.mark.parametrize(
    ("kind", "value", "key"),
    [
        (pa.int64(), -7, "-7"),
        (pa.decimal128(10, 2), Decimal("1.50"), "1.50"),
        (pa.bool_(), True, "true"),
        (pa.date32(), date(2024, 2, 29), "2024-02-29"),
        (pa.string(), "", ""),
        (pa.uuid(), b"\x12" * 16, "12121212-1212-1212-1212-121212121212"),
        (pa.list_(pa.int64()), [1, 2], "[1,2]"),
        (pa.dictionary(pa.int8(), pa.string()), "code", "code"),
    ],
)
def test_keys_of_every_type_become_text(house: House, kind: pa.DataType, value: Any, key: str) -> None:
    array = pa.array([value], pa.binary(16)) if kind == pa.uuid() else pa.array([value], kind)
    if kind == pa.uuid():
        array = pa.ExtensionArray.from_storage(kind, array)
    house.run(pa.table({"id": array, "value": ["x"]}))
    assert [keys for _, keys in house.destination.calls] == [(key,)]


def test_casting_the_key_column_does_not_change_the_key(house: House) -> None:
    data = pa.table({"id": [1], "value": ["x"]})
    house.run(data)
    text = ModelColumn(name="id", type=ColumnType.NUMBER, cast=ColumnType.STRING)
    columns = (text, ModelColumn(name="value", type=ColumnType.STRING))
    run = house.run(data, columns=columns)
    assert (run.prepared.planned.added, run.prepared.planned.removed) == (0, 0)


class Seeing(MemoryDestination):
    """Keeps the Arrow schema and values that it was given."""

    def _answer(self, batch: Batch) -> list[RowResult]:
        self.seen = batch.rows
        return list(super()._answer(batch))


def test_values_arrive_as_the_source_gave_them(house: House) -> None:
    house.destination = Seeing()
    moment = datetime(2024, 6, 1, 12, 0, 0, 123456, tzinfo=UTC)
    schema = pa.schema([
        pa.field("id", pa.int64()),
        pa.field("ID", pa.decimal128(38, 9)),
        mark(pa.field("_key", pa.string()), ColumnType.OBJECT, "jsonb"),
        pa.field("a \"quoted\" 'name", pa.timestamp("us", "UTC")),
        pa.field("big", pa.uint64()),
    ])  # fmt: skip
    values = [[1], [Decimal("12345678901234567890123456789.000000001")], ['{"a": 1.10}'], [moment], [2**64 - 1]]
    data = pa.Table.from_arrays([pa.array(v, f.type) for v, f in zip(values, schema, strict=True)], schema=schema)
    columns = tuple(ModelColumn(name=name, type=ColumnType.UNKNOWN) for name in schema.names)
    house.run(data, columns=columns, tracked=tuple(schema.names), all_columns=True)
    assert house.destination.seen.schema.names == schema.names
    assert [column.to_pylist() for column in house.destination.seen.columns] == values
    assert house.destination.seen.schema.field("_key").metadata[b"headrace:type"] == b"object"


@pytest.mark.parametrize(
    ("cast", "value", "expected"),
    [
        (ColumnType.STRING, 7, "7"),
        (ColumnType.STRING, True, "true"),
        (ColumnType.STRING, Decimal("1.50"), "1.50"),
        (ColumnType.NUMBER, " 12.50 ", "12.50"),
        (ColumnType.BOOLEAN, "Yes", True),
        (ColumnType.BOOLEAN, 0, False),
        (ColumnType.DATE, "2024-02-29", date(2024, 2, 29)),
        (ColumnType.DATE, LOCAL, date(2024, 2, 29)),
        (ColumnType.OBJECT, '{"a": [1]}', '{"a": [1]}'),
    ],
)
def test_chosen_types_are_given_to_the_destination(house: House, cast: ColumnType, value: Any, expected: Any) -> None:
    columns = (
        ModelColumn(name="id", type=ColumnType.STRING),
        ModelColumn(name="value", type=ColumnType.UNKNOWN, cast=cast),
    )
    house.run(pa.table({"id": ["1"], "value": [value]}), columns=columns)
    assert house.destination.records == {"1": expected}
