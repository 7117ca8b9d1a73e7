"""A part's rows as batches to send, whatever an earlier attempt at the part left behind.

Without earlier attempts a part is cut anew. With them, what is done is skipped,
what was in flight comes again as exactly the batch it was, and the gaps are cut
like the rest. Reading and mapping run on another thread, one step ahead.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from connectors.sdk.destination import Batch, Encoded, Limits
from syncs.engine.batching import cut
from syncs.engine.mapping import Mapped, Mapper
from syncs.engine.parts import read_part
from syncs.engine.spec import BatchRecord, Part
from syncs.engine.storage import Storage

_CHUNK_ROWS = 10_000
# Larger chunks are left to be encoded batch by batch, so that memory does not hold them twice.
_ENCODED_BYTES = 64 * 1024 * 1024

Encode = Callable[[Batch], Encoded | None]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One batch: rows ``first`` to ``first + rows`` of the part, mapped.

    ``again``: it was in flight before; ``receipt`` is what the destination gave for it then.
    """

    number: int
    first: int
    rows: int
    mapped: Mapped
    again: bool = False
    receipt: str = ""


@dataclass(frozen=True, slots=True)
class _Range:
    """Rows still to be sent; ``number`` is set where they were one batch before."""

    first: int
    stop: int
    number: int | None = None
    receipt: str = ""


def outgoing(
    storage: Storage,
    part: Part,
    mapper: Mapper,
    limits: Limits,
    earlier: Sequence[BatchRecord],
    encode: Encode | None = None,
    *,
    old: bool = False,
) -> Iterator[Outgoing]:
    """The batches of a part that have no stored answer yet, in order of their rows; ``old`` with what they were."""
    ranges = _ranges(part, earlier)
    number = max((record.number for record in earlier), default=-1) + 1
    for range_, rows in _slices(storage, part, ranges, _chunk_rows(limits), old=old):
        mapped = _encoded(mapper(rows, part.operations[0][0]), encode)
        if range_.number is not None:
            yield Outgoing(range_.number, range_.first, rows.num_rows, mapped, again=True, receipt=range_.receipt)
            continue
        for start, stop in _cut(mapped, rows.num_rows, limits):
            piece = _piece(mapped, start, stop)
            yield Outgoing(number, range_.first + start, stop - start, piece)
            number += 1


def _encoded(mapped: Mapped, encode: Encode | None) -> Mapped:
    """The rows with what the connector makes of them, which batches cut from them share."""
    if encode is None or not len(mapped.batch) or mapped.batch.rows.nbytes > _ENCODED_BYTES:
        return mapped
    return replace(mapped, batch=replace(mapped.batch, encoded=encode(mapped.batch)))


def _chunk_rows(limits: Limits) -> int:
    """A multiple of the batch size, so that chunks end where batches do."""
    size = max(1, limits.batch_rows)
    return size * max(1, _CHUNK_ROWS // size)


def _ranges(part: Part, earlier: Sequence[BatchRecord]) -> list[_Range]:
    """What is left of the part, by place."""
    ranges: list[_Range] = []
    at = 0
    for record in sorted(earlier, key=lambda r: r.first):
        if record.first > at:
            ranges.append(_Range(at, record.first))
        if not record.done:
            ranges.append(_Range(record.first, record.first + record.rows, record.number, record.receipt))
        at = record.first + record.rows
    if at < part.rows:
        ranges.append(_Range(at, part.rows))
    return ranges


def _slices(
    storage: Storage, part: Part, ranges: Sequence[_Range], chunk_rows: int, *, old: bool
) -> Iterator[tuple[_Range, pa.RecordBatch]]:
    """The rows of each range: those of former batches in one piece, others in chunks."""
    rows = _Rows(read_part(storage, part, batch_rows=chunk_rows, old=old))
    for range_ in ranges:
        rows.skip_to(range_.first)
        size = chunk_rows if range_.number is None else range_.stop - range_.first
        at = range_.first
        while at < range_.stop:
            taken = rows.take(min(size, range_.stop - at))
            yield _Range(at, at + taken.num_rows, range_.number, range_.receipt), taken
            at += taken.num_rows


class _Rows:
    """A part read from front to back, in pieces of any size."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self._held: list[pa.RecordBatch] = []
        self._held_rows = 0
        self._at = 0

    def skip_to(self, row: int) -> None:
        """Pass over rows that are not wanted."""
        while self._at < row:
            self.take(min(row - self._at, _CHUNK_ROWS))

    def take(self, rows: int) -> pa.RecordBatch:
        """Exactly the next ``rows`` rows; fewer at the end."""
        while self._held_rows < rows and (batch := next(self._batches, None)) is not None:
            self._held.append(batch)
            self._held_rows += batch.num_rows
        whole = self._held[0] if len(self._held) == 1 else pa.concat_batches(self._held)
        taken, rest = whole.slice(0, rows), whole.slice(rows)
        self._held = [rest] if rest.num_rows else []
        self._held_rows = rest.num_rows
        self._at += taken.num_rows
        return taken


def _cut(mapped: Mapped, rows: int, limits: Limits) -> Iterator[tuple[int, int]]:
    """Start and stop of batches among the chunk's rows; refused rows ride along with their neighbours."""
    if not len(mapped.batch):
        yield 0, rows
        return
    places = mapped.places
    start = 0
    for _, stop in cut(mapped.batch.rows, max_rows=limits.batch_rows, max_bytes=limits.batch_bytes):
        end = rows if stop == len(places) else _row_end(places, start, stop)
        if end > start:
            yield start, end
            start = end


def _row_end(places: Sequence[int], start: int, stop: int) -> int:
    """Where to end a batch that would end before record ``stop``: the records of one row stay together."""
    if places[stop] != places[stop - 1]:
        return places[stop]
    return places[stop] + 1 if places[stop] == start else places[stop]


def _piece(mapped: Mapped, start: int, stop: int) -> Mapped:
    """The rows from place ``start`` to ``stop``, with places counted from ``start``."""
    if isinstance(mapped.places, range):  # every row is one record
        return Mapped(mapped.batch.slice(start, stop), range(stop - start))
    low, high = bisect_left(mapped.places, start), bisect_left(mapped.places, stop)
    refused = {place - start: result for place, result in mapped.refused.items() if start <= place < stop}
    places = [place - start for place in mapped.places[low:high]]
    return Mapped(mapped.batch.slice(low, high), places, refused)
