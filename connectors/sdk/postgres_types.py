"""PostgreSQL's column types: what people see them as, and how each is read without loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp

from connectors.sdk.readings import Reading
from connectors.sdk.types import ColumnType

DIALECT = "postgres"


@dataclass(frozen=True, slots=True)
class NativeType:
    """A type as the catalogue describes it; ``modifier`` is -1 where the column has none."""

    name: str
    kind: str  # pg_type.typtype
    category: str  # pg_type.typcategory
    modifier: int = -1


def reading(native: NativeType) -> Reading:
    """How to read a column of this type; text where nothing better is known."""
    if native.name == "numeric":
        return Reading(ColumnType.NUMBER, _decimal(native.modifier) or pa.string())
    if found := _READINGS.get(native.name):
        return found
    if native.category == "A" or native.kind == "c":
        return _JSON
    return _TEXT


def _decimal(modifier: int) -> pa.DataType | None:
    """The decimal type of ``numeric(precision, scale)``, or ``None`` where it does not hold every value."""
    if modifier < 4:
        return None
    precision, scale = (modifier - 4) >> 16 & 0xFFFF, (modifier - 4) & 0x7FF
    # Eleven bits with sign: a negative scale rounds in front of the point.
    if precision > 38 or not 0 <= scale <= precision:
        return None
    return pa.decimal128(precision, scale)


def _text(column: exp.Column) -> exp.Expr:
    return exp.cast(column, "text", dialect=DIALECT)


def _json(column: exp.Column) -> exp.Expr:
    return exp.cast(exp.func("to_json", column), "text", dialect=DIALECT)


def _hexadecimal(column: exp.Column) -> exp.Expr:
    return exp.func("encode", column, exp.Literal.string("hex"))


def _bigint(column: exp.Column) -> exp.Expr:
    return exp.cast(column, "bigint", dialect=DIALECT)


_TEXT = Reading(ColumnType.STRING, pa.string(), _text)
_JSON = Reading(ColumnType.OBJECT, pa.string(), _json)
_JSON_TEXT = Reading(ColumnType.OBJECT, pa.string(), _text)
_PLAIN_TEXT = Reading(ColumnType.STRING, pa.string())

_READINGS: Mapping[str, Reading] = {
    "bool": Reading(ColumnType.BOOLEAN, pa.bool_()),
    "int2": Reading(ColumnType.NUMBER, pa.int16()),
    "int4": Reading(ColumnType.NUMBER, pa.int32()),
    "int8": Reading(ColumnType.NUMBER, pa.int64()),
    "oid": Reading(ColumnType.NUMBER, pa.int64(), _bigint),
    "float4": Reading(ColumnType.NUMBER, pa.float32()),
    "float8": Reading(ColumnType.NUMBER, pa.float64()),
    "text": _PLAIN_TEXT,
    "varchar": _PLAIN_TEXT,
    "bpchar": _PLAIN_TEXT,
    "bytea": Reading(ColumnType.STRING, pa.string(), _hexadecimal),
    "date": Reading(ColumnType.DATE, pa.date32()),
    "timestamp": Reading(ColumnType.TIMESTAMP, pa.timestamp("us")),
    "timestamptz": Reading(ColumnType.TIMESTAMP, pa.timestamp("us", "UTC")),
    "json": _JSON_TEXT,
    "jsonb": _JSON_TEXT,
    "hstore": _JSON,
    "record": _JSON,
}
