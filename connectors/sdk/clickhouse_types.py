"""ClickHouse's column types: what people see them as, and how each is read without loss."""

from __future__ import annotations

import re

import pyarrow as pa
from sqlglot import exp

from connectors.sdk.readings import Reading
from connectors.sdk.types import ColumnType

_WRAPPED = re.compile(r"(?:Nullable|LowCardinality)\((?P<inner>.*)\)$")
_DECIMAL = re.compile(r"Decimal\((?P<precision>\d+), (?P<scale>\d+)\)")
_NESTED = ("Array(", "Tuple(", "Map(", "Nested(", "JSON", "Object(", "Variant(", "Dynamic")


def reading(native: str) -> Reading:
    """How to read a column of this type; text where nothing better is known."""
    while found := _WRAPPED.match(native):
        native = found["inner"]
    if known := _READINGS.get(native):
        return known
    if found := _DECIMAL.match(native):
        precision, scale = int(found["precision"]), int(found["scale"])
        return Reading(ColumnType.NUMBER, pa.decimal128(precision, scale)) if precision <= 38 else _LONG_NUMBER
    if native.startswith("DateTime"):
        return Reading(ColumnType.TIMESTAMP, pa.timestamp("us", "UTC"), _moment)
    if native.startswith("FixedString"):
        return Reading(ColumnType.STRING, pa.string(), _cut)
    if native.startswith(_NESTED):
        return Reading(ColumnType.OBJECT, pa.string(), _json)
    return _TEXT


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _text(column: exp.Column) -> exp.Expr:
    return _call("toString", column)


def _json(column: exp.Column) -> exp.Expr:
    return _call("toJSONString", column)


def _cut(column: exp.Column) -> exp.Expr:
    return _call("toStringCutToZero", column)


def _day(column: exp.Column) -> exp.Expr:
    return _call("toDate32", column)


def _moment(column: exp.Column) -> exp.Expr:
    return _call("toDateTime64", column, exp.Literal.number(6), exp.Literal.string("UTC"))


_TEXT = Reading(ColumnType.STRING, pa.string(), _text)
_LONG_NUMBER = Reading(ColumnType.NUMBER, pa.string(), _text)
_READINGS = {
    "Bool": Reading(ColumnType.BOOLEAN, pa.bool_()),
    "String": Reading(ColumnType.STRING, pa.string()),
    "Date": Reading(ColumnType.DATE, pa.date32(), _day),
    "Date32": Reading(ColumnType.DATE, pa.date32()),
    "Float32": Reading(ColumnType.NUMBER, pa.float32()),
    "Float64": Reading(ColumnType.NUMBER, pa.float64()),
    **{f"Int{bits}": Reading(ColumnType.NUMBER, getattr(pa, f"int{bits}")()) for bits in (8, 16, 32, 64)},
    **{f"UInt{bits}": Reading(ColumnType.NUMBER, getattr(pa, f"uint{bits}")()) for bits in (8, 16, 32, 64)},
    **{f"{sign}Int{bits}": _LONG_NUMBER for sign in ("", "U") for bits in (128, 256)},
}
