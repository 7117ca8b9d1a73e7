"""The change set: Parquet files of at most ``part_rows`` rows, one operation each.

A part holds ``_key``, ``_error`` (see :mod:`syncs.engine.query`), what the baseline
knew (``_base_hash``, ``_present``, ``_forced``), the columns as ``c0``, ``c1``…
and, for changed rows, the old values as ``o0``, ``o1``…. For removed rows the
columns hold the last known values. A row is named by its place in the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from connectors.sdk.types import Operation
from syncs.engine.recipe import ERROR, KEY
from syncs.engine.spec import Part
from syncs.engine.storable import is_json
from syncs.engine.storage import Storage

_GROUP_BYTES = 32 * 1024 * 1024
_MAX_BATCH, _MIN_BATCH = 50_000, 500
_FIRST_NUMBER = 1


class PartWriter:
    """Cuts streams of rows into numbered parts."""

    def __init__(self, storage: Storage, folder: str, attempt: str, part_rows: int) -> None:
        self._storage = storage
        self._folder = folder
        self._attempt = attempt
        self._part_rows = part_rows
        self.parts: list[Part] = []

    def write(self, operation: Operation, batches: Iterator[pa.RecordBatch], columns: pa.Schema) -> None:
        """Write all rows of one operation; empty streams leave no part."""
        rest = _Rest(batches)
        while (first := rest.take(self._part_rows)) is not None:
            self._write_part(operation, first, rest, columns)

    def _write_part(self, operation: Operation, first: pa.RecordBatch, rest: _Rest, columns: pa.Schema) -> None:
        number = len(self.parts) + _FIRST_NUMBER
        path = f"{self._folder}/changes{self._attempt}/{number:05d}-{operation.value}.parquet"
        schema = part_schema(first.schema, columns)
        rows = 0
        with (
            self._storage.writing(path) as place,
            pq.ParquetWriter(place, schema, compression="snappy", use_dictionary=[], write_statistics=False) as writer,
        ):
            batch: pa.RecordBatch | None = first
            while batch is not None:
                writer.write_batch(_as(batch, schema))
                rows += batch.num_rows
                batch = rest.take(self._part_rows - rows)
        self.parts.append(Part(number=number, path=path, rows=rows, operations=((operation, rows),)))


class _Rest:
    """Batches that can be taken in smaller pieces."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self._held: pa.RecordBatch | None = None

    def take(self, at_most: int) -> pa.RecordBatch | None:
        """The next rows, or ``None`` at the end or when none may be taken."""
        if at_most <= 0:
            return None
        if self._held is None:
            self._held = next((batch for batch in self._batches if batch.num_rows), None)
        if self._held is None:
            return None
        taken = self._held.slice(0, at_most)
        self._held = self._held.slice(at_most) if self._held.num_rows > at_most else None
        return taken


def part_schema(stored: pa.Schema, columns: pa.Schema) -> pa.Schema:
    """The schema of a part: the columns' marks are put back, which DuckDB does not carry."""
    fields = []
    for field in stored:
        if field.name[0] in "co" and field.name[1:].isdigit():
            source = columns.field(int(field.name[1:]))
            kind = source.type if is_json(source.type) else field.type
            fields.append(pa.field(field.name, kind, metadata=source.metadata))
        else:
            fields.append(pa.field(field.name, field.type))
    return pa.schema(fields)


def batch_rows_for(spool: Path) -> int:
    """How many rows of this spool make a batch of moderate size."""
    found = pq.ParquetFile(spool).metadata
    rows: int = found.num_rows
    if not rows:
        return _MAX_BATCH
    total: int = sum(found.row_group(i).total_byte_size for i in range(found.num_row_groups))
    return max(_MIN_BATCH, min(_MAX_BATCH, _GROUP_BYTES * rows // max(total, 1)))


def read_part(storage: Storage, part: Part, *, batch_rows: int, old: bool = False) -> Iterator[pa.RecordBatch]:
    """What is delivered of a part's rows, in file order: not what the baseline knew of them.

    ``old`` adds the values that changed rows had before.
    """
    wanted = "co" if old else "c"
    with pq.ParquetFile(storage.local(part.path)) as file:
        names = [name for name in file.schema_arrow.names if name in (KEY, ERROR) or name[0] in wanted]
        yield from file.iter_batches(batch_size=batch_rows, columns=names)


def _as(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = [
        pa.ExtensionArray.from_storage(field.type, column.cast(field.type.storage_type))
        if is_json(field.type)
        else column
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _as_json(column: pa.Array, kind: pa.DataType) -> pa.Array:
    return pa.ExtensionArray.from_storage(kind, column.cast(kind.storage_type))
