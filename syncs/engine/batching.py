"""Cutting rows into batches: the same rows and limits always give the same batches."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

# What JSON adds around a value: quotes, colon, comma.
_AROUND = 6
_NUMBER, _LONG_NUMBER = 20, 40
_TRUTH = 5
_NULL = 4


def cut(rows: pa.RecordBatch, *, max_rows: int, max_bytes: int) -> Iterator[tuple[int, int]]:
    """Start and stop of each batch. A single row larger than ``max_bytes`` is a batch of its own."""
    if not rows.num_rows:
        return
    if _at_most(rows) <= max_bytes:
        yield from ((start, min(start + max_rows, rows.num_rows)) for start in range(0, rows.num_rows, max_rows))
        return
    ends = memoryview(pc.cumulative_sum(estimated_bytes(rows)).buffers()[1]).cast("q")[: rows.num_rows]
    start, before = 0, 0
    while start < rows.num_rows:
        fitting = bisect_right(ends, before + max_bytes)
        stop = min(max(fitting, start + 1), start + max_rows, rows.num_rows)
        yield start, stop
        start, before = stop, ends[stop - 1]


def estimated_bytes(rows: pa.RecordBatch) -> pa.Array:
    """About how many bytes each row takes as JSON, names included, as 64-bit integers."""
    fixed, texts = _sizes(rows)
    sizes = pa.repeat(pa.scalar(fixed, pa.int64()), rows.num_rows)
    for column in texts:
        sizes = pc.add(sizes, pc.fill_null(pc.binary_length(column), _NULL).cast(pa.int64()))
    return sizes


def _at_most(rows: pa.RecordBatch) -> int:
    """No less than the estimates of all rows together, without looking at each: places of texts make up for nulls."""
    fixed, texts = _sizes(rows)
    return int(fixed * rows.num_rows + sum(column.nbytes for column in texts))


def _sizes(rows: pa.RecordBatch) -> tuple[int, list[pa.Array]]:
    """The bytes that every row has, and the columns of which each value has a length of its own."""
    fixed = sum(len(name.encode()) + _AROUND for name in rows.schema.names)
    texts: list[pa.Array] = []
    for column in rows.columns:
        storage = column.storage if isinstance(column, pa.ExtensionArray) else column
        if _has_length(storage.type):
            texts.append(storage)
        else:
            fixed += _usual_bytes(storage)
    return fixed, texts


def _has_length(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )


def _usual_bytes(column: pa.Array) -> int:
    kind = column.type
    if pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return _TRUTH
    if pa.types.is_nested(kind):
        return int(column.nbytes * 2 // max(len(column), 1)) + _NUMBER
    return _LONG_NUMBER if pa.types.is_decimal(kind) or pa.types.is_temporal(kind) else _NUMBER
