"""Keeping requests and responses for the debugger, outside the database.

Exchanges go to zstd Parquet files below the run's folder, a few megabytes each,
so that those of a part that is still being delivered can be read too. Memory
holds two files' worth at most. Failures are always kept; successes until the
part's share of the run's room is used up, and only a sample of them where a
run sends everything every time.
"""

from __future__ import annotations

import logging
from array import array
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from connectors.sdk.destination import RowSet
from connectors.sdk.trace import Exchange
from syncs.engine.errors import StorageFailed
from syncs.engine.spec import Prepared, RunSpec
from syncs.engine.storage import Storage

logger = logging.getLogger(__name__)
_RUN_BYTES = 256 * 1024 * 1024
_LEAST_PART_BYTES = 4 * 1024 * 1024
_SAMPLE_EVERY = 20

SCHEMA = pa.schema([
    ("part", pa.int32()),
    ("batch", pa.int32()),
    ("attempt", pa.int32()),
    ("failed", pa.bool_()),
    ("started_at", pa.timestamp("us", "UTC")),
    ("duration_ms", pa.float64()),
    ("method", pa.string()),
    ("target", pa.string()),
    ("status", pa.int32()),
    ("request_headers", pa.string()),
    ("request_body", pa.string()),
    ("response_headers", pa.string()),
    ("response_body", pa.string()),
    ("error", pa.string()),
    ("note", pa.string()),
])  # fmt: skip
# Smallest and largest value help to pass over row groups; of bodies they would only cost time.
_SOUGHT = [field.name for field in SCHEMA if not field.name.endswith(("_body", "_headers"))]
_BODIES = frozenset({"request_body", "response_body"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceLimits:
    """How much is kept. ``part_bytes`` bounds successes and ``failure_bytes`` failures of one part.

    ``sample_every``: of the batches that succeeded, keep each n-th.
    """

    body_bytes: int = 64 * 1024
    part_bytes: int = 64 * 1024 * 1024
    failure_bytes: int = 64 * 1024 * 1024
    file_bytes: int = 8 * 1024 * 1024
    sample_every: int = 1


class TraceWriter:
    """Stores the exchanges of one part. Not safe for threads; one delivery owns it."""

    def __init__(
        self, storage: Storage, directory: str, part: int, *, limits: TraceLimits | None = None, attempt: str = ""
    ) -> None:
        self._storage = storage
        self._folder = f"{directory}/exchanges/{part:05d}" + (f"-{attempt}" if attempt else "")
        self._part = part
        self._limits = limits or TraceLimits()
        self._rows: list[tuple[object, ...]] = []
        self._held = 0
        self._files = 0
        self._thread: ThreadPoolExecutor | None = None
        self._writing: Future[None] | None = None
        self._used = {True: 0, False: 0}
        self._noted: set[bool] = set()

    def add(self, batch: int, attempt: int, exchanges: Sequence[Exchange], *, failed: bool) -> None:
        """Keep what one try of a batch said and heard, if there is room."""
        if not exchanges or (not failed and batch % self._limits.sample_every):
            return
        limit = self._limits.failure_bytes if failed else self._limits.part_bytes
        if self._used[failed] >= limit:
            self._note(batch, failed)
            return
        for exchange in exchanges:
            self._keep(batch, attempt, exchange, failed)
        if self._held >= self._limits.file_bytes:
            self.hand_over()

    def flush(self) -> None:
        """Write what is held, so that readers see it; the thread that wrote ends, and gives its memory back."""
        self.hand_over()
        self._wait()
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None

    def hand_over(self) -> None:
        """Begin to write what is held, on another thread: sending goes on meanwhile."""
        self._wait()
        if not self._rows:
            return
        path = f"{self._folder}/{self._files:05d}.parquet"
        self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="traces")
        self._writing = self._thread.submit(self._write, path, self._rows)
        self._files += 1
        self._rows, self._held = [], 0

    def _wait(self) -> None:
        """Let the file before be finished: memory holds two files' worth at most."""
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def _write(self, path: str, rows: Sequence[tuple[object, ...]]) -> None:
        table = pa.Table.from_arrays(
            [_column(*each) for each in zip(zip(*rows, strict=True), SCHEMA, strict=True)], schema=SCHEMA
        )
        try:
            with self._storage.writing(path) as place:
                pq.write_table(
                    table,
                    place,
                    compression="zstd",
                    compression_level=1,
                    use_dictionary=False,
                    write_statistics=_SOUGHT,
                )
        except StorageFailed as error:
            # The record of a delivery must never decide about the delivery itself.
            logger.warning("Requests of part %s are not kept: %s", self._part, error.message)

    def _keep(self, batch: int, attempt: int, exchange: Exchange, failed: bool) -> None:
        request, cut_request = self._trimmed(exchange.request_body)
        response, cut_response = self._trimmed(exchange.response_body)
        note = "Bodies are cut to what the debugger keeps." if cut_request or cut_response else ""
        size = len(request) + len(response) + 500
        self._used[failed] += size
        self._held += size
        self._rows.append((
            self._part, batch, attempt, failed or bool(exchange.error), exchange.started_at, exchange.duration_ms,
            exchange.method, exchange.target, exchange.status, _headers(exchange.request_headers), request,
            _headers(exchange.response_headers), response, exchange.error, note,
        ))  # fmt: skip

    def _note(self, batch: int, failed: bool) -> None:
        """Say once where the record ends, instead of ending in silence."""
        if failed in self._noted:
            return
        self._noted.add(failed)
        kind = "failed" if failed else "successful"
        note = f"The room for {kind} requests of this part is used up: later ones are not kept."
        self._rows.append((
            self._part, batch, 0, failed, None, None, "", "", None, "[]", "", "[]", "", "", note,
        ))  # fmt: skip

    def _trimmed(self, body: str) -> tuple[str, bool]:
        # Characters stand for bytes here: exact for ASCII, and never far off a factor of four.
        limit = self._limits.body_bytes
        return (body, False) if len(body) <= limit else (body[:limit], True)


def trace_limits(spec: RunSpec, prepared: Prepared) -> TraceLimits:
    """What each part of a run may keep: its share of the run's room, and a sample where all is sent every time."""
    parts = max(1, len(prepared.parts))
    share = max(_LEAST_PART_BYTES, _RUN_BYTES // parts)
    every = _SAMPLE_EVERY if spec.rows is RowSet.FULL and not spec.single_writer else 1
    return TraceLimits(part_bytes=share, failure_bytes=share, sample_every=every)


def _column(values: Sequence[Any], field: pa.Field) -> pa.Array:
    if field.name not in _BODIES:
        return pa.array(values, field.type)
    # Long texts are put side by side at once: copied one by one, they keep the delivery waiting three times as long.
    texts = [text.encode() for text in values]
    ends = array("i", accumulate(map(len, texts), initial=0))
    return pa.Array.from_buffers(
        field.type, len(texts), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(texts))], null_count=0
    )


@lru_cache(maxsize=500)
def _headers(headers: tuple[tuple[str, str], ...]) -> str:
    return orjson.dumps([list(pair) for pair in headers]).decode()
