"""Arrow batches as the CSV that COPY reads, without touching rows one by one where types allow."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from connectors.destinations.postgres.catalog import WHOLE_NUMBERS, TableColumn
from connectors.sdk.liquid import parse_json
from connectors.sdk.rows import decimal_text, dumps, json_value

# Text is always quoted and nulls never are, so empty text and null stay apart.
_OPTIONS = csv.WriteOptions(include_header=False, quoting_style="needed")


def converted(rows: pa.RecordBatch, columns: Mapping[str, TableColumn]) -> pa.RecordBatch:
    """``rows`` with every column in a shape that CSV can carry to its target column."""
    arrays = [convert(array, columns[name]) for name, array in zip(rows.schema.names, rows.columns, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, names=list(rows.schema.names))


def copy_text(rows: pa.RecordBatch, *, numbered: bool) -> bytes:
    """The CSV of converted rows; ``numbered`` puts each row's position in front."""
    if numbered:
        positions = pa.array(range(len(rows)), pa.int32())
        names = ["n", *(f"c{i}" for i in range(rows.num_columns))]
        rows = pa.RecordBatch.from_arrays([positions, *rows.columns], names=names)
    sink = io.BytesIO()
    csv.write_csv(rows, sink, _OPTIONS)
    return sink.getvalue()


def convert(array: pa.Array, target: TableColumn) -> pa.Array:
    """One column for CSV: nested values as JSON or array literals, bytes as hex, moments in UTC."""
    if isinstance(array, pa.ExtensionArray):
        return convert(array.storage, target)
    kind = array.type
    if pa.types.is_dictionary(kind):
        return convert(array.dictionary_decode(), target)
    if pa.types.is_nested(kind):
        return _texts([_nested(v, target) for v in array.to_pylist()])
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _array_texts(array) if target.is_array else array
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return _texts([None if v is None else "\\x" + v.hex() for v in array.to_pylist()])
    if pa.types.is_timestamp(kind):
        return array.cast(pa.timestamp("us", "UTC" if kind.tz else None), safe=False)
    if pa.types.is_floating(kind) and target.base_name in WHOLE_NUMBERS:
        return _whole(array)
    if pa.types.is_decimal(kind):
        return array.cast(pa.string())
    if pa.types.is_duration(kind):
        return _texts([None if v is None else _interval(v) for v in array.to_pylist()])
    return array


def _whole(array: pa.Array) -> pa.Array:
    """Floats bound for a whole-number column: 5.0 is written as 5, 5.5 is left for the server to refuse."""
    try:
        return array.cast(pa.int64())
    except pa.ArrowInvalid:
        return array


def _array_texts(array: pa.Array) -> pa.Array:
    """Text bound for an array column: JSON arrays become array literals, anything else stays."""
    if not pc.any(pc.starts_with(array, "[")).as_py():
        return array
    return _texts([_from_json(v) for v in array.to_pylist()])


def _from_json(text: str | None) -> str | None:
    if text is None or not text.startswith("["):
        return text
    try:
        return _literal(parse_json(text))
    except ValueError:
        return text


def _nested(value: Any, target: TableColumn) -> str | None:
    if value is None:
        return None
    plain = json_value(value)
    return _literal(plain) if target.is_array and isinstance(plain, list) else dumps(plain).decode()


def _literal(values: Sequence[Any]) -> str:
    """A PostgreSQL array literal; objects inside it are JSON."""
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return _literal(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    text = dumps(value).decode() if isinstance(value, dict) else _scalar(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _scalar(value: Any) -> str:
    return decimal_text(value) if isinstance(value, Decimal) else str(value)


def _interval(value: timedelta) -> str:
    return f"{value.days} days {value.seconds} seconds {value.microseconds} microseconds"


def _texts(values: Sequence[str | None]) -> pa.Array:
    return pa.array(values, pa.string())
