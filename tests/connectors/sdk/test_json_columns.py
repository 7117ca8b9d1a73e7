"""Rows as JSON column by column: the same text as value by value, whatever the column's type."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sdk.json_columns import json_objects
from connectors.sdk.rows import dumps, json_rows

COLUMNS = {
    "nothing": pa.nulls(3),
    "truth": pa.array([True, None, False]),
    "tiny": pa.array([-128, None, 127], pa.int8()),
    "largest": pa.array([2**64 - 1, None, 0], pa.uint64()),
    "smallest": pa.array([-(2**63), 2**63 - 1, None], pa.int64()),
    "single": pa.array([0.1, None, 1e30], pa.float32()),
    "double": pa.array([1.0, float("nan"), 1e-7]),
    "endless": pa.array([float("inf"), -0.0, None]),
    "money": pa.array([Decimal("12.50"), None, Decimal("-0.10")], pa.decimal128(12, 2)),
    "minute": pa.array([Decimal("1E-10"), None, Decimal("0")], pa.decimal128(20, 10)),
    "huge": pa.array([Decimal(10**60), None, Decimal(-1)], pa.decimal256(70, 0)),
    "plain": pa.array(["a", None, "日本 👋"]),
    "escaped": pa.array(['say "x"', "back\\slash", "\0\n\t\x1f\x7f\u2028"]),
    "large": pa.array(["a", None, '"'], pa.large_string()),
    "coded": pa.array(["a", None, "a"]).dictionary_encode(),
    "day": pa.array([date(1, 1, 1), None, date(9999, 12, 31)]),
    "clock": pa.array([time(1, 2, 3), None, time(23, 59, 59, 5)]),
    "moment": pa.array([datetime(1900, 1, 1, 0, 0, 0, 5, UTC), None, datetime(2026, 1, 1, tzinfo=UTC)]),
    "local": pa.array([1767268800000, None, 1767268800120], pa.timestamp("ms")),
    "nanos": pa.array([1782864000 * 10**9 + 1, None, 0], pa.timestamp("ns", "Europe/Paris")),
    "span": pa.array([timedelta(days=1), None, timedelta(0)]),
    "bytes": pa.array([b"\x00\xff", None, b""]),
    "nested": pa.array([{"a": [1, None], "at": date(2026, 1, 1)}, None, {"a": [], "at": None}]),
    "json": pa.ExtensionArray.from_storage(pa.json_(), pa.array(["{}", None, '{"a":1}'])),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_every_type_is_written_as_value_by_value(name: str) -> None:
    column = COLUMNS[name]
    rows = pa.RecordBatch.from_arrays([column, pa.array([1, 2, 3])], names=[f'the "{name}"', "n"])
    for piece in (rows, rows.slice(1), rows.slice(1, 1), rows.slice(0, 0)):
        written = json_objects(piece)
        assert written.array() == dumps(json_rows(piece))
        assert [written.row(i) for i in range(len(written))] == [dumps(row) for row in json_rows(piece)]


def test_all_types_side_by_side() -> None:
    rows = pa.RecordBatch.from_arrays(list(COLUMNS.values()), names=list(COLUMNS))
    assert json_objects(rows).array() == dumps(json_rows(rows))


def test_pieces_hold_their_rows_only() -> None:
    written = json_objects(pa.RecordBatch.from_pydict({"n": [0, 1, 2, 3, 4]})).slice(1, 4)
    assert written.array() == b'[{"n":1},{"n":2},{"n":3}]'
    assert (written.slice(1, 9).array(), written.slice(1, 2).row(0)) == (b'[{"n":2},{"n":3}]', b'{"n":2}')
    assert (len(written.slice(3, 3)), written.slice(3, 3).array()) == (0, b"[]")


def test_objects_take_the_shape_asked_for() -> None:
    rows = pa.RecordBatch.from_pydict({"id": [1, 2], "name": ["a", None]})
    shape: dict[str, Any] = {"key": "id", "who": {"name": "name", "again": {"id": "id"}}, "none": {}}
    assert json_objects(rows, shape).array() == (
        b'[{"key":1,"who":{"name":"a","again":{"id":1}},"none":{}},'
        b'{"key":2,"who":{"name":null,"again":{"id":2}},"none":{}}]'
    )
    assert json_objects(rows, {}).array() == b"[{},{}]"


@given(st.lists(st.tuples(st.text(), st.floats(), st.integers(-(2**63), 2**63 - 1), st.none() | st.datetimes())))
def test_no_value_is_written_otherwise(values: list[tuple[Any, ...]]) -> None:
    kinds = (pa.string(), pa.float64(), pa.int64(), pa.timestamp("us", "UTC"))
    columns = [pa.array([row[i] for row in values], kind) for i, kind in enumerate(kinds)]
    rows = pa.RecordBatch.from_arrays(columns, names=["text", "float", "int", "moment"])
    assert json_objects(rows).array() == dumps(json_rows(rows))
