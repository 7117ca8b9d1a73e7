"""From the rows of a part to what a destination receives.

Columns, constants and variables are columnar: no row is touched in Python.
Templates are rendered row by row; a row that a template refuses is rejected
alone, the rest of its batch goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pyarrow as pa

from connectors.sdk.arrow import column_type, mark, python_values
from connectors.sdk.destination import Batch, Removal, RowResult, rejected
from connectors.sdk.errors import ConfigError
from connectors.sdk.liquid import Template, TemplateError, compile_value, row_variables
from connectors.sdk.rows import dumps
from connectors.sdk.types import ColumnType, Operation
from syncs.engine.errors import InvalidMapping, UnknownColumn
from syncs.engine.recipe import ERROR, KEY
from syncs.engine.spec import FieldMapping, MappingKind, RunSpec

CAST_CODE = "cast_failed"
_MEMO_COLUMNS = 3
_MEMO_SIZE = 10_000


@dataclass(frozen=True, slots=True)
class Mapped:
    """Rows ready to send. ``places`` are their places in the batch they came from.

    ``refused`` are the rows that never leave, by place.
    """

    batch: Batch
    places: Sequence[int]
    refused: dict[int, RowResult] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Rows:
    """A batch of a part while it is mapped."""

    columns: pa.RecordBatch
    operation: Operation
    refused: dict[int, RowResult]
    variables: Mapping[str, str]

    def __len__(self) -> int:
        return int(self.columns.num_rows)


Make = Callable[[_Rows], tuple[pa.Field, pa.Array]]


class Mapper:
    """Maps the batches of a run's parts; made once a part."""

    def __init__(self, spec: RunSpec, makers: list[Make], omit_nulls: frozenset[str]) -> None:
        self._spec = spec
        self._makers = makers
        self._omit_nulls = omit_nulls
        self._names = [column.name for column in spec.columns]
        self._kept = {mapping.to for mapping in spec.mappings if mapping.identifier}
        self._variables = dict(spec.variables)

    def __call__(self, part: pa.RecordBatch, operation: Operation) -> Mapped:
        rows = _Rows(
            self._columns(part), operation, _cast_errors(part), {**self._variables, "operation": operation.value}
        )
        made = [make(rows) for make in self._makers]
        values = pa.RecordBatch.from_arrays([a for _, a in made], schema=pa.schema([f for f, _ in made]))
        omit_nulls = self._omit_nulls
        if operation is Operation.REMOVED and self._spec.removal is Removal.CLEAR:
            values, omit_nulls = self._cleared(values), frozenset()
        places: Sequence[int] = range(len(rows))
        keys = part.column(KEY)
        if rows.refused:
            places = [place for place in places if place not in rows.refused]
            values, keys = values.take(pa.array(places, pa.int64())), keys.take(pa.array(places, pa.int64()))
        return Mapped(Batch(operation, keys.to_pylist(), values, omit_nulls), places, rows.refused)

    def schema(self, columns: pa.Schema) -> pa.Schema:
        """The columns that destinations receive; ``columns`` are those of the model."""
        stored = [pa.field(f"c{i}", field.type, metadata=field.metadata) for i, field in enumerate(columns)]
        part = pa.schema([pa.field(KEY, pa.string()), pa.field(ERROR, pa.string()), *stored])
        nothing = pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in part], schema=part)
        made: pa.Schema = self(nothing, Operation.ADDED).batch.rows.schema
        return made

    def _columns(self, part: pa.RecordBatch) -> pa.RecordBatch:
        """The model's columns under their own names."""
        fields = [part.schema.field(f"c{i}").with_name(name) for i, name in enumerate(self._names)]
        return pa.RecordBatch.from_arrays(
            [part.column(f"c{i}") for i in range(len(self._names))], schema=pa.schema(fields)
        )

    def _cleared(self, values: pa.RecordBatch) -> pa.RecordBatch:
        """The rows with only what finds the record; everything else becomes null."""
        columns = [
            column if field.name in self._kept else pa.nulls(len(column), field.type)
            for field, column in zip(values.schema, values.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, schema=values.schema)


def compile_mapping(spec: RunSpec) -> Mapper:
    """Check the mappings and parse their templates once.

    Raises :class:`UnknownColumn` or :class:`InvalidMapping`.
    """
    if spec.all_columns:
        return Mapper(spec, [partial(_column, i, column.name) for i, column in enumerate(spec.columns)], frozenset())
    makers = [_maker(spec, mapping) for mapping in spec.mappings]
    return Mapper(spec, makers, frozenset(m.to for m in spec.mappings if m.ignore_null))


def _maker(spec: RunSpec, mapping: FieldMapping) -> Make:
    names = [column.name for column in spec.columns]
    match mapping.kind:
        case MappingKind.COLUMN:
            if mapping.value not in names:
                raise UnknownColumn([str(mapping.value)], [f"the mapping to “{mapping.to}”"])
            return partial(_column, names.index(mapping.value), mapping.to)
        case MappingKind.STATIC:
            return partial(_constant, mapping.to, _scalar(mapping))
        case MappingKind.VARIABLE:
            return partial(_variable, mapping.to, _variable_name(spec, mapping))
        case MappingKind.TEMPLATE:
            # One writer needs one type from the first row to the last, so files get text.
            return _TemplateMaker(_template(mapping, names), mapping.to, as_text=spec.single_writer)


def _column(index: int, to: str, rows: _Rows) -> tuple[pa.Field, pa.Array]:
    return rows.columns.schema.field(index).with_name(to), rows.columns.column(index)


def _constant(to: str, value: pa.Scalar, rows: _Rows) -> tuple[pa.Field, pa.Array]:
    return pa.field(to, value.type), pa.repeat(value, len(rows))


def _variable(to: str, name: str, rows: _Rows) -> tuple[pa.Field, pa.Array]:
    return pa.field(to, pa.string()), pa.repeat(pa.scalar(rows.variables[name]), len(rows))


def _scalar(mapping: FieldMapping) -> pa.Scalar:
    try:
        return pa.scalar(mapping.value, pa.string() if mapping.value is None else None)
    except (pa.ArrowException, OverflowError) as error:
        raise InvalidMapping(f"The constant for “{mapping.to}” cannot be sent: {error}") from error


def _variable_name(spec: RunSpec, mapping: FieldMapping) -> str:
    name = str(mapping.value).replace("-", "_")
    if name not in {*dict(spec.variables), "operation"}:
        raise InvalidMapping(f"“{mapping.value}” is not a variable, so “{mapping.to}” has no value.")
    return name


def _template(mapping: FieldMapping, names: list[str]) -> Template:
    try:
        template = compile_value(str(mapping.value))
        template.require(names)
    except ConfigError as error:
        raise InvalidMapping(f"The template for “{mapping.to}”: {error.message}", hint=error.hint) from error
    return template


class _TemplateMaker:
    """Renders one template for every row; equal inputs of small templates are rendered once."""

    def __init__(self, template: Template, to: str, *, as_text: bool) -> None:
        self._template = template
        self._to = to
        self._make: Callable[[Mapping[str, Any]], Any] = template.render if as_text else template.evaluate
        used = template.columns
        self._memo: dict[tuple[Any, ...], Any] | None = {} if used is not None and len(used) <= _MEMO_COLUMNS else None

    def __call__(self, rows: _Rows) -> tuple[pa.Field, pa.Array]:
        schema = rows.columns.schema
        used = [f for f in schema if self._template.columns is None or f.name in self._template.columns]
        names = [f.name for f in used]
        columns = [python_values(rows.columns.column(f.name), column_type(f)) for f in used]
        tuples = zip(*columns, strict=True) if columns else iter([()] * len(rows))
        values = [self._value(rows, place, names, row) for place, row in enumerate(tuples)]
        return _inferred(self._to, values)

    def _value(self, rows: _Rows, place: int, names: list[str], row: tuple[Any, ...]) -> Any:
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


def _inferred(to: str, values: list[Any]) -> tuple[pa.Field, pa.Array]:
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


def _cast_errors(part: pa.RecordBatch) -> dict[int, RowResult]:
    errors = part.column(ERROR)
    if errors.null_count == len(errors):
        return {}
    return {place: rejected(text, code=CAST_CODE) for place, text in enumerate(errors.to_pylist()) if text is not None}
