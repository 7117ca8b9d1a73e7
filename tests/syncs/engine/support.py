"""A source, a destination and a house in memory, with faults on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from connectors.sdk.context import Environment
from connectors.sdk.destination import (
    ACCEPTED,
    Batch,
    Destination,
    DestinationDefinition,
    FirstRun,
    Job,
    Limits,
    Mode,
    Removal,
    RowResult,
    RowSet,
    RowStreams,
    rejected,
)
from connectors.sdk.errors import ConnectorError
from connectors.sdk.source import RowStream, Source, SourceDefinition
from connectors.sdk.types import Column, ColumnType, Operation, Table, Verification
from syncs.engine.deliver import deliver_part
from syncs.engine.errors import Cancelled
from syncs.engine.forgetting import Forgotten
from syncs.engine.limiter import Unlimited
from syncs.engine.memory import AlwaysProceed, MemoryJournal
from syncs.engine.preparation import next_parts, prepare
from syncs.engine.retry import Clock
from syncs.engine.settlement import retire, settle, superseded
from syncs.engine.spec import (
    Baseline,
    BatchRecord,
    FieldMapping,
    MappingKind,
    ModelColumn,
    PartOutcome,
    Planner,
    Prepared,
    RunSpec,
    Settled,
)
from syncs.engine.storage import Storage

MEMORY_MB, THREADS = 256, 1
T = TypeVar("T")


class Crash(BaseException):
    """The process dies here: nothing of it runs any further."""


@dataclass
class Faults:
    """Dies at the n-th step from now; a dead process takes no further step."""

    countdown: int | None = None
    dead: bool = False

    def step(self) -> None:
        if self.countdown is not None:
            self.countdown -= 1
            self.dead |= self.countdown < 0
        if self.dead:
            raise Crash

    def reset(self, countdown: int | None = None) -> None:
        self.countdown, self.dead = countdown, False


class TableSource(Source):
    """Hands out an Arrow table as the result of any query."""

    definition = SourceDefinition(
        key="table",
        name="Table",
        category="Test",
        summary="",
        docs_url="",
        dialect="duckdb",
        fields=(),
        verification=Verification.SERVER,
    )

    def __init__(self, table: pa.Table, *, batch_rows: int = 3) -> None:
        super().__init__({}, Environment())
        self.table = table
        self.batch_rows = batch_rows
        self.cancelled = False

    def check(self) -> None:
        """Nothing to connect to."""

    def tables(self) -> Sequence[Table]:
        return ()

    def columns(self, table: Table) -> Sequence[Column]:
        return ()

    def describe(self, sql: str) -> Sequence[Column]:
        return [Column(name, ColumnType.UNKNOWN) for name in self.table.schema.names]

    def query(self, sql: str, *, batch_rows: int = 50_000) -> AbstractContextManager[RowStream]:
        return self._open()

    @contextmanager
    def _open(self) -> Iterator[RowStream]:
        yield _Stream(self)


class _Stream:
    def __init__(self, source: TableSource) -> None:
        self._source = source
        self.schema = source.table.schema

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return iter(self._source.table.to_batches(max_chunksize=self._source.batch_rows))

    def cancel(self) -> None:
        self._source.cancelled = True


class MemoryDestination(Destination):
    """Records by key, as the strictest real system would hold them.

    ``refused`` are keys whose rows it rejects; ``errors`` are raised by the next
    calls, one each: before anything is applied, or after where it is ``in_doubt``.
    """

    definition = DestinationDefinition(
        key="memory",
        name="Memory",
        category="Test",
        summary="",
        docs_url="",
        fields=(),
        sync_types=(),
        verification=Verification.SERVER,
    )

    def __init__(self, records: Mapping[str, Any] | None = None, faults: Faults | None = None) -> None:
        super().__init__({}, Environment())
        self.records: dict[str, Any] = dict(records or {})
        self.faults = faults or Faults()
        self.refused: set[str] = set()
        self.errors: list[ConnectorError] = []
        self.calls: list[tuple[Operation, tuple[str, ...]]] = []
        self.inserts: dict[str, int] = {}
        self.clears = False
        self.creates = True
        self.running = 0
        self.most_running = 0

    async def check(self) -> None:
        """Always there."""

    @asynccontextmanager
    async def session(self, job: Job) -> AsyncIterator[MemoryDestination]:
        self.faults.step()
        yield self

    async def deliver(self, batch: Batch) -> Sequence[RowResult]:
        self.faults.step()
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            for _ in range(20):  # long enough for others to come in, were they allowed to
                await asyncio.sleep(0)
            return self._answer(batch)
        finally:
            self.running -= 1

    def _answer(self, batch: Batch) -> Sequence[RowResult]:
        error = self.errors.pop(0) if self.errors else None
        if error is not None and not getattr(error, "in_doubt", False):
            raise error
        self.calls.append((batch.operation, tuple(batch.keys)))
        results = [
            self._apply(batch.operation, key, record) for key, record in zip(batch.keys, batch.records(), strict=True)
        ]
        self.faults.step()
        if error is not None:
            raise error
        return results

    def _apply(self, operation: Operation, key: str, record: dict[str, Any]) -> RowResult:
        if key in self.refused:
            return rejected(f"Row {key} is not welcome", code="unwelcome", field="value")
        if operation is Operation.REMOVED and not self.clears:
            self.records.pop(key, None)
            self.inserts.pop(key, None)
        elif self.creates or key in self.records:
            self.records[key] = record.get("value")
            self.inserts[key] = self.inserts.get(key, 0) + 1
        return ACCEPTED

    async def write(self, job: Job, rows: RowStreams) -> None:
        for operation in Operation:
            for batch in rows.stream(operation):
                await self.deliver(batch)


class FaultyStorage(Storage):
    """Dies, or runs out of room, before and after each file takes its place."""

    def __init__(self, url: str, faults: Faults) -> None:
        super().__init__(url)
        self.faults = faults
        self.full_after: int | None = None

    def _publish(self, unfinished: Path, path: str) -> None:
        self.faults.step()
        if self.full_after is not None:
            self.full_after -= 1
            if self.full_after < 0:
                raise OSError(28, "No space left on device")
        super()._publish(unfinished, path)
        self.faults.step()


class FaultyJournal(MemoryJournal):
    """Dies before or after an entry became durable."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self.faults = faults

    async def begin(self, record: BatchRecord) -> None:
        self.faults.step()
        await super().begin(record)
        self.faults.step()

    async def finish(self, record: BatchRecord) -> None:
        self.faults.step()
        await super().finish(record)
        self.faults.step()


class CancelAfter(AlwaysProceed):
    """Cancels at the n-th question; ``None`` never does."""

    def __init__(self, questions: int | None = None) -> None:
        self.questions = questions

    async def proceed(self) -> None:
        if self.questions is not None:
            self.questions -= 1
            if self.questions < 0:
                raise Cancelled("A person cancelled the run.")


class FakeTime:
    """A clock that jumps instead of waiting; remembers how long it would have waited."""

    def __init__(self, jitter: float = 0.5) -> None:
        self.at = 0.0
        self.waits: list[float] = []
        self.jitter = jitter

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += max(seconds, 0.0)
        await asyncio.sleep(0)

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.at, sleep=self.sleep, random=lambda: self.jitter)


COLUMNS = (ModelColumn(name="id", type=ColumnType.NUMBER), ModelColumn(name="value", type=ColumnType.STRING))
MAPPINGS = (
    FieldMapping(to="id", kind=MappingKind.COLUMN, value="id", identifier=True),
    FieldMapping(to="value", kind=MappingKind.COLUMN, value="value"),
)


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """``asyncio.run`` that leaves the test runner's own event loop alone."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def make_spec(run_id: int = 1, **changes: Any) -> RunSpec:
    """An upsert of ``id`` and ``value`` that deletes what left the model."""
    values: dict[str, Any] = {
        "run_id": run_id,
        "sync_id": 1,
        "sql": "SELECT * FROM somewhere",
        "dialect": "duckdb",
        "primary_key": "id",
        "columns": COLUMNS,
        "tracked": ("id", "value"),
        "mappings": MAPPINGS,
        "mode": Mode.UPSERT,
        "rows": RowSet.CHANGES,
        "removal": Removal.DELETE,
        "first_run": FirstRun.BACKFILL,
        "wanted": frozenset(Operation),
        "idempotent": True,
        "directory": f"syncs/1/runs/{run_id}",
        "variables": (("sync_id", "1"), ("model_name", "Customers")),
    }
    return RunSpec(**{**values, **changes})


def make_job(spec: RunSpec) -> Job:
    """The job that belongs to a spec."""
    return Job(
        sync_id=spec.sync_id,
        sync_slug="customers",
        run_id=spec.run_id,
        model_id=1,
        model_name="Customers",
        sync_type="records",
        mode=spec.mode,
        removal=spec.removal,
        settings={},
        identifiers=("id",),
        fields=(),
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        primary_key=spec.primary_key,
    )


def table(rows: Sequence[tuple[int | None, str | None]]) -> pa.Table:
    """Rows of (id, value)."""
    return pa.table(
        {
            "id": pa.array([row[0] for row in rows], pa.int64()),
            "value": pa.array([row[1] for row in rows], pa.string()),
        }
    )


@dataclass
class Finished:
    """A run that came to its end."""

    spec: RunSpec
    prepared: Prepared
    outcomes: tuple[PartOutcome, ...]
    settled: Settled

    @property
    def clean(self) -> bool:
        """Everything planned arrived, and nothing was held back."""
        return (
            self.settled.succeeded.total == self.prepared.planned.total
            and not self.settled.in_doubt
            and not self.prepared.duplicates
            and not any(outcome.failure for outcome in self.outcomes)
        )


@dataclass
class House:
    """Runs a sync as the application does: stages that can die and are begun again."""

    folder: Path
    destination: MemoryDestination
    faults: Faults = field(default_factory=Faults)
    limits: Limits = field(default_factory=lambda: Limits(batch_rows=2, attempts=2))
    open_source: Callable[[pa.Table], Source] = TableSource
    planner: Planner = Planner.LOCAL
    baseline: Baseline | None = None
    forgotten: Forgotten | None = None
    runs: int = 0
    deaths: int = 0

    def __post_init__(self) -> None:
        self.storage = FaultyStorage(str(self.folder / "storage"), self.faults)
        self.time = FakeTime()

    def run(
        self, data: pa.Table, *, die_at: int | None = None, cancel_at: int | None = None, **changes: Any
    ) -> Finished:
        """One run to its end, through one death at most."""
        self.runs += 1
        spec = make_spec(self.runs, **{"planner": self.planner, **changes})
        source = self.open_source(data)
        self.faults.reset(die_at)
        prepared = self._through(lambda attempt: self._prepare(spec, source, attempt))
        outcomes: dict[int, PartOutcome] = {}
        journals = {part.number: FaultyJournal(self.faults) for part in prepared.parts}
        cancel = CancelAfter(cancel_at)
        while ready := next_parts(prepared, set(outcomes)):
            for part in ready:
                journal = journals[part.number]
                outcomes[part.number] = self._through(
                    lambda attempt, part=part, journal=journal: run_async(
                        deliver_part(
                            spec,
                            make_job(spec),
                            self.destination,
                            part,
                            self.storage,
                            journal,
                            cancel,
                            Unlimited(self.time.clock),
                            self.limits,
                            clock=self.time.clock,
                            attempt=attempt,
                        )
                    )
                )
        found = tuple(outcomes[number] for number in sorted(outcomes))
        settled = self._through(lambda attempt: self._settle(spec, source, prepared, found, attempt))
        self.faults.reset()
        self._move_pointer(spec, source, settled)
        return Finished(spec, prepared, found, settled)

    def _through(self, stage: Any) -> Any:
        """Begin a stage again after its death, as a reconciling loop would."""
        for attempt in range(3):
            try:
                return stage(str(attempt))
            except Crash:
                self.deaths += 1
                self.faults.reset()
        raise AssertionError("died more than once")

    def _prepare(self, spec: RunSpec, source: Source, attempt: str) -> Prepared:
        return prepare(
            spec,
            source,
            self.storage,
            self.baseline,
            workdir=self.folder / "work",
            memory_mb=MEMORY_MB,
            threads=THREADS,
            attempt=attempt,
            forgotten=self.forgotten,
        )

    def _settle(
        self, spec: RunSpec, source: Source, prepared: Prepared, outcomes: Sequence[PartOutcome], attempt: str
    ) -> Settled:
        return settle(
            spec,
            prepared,
            outcomes,
            self.baseline,
            self.storage,
            workdir=self.folder / "work",
            memory_mb=MEMORY_MB,
            threads=THREADS,
            attempt=attempt,
            source=source,
        )

    def _move_pointer(self, spec: RunSpec, source: Source, settled: Settled) -> None:
        old, self.baseline = self.baseline, settled.baseline
        for path in superseded(old, settled.baseline):
            self.storage.delete(path)
        retire(spec, source, settled.baseline)
