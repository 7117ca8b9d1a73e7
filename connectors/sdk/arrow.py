"""What columns look like between a source and the engine, as Arrow.

Every source hands out these carriers and no others, whatever its own types:

=========  ==================================================================
boolean    ``bool``
number     any integer, float or ``decimal128``; numbers that none of them can
           hold without loss are text, marked as number
string     ``string`` (bytes as lowercase hexadecimal, times of day and
           intervals as the source writes them)
timestamp  ``timestamp``: with zone UTC for moments, without for local times
date       ``date32``
object     JSON text (objects and arrays)
=========  ==================================================================

The type that people see travels in the field's metadata, so that it survives
Parquet: ``headrace:type``, and the source's own name in ``headrace:native``.
:func:`python_values` turns a column into Python values that honour it.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from connectors.sdk.errors import QueryError
from connectors.sdk.nesting import nested_too_deep
from connectors.sdk.types import Column, ColumnType

TYPE_KEY = b"headrace:type"
NATIVE_KEY = b"headrace:native"

# What ISO 8601, JSON and nearly every destination can write down.
_FIRST_DAY = (dt.date(1, 1, 1) - dt.date(1970, 1, 1)).days
_LAST_DAY = (dt.date(9999, 12, 31) - dt.date(1970, 1, 1)).days
# Fractions and long numbers, which a float would not keep, and the words that are no JSON.
_INEXACT = re.compile(r"\d[.eE]|\d{16}|NaN|Infinity")
_DECIMAL_DIGITS = 38  # of ``decimal128``
_PER_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


def mark(field: pa.Field, column_type: ColumnType, native: str = "") -> pa.Field:
    """The field with the type that people see, and the source's own name for it."""
    return field.with_metadata({TYPE_KEY: column_type.value.encode(), NATIVE_KEY: native.encode()})


def column_type(field: pa.Field) -> ColumnType:
    """The type of a column: its mark, or what its Arrow type says where it has none."""
    marked = (field.metadata or {}).get(TYPE_KEY)
    return ColumnType(marked.decode()) if marked else carried_type(field.type)


def native_type(field: pa.Field) -> str:
    """The source's own name for the column's type; empty where unknown."""
    return str((field.metadata or {}).get(NATIVE_KEY, b"").decode())


def columns_of(schema: pa.Schema) -> tuple[Column, ...]:
    """The columns of a schema as people see them."""
    return tuple(
        Column(name=field.name, type=column_type(field), native_type=native_type(field), nullable=field.nullable)
        for field in schema
    )


def carried_type(arrow: pa.DataType) -> ColumnType:
    """The column type that an Arrow type stands for on its own."""
    for is_type, found in _CARRIERS:
        if is_type(arrow):
            return found
    return ColumnType.UNKNOWN


def check_names(names: Iterable[str]) -> None:
    """Refuse a result in which columns share a name or have none."""
    seen: set[str] = set()
    for name in names:
        if not name:
            raise QueryError("A column has no name.", hint="Give it one: SELECT … AS name.")
        if name in seen:
            raise QueryError(
                f"Two columns are named “{name}”.", hint=f"Give each its own name, such as {name} AS {name}_2."
            )
        seen.add(name)


def check_calendar(batch: pa.RecordBatch) -> None:
    """Refuse dates and timestamps outside the years 1 to 9999, among them “infinity”.

    They cannot be written down as ISO 8601, and as silent nulls or wrapped numbers they would lie.
    """
    for field, values in zip(batch.schema, batch.columns, strict=True):
        if pa.types.is_timestamp(field.type):
            _check_range(field.name, values.view(pa.int64()), _PER_DAY[field.type.unit])
        elif pa.types.is_date32(field.type):
            _check_range(field.name, values.view(pa.int32()), 1)


def python_values(values: pa.Array, column: ColumnType) -> list[Any]:
    """A column as Python values: numbers as numbers, objects and arrays as ``dict`` and ``list``."""
    found: list[Any] = values.to_pylist()
    if not pa.types.is_string(values.type) and not pa.types.is_large_string(values.type):
        return found
    if column == ColumnType.NUMBER:
        return [None if text is None else number_from_text(text) for text in found]
    if column == ColumnType.OBJECT:
        return [None if text is None else object_from_text(text) for text in found]
    return found


def exact_number(text: str) -> Decimal | None:
    """A finite number that ``decimal128`` holds digit by digit; ``None`` where the text is no such number."""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    if not number.is_finite():
        return None
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    fits = len(digits) + max(exponent, 0) <= _DECIMAL_DIGITS and -exponent <= _DECIMAL_DIGITS
    return number if fits else None


def number_from_text(text: str) -> int | Decimal:
    """A lossless number: whole ones as ``int``, others (also those that are not finite) as ``Decimal``."""
    try:
        return int(text)
    except ValueError:
        return Decimal(text)


def object_from_text(text: str) -> Any:
    """JSON text as Python values: fractions as decimals, whole numbers of any size; what is no number is null.

    What is nested too deep to be written again stays text, so that one row never fails those beside it.
    """
    if nested_too_deep(text):
        return text
    if _INEXACT.search(text):
        return json.loads(text, parse_float=Decimal, parse_constant=_nothing)
    return orjson.loads(text)


def _nothing(word: str) -> None:
    """Some sources write NaN and Infinity into JSON, which has no words for them."""


def _check_range(name: str, ticks: pa.Array, per_day: int) -> None:
    found = pc.min_max(ticks).as_py()
    if found["min"] is None:
        return
    if found["min"] < _FIRST_DAY * per_day or found["max"] >= (_LAST_DAY + 1) * per_day:
        raise QueryError(
            f"Column “{name}” holds a date outside the years 1 to 9999, or “infinity”.",
            hint="Replace such values in the query, with CASE WHEN isfinite(…) THEN … END, or cast the column to text.",
        )


_CARRIERS: tuple[tuple[Callable[[pa.DataType], bool], ColumnType], ...] = (
    (pa.types.is_boolean, ColumnType.BOOLEAN),
    (pa.types.is_integer, ColumnType.NUMBER),
    (pa.types.is_floating, ColumnType.NUMBER),
    (pa.types.is_decimal, ColumnType.NUMBER),
    (pa.types.is_timestamp, ColumnType.TIMESTAMP),
    (pa.types.is_date, ColumnType.DATE),
    (pa.types.is_nested, ColumnType.OBJECT),
    (pa.types.is_string, ColumnType.STRING),
    (pa.types.is_large_string, ColumnType.STRING),
)
