"""Trino's column types: what people see them as, and how each is read without loss."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from sqlglot import exp

from connectors.sdk.arrow import check_calendar
from connectors.sdk.readings import Described, Reading
from connectors.sdk.text_columns import text_column
from connectors.sdk.types import Column, ColumnType

_DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)")


def described(column: Mapping[str, Any], comment: str = "") -> Described:
    """A column as the server tells it."""
    native = str(column["type"]).lower()
    found = _reading(native)
    return Described(Column(str(column["name"]), found.type, native, comment), found)


def batch(rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.RecordBatch:
    """Rows as the server hands them out: numbers and truth values as such, everything else as text."""
    columns = zip(*rows, strict=True)
    arrays = [_column(field, values) for field, values in zip(schema, columns, strict=True)]
    ready = pa.RecordBatch.from_arrays(arrays, schema=schema)
    check_calendar(ready)
    return ready


def _column(field: pa.Field, values: Sequence[Any]) -> pa.Array:
    if pa.types.is_integer(field.type) or pa.types.is_boolean(field.type):
        return pa.array(values, field.type)
    if pa.types.is_floating(field.type):  # what JSON has no numbers for comes as text
        return pa.array([None if v is None else float(v) for v in values], field.type)
    return text_column(field, [v if v is None or isinstance(v, str) else str(v) for v in values])


def _reading(native: str) -> Reading:
    base = re.split(r"[(\s]", native, maxsplit=1)[0]
    if found := _DECIMAL.fullmatch(native):
        return Reading(ColumnType.NUMBER, pa.decimal128(int(found[1]), int(found[2])))
    if base == "timestamp":
        return _MOMENT if native.endswith("with time zone") else _LOCAL
    return _READINGS.get(base, _TEXT)


def _local(column: exp.Expr) -> exp.Expr:
    return exp.cast(column, exp.DataType.build("TIMESTAMP(6)", dialect="trino"))


def _moment(column: exp.Expr) -> exp.Expr:
    return _local(exp.AtTimeZone(this=column, zone=exp.Literal.string("UTC")))


def _json(column: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="JSON_FORMAT", expressions=[exp.cast(column, "JSON", dialect="trino")])


def _hexadecimal(column: exp.Expr) -> exp.Expr:
    return exp.func("lower", exp.Anonymous(this="TO_HEX", expressions=[column]))


def _words(column: exp.Expr) -> exp.Expr:
    return exp.cast(column, "VARCHAR", dialect="trino")


_TEXT = Reading(ColumnType.STRING, pa.string())  # what plugins add comes as text, too
_LOCAL = Reading(ColumnType.TIMESTAMP, pa.timestamp("us"), _local)
_MOMENT = Reading(ColumnType.TIMESTAMP, pa.timestamp("us", "UTC"), _moment)
_OBJECT = Reading(ColumnType.OBJECT, pa.string(), _json)
_WORDS = Reading(ColumnType.STRING, pa.string(), _words)
_READINGS = {
    "boolean": Reading(ColumnType.BOOLEAN, pa.bool_()),
    "tinyint": Reading(ColumnType.NUMBER, pa.int8()),
    "smallint": Reading(ColumnType.NUMBER, pa.int16()),
    "integer": Reading(ColumnType.NUMBER, pa.int32()),
    "bigint": Reading(ColumnType.NUMBER, pa.int64()),
    "real": Reading(ColumnType.NUMBER, pa.float64()),
    "float": Reading(ColumnType.NUMBER, pa.float64()),  # what Athena calls it
    "double": Reading(ColumnType.NUMBER, pa.float64()),
    "date": Reading(ColumnType.DATE, pa.date32()),
    "varbinary": Reading(ColumnType.STRING, pa.string(), _hexadecimal),
    "json": _OBJECT,
    "array": _OBJECT,
    "map": _OBJECT,
    "row": _OBJECT,
    "time": _WORDS,
    "uuid": _WORDS,
    "ipaddress": _WORDS,
    "interval": _WORDS,
}
