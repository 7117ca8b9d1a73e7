"""What became of each row of a part: gathered while it is delivered, then kept as Parquet.

The file has one row for each row of the part, in the same order: ``row`` (its
place), ``key``, ``operation``, ``status``, ``batch`` (null where it never left),
``code``, ``message``, ``field`` and ``in_doubt``.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from connectors.sdk.types import Operation
from syncs.engine.recipe import KEY
from syncs.engine.spec import BatchRecord, Failure, OperationCounts, Part, PartOutcome, RowStatus, RunSpec
from syncs.engine.storage import Storage

_STATUSES = (RowStatus.ABORTED, RowStatus.SUCCEEDED, RowStatus.REJECTED, RowStatus.IN_DOUBT)
_CODES = {status: code for code, status in enumerate(_STATUSES)}
_NO_BATCH = -1
_CHUNK = 50_000

SCHEMA = pa.schema([
    ("row", pa.int64()),
    ("key", pa.string()),
    ("operation", pa.string()),
    ("status", pa.string()),
    ("batch", pa.int32()),
    ("code", pa.string()),
    ("message", pa.string()),
    ("field", pa.string()),
    ("in_doubt", pa.bool_()),
])  # fmt: skip
# Places and keys are different in every row: looking for those that come again takes as long as all the rest.
_ENCODED: dict[str, Any] = {
    "compression": "snappy",
    "use_dictionary": [name for name in SCHEMA.names if name not in ("row", "key")],
    "column_encoding": {"row": "DELTA_BINARY_PACKED"},
}


class Outcomes:
    """A few bytes a row, whatever the part's size; words only for rows that failed."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._status = bytearray(part.rows)
        self._batch = array("i", [_NO_BATCH]) * part.rows
        self._doubt = bytearray(part.rows)
        self._words: dict[int, tuple[str, str, str]] = {}

    def apply(self, record: BatchRecord) -> None:
        """Take over what a batch's record says."""
        rows = slice(record.first, record.first + record.rows)
        doubt = record.in_doubt and record.status is not RowStatus.SUCCEEDED
        self._status[rows] = bytes([_CODES[record.status]]) * record.rows
        self._batch[rows] = array("i", [record.number]) * record.rows
        self._doubt[rows] = bytes([doubt]) * record.rows
        if record.status is not RowStatus.SUCCEEDED and (record.code or record.message):
            for row in range(record.first, record.first + record.rows):
                self._words[row] = (record.code, record.message, "")
        for place in record.doubtful:
            row = record.first + place
            self._status[row] = _CODES[RowStatus.IN_DOUBT]
            self._doubt[row] = True
            self._words[row] = (record.code, record.message, "")
        for place, code, message, field in record.rejections:
            row = record.first + place
            self._status[row] = _CODES[RowStatus.REJECTED]
            self._doubt[row] = record.in_doubt
            self._words[row] = (code, message, field)

    def write(self, storage: Storage, spec: RunSpec, attempt: str, failure: Failure | None) -> PartOutcome:
        """Store the outcome of every row."""
        suffix = f"-{attempt}" if attempt else ""
        path = f"{spec.directory}/outcomes{suffix}/{self._part.number:05d}.parquet"
        with storage.writing(path) as place, pq.ParquetWriter(place, SCHEMA, **_ENCODED) as writer:
            self._write_rows(storage, writer)
        counts = {status: self._status.count(code) for status, code in _CODES.items()}
        aborted = counts[RowStatus.ABORTED] + counts[RowStatus.IN_DOUBT]
        return PartOutcome(
            number=self._part.number,
            path=path,
            succeeded=self._of_operation(counts[RowStatus.SUCCEEDED]),
            rejected=self._of_operation(counts[RowStatus.REJECTED]),
            aborted=self._of_operation(aborted),
            in_doubt=counts[RowStatus.IN_DOUBT],
            failure=failure,
        )

    @property
    def _operation(self) -> Operation:
        return self._part.operations[0][0]

    def _of_operation(self, rows: int) -> OperationCounts:
        return OperationCounts(**{self._operation.value: rows})

    def _write_rows(self, storage: Storage, writer: pq.ParquetWriter) -> None:
        first = 0
        with pq.ParquetFile(storage.local(self._part.path)) as file:
            for keys in file.iter_batches(batch_size=_CHUNK, columns=[KEY]):
                writer.write_batch(self._chunk(first, keys.column(0)))
                first += len(keys)

    def _chunk(self, first: int, keys: pa.Array) -> pa.RecordBatch:
        rows = range(first, first + len(keys))
        batches = _array(self._batch[rows.start : rows.stop], pa.int32())
        names = pa.array([status.value for status in _STATUSES])
        columns = [
            pa.arange(rows.start, rows.stop),
            keys,
            pa.repeat(self._operation.value, len(keys)),
            names.take(_array(self._status[rows.start : rows.stop], pa.uint8())),
            pc.if_else(pc.equal(batches, _NO_BATCH), None, batches),
            *self._word_columns(rows),
            pc.equal(_array(self._doubt[rows.start : rows.stop], pa.uint8()), 1),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)

    def _word_columns(self, rows: range) -> Sequence[pa.Array]:
        if not self._words:
            return [pa.nulls(len(rows), pa.string())] * 3
        words = [self._words.get(row, (None, None, None)) for row in rows]
        return [pa.array([w[i] for w in words], pa.string()) for i in range(3)]


def _array(values: bytearray | array[int], kind: pa.DataType) -> pa.Array:
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])
