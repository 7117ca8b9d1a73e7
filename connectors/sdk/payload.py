"""Bodies of requests: from templates or from columns, for one row or for several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

import orjson
import pyarrow as pa

from connectors.sdk.arrow import mark
from connectors.sdk.destination import ACCEPTED, RowResult
from connectors.sdk.errors import ConfigError
from connectors.sdk.json_columns import JsonRows, Shape, json_objects
from connectors.sdk.liquid import (
    Template,
    TemplateError,
    batch_variables,
    compile_template,
    compile_value,
    liquid_text,
    parse_json,
    row_variables,
    strip_trailing_commas,
)
from connectors.sdk.rows import dumps, json_values
from connectors.sdk.types import ColumnType

Row = Mapping[str, Any]
Context = Mapping[str, Any]


class Payload(Protocol):
    """Builds bodies; raises ``TemplateError`` where the rows at hand allow none.

    ``by_row``: a row can make a batch impossible by itself, see :meth:`check_row`.
    """

    @property
    def content_type(self) -> str: ...

    @property
    def by_row(self) -> bool: ...

    def one(self, row: Row, context: Context) -> bytes:
        """The body of a request for one row."""

    def many(self, rows: Sequence[Row], context: Context) -> bytes:
        """The body of a request for several rows."""

    def check_row(self, row: Row, context: Context) -> None:
        """Raise ``TemplateError`` where this row alone makes a batch impossible."""

    def require(self, columns: Sequence[str]) -> None:
        """Raise ``ConfigError`` for columns that the model does not have."""


@dataclass(frozen=True)
class Templated:
    """A body written in Liquid; ``finish`` checks and completes the text."""

    template: Template
    content_type: str
    finish: Callable[[str], str]
    by_row: bool = False

    def one(self, row: Row, context: Context) -> bytes:
        return self.finish(self.template.render(self.template.row_variables(row, context))).encode()

    def many(self, rows: Sequence[Row], context: Context) -> bytes:
        return self.finish(self.template.render(batch_variables(rows, context))).encode()

    def check_row(self, row: Row, context: Context) -> None:
        """A template sees the batch only as a whole."""

    def require(self, columns: Sequence[str]) -> None:
        self.template.require(columns)


@dataclass(frozen=True)
class Column:
    """A column that holds the JSON to send; a batch is an array of them."""

    name: str
    content_type: str = "application/json"
    by_row: bool = True

    def one(self, row: Row, context: Context) -> bytes:
        return self._text(row)

    def many(self, rows: Sequence[Row], context: Context) -> bytes:
        return b"[" + b",".join(self._text(row) for row in rows) + b"]"

    def check_row(self, row: Row, context: Context) -> None:
        self._text(row)

    def require(self, columns: Sequence[str]) -> None:
        if self.name not in columns:
            raise ConfigError(
                f"Unknown field name “{self.name}” in the payload: the model does not return it.", field="column"
            )

    def _text(self, row: Row) -> bytes:
        value = row[self.name]
        if not isinstance(value, str):
            return dumps(value)
        try:
            orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise TemplateError(f"The column “{self.name}” does not hold JSON.") from error
        return value.encode()


@dataclass(frozen=True)
class Columns:
    """An object of chosen columns and values (all columns where none are chosen); a batch is an array."""

    fields: tuple[tuple[tuple[str, ...], str | Template], ...]
    content_type: str = "application/json"

    @property
    def by_row(self) -> bool:
        return any(isinstance(source, Template) for _, source in self.fields)

    def encode(self, rows: pa.RecordBatch, context: Context) -> Bodies | None:
        """The objects of many rows at once, column by column; templates are rendered once for each row."""
        if not {source for _, source in self.fields if isinstance(source, str)} <= set(rows.schema.names):
            return None
        refused: dict[int, RowResult] = {}
        try:
            return Bodies(json_objects(*self._written(rows, context, refused)), refused)
        except (TypeError, ValueError):  # more text than one buffer holds, or a value that is none of JSON's
            return None

    def one(self, row: Row, context: Context) -> bytes:
        return dumps(self._object(row, context))

    def many(self, rows: Sequence[Row], context: Context) -> bytes:
        if not self.fields:
            return dumps(rows)
        return dumps([self._object(row, context) for row in rows])

    def check_row(self, row: Row, context: Context) -> None:
        for _, source in self.fields:
            if isinstance(source, Template):
                _value(source, row, context)

    def require(self, columns: Sequence[str]) -> None:
        _require([source for _, source in self.fields], columns)

    def _object(self, row: Row, context: Context) -> Row:
        if not self.fields:
            return row
        whole: dict[str, Any] = {}
        for path, source in self.fields:
            _place(whole, path)[path[-1]] = _value(source, row, context)
        return whole

    def _written(
        self, rows: pa.RecordBatch, context: Context, refused: dict[int, RowResult]
    ) -> tuple[pa.RecordBatch, Shape | None]:
        """The columns, those that templates make among them, and which goes where in the object."""
        if not self.fields:
            return rows, None
        columns: list[pa.Array] = []
        fields: list[pa.Field] = []
        whole: dict[str, Any] = {}
        for number, (path, source) in enumerate(self.fields):
            if isinstance(source, Template):
                values = _rendered(source, rows, context, refused)
                field, column = _as_json(values)
            else:
                field, column = rows.schema.field(source), rows.column(source)
            fields.append(field.with_name(str(number)))
            columns.append(column)
            _place(whole, path)[path[-1]] = str(number)
        return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields)), whole


@dataclass(frozen=True, slots=True)
class Bodies:
    """The objects of many rows, with the rows among them that a template refused, by place."""

    objects: JsonRows
    refused: Mapping[int, RowResult]

    def __len__(self) -> int:
        return len(self.objects)

    def slice(self, start: int, stop: int) -> Bodies:
        """Rows ``start`` to ``stop``, without copying the text."""
        refused = self.refused and {p - start: result for p, result in self.refused.items() if start <= p < stop}
        return Bodies(self.objects.slice(start, stop), refused)

    def row(self, index: int) -> bytes:
        """One row: an object."""
        return self.objects.row(index)

    def results(self) -> list[RowResult]:
        """What becomes of each row once the others are accepted."""
        results = [ACCEPTED] * len(self)
        for place, refusal in self.refused.items():
            results[place] = refusal
        return results

    def array(self) -> bytes:
        """All rows that were not refused: an array of objects."""
        if not self.refused:
            return self.objects.array()
        kept = (self.objects.row(index) for index in range(len(self)) if index not in self.refused)
        return b"[" + b",".join(kept) + b"]"


def _rendered(template: Template, rows: pa.RecordBatch, context: Context, refused: dict[int, RowResult]) -> list[Any]:
    """What the template makes of each row; nothing for rows that are refused, by it or before."""
    used = [f for f in rows.schema if template.columns is None or f.name in template.columns]
    columns = {field.name: json_values(field, rows.column(field.name)) for field in used}
    made = list(template.evaluate_rows(columns, rows.num_rows, context))
    if TemplateError in set(map(type, made)):
        refused.update((p, v.result()) for p, v in enumerate(made) if isinstance(v, TemplateError) and p not in refused)
    return [None if place in refused else value for place, value in enumerate(made)] if refused else made


def _as_json(values: Sequence[Any]) -> tuple[pa.Field, pa.Array]:
    """Values as a column: of text where all are text, else of JSON text, which keeps each value's type."""
    if set(map(type, values)) <= {str, type(None)}:
        return pa.field("", pa.string()), pa.array(values, pa.string())
    texts = [dumps(value).decode() for value in values]
    return mark(pa.field("", pa.string()), ColumnType.OBJECT), pa.array(texts, pa.string())


def _place(whole: dict[str, Any], path: Sequence[str]) -> dict[str, Any]:
    """The object inside ``whole`` that holds the last name of a path, made on the way."""
    for step in path[:-1]:
        whole = whole.setdefault(step, {})
    return whole


@dataclass(frozen=True)
class Form:
    """URL-encoded fields. In a batch each field is repeated, once per row."""

    fields: tuple[tuple[str, str | Template], ...]
    content_type: str = "application/x-www-form-urlencoded"
    by_row: bool = True

    def one(self, row: Row, context: Context) -> bytes:
        return urlencode(self._pairs(row, context)).encode()

    def many(self, rows: Sequence[Row], context: Context) -> bytes:
        return urlencode([pair for row in rows for pair in self._pairs(row, context)]).encode()

    def check_row(self, row: Row, context: Context) -> None:
        self._pairs(row, context)

    def require(self, columns: Sequence[str]) -> None:
        _require([source for _, source in self.fields], columns)

    def _pairs(self, row: Row, context: Context) -> list[tuple[str, str]]:
        return [(name, liquid_text(_value(source, row, context))) for name, source in self.fields]


@dataclass(frozen=True)
class Empty:
    """No body."""

    content_type: str = ""
    by_row: bool = False

    def one(self, row: Row, context: Context) -> bytes:
        return b""

    def many(self, rows: Sequence[Row], context: Context) -> bytes:
        return b""

    def check_row(self, row: Row, context: Context) -> None:
        """Nothing can go wrong."""

    def require(self, columns: Sequence[str]) -> None:
        """Nothing is used."""


def payload_of(settings: Mapping[str, Any]) -> Payload:
    """The payload that a trigger's settings describe; raises ``ConfigError`` naming the setting."""
    kind = settings.get("payload") or "json_columns"
    if kind == "json_editor":
        return Templated(_template(settings, "json"), "application/json", _finish_json)
    if kind == "xml":
        return Templated(_template(settings, "xml"), "application/xml", str.strip)
    if kind == "json_column":
        return Column(_needed(settings, "column"))
    if kind == "form":
        return Form(tuple((r["name"], _source(r["value"])) for r in settings.get("form") or ()))
    if kind == "empty":
        return Empty()
    return Columns(_paths(settings.get("columns") or ()))


def _paths(rows: Sequence[Mapping[str, Any]]) -> tuple[tuple[tuple[str, ...], str | Template], ...]:
    fields = tuple((tuple(r["name"].split(".")), _source(r["value"])) for r in rows)
    taken = [path for path, _ in fields]
    for path in taken:
        if taken.count(path) > 1 or any(other[: len(path)] == path for other in taken if other != path):
            raise ConfigError(f"The field “{'.'.join(path)}” is filled twice.", field="columns")
    return fields


def _source(value: str) -> str | Template:
    """A column's name, or a template where there is any Liquid in it."""
    return compile_value(value) if "{{" in value or "{%" in value else value


def _value(source: str | Template, row: Row, context: Context) -> Any:
    return row[source] if isinstance(source, str) else source.evaluate(row_variables(row, context))


def _require(sources: Sequence[str | Template], columns: Sequence[str]) -> None:
    for source in sources:
        if isinstance(source, Template):
            source.require(columns)
        elif source not in columns:
            raise ConfigError(
                f"Unknown field name “{source}” in the payload: the model does not return it.",
                hint="Write text that is not a column as {{ 'text' }}.",
            )


def _template(settings: Mapping[str, Any], name: str) -> Template:
    return compile_template(_needed(settings, name))


def _needed(settings: Mapping[str, Any], name: str) -> str:
    if not (value := settings.get(name)):
        raise ConfigError("The payload is not set.", field=name)
    return str(value)


def _finish_json(text: str) -> str:
    stripped = strip_trailing_commas(text)
    try:
        parse_json(stripped)
    except ValueError as error:
        raise TemplateError(
            f"The template did not make JSON: {error}.",
            hint="Write text values with the json filter: {{ row.name | json }}",
        ) from error
    return stripped
