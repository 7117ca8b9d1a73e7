"""Databricks' column types: what people see them as, and how each is read without loss."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from sqlglot import exp

from connectors.sdk.arrow import check_calendar
from connectors.sdk.readings import Described, Reading
from connectors.sdk.text_columns import unreadable
from connectors.sdk.types import Column, ColumnType

_DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)")


def described(column: Mapping[str, Any], comment: str = "") -> Described:
    """A column as the manifest of a result tells it."""
    native = str(column.get("type_text") or column.get("type_name") or "").lower()
    found = _reading(native)
    return Described(Column(str(column["name"]), found.type, native, comment), found)


def carried(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """A batch of a result with the types that were described."""
    columns = []
    for field, values in zip(schema, batch.columns, strict=True):
        try:
            columns.append(values if values.type == field.type else values.cast(field.type))
        except pa.ArrowInvalid as error:
            raise unreadable(field) from error
    ready = pa.RecordBatch.from_arrays(columns, schema=schema)
    check_calendar(ready)
    return ready


def _reading(native: str) -> Reading:
    if found := _DECIMAL.fullmatch(native):
        return Reading(ColumnType.NUMBER, pa.decimal128(int(found[1]), int(found[2])))
    return _READINGS.get(re.split(r"[(<\s]", native, maxsplit=1)[0], _WORDS)


def _json(column: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="TO_JSON", expressions=[column])


def _hexadecimal(column: exp.Expr) -> exp.Expr:
    return exp.func("lower", exp.Anonymous(this="HEX", expressions=[column]))


def _words(column: exp.Expr) -> exp.Expr:
    return exp.cast(column, "STRING", dialect="databricks")


_WORDS = Reading(ColumnType.STRING, pa.string(), _words)  # intervals, and what there may be one day
_OBJECT = Reading(ColumnType.OBJECT, pa.string(), _json)
_READINGS = {
    "boolean": Reading(ColumnType.BOOLEAN, pa.bool_()),
    "tinyint": Reading(ColumnType.NUMBER, pa.int8()),
    "smallint": Reading(ColumnType.NUMBER, pa.int16()),
    "int": Reading(ColumnType.NUMBER, pa.int32()),
    "bigint": Reading(ColumnType.NUMBER, pa.int64()),
    "float": Reading(ColumnType.NUMBER, pa.float64()),
    "double": Reading(ColumnType.NUMBER, pa.float64()),
    "string": Reading(ColumnType.STRING, pa.string()),
    "binary": Reading(ColumnType.STRING, pa.string(), _hexadecimal),
    "date": Reading(ColumnType.DATE, pa.date32()),
    "timestamp": Reading(ColumnType.TIMESTAMP, pa.timestamp("us", "UTC")),
    "timestamp_ntz": Reading(ColumnType.TIMESTAMP, pa.timestamp("us")),
    "array": _OBJECT,
    "map": _OBJECT,
    "struct": _OBJECT,
    "variant": _OBJECT,
}
