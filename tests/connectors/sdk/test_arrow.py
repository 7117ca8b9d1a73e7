"""Columns between source and engine: marks, the calendar's limits, Python values without loss."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sdk.arrow import (
    check_calendar,
    check_names,
    column_type,
    columns_of,
    mark,
    native_type,
    number_from_text,
    python_values,
)
from connectors.sdk.errors import QueryError
from connectors.sdk.types import ColumnType

UNITS = st.sampled_from(["s", "ms", "us"])


def test_a_mark_survives_parquet(tmp_path: Path) -> None:
    schema = pa.schema([mark(pa.field("n", pa.string()), ColumnType.NUMBER, "numeric"), pa.field("s", pa.string())])
    pq.write_table(pa.table({"n": ["1.50"], "s": ["x"]}, schema=schema), tmp_path / "t.parquet")
    number, text = pq.read_schema(tmp_path / "t.parquet")
    assert (column_type(number), native_type(number)) == (ColumnType.NUMBER, "numeric")
    assert column_type(text) == ColumnType.STRING


@pytest.mark.parametrize(
    ("arrow", "expected"),
    [
        (pa.bool_(), ColumnType.BOOLEAN),
        (pa.uint64(), ColumnType.NUMBER),
        (pa.float32(), ColumnType.NUMBER),
        (pa.decimal128(38, 9), ColumnType.NUMBER),
        (pa.timestamp("ns", "UTC"), ColumnType.TIMESTAMP),
        (pa.date32(), ColumnType.DATE),
        (pa.list_(pa.int8()), ColumnType.OBJECT),
        (pa.struct([("a", pa.int8())]), ColumnType.OBJECT),
        (pa.string(), ColumnType.STRING),
        (pa.binary(), ColumnType.UNKNOWN),
    ],
)
def test_what_an_unmarked_column_is_taken_for(arrow: pa.DataType, expected: ColumnType) -> None:
    (column,) = columns_of(pa.schema([("c", arrow)]))
    assert column.type == expected


@given(UNITS, st.integers(-(2**62), 2**62))
def test_only_the_years_1_to_9999_pass(unit: str, ticks: int) -> None:
    batch = pa.record_batch({"at": pa.array([None, ticks]).cast(pa.timestamp(unit))})
    per_second = {"s": 1, "ms": 10**3, "us": 10**6}[unit]
    first, end = -62_135_596_800 * per_second, 253_402_300_800 * per_second
    if first <= ticks < end:
        check_calendar(batch)
    else:
        with pytest.raises(QueryError, match="“at”"):
            check_calendar(batch)


def test_the_first_and_the_last_day_pass_and_nulls_too() -> None:
    days = pa.array([date(1, 1, 1), None, date(9999, 12, 31)])
    check_calendar(pa.record_batch({"day": days, "none": pa.nulls(3, pa.date32())}))


@given(st.one_of(st.integers(), st.decimals(allow_nan=False, allow_infinity=False)))
def test_numbers_in_text_come_back_exactly(number: int | Decimal) -> None:
    assert number_from_text(str(number)) == number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": [1, null, "x"]}', {"a": [1, None, "x"]}),
        ("[]", []),
        ('{"big": 123456789012345678901234567890}', {"big": 123456789012345678901234567890}),
        (None, None),
    ],
)
def test_objects_come_back_as_python_values(text: str | None, expected: Any) -> None:
    assert python_values(pa.array([text], pa.string()), ColumnType.OBJECT) == [expected]


def test_text_stays_text() -> None:
    assert python_values(pa.array(["1", None]), ColumnType.STRING) == ["1", None]


def test_columns_need_names_of_their_own() -> None:
    check_names(["a", "A"])
    with pytest.raises(QueryError, match="“a”"):
        check_names(["a", "b", "a"])
    with pytest.raises(QueryError, match="no name"):
        check_names([""])
