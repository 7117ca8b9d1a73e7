"""How Oracle's types are shown and read, and its driver's Arrow made ours.

A NUMBER without a precision holds up to 40 digits anywhere around the point, which no type of Arrow does: it is read as
text. DATE has a time of day.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from connectors.sdk.arrow import check_calendar
from connectors.sdk.errors import QueryError
from connectors.sdk.readings import Described, Reading
from connectors.sdk.text_columns import unreadable
from connectors.sdk.types import Column, ColumnType

_DIALECT = "oracle"
_LONG_INTEGER, _DIGITS = 18, 38


def described(column: Any, comment: str = "") -> Described:
    """A column of a query, as the driver tells it."""
    kind = column.type_code.name.removeprefix("DB_TYPE_")
    native, reading = _number(column) if kind == "NUMBER" else (_NATIVE.get(kind, kind), _reading(kind, column))
    return Described(Column(column.name, reading.type, native, comment, bool(column.null_ok)), reading)


def carried(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The driver's batch as the schema says."""
    columns = [_carried(field, values) for field, values in zip(schema, batch.columns, strict=True)]
    ready = pa.RecordBatch.from_arrays(columns, schema=schema)
    check_calendar(ready)
    return ready


def _carried(field: pa.Field, values: pa.Array) -> pa.Array:
    if pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type):
        return pa.array([None if v is None else v.hex() for v in values.to_pylist()], pa.string())
    try:
        found = values if values.type == field.type else values.cast(field.type)
    except pa.ArrowInvalid as error:
        raise unreadable(field) from error
    if pa.types.is_string(field.type) and (field.metadata or {}).get(b"headrace:type") == b"number":
        return pc.replace_substring_regex(found, r"^(-?)\.", r"\10.")  # Oracle writes half as .5
    return found


def _number(column: Any) -> tuple[str, Reading]:
    precision, scale = int(column.precision or 0), int(column.scale or 0)
    if not 0 < precision <= _DIGITS or not 0 <= scale <= precision:
        return "NUMBER", _TEXT_NUMBER
    if scale == 0 and precision <= _LONG_INTEGER:
        return f"NUMBER({precision})", Reading(ColumnType.NUMBER, pa.int64())
    return f"NUMBER({precision},{scale})", Reading(ColumnType.NUMBER, pa.decimal128(precision, scale))


def _reading(kind: str, column: Any) -> Reading:
    if kind in ("CLOB", "NCLOB", "VARCHAR") and column.is_json:
        return Reading(ColumnType.OBJECT, pa.string())
    if kind == "OBJECT" and column.type.name == "SDO_GEOMETRY":
        return Reading(ColumnType.STRING, pa.string(), _call("SDO_UTIL.TO_WKTGEOMETRY"))
    if (found := _READINGS.get(kind)) is None:
        raise QueryError(
            f"Column “{column.name}” has the type {column.type.name.removeprefix('DB_TYPE_')}, which cannot be read.",
            hint="Leave it out of the query, or select the parts of it that you need.",
        )
    return found


def _call(name: str) -> Callable[[exp.Column], exp.Expr]:
    return lambda column: exp.Anonymous(this=name, expressions=[column])


def _plain_number(column: exp.Column) -> exp.Expr:
    return exp.Anonymous(this="TO_CHAR", expressions=[column, exp.Literal.string("TM9")])


def _text(column: exp.Column) -> exp.Expr:
    return exp.cast(column, "VARCHAR(4000)", dialect=_DIALECT)


def _microseconds(column: exp.Column) -> exp.Expr:
    return exp.cast(column, "TIMESTAMP(6)", dialect=_DIALECT)


def _in_utc(column: exp.Column) -> exp.Expr:
    zoned = exp.cast(column, "TIMESTAMP(6) WITH TIME ZONE", dialect=_DIALECT)
    return exp.Anonymous(this="SYS_EXTRACT_UTC", expressions=[zoned])


def _json(column: exp.Column) -> exp.Expr:
    # The builder knows no RETURNING here, and without it what is longer than 4,000 bytes would be null.
    whole = exp.Var(this=f"{column.sql(dialect=_DIALECT)} RETURNING CLOB")
    return exp.Anonymous(this="JSON_SERIALIZE", expressions=[whole])


_TEXT = Reading(ColumnType.STRING, pa.string())
_WORDS = Reading(ColumnType.STRING, pa.string(), _call("TO_CHAR"))
_TEXT_NUMBER = Reading(ColumnType.NUMBER, pa.string(), _plain_number)
_FLOAT = Reading(ColumnType.NUMBER, pa.float64())
_LOCAL = Reading(ColumnType.TIMESTAMP, pa.timestamp("us"))
_LOCAL_FINE = Reading(ColumnType.TIMESTAMP, pa.timestamp("us"), _microseconds)
_MOMENT = Reading(ColumnType.TIMESTAMP, pa.timestamp("us", "UTC"), _in_utc)
# The driver's names of types, as SQL writes them.
_NATIVE = {
    "VARCHAR": "VARCHAR2",
    "NVARCHAR": "NVARCHAR2",
    "LONG_RAW": "LONG RAW",
    "TIMESTAMP_TZ": "TIMESTAMP WITH TIME ZONE",
    "TIMESTAMP_LTZ": "TIMESTAMP WITH LOCAL TIME ZONE",
    "INTERVAL_DS": "INTERVAL DAY TO SECOND",
    "INTERVAL_YM": "INTERVAL YEAR TO MONTH",
}
_READINGS = {
    "VARCHAR": _TEXT,
    "NVARCHAR": _TEXT,
    "CHAR": _TEXT,
    "NCHAR": _TEXT,
    "LONG": _TEXT,
    "CLOB": _TEXT,
    "NCLOB": _TEXT,
    "RAW": _TEXT,
    "LONG_RAW": _TEXT,
    "BLOB": _TEXT,
    "ROWID": Reading(ColumnType.STRING, pa.string(), _call("ROWIDTOCHAR")),
    "UROWID": Reading(ColumnType.STRING, pa.string(), _text),
    "INTERVAL_DS": _WORDS,
    "INTERVAL_YM": _WORDS,
    "BINARY_FLOAT": _FLOAT,
    "BINARY_DOUBLE": _FLOAT,
    "BOOLEAN": Reading(ColumnType.BOOLEAN, pa.bool_()),
    "DATE": _LOCAL,
    "TIMESTAMP": _LOCAL_FINE,
    "TIMESTAMP_TZ": _MOMENT,
    "TIMESTAMP_LTZ": _MOMENT,
    "JSON": Reading(ColumnType.OBJECT, pa.string(), _json),
    "VECTOR": Reading(ColumnType.OBJECT, pa.string(), _call("FROM_VECTOR")),
    "XMLTYPE": Reading(ColumnType.STRING, pa.string(), _call("XMLTYPE.GETCLOBVAL")),
}
