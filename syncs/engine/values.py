"""One value of every row: from a column, a constant, a variable of the run, or a template.

Columns, constants and variables are columnar: no row is touched in Python.
Templates are rendered row by row; a row that a template refuses is rejected alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from connectors.sdk.arrow import column_type, exact_number, mark, python_values
from connectors.sdk.destination import RowResult
from connectors.sdk.errors import ConfigError
from connectors.sdk.liquid import Template, TemplateError, compile_value
from connectors.sdk.rows import dumps
from connectors.sdk.types import ColumnType, Operation
from syncs.engine.errors import InvalidMapping
from syncs.engine.spec import FieldMapping, RunSpec

_MEMO_COLUMNS = 3
_MEMO_SIZE = 10_000


@dataclass(frozen=True, slots=True)
class Rows:
    """A batch of a part while it is mapped; ``refused`` are the rows that will not leave, by place."""

    columns: pa.RecordBatch
    operation: Operation
    refused: dict[int, RowResult]
    variables: Mapping[str, str]

    def __len__(self) -> int:
        return int(self.columns.num_rows)


Make = Callable[[Rows], tuple[pa.Field, pa.Array]]


def column_value(index: int, to: str, rows: Rows) -> tuple[pa.Field, pa.Array]:
    """The column as it is."""
    return rows.columns.schema.field(index).with_name(to), rows.columns.column(index)


def constant_value(to: str, value: pa.Scalar, rows: Rows) -> tuple[pa.Field, pa.Array]:
    """The same value for every row."""
    return pa.field(to, value.type), pa.repeat(value, len(rows))


def variable_value(to: str, name: str, rows: Rows) -> tuple[pa.Field, pa.Array]:
    """What the run says of itself, or of the rows' operation."""
    return pa.field(to, pa.string()), pa.repeat(pa.scalar(rows.variables[name]), len(rows))


def constant_of(mapping: FieldMapping) -> pa.Scalar:
    """The constant of a mapping; raises :class:`InvalidMapping`."""
    value = mapping.value
    if isinstance(value, dict):
        value = exact_number(str(value.get("number")))
        if value is None:
            raise InvalidMapping(f"The constant for “{mapping.to}” is no number of at most 38 digits.")
    try:
        return pa.scalar(value, pa.string() if value is None else None)
    except (pa.ArrowException, OverflowError) as error:
        raise InvalidMapping(f"The constant for “{mapping.to}” cannot be sent: {error}") from error


def variable_of(spec: RunSpec, mapping: FieldMapping) -> str:
    """The variable that a mapping names; raises :class:`InvalidMapping`."""
    name = str(mapping.value).replace("-", "_")
    if name not in {*dict(spec.variables), "operation"}:
        raise InvalidMapping(f"“{mapping.value}” is not a variable, so “{mapping.to}” has no value.")
    return name


def template_of(mapping: FieldMapping, names: Sequence[str]) -> Template:
    """The parsed template of a mapping; raises :class:`InvalidMapping`."""
    try:
        template = compile_value(str(mapping.value))
        template.require(names)
    except ConfigError as error:
        raise InvalidMapping(f"The template for “{mapping.to}”: {error.message}", hint=error.hint) from error
    return template


class TemplateValue:
    """Renders one template for every row; equal inputs of small templates that are not plain are rendered once."""

    def __init__(self, template: Template, to: str, *, as_text: bool) -> None:
        self._template = template
        self._to = to
        self._as_text = as_text
        used = template.columns
        small = not template.plain and used is not None and len(used) <= _MEMO_COLUMNS
        self._memo: dict[tuple[Any, ...], Any] | None = {} if small else None

    def __call__(self, rows: Rows) -> tuple[pa.Field, pa.Array]:
        used = [f for f in rows.columns.schema if self._template.columns is None or f.name in self._template.columns]
        columns = {f.name: python_values(rows.columns.column(f.name), column_type(f)) for f in used}
        if self._memo is None:
            made = list(self._template.evaluate_rows(columns, len(rows), rows.variables, as_text=self._as_text))
        else:
            made = list(self._remembered(columns, rows, self._memo))
        if rows.refused or TemplateError in set(map(type, made)):
            made = [self._kept(rows, place, value) for place, value in enumerate(made)]
        return inferred(self._to, made)

    def _kept(self, rows: Rows, place: int, value: Any) -> Any:
        if isinstance(value, TemplateError):
            rows.refused.setdefault(place, value.result(self._to))
        return None if place in rows.refused else value

    def _remembered(
        self, columns: Mapping[str, Sequence[Any]], rows: Rows, memo: dict[tuple[Any, ...], Any]
    ) -> Iterator[Any]:
        tuples = zip(*columns.values(), strict=True) if columns else iter([()] * len(rows))
        for values in tuples:
            key = _memo_key(rows.operation, values)
            if key is not None and key in memo:
                yield memo[key]
                continue
            one = {name: [value] for name, value in zip(columns, values, strict=True)}
            (made,) = self._template.evaluate_rows(one, 1, rows.variables, as_text=self._as_text)
            if key is not None and len(memo) < _MEMO_SIZE and not isinstance(made, TemplateError):
                memo[key] = made
            yield made


def _memo_key(operation: Operation, row: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """What a template's result depends on; 1, 1.0 and true are equal in Python but not in a template."""
    if any(isinstance(value, dict | list) for value in row):
        return None
    return (operation, *((type(value), value) for value in row))


def inferred(to: str, values: list[Any]) -> tuple[pa.Field, pa.Array]:
    """Rendered values as a column; what no single type holds travels as JSON text marked as such."""
    kinds = set(map(type, values)) - {type(None)}
    if kinds <= {str}:
        return pa.field(to, pa.string()), pa.array(values, pa.string())
    if len(kinds) == 1 and not kinds & {dict, list}:
        try:
            array = pa.array(values)
            return pa.field(to, array.type), array
        except (pa.ArrowException, OverflowError):
            pass  # whole numbers beyond 64 bits
    texts = [None if value is None else dumps(value).decode() for value in values]
    return mark(pa.field(to, pa.string()), ColumnType.OBJECT), pa.array(texts, pa.string())
