"""A run as files: which rows into which file, in what order, and when nothing is written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, runtime_checkable

from connectors.sdk import trace
from connectors.sdk.destination import Batch, Job, Mode, RowStreams
from connectors.sdk.errors import ConnectorError
from connectors.sdk.files.formats import Encoder, FormatOptions, encoder
from connectors.sdk.files.names import file_name
from connectors.sdk.types import Operation

# What is encoded is handed on in pieces of about this size.
_PIECE_BYTES = 1_000_000


class Sink(Protocol):
    """An open file."""

    async def write(self, data: bytes) -> None:
        """Take the next bytes."""


class Store(Protocol):
    """Where files go. A file appears whole when its context ends well, and not at all otherwise."""

    def open(self, path: str) -> AbstractAsyncContextManager[Sink]:
        """Start a file at a relative path, replacing what is there when it ends."""


@runtime_checkable
class FileStore(Protocol):
    """A destination that takes single files too, beside those of runs."""

    async def check(self) -> None:
        """Whether files could be written, as far as that can be told; raises ``ConnectorError``."""

    async def put(self, path: str, data: bytes) -> None:
        """Write one file whole, replacing what is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePlan:
    """How a run becomes files. ``batch_rows`` 0 writes one file; ``indicator`` empty writes none."""

    name: str
    options: FormatOptions
    offset_s: int = 0
    batch_rows: int = 0
    skip_empty: bool = False
    indicator: str = ""


async def write_files(job: Job, rows: RowStreams, plan: FilePlan, store: Store) -> None:
    """Write every file of a run, then the indicator file. Running it again replaces what it wrote."""
    operations = tuple(Operation) if job.mode == Mode.DIFF else (Operation.ADDED,)
    total = 0
    for operation in operations:
        total += rows.count(operation)
        if rows.count(operation) or not plan.skip_empty:
            await _Stream(job, rows, plan, store, operation).write()
    if plan.indicator and total:
        await _write_indicator(job, plan, store)


async def _write_indicator(job: Job, plan: FilePlan, store: Store) -> None:
    path = file_name(plan.indicator, job, offset_s=plan.offset_s)
    with _Traced("PUT", path) as traced:
        async with store.open(path):
            traced.done("0 rows, 0 bytes")


class _Stream:
    """The rows of one operation, in one file or in several."""

    def __init__(self, job: Job, rows: RowStreams, plan: FilePlan, store: Store, operation: Operation) -> None:
        self._job = job
        self._schema = rows.schema
        self._batches = rows.stream(operation)
        self._plan = plan
        self._store = store
        self._operation = operation.value if job.mode == Mode.DIFF else ""
        self._left: Batch | None = None

    async def write(self) -> None:
        part = 1 if self._plan.batch_rows else 0
        while True:
            path = file_name(
                self._plan.name, self._job, offset_s=self._plan.offset_s, operation=self._operation, part=part
            )
            written = await self._write_one(path)
            part += 1
            if not self._plan.batch_rows or written < self._plan.batch_rows or not await self._more():
                return

    async def _more(self) -> bool:
        if self._left is None:
            self._left = await asyncio.to_thread(next, self._batches, None)
        return self._left is not None

    async def _write_one(self, path: str) -> int:
        with _Traced("PUT", path) as traced:
            made = encoder(self._schema, self._plan.options)
            written = size = 0
            async with self._store.open(path) as sink:
                for_file = self._slices()
                held = [made.start()]
                while (batch := await asyncio.to_thread(next, for_file, None)) is not None:
                    held.append(await asyncio.to_thread(made.add, batch.rows.cast(self._schema)))
                    written += len(batch)
                    if sum(map(len, held)) >= _PIECE_BYTES:
                        size += await _flush(sink, held)
                held.append(await asyncio.to_thread(_ended, made))
                size += await _flush(sink, held)
            traced.done(f"{written} rows, {size} bytes")
        return written

    def _slices(self) -> Iterator[Batch]:
        """Batches until the file is full; what is left over begins the next one."""
        room = self._plan.batch_rows or None
        while (batch := self._next()) is not None:
            if room is not None and len(batch) > room:
                self._left = batch.slice(room, len(batch))
                batch = batch.slice(0, room)
            yield batch
            if room is not None and (room := room - len(batch)) <= 0:
                return

    def _next(self) -> Batch | None:
        batch, self._left = self._left, None
        return batch if batch is not None else next(self._batches, None)


def _ended(made: Encoder) -> bytes:
    return made.end()


async def _flush(sink: Sink, held: list[bytes]) -> int:
    data = b"".join(held)
    held.clear()
    if data:
        await sink.write(data)
    return len(data)


class _Traced:
    """Records the writing of one file for the debugger."""

    def __init__(self, method: str, path: str) -> None:
        self._method, self._path = method, path
        self._started, self._clock = datetime.now(UTC), time.perf_counter()
        self._words = ""

    def done(self, words: str) -> None:
        """What was written."""
        self._words = words

    def __enter__(self) -> _Traced:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if not trace.wanted():
            return
        trace.record(
            trace.Exchange(
                started_at=self._started,
                duration_ms=(time.perf_counter() - self._clock) * 1000,
                method=self._method,
                target=self._path,
                status=None if error else 0,
                response_body="" if error else self._words,
                error=error.message if isinstance(error, ConnectorError) else str(error or ""),
            )
        )
