"""DuckDB's column types: what people see them as, and how each is read without loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from duckdb.sqltypes import DuckDBPyType
from sqlglot import exp

from connectors.sdk.types import ColumnType

DIALECT = "duckdb"
Read = Callable[[exp.Column], exp.Expr]


@dataclass(frozen=True, slots=True)
class Reading:
    """How a column of some type is shown, and the expression that reads it (``None``: as it is)."""

    type: ColumnType
    read: Read | None = None


def reading(native: DuckDBPyType) -> Reading:
    """How to read a column of this type; text where the type is not known."""
    if str(native) == "JSON":
        return Reading(ColumnType.OBJECT)
    return _READINGS.get(native.id, Reading(ColumnType.STRING, _text))


def _text(column: exp.Expr) -> exp.Expr:
    return exp.cast(column, "varchar", dialect=DIALECT)


def _json(column: exp.Column) -> exp.Expr:
    return _text(exp.func("to_json", column))


def _hexadecimal(column: exp.Column) -> exp.Expr:
    return exp.func("lower", exp.func("hex", column))


def _whole(column: exp.Column) -> exp.Expr:
    # Sums of whole numbers are HUGEINT: as DECIMAL(38,0) they stay numbers. Beyond its
    # range the cast fails in DuckDB's own words instead of wrapping around.
    return exp.cast(column, "decimal(38, 0)", dialect=DIALECT)


def _microseconds(column: exp.Column) -> exp.Expr:
    # Neither Python nor nearly any destination knows parts of a microsecond.
    return exp.cast(column, "timestamp", dialect=DIALECT)


_NUMBERS = (
    "tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint", "float", "double",
    "decimal",
)  # fmt: skip
_NESTED = ("list", "array", "struct", "map", "union", "variant")

_READINGS: Mapping[str, Reading] = {
    "boolean": Reading(ColumnType.BOOLEAN),
    **dict.fromkeys(_NUMBERS, Reading(ColumnType.NUMBER)),
    "hugeint": Reading(ColumnType.NUMBER, _whole),
    "uhugeint": Reading(ColumnType.NUMBER, _text),
    "bignum": Reading(ColumnType.NUMBER, _text),
    "varchar": Reading(ColumnType.STRING),
    "uuid": Reading(ColumnType.STRING),
    "blob": Reading(ColumnType.STRING, _hexadecimal),
    "date": Reading(ColumnType.DATE),
    "timestamp": Reading(ColumnType.TIMESTAMP),
    "timestamp_ns": Reading(ColumnType.TIMESTAMP, _microseconds),
    "timestamp_s": Reading(ColumnType.TIMESTAMP, _microseconds),
    "timestamp_ms": Reading(ColumnType.TIMESTAMP, _microseconds),
    "timestamp with time zone": Reading(ColumnType.TIMESTAMP),
    **dict.fromkeys(_NESTED, Reading(ColumnType.OBJECT, _json)),
}
