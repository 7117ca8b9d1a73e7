"""From a source's columns to the ones a run works with: chosen types, storable forms.

A person may choose another type for a column than the source says. Values are
cast here, by the same rules for every source. A value that does not fit costs
its row, with a reason, and never the run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa

from connectors.sdk.arrow import column_type, mark, native_type
from connectors.sdk.rows import column_values, decimal_text
from connectors.sdk.types import ColumnType
from syncs.engine.errors import InvalidMapping
from syncs.engine.spec import ModelColumn
from syncs.engine.storable import Convert, converter, storable_type

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_TRUTH = {"true": True, "t": True, "yes": True, "y": True, "on": True, "1": True} | {
    "false": False, "f": False, "no": False, "n": False, "off": False, "0": False,
}  # fmt: skip
_UTC = pa.timestamp("us", "UTC")
_WORDS = {
    ColumnType.BOOLEAN: "neither true nor false",
    ColumnType.NUMBER: "not a number",
    ColumnType.TIMESTAMP: "not a timestamp",
    ColumnType.DATE: "not a date",
    ColumnType.OBJECT: "not JSON",
}


@dataclass(frozen=True, slots=True)
class Cast:
    """A batch's columns; ``errors`` says for each row why a value did not fit, or is null."""

    columns: list[pa.Array]
    errors: pa.Array


@dataclass(frozen=True, slots=True)
class _Change:
    """A column that takes another type: the field it becomes, how each value is read, what to say if it cannot."""

    field: pa.Field
    parse: Callable[[Any], Any]
    complaint: str


class Caster:
    """Casts the batches of one stream. ``schema`` is that of its results, under the model's names."""

    def __init__(self, source: pa.Schema, columns: Sequence[ModelColumn]) -> None:
        self._changes: dict[int, _Change] = {}
        self._converters: dict[int, Convert] = {}
        fields: list[pa.Field] = []
        for index, (column, found) in enumerate(zip(columns, source, strict=True)):
            named = pa.field(column.name, storable_type(found.type), metadata=found.metadata)
            if column.cast not in (None, column_type(found), ColumnType.UNKNOWN, ColumnType.REFERENCE):
                self._changes[index] = _change(named, column_type(found), column.cast)
                named = self._changes[index].field
            elif (convert := converter(found.type)) is not None:
                self._converters[index] = convert
            fields.append(named)
        self.schema = pa.schema(fields)

    def __call__(self, batch: pa.RecordBatch) -> Cast:
        columns = [self._converters[i](c) if i in self._converters else c for i, c in enumerate(batch.columns)]
        errors: dict[int, str] = {}
        for index, change in self._changes.items():
            columns[index] = _changed(columns[index], change, errors)
        if not errors:
            return Cast(columns, pa.nulls(batch.num_rows, pa.string()))
        return Cast(columns, pa.array([errors.get(row) for row in range(batch.num_rows)], pa.string()))


def _changed(column: pa.Array, change: _Change, errors: dict[int, str]) -> pa.Array:
    values: list[Any] = []
    for row, value in enumerate(column_values(column)):
        try:
            values.append(None if value is None else change.parse(value))
        except (ValueError, TypeError, OverflowError):
            values.append(None)
            errors.setdefault(row, change.complaint)
    return pa.array(values, change.field.type)


def _change(field: pa.Field, found: ColumnType, chosen: ColumnType | None) -> _Change:
    assert chosen is not None
    complaint = f"Column “{field.name}” holds a value that is {_WORDS.get(chosen, 'not text')}."
    if found in (ColumnType.TIMESTAMP, ColumnType.DATE, ColumnType.OBJECT) and chosen in (
        ColumnType.NUMBER,
        ColumnType.BOOLEAN,
    ):
        raise InvalidMapping(f"Column “{field.name}” is of type {found} and cannot be read as {chosen}.")
    target, parse = _TARGETS[chosen]
    return _Change(mark(pa.field(field.name, target), chosen, native_type(field)), parse, complaint)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    return decimal_text(value) if isinstance(value, Decimal) else str(value)


def _number(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    text = str(value).strip()
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return text.removeprefix("+")


def _boolean(value: Any) -> bool:
    text = str(value).strip().lower()
    if text not in _TRUTH:
        raise ValueError(text)
    return _TRUTH[text]


def _timestamp(value: Any) -> datetime:
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    found = datetime.fromisoformat(str(value).strip())
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _date(value: Any) -> date:
    text = str(value).strip()
    return date.fromisoformat(text) if len(text) <= 10 else _timestamp(text).date()


def _json(value: Any) -> str:
    if not isinstance(value, str):
        return orjson.dumps(value, default=str).decode()
    orjson.loads(value)
    return value


_TARGETS: dict[ColumnType, tuple[pa.DataType, Callable[[Any], Any]]] = {
    ColumnType.STRING: (pa.string(), _text),
    ColumnType.NUMBER: (pa.string(), _number),  # text is the form that loses nothing
    ColumnType.BOOLEAN: (pa.bool_(), _boolean),
    ColumnType.TIMESTAMP: (_UTC, _timestamp),
    ColumnType.DATE: (pa.date32(), _date),
    ColumnType.OBJECT: (pa.string(), _json),
}
