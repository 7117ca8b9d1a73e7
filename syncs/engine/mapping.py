"""From the rows of a part to what a destination receives.

Columns, constants and variables are columnar: no row is touched in Python.
Templates are rendered row by row; a row that a template refuses is rejected
alone, the rest of its batch goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import pyarrow as pa

from connectors.sdk.destination import Batch, DestinationField, Removal, RowResult, rejected
from connectors.sdk.types import Operation
from syncs.engine.errors import InvalidMapping, UnknownColumn
from syncs.engine.fan_out import FanOutFields
from syncs.engine.inline import ArrayValue, ObjectValue, check_shape
from syncs.engine.recipe import ERROR, KEY
from syncs.engine.spec import FieldMapping, MappingKind, RunSpec
from syncs.engine.values import (
    Make,
    Rows,
    TemplateValue,
    column_value,
    constant_of,
    constant_value,
    template_of,
    variable_of,
    variable_value,
)

CAST_CODE = "cast_failed"


@dataclass(frozen=True, slots=True)
class Mapped:
    """Records ready to send. ``places`` are the places, in the batch they came from, of the rows they belong to:
    ascending, and equal where a row makes several records.

    ``refused`` are the rows that never leave, by place.
    """

    batch: Batch
    places: Sequence[int]
    refused: dict[int, RowResult] = field(default_factory=dict)


class Mapper:
    """Maps the batches of a run's parts; made once a part."""

    def __init__(
        self, spec: RunSpec, makers: list[Make], omit_nulls: frozenset[str], fan_out: FanOutFields | None = None
    ) -> None:
        self._fan_out = fan_out
        self._spec = spec
        self._makers = makers
        self._omit_nulls = omit_nulls
        self._names = [column.name for column in spec.sent_columns]
        self._kept = {mapping.to for mapping in spec.mappings if mapping.identifier}
        self._variables = dict(spec.variables)

    def __call__(self, part: pa.RecordBatch, operation: Operation) -> Mapped:
        rows = self._rows(part, operation, "c", _cast_errors(part))
        values = self._mapped(rows)
        old = self._mapped(self._rows(part, operation, "o", {})) if "o0" in part.schema.names else None
        omit_nulls = self._omit_nulls
        if operation is Operation.REMOVED and self._spec.removal is Removal.CLEAR:
            values, omit_nulls = self._cleared(values), frozenset()
        places: Sequence[int] = range(len(rows))
        keys = part.column(KEY)
        if rows.refused:
            places = [place for place in places if place not in rows.refused]
            left = pa.array(places, pa.int64())
            values, keys = values.take(left), keys.take(left)
            old = old.take(left) if old is not None else None
        batch = Batch(operation, keys.to_pylist(), values, omit_nulls, old=old)
        if self._fan_out is None:
            return Mapped(batch, places, rows.refused)
        fanned = self._fan_out.apply(batch, places)
        return Mapped(fanned.batch, fanned.places, rows.refused | fanned.refused)

    def schema(self, columns: pa.Schema) -> pa.Schema:
        """The columns that destinations receive; ``columns`` are those of the model."""
        stored = [pa.field(f"c{i}", field.type, metadata=field.metadata) for i, field in enumerate(columns)]
        part = pa.schema([pa.field(KEY, pa.string()), pa.field(ERROR, pa.string()), *stored])
        nothing = pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in part], schema=part)
        made: pa.Schema = self(nothing, Operation.ADDED).batch.rows.schema
        return made

    def _rows(self, part: pa.RecordBatch, operation: Operation, of: str, refused: dict[int, RowResult]) -> Rows:
        """The model's columns under their own names: those the rows have (``c``), or had before (``o``)."""
        stored = [f"{of}{i}" for i in range(len(self._names))]
        fields = [part.schema.field(place).with_name(name) for place, name in zip(stored, self._names, strict=True)]
        columns = pa.RecordBatch.from_arrays([part.column(place) for place in stored], schema=pa.schema(fields))
        return Rows(columns, operation, refused, {**self._variables, "operation": operation.value})

    def _mapped(self, rows: Rows) -> pa.RecordBatch:
        """The values of the mapped fields."""
        made = [make(rows) for make in self._makers]
        return pa.RecordBatch.from_arrays([a for _, a in made], schema=pa.schema([f for f, _ in made]))

    def _cleared(self, values: pa.RecordBatch) -> pa.RecordBatch:
        """The rows with only what finds the record; everything else becomes null."""
        columns = [
            column if field.name in self._kept else pa.nulls(len(column), field.type)
            for field, column in zip(values.schema, values.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, schema=values.schema)


def compile_mapping(spec: RunSpec, fields: Sequence[DestinationField] = ()) -> Mapper:
    """Check the mappings and parse their templates once; ``fields`` are the destination's, as far as mapped.

    Raises :class:`UnknownColumn` or :class:`InvalidMapping`.
    """
    if spec.all_columns:
        return Mapper(
            spec, [partial(column_value, i, column.name) for i, column in enumerate(spec.sent_columns)], frozenset()
        )
    makers = [_maker(spec, mapping) for mapping in spec.mappings]
    omit_nulls = frozenset(m.to for m in spec.mappings if m.ignore_null)
    return Mapper(spec, makers, omit_nulls, FanOutFields.of(fields))


def _maker(spec: RunSpec, mapping: FieldMapping, *, within: bool = False) -> Make:
    """How one value of every row is made; ``within`` an object, text of one type is not needed."""
    names = [column.name for column in spec.sent_columns]
    match mapping.kind:
        case MappingKind.COLUMN:
            return partial(column_value, _index(names, mapping), mapping.to)
        case MappingKind.STATIC:
            return partial(constant_value, mapping.to, constant_of(mapping))
        case MappingKind.VARIABLE:
            return partial(variable_value, mapping.to, variable_of(spec, mapping))
        case MappingKind.TEMPLATE:
            # One writer needs one type from the first row to the last, so files get text.
            return TemplateValue(template_of(mapping, names), mapping.to, as_text=spec.single_writer and not within)
        case MappingKind.OBJECT:
            check_shape(mapping)
            entries = [(inner, _maker(spec, inner, within=True)) for inner in mapping.inner]
            return ObjectValue(mapping.to, entries)
        case MappingKind.ARRAY:
            check_shape(mapping)
            return ArrayValue(spec, mapping, _index(names, mapping))
        case MappingKind.PROPERTY:
            raise InvalidMapping(f"“{mapping.to}” takes a property, which only the elements of an array have.")


def _index(names: list[str], mapping: FieldMapping) -> int:
    if mapping.value not in names:
        raise UnknownColumn([str(mapping.value)], [f"the mapping to “{mapping.to}”"])
    return names.index(mapping.value)


def _cast_errors(part: pa.RecordBatch) -> dict[int, RowResult]:
    errors = part.column(ERROR)
    if errors.null_count == len(errors):
        return {}
    return {place: rejected(text, code=CAST_CODE) for place, text in enumerate(errors.to_pylist()) if text is not None}
