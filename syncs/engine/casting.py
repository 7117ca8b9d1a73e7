"""From a source's columns to the ones a run works with: chosen types, storable forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from syncs.engine.spec import ModelColumn
from syncs.engine.storable import converter, storable_type


@dataclass(frozen=True, slots=True)
class Cast:
    """A batch's columns; ``errors`` says for each row why a value did not fit, or is null."""

    columns: list[pa.Array]
    errors: pa.Array


class Caster:
    """Casts the batches of one stream. ``schema`` is that of its results, under the model's names."""

    def __init__(self, source: pa.Schema, columns: Sequence[ModelColumn]) -> None:
        self._converters = [converter(field.type) for field in source]
        self.schema = pa.schema(
            [
                pa.field(column.name, storable_type(field.type), metadata=field.metadata)
                for column, field in zip(columns, source, strict=True)
            ]
        )

    def __call__(self, batch: pa.RecordBatch) -> Cast:
        columns = [c if f is None else f(c) for c, f in zip(batch.columns, self._converters, strict=True)]
        return Cast(columns, pa.nulls(batch.num_rows, pa.string()))
