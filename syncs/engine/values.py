"""One value of every row: from a column, a constant, a variable of the run, or a template.

Columns, constants and variables are columnar: no row is touched in Python.
Templates are rendered row by row; a row that a template refuses is rejected alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from connectors.sdk.arrow import column_type, exact_number, mark, python_values
from connectors.sdk.destination import RowResult
from connectors.sdk.errors import ConfigError
from connectors.sdk.liquid import Template, TemplateError, compile_value, row_variables
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
    """Renders one template for every row; equal inputs of small templates are rendered once."""

    def __init__(self, template: Template, to: str, *, as_text: bool) -> None:
        self._template = template
        self._to = to
        self._make: Callable[[Mapping[str, Any]], Any] = template.render if as_text else template.evaluate
        used = template.columns
        self._memo: dict[tuple[Any, ...], Any] | None = {} if used is not None and len(used) <= _MEMO_COLUMNS else None

    def __call__(self, rows: Rows) -> tuple[pa.Field, pa.Array]:
        schema = rows.columns.schema
        used = [f for f in schema if self._template.columns is None or f.name in self._template.columns]
        names = [f.name for f in used]
        columns = [python_values(rows.columns.column(f.name), column_type(f)) for f in used]
        tuples = zip(*columns, strict=True) if columns else iter([()] * len(rows))
        values = [self._value(rows, place, names, row) for place, row in enumerate(tuples)]
        return inferred(self._to, values)

    def _value(self, rows: Rows, place: int, names: list[str], row: tuple[Any, ...]) -> Any:
        if place in rows.refused:
            return None
        key = _memo_key(rows.operation, row) if self._memo is not None else None
        if self._memo is not None and key is not None and key in self._memo:
            return self._memo[key]
        try:
            value = self._make(row_variables(dict(zip(names, row, strict=True)), rows.variables))
        except TemplateError as error:
            rows.refused[place] = error.result(self._to)
            return None
        if self._memo is not None and key is not None and len(self._memo) < _MEMO_SIZE:
            self._memo[key] = value
        return value


def _memo_key(operation: Operation, row: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """What a template's result depends on; 1, 1.0 and true are equal in Python but not in a template."""
    if any(isinstance(value, dict | list) for value in row):
        return None
    return (operation, *((type(value), value) for value in row))


def inferred(to: str, values: list[Any]) -> tuple[pa.Field, pa.Array]:
    """Rendered values as a column; what no single type holds travels as JSON text marked as such."""
    kinds = {type(value) for value in values if value is not None}
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
