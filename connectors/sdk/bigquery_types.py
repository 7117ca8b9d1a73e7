"""BigQuery's column types: what people see them as, and how each is read without loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from sqlglot import exp

from connectors.sdk.arrow import check_calendar
from connectors.sdk.readings import Described, Reading
from connectors.sdk.text_columns import text_column
from connectors.sdk.types import Column, ColumnType

# The names that the REST interface has from legacy SQL.
_STANDARD = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}


def described(field: Mapping[str, Any]) -> Described:
    """A column as the schema of a table or query tells it."""
    native = _STANDARD.get(str(field["type"]).upper(), str(field["type"]).upper())
    reading, mode = _READINGS.get(native, _TEXT), field.get("mode")
    if mode == "REPEATED":
        native, reading = f"ARRAY<{native}>", _OBJECT
    comment = str(field.get("description") or "")
    return Described(Column(str(field["name"]), reading.type, native, comment, mode != "REQUIRED"), reading)


def batch(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    """A page of rows, whose values are all text."""
    columns = zip(*([cell["v"] for cell in row["f"]] for row in rows), strict=True)
    arrays = [_column(field, values) for field, values in zip(schema, columns, strict=True)]
    ready = pa.RecordBatch.from_arrays(arrays, schema=schema)
    check_calendar(ready)
    return ready


def _column(field: pa.Field, values: Sequence[str | None]) -> pa.Array:
    if pa.types.is_timestamp(field.type) and field.type.tz:  # microseconds since 1970
        return pa.array(values, pa.string()).cast(pa.int64()).cast(field.type)
    return text_column(field, values)


def _hexadecimal(column: exp.Column) -> exp.Expr:
    return exp.Anonymous(this="TO_HEX", expressions=[column])


def _json(column: exp.Column) -> exp.Expr:
    # TO_JSON_STRING makes the word null of nothing.
    text = exp.Anonymous(this="TO_JSON_STRING", expressions=[column])
    return exp.If(this=exp.Is(this=column.copy(), expression=exp.null()), true=exp.null(), false=text)


_TEXT = Reading(ColumnType.STRING, pa.string())
_OBJECT = Reading(ColumnType.OBJECT, pa.string(), _json)
_READINGS = {
    "INT64": Reading(ColumnType.NUMBER, pa.int64()),
    "FLOAT64": Reading(ColumnType.NUMBER, pa.float64()),
    "NUMERIC": Reading(ColumnType.NUMBER, pa.decimal128(38, 9)),
    "BIGNUMERIC": Reading(ColumnType.NUMBER, pa.string()),
    "BOOL": Reading(ColumnType.BOOLEAN, pa.bool_()),
    "BYTES": Reading(ColumnType.STRING, pa.string(), _hexadecimal),
    "DATE": Reading(ColumnType.DATE, pa.date32()),
    "DATETIME": Reading(ColumnType.TIMESTAMP, pa.timestamp("us")),
    "TIMESTAMP": Reading(ColumnType.TIMESTAMP, pa.timestamp("us", "UTC")),
    "STRUCT": _OBJECT,
    "JSON": _OBJECT,
}
