"""Rows as JSON: every digit, every moment, whatever the column's type."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sdk.arrow import mark
from connectors.sdk.rows import column_values, dumps, json_rows
from connectors.sdk.types import ColumnType
from tests.connectors.kit.cases import exact_json


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array(["a", None, "é", ""]).slice(1), [None, "é", ""]),
        (pa.array([1, None, 3], pa.int16()), [1, None, 3]),
        (pa.array([Decimal("1.10"), None], pa.decimal128(10, 2)), [Decimal("1.10"), None]),
        (pa.array([Decimal(10**37)], pa.decimal256(60, 4)), [Decimal(10**37)]),
        (
            pa.array([datetime(1900, 1, 1, 0, 0, 0, 5, UTC), None], pa.timestamp("us", "UTC")),
            ["1900-01-01T00:00:00.000005Z", None],
        ),
        (
            pa.array([datetime(2026, 7, 1, 12, tzinfo=UTC)], pa.timestamp("ms", "Europe/Paris")),
            ["2026-07-01T12:00:00Z"],
        ),
        (pa.array([1782864000 * 10**9], pa.timestamp("ns")), ["2026-07-01T00:00:00"]),
        (pa.array([date(2026, 1, 31), None]), ["2026-01-31", None]),
        (pa.array([time(1, 2, 3)]), ["01:02:03.000000"]),
        (pa.array([timedelta(days=1)]), ["1 day, 0:00:00"]),
        (pa.array([b"\x00\xff", None]), ["AP8=", None]),
        (pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"]),
        (pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int32())), [{"k": 1}]),
        (pa.array([{"a": [date(2026, 1, 1)]}]), [{"a": ["2026-01-01"]}]),
        (pa.array([], pa.string()), []),
    ],
)
def test_columns(array: pa.Array, expected: list[Any]) -> None:
    assert column_values(array) == expected


def test_numbers_are_written_digit_by_digit() -> None:
    told = {
        "price": Decimal("12.50"),
        "big": 2**80,
        "tiny": Decimal("1E-10"),
        "round": Decimal("1E+3"),
        "list": [2**70],
    }
    assert dumps(told) == (
        b'{"price":12.50,"big":1208925819614629174706176,"tiny":0.0000000001,"round":1000,"list":[1180591620717411303424]}'
    )


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**20), max_value=10**20)))
def test_no_decimal_loses_a_digit(values: list[Decimal]) -> None:
    rows = pa.RecordBatch.from_arrays([pa.array(values, pa.decimal128(38, 6))], names=["d"])
    written = [row["d"] for row in exact_json(dumps(json_rows(rows)))]
    assert [Decimal(d.text) for d in written] == values
    assert all(len(d.text.partition(".")[2]) == 6 for d in written)


DEEP = "[" * 300 + "]" * 300


def test_what_is_nested_too_deep_stays_text_and_leaves_its_neighbours_alone() -> None:
    brackets_in_text = '{"a": "' + "[" * 500 + '"}'
    held = [DEEP, '{"a": [1]}', "[" * 100_000, brackets_in_text]
    rows = pa.RecordBatch.from_arrays(
        [pa.array(held, pa.string())], schema=pa.schema([mark(pa.field("o", pa.string()), ColumnType.OBJECT)])
    )
    found = [row["o"] for row in json_rows(rows)]
    assert found == [DEEP, {"a": [1]}, "[" * 100_000, {"a": "[" * 500}]
    assert [json.loads(dumps(value)) for value in found] == found
