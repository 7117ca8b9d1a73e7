"""The change set on its way out of the warehouse: into the same parts as the local planner's.

Values take the types that people chose here, in Arrow, as everywhere. Where such a
choice makes two different texts one value, the row did not change after all: the
warehouse compares what it stores, so these are taken out again here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from connectors.sdk.types import Operation
from syncs.engine.casting import Caster
from syncs.engine.recipe import ERROR, KEY
from syncs.engine.spec import RunSpec
from syncs.engine.warehouse.statements import BASE_HASH, FORCED, PRESENT, UNSETTLED

_STATE = [
    (KEY, pa.string()),
    (ERROR, pa.string()),
    (BASE_HASH, pa.uint64()),
    (PRESENT, pa.bool_()),
    (FORCED, pa.bool_()),
]


@dataclass(slots=True)
class Sent:
    """How many of the rows written so far are left over from earlier runs."""

    retried: int = 0


class ChangeBatches:
    """Batches of one query as rows of a part: key, error, what was known, columns, old values.

    ``columns`` is the schema that the columns have in every part of the run.
    """

    def __init__(self, spec: RunSpec, operation: Operation, columns: pa.Schema, sent: Sent) -> None:
        self._spec = spec
        self._operation = operation
        self._columns = columns
        self._sent = sent
        changed = operation is Operation.CHANGED and not spec.reprocess
        self._compares = changed and casts_tracked(spec)
        sides = "co" if operation is Operation.CHANGED else "c"
        fields = [pa.field(f"{side}{i}", column.type) for side in sides for i, column in enumerate(columns)]
        self.schema = pa.schema([*_STATE, *fields])

    def __call__(self, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The rows of a stream, without those that did not change after all."""
        sides = [_Side(self._spec, schema, side, self._columns) for side in ("c", "o")]
        for batch in batches:
            made = self._made(batch, sides)
            if self._compares:
                batch, made = self._differing(batch, made)
            if UNSETTLED in schema.names:
                self._sent.retried += pc.sum(batch.column(UNSETTLED)).as_py() or 0
            if made.num_rows:
                yield made

    def _made(self, batch: pa.RecordBatch, sides: Sequence[_Side]) -> pa.RecordBatch:
        new, errors = sides[0](batch)
        if self._operation is Operation.REMOVED:
            errors = pa.nulls(batch.num_rows, pa.string())
        old = sides[1](batch)[0] if self._operation is Operation.CHANGED else []
        state = [batch.column(KEY).cast(pa.string()), errors, pa.nulls(batch.num_rows, pa.uint64())]
        state += [_truth(batch, PRESENT), _truth(batch, FORCED)]
        return pa.RecordBatch.from_arrays([*state, *new, *old], schema=self.schema)

    def _differing(self, batch: pa.RecordBatch, made: pa.RecordBatch) -> tuple[pa.RecordBatch, pa.RecordBatch]:
        differs = pc.or_(made.column(FORCED), pc.is_valid(made.column(ERROR)))
        for i, column in enumerate(self._spec.columns):
            if column.name in self._spec.tracked:
                differs = pc.or_(differs, _unequal(made.column(f"c{i}"), made.column(f"o{i}")))
        return batch.filter(differs), made.filter(differs)


class _Side:
    """New or old values of a batch, cast as people chose and in the types of the run's parts."""

    def __init__(self, spec: RunSpec, schema: pa.Schema, side: str, wanted: pa.Schema) -> None:
        self._wanted = wanted
        self._places = [i for i in range(len(spec.columns)) if f"{side}{i}" in schema.names]
        self._names = [f"{side}{i}" for i in self._places]
        found = pa.schema([schema.field(name) for name in self._names])
        self._caster = Caster(found, [spec.columns[i] for i in self._places])

    def __call__(self, batch: pa.RecordBatch) -> tuple[list[pa.Array], pa.Array]:
        cast = self._caster(pa.RecordBatch.from_arrays([batch.column(n) for n in self._names], names=self._names))
        values = dict(zip(self._places, cast.columns, strict=True))
        columns = []
        for i, field in enumerate(self._wanted):
            columns.append(_as_type(values[i], field.type) if i in values else pa.nulls(batch.num_rows, field.type))
        return columns, cast.errors


def casts_tracked(spec: RunSpec) -> bool:
    """Whether people chose another type for a column that is compared."""
    return any(column.cast is not None and column.name in spec.tracked for column in spec.columns)


def _as_type(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Values from before the model's column changed its type; what the new type cannot hold becomes null."""
    if values.type.equals(kind):
        return values
    plain = values.storage if isinstance(values, pa.ExtensionArray) else values
    storage = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
    try:
        found = plain.cast(storage)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        found = pa.array([_one(value, storage) for value in plain], storage)
    return pa.ExtensionArray.from_storage(kind, found) if isinstance(kind, pa.BaseExtensionType) else found


def _one(value: pa.Scalar, kind: pa.DataType) -> object:
    try:
        return value.cast(kind).as_py()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _truth(batch: pa.RecordBatch, name: str) -> pa.Array:
    if name not in batch.schema.names:
        return pa.repeat(pa.scalar(False), batch.num_rows)
    return pc.fill_null(pc.equal(batch.column(name), 1), False)


def _unequal(new: pa.Array, old: pa.Array) -> pa.Array:
    """Whether two values differ, with nulls equal to each other; floats by their bits."""
    new, old = (_comparable(values) for values in (new, old))
    both = pc.fill_null(pc.not_equal(new, old), False)
    return pc.or_(both, pc.xor(pc.is_null(new), pc.is_null(old)))


def _comparable(values: pa.Array) -> pa.Array:
    if isinstance(values, pa.ExtensionArray):
        return values.storage
    if pa.types.is_floating(values.type):
        return values.cast(pa.float64()).view(pa.int64())
    return values
