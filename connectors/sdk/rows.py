"""Rows as JSON values and JSON text, without loss.

Decimals stay :class:`~decimal.Decimal` and are written digit by digit, whole numbers
of any size are written in full, times are ISO 8601 text, bytes are base 64.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from connectors.sdk.arrow import column_type, python_values
from connectors.sdk.types import ColumnType

_INT64 = (-(2**63), 2**64 - 1)
_NO_FRACTION = ".000000"
_PLAIN = (str, bool, int, float, Decimal, type(None))  # kept here: a union would be made anew for each value


def json_rows(rows: pa.RecordBatch) -> list[dict[str, Any]]:
    """The rows as dictionaries of JSON values (and decimals), column by column for speed.

    Text that stands for objects, arrays or numbers becomes what it stands for.
    """
    names = rows.schema.names
    columns = [json_values(field, column) for field, column in zip(rows.schema, rows.columns, strict=True)]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def json_values(field: pa.Field, column: pa.Array) -> list[Any]:
    """One column as :func:`json_rows` has it."""
    if not stands_for_more(field):
        return column_values(column)
    return [
        None if isinstance(v, Decimal) and not v.is_finite() else v for v in python_values(column, column_type(field))
    ]


def stands_for_more(field: pa.Field) -> bool:
    """Whether the column's text is the JSON of objects and arrays, or the digits of numbers."""
    is_text = pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
    return bool(is_text and column_type(field) in (ColumnType.OBJECT, ColumnType.NUMBER))


def column_values(column: pa.Array) -> list[Any]:
    """One column's values as JSON values (and decimals)."""
    kind = column.type
    if isinstance(column, pa.ExtensionArray):
        return column_values(column.storage)
    if pa.types.is_dictionary(kind):
        return column_values(column.dictionary_decode())
    if _needs_python(kind):
        return [json_value(value) for value in column.to_pylist()]
    if pa.types.is_timestamp(kind):
        return list(moment_texts(column).to_pylist())
    if pa.types.is_date(kind) or pa.types.is_time(kind):
        return list(column.cast(pa.string()).to_pylist())
    if pa.types.is_decimal(kind):
        return [None if t is None else Decimal(t) for t in column.cast(pa.string()).to_pylist()]
    return list(column.to_pylist())


def values_and_bytes(column: pa.Array) -> list[Any]:
    """As :func:`column_values`, with bytes as they are."""
    kind = column.type
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return list(column.to_pylist())
    return column_values(column)


def moment_texts(column: pa.Array) -> pa.Array:
    """Moments as ISO text; a fraction of a second is written only where there is one."""
    texts = clock_texts(column)
    return pc.binary_join_element_wise(texts, "Z", "") if column.type.tz else texts


def clock_texts(column: pa.Array) -> pa.Array:
    """As :func:`moment_texts`, without the sign that the zone is UTC."""
    kind = column.type
    # Moments with a zone are stored in UTC; without it the columnar engine writes them ten times faster.
    plain = column.view(pa.timestamp(kind.unit)) if kind.tz else column
    if kind.unit != "us":
        plain = plain.cast(pa.timestamp("us"), safe=False)
    try:
        return _with_t(plain.cast(pa.timestamp("s")).cast(pa.string()))
    except pa.ArrowInvalid:  # some have a fraction
        texts = _with_t(plain.cast(pa.string()))
    whole = pc.ends_with(texts, _NO_FRACTION)
    return pc.if_else(whole, pc.utf8_slice_codeunits(texts, 0, -len(_NO_FRACTION)), texts)


def _with_t(texts: pa.Array) -> pa.Array:
    """Moments with a T where they have their only blank, replaced in all of them at once."""
    valid, ends, data = texts.buffers()
    if data is None:
        return texts
    data = pa.py_buffer(data.to_pybytes().replace(b" ", b"T"))
    return pa.Array.from_buffers(texts.type, len(texts), [valid, ends, data], offset=texts.offset)


def _needs_python(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_nested(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_duration(kind)
    )


def json_value(value: Any) -> Any:
    """Any value as a JSON value; decimals are kept."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, dict):
        return {str(k): json_value(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return _pairs(value) if _is_map(value) else [json_value(v) for v in value]
    if maker := _MAKERS.get(type(value)):
        return maker(value)
    return str(value)


def _is_map(value: list[Any] | tuple[Any, ...]) -> bool:
    # Arrow hands maps over as lists of (key, value) tuples; lists hold lists, never tuples.
    return bool(value) and all(isinstance(v, tuple) and len(v) == 2 for v in value)


def _pairs(value: list[Any] | tuple[Any, ...]) -> dict[str, Any]:
    return {str(k): json_value(v) for k, v in value}


def _datetime_text(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


_MAKERS: dict[type, Callable[[Any], str]] = {
    datetime: _datetime_text,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: str,
    bytes: lambda value: base64.b64encode(value).decode(),
}


def dumps(value: Any) -> bytes:
    """JSON text of JSON values, decimals and whole numbers exact."""
    try:
        return orjson.dumps(value, default=_default)
    except TypeError:
        return orjson.dumps(_without_big_numbers(value), default=_default)


def decimal_text(value: Decimal) -> str:
    """A decimal's digits, trailing zeros kept, never in exponent form."""
    return format(value, "f")


def _default(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(decimal_text(value)) if value.is_finite() else None
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def _without_big_numbers(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and not _INT64[0] <= value <= _INT64[1]:
        return orjson.Fragment(str(value))
    if isinstance(value, dict):
        return {str(k): _without_big_numbers(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_without_big_numbers(v) for v in value]
    return value
