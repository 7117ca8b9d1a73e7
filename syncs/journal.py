"""The journal of sent batches: a batch leaves only after its entry is durable.

One writer thread a worker process commits the entries of all parts it works on
in groups: whatever arrived while the last group was being committed makes the
next. An entry of a worker that lost its lease is refused by the database.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import orjson
from django.db import InterfaceError, OperationalError, connection

from syncs.engine import LeaseLost
from syncs.engine.spec import BatchRecord, RowStatus
from syncs.models import JournalBatch
from syncs.services.stages import Claim
from workspaces.scoping import unscoped

logger = logging.getLogger(__name__)
GROUP = 64
IDLE_SECONDS = 30.0
# A database that takes longer does not answer at all.
DURABLE_SECONDS = 60.0
# One that was restarted is asked again.
AGAIN_SECONDS = 0.5

# FOR SHARE makes a takeover wait for this group, so that whoever takes over reads it.
_WRITE = """
WITH held AS (
    SELECT s.id, s.workspace_id, s.epoch FROM syncs_runstep s
    WHERE s.id = ANY(%s) AND s.state = 'running' ORDER BY s.id FOR SHARE
), stored AS (
INSERT INTO syncs_journalbatch
    (workspace_id, step_id, number, first, rows, done, status, rejections, doubtful, code, message, in_doubt, receipt)
SELECT held.workspace_id, b.step_id, b.number, b.first, b.rows, b.done, b.status, b.rejections,
    b.doubtful, b.code, b.message, b.in_doubt, b.receipt
FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::bigint[], %s::int[], %s::bool[], %s::text[], %s::jsonb[],
    %s::jsonb[], %s::text[], %s::text[], %s::bool[], %s::text[])
    AS b(step_id, epoch, number, first, rows, done, status, rejections, doubtful, code, message, in_doubt, receipt)
JOIN held ON held.id = b.step_id AND held.epoch = b.epoch
ON CONFLICT (step_id, number) DO UPDATE SET first = EXCLUDED.first, rows = EXCLUDED.rows, done = EXCLUDED.done,
    status = EXCLUDED.status, rejections = EXCLUDED.rejections, doubtful = EXCLUDED.doubtful, code = EXCLUDED.code,
    message = EXCLUDED.message, in_doubt = EXCLUDED.in_doubt, receipt = EXCLUDED.receipt
RETURNING step_id, number
)
SELECT stored.step_id, held.epoch, stored.number FROM stored JOIN held ON held.id = stored.step_id
"""


@dataclass(frozen=True, slots=True)
class _Entry:
    step_id: int
    epoch: int
    record: BatchRecord
    durable: Future[None] = field(default_factory=Future)

    @property
    def key(self) -> tuple[int, int, int]:
        """Whose batch it is, under which lease."""
        return self.step_id, self.epoch, self.record.number


class JournalWriter:
    """Commits entries in groups, in a thread and on a connection of its own; the thread ends when idle."""

    def __init__(self) -> None:
        self._entries: queue.Queue[_Entry] = queue.Queue()
        self._lock = threading.Lock()
        self._running = False

    def write(self, step_id: int, epoch: int, record: BatchRecord) -> Future[None]:
        """Done when the entry is durable; :class:`LeaseLost` where the lease is gone."""
        entry = _Entry(step_id, epoch, record)
        with self._lock:
            self._entries.put(entry)
            if not self._running:
                # Before it counts as running: where no thread can be had, the next entry tries again.
                threading.Thread(target=self._work, name="journal", daemon=True).start()
                self._running = True
        return entry.durable

    def _work(self) -> None:
        try:
            with unscoped("one writer serves the parts of every workspace"):
                try:
                    while group := self._next_group():
                        _commit(group)
                finally:
                    connection.close()
        except BaseException as error:
            logger.exception("the journal's thread ended")
            self._give_up(error)

    def _give_up(self, error: BaseException) -> None:
        """This thread ends: nobody may go on waiting for it, and the next entry gets another."""
        with self._lock:
            self._running = False
            while not self._entries.empty():
                entry = self._entries.get()
                if entry.durable.set_running_or_notify_cancel():
                    entry.durable.set_exception(error)

    def _next_group(self) -> list[_Entry]:
        """What is waiting; empty after a while without anything."""
        try:
            group = [self._entries.get(timeout=IDLE_SECONDS)]
        except queue.Empty:
            with self._lock:
                if self._entries.empty():
                    self._running = False
                    return []
            return self._next_group()
        while len(group) < GROUP and not self._entries.empty():
            group.append(self._entries.get())
        return group


def _commit(group: Sequence[_Entry]) -> None:
    # Those that nobody waits for any more are stored all the same: what was sent stays sent.
    awaited = [entry for entry in group if entry.durable.set_running_or_notify_cancel()]
    try:
        stored = _store(group)
    except BaseException as error:
        for entry in awaited:
            entry.durable.set_exception(error)
        connection.close()
        if not isinstance(error, Exception):
            raise
        return
    for entry in awaited:
        if entry.key in stored:
            entry.durable.set_result(None)
        else:
            entry.durable.set_exception(LeaseLost("Another worker took over."))


def _store(group: Sequence[_Entry]) -> set[tuple[int, int, int]]:
    """Store the last word on each batch; the keys of those whose lease held."""
    latest = {entry.key: entry for entry in group}.values()
    columns = zip(*(_row(entry) for entry in latest), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [[entry.step_id for entry in latest], *(list(column) for column in columns)])
        return set(cursor.fetchall())


def _row(entry: _Entry) -> tuple[int, int, int, int, int, bool, str, str, str, str, str, bool, str]:
    record = entry.record
    rejections = orjson.dumps([list(r) for r in record.rejections]).decode()
    return (
        entry.step_id,
        entry.epoch,
        record.number,
        record.first,
        record.rows,
        record.done,
        record.status.value,
        rejections,
        orjson.dumps(list(record.doubtful)).decode(),
        record.code,
        record.message,
        record.in_doubt,
        record.receipt,
    )


_writer = JournalWriter()


class PartJournal:
    """The engine's journal of one part, under one lease."""

    def __init__(self, held: Claim, delivered: Callable[[int], None]) -> None:
        self._held = held
        self._delivered = delivered
        self._entries = _read(held.step_id)

    async def entries(self) -> Sequence[BatchRecord]:
        """What earlier attempts left; nobody else writes while the lease is held."""
        return self._entries

    async def begin(self, record: BatchRecord) -> None:
        """Durable before the batch leaves."""
        await self._write(record)

    async def finish(self, record: BatchRecord) -> None:
        """Durable before its rows count as done."""
        await self._write(record)
        self._delivered(record.rows)

    async def _write(self, record: BatchRecord) -> None:
        """Waits for the database, but not for ever: the stage is then tried again, under a new lease.

        An answer that came while the database was restarted is not lost with the connection: writing it
        twice changes nothing, and the lease decides whether it may still be written.
        """
        async with asyncio.timeout(DURABLE_SECONDS):
            while not await self._written(record):
                await asyncio.sleep(AGAIN_SECONDS)

    async def _written(self, record: BatchRecord) -> bool:
        try:
            await asyncio.wrap_future(_writer.write(self._held.step_id, self._held.epoch, record))
        except (InterfaceError, OperationalError) as error:
            logger.warning("stage %s: the journal could not be written, trying again: %s", self._held.step_id, error)
            return False
        return True


def _read(step_id: int) -> list[BatchRecord]:
    return [
        BatchRecord(
            number=row.number,
            first=row.first,
            rows=row.rows,
            done=row.done,
            status=RowStatus(row.status),
            rejections=tuple((int(i), str(code), str(message), str(name)) for i, code, message, name in row.rejections),
            doubtful=tuple(int(i) for i in row.doubtful),
            code=row.code,
            message=row.message,
            in_doubt=row.in_doubt,
            receipt=row.receipt,
        )
        for row in JournalBatch.objects.filter(step_id=step_id).order_by("number")
    ]
