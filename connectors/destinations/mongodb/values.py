"""Columns as the values of documents (BSON), column by column for speed."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from connectors.sdk.drivers import driver
from connectors.sdk.mongodb import PACKAGE
from connectors.sdk.rows import json_values, stands_for_more, values_and_bytes

_INT64 = (-(2**63), 2**63 - 1)
_DIGITS = 10**34  # of a decimal in a document
_BIAS = 6176  # of its exponent
_LOW = 2**64 - 1
_LEVELS = 100  # of objects and arrays inside each other


class Unfit:
    """Stands for a value that no document can hold."""

    def __init__(self, message: str) -> None:
        self.message = message


def document_values(field: pa.Field, column: pa.Array) -> list[Any]:
    """One column's values for documents; :class:`Unfit` where one cannot be."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return _moments(pc.floor_temporal(column, unit="millisecond").cast(pa.timestamp("ms", kind.tz)))
    if pa.types.is_date(kind):
        return _moments(column.cast(pa.date32()).cast(pa.timestamp("ms")))
    if pa.types.is_decimal128(kind):
        return _decimals(column)
    if pa.types.is_uint64(kind) or pa.types.is_decimal(kind):
        return [None if v is None else _number(v) for v in json_values(field, column)]
    if not stands_for_more(field):
        return values_and_bytes(column)
    return [_of_json(value) for value in json_values(field, column)]


def object_ids(values: list[Any]) -> list[Any]:
    """Texts of 24 hexadecimal digits as ObjectIds."""
    object_id, invalid = driver("bson.objectid", PACKAGE).ObjectId, driver("bson.errors", PACKAGE).InvalidId

    def one(value: Any) -> Any:
        try:
            return None if value is None else object_id(str(value))
        except invalid:
            return Unfit(f"“{str(value)[:100]}” is not an ObjectId, which has 24 hexadecimal digits.")

    return [one(value) for value in values]


def _moments(column: pa.Array) -> list[Any]:
    # Milliseconds since 1970, which no calendar bounds; times without a zone count as UTC.
    moment: Any = driver("bson.datetime_ms", PACKAGE).DatetimeMS
    return [None if v is None else moment(v) for v in column.cast(pa.int64()).to_pylist()]


def _unscaled(column: pa.Array) -> Iterator[int | None]:
    """The digits of decimals, as whole numbers."""
    data = memoryview(column.buffers()[1] or b"")[column.offset * 16 : (column.offset + len(column)) * 16]
    numbers = (high << 64 | low for low, high in struct.iter_unpack("<Qq", data))
    if not column.null_count:
        return numbers
    return (n if valid else None for n, valid in zip(numbers, column.is_valid().to_pylist(), strict=True))


def _decimals(column: pa.Array) -> list[Any]:
    """Decimals by their digits, as their bits are laid out: the driver's own way takes ten times as long."""
    scale, decimal = column.type.scale, _decimal128()
    if scale <= 0:
        return [None if n is None else _number(n * 10**-scale) for n in _unscaled(column)]
    exponent, minus = (_BIAS - scale) << 49, 1 << 63

    def one(number: int | None) -> Any:
        if number is None:
            return None
        if not -_DIGITS < number < _DIGITS:
            return _number(Decimal(number).scaleb(-scale))
        positive = abs(number)
        high = exponent | positive >> 64
        return decimal((high | minus if number < 0 else high, positive & _LOW))

    return [one(number) for number in _unscaled(column)]


def _number(value: Any) -> Any:
    """Whole numbers as such, however they came, up to eight bytes; all others as decimals."""
    if isinstance(value, int) and _INT64[0] <= value <= _INT64[1]:
        return value
    try:
        return _decimal128()(Decimal(value))
    except ArithmeticError:
        return Unfit(f"{value} has more than the 34 digits that a number of a document can have.")


@cache
def _decimal128() -> Any:
    return driver("bson.decimal128", PACKAGE).Decimal128


def _of_json(value: Any, levels: int = _LEVELS) -> Any:
    """A JSON value, with the numbers inside it as documents have them."""
    if isinstance(value, dict | list):
        if not levels:
            return Unfit(f"A document has {_LEVELS} levels at most.")
        inner = [_of_json(v, levels - 1) for v in (value.values() if isinstance(value, dict) else value)]
        if wrong := next((v for v in inner if isinstance(v, Unfit)), None):
            return wrong
        return dict(zip(value, inner, strict=True)) if isinstance(value, dict) else inner
    if isinstance(value, Decimal):
        near = float(value)  # JSON knows one kind of number, mostly meant as this one
        return near if Decimal(repr(near)) == value else _number(value)
    return _number(value) if isinstance(value, int) else value
