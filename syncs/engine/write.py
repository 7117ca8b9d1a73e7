"""Delivering a whole run in one go, to destinations that one writer fills in order (files)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pyarrow as pa

from connectors.sdk.destination import Batch, Destination, Job, Limits
from connectors.sdk.errors import ConnectorError, InternalError, Unavailable
from connectors.sdk.pace import at_once, paced
from connectors.sdk.trace import recording
from connectors.sdk.types import Operation
from syncs.engine.deliver import engine_failure
from syncs.engine.errors import Cancelled, InvalidMapping, LeaseLost, StorageFailed, UnknownColumn
from syncs.engine.mapping import Mapper, compile_mapping
from syncs.engine.outcomes import Outcomes
from syncs.engine.parts import read_part
from syncs.engine.protocols import Control
from syncs.engine.query import read_spool_schema
from syncs.engine.retry import Backoff, Clock
from syncs.engine.sending import failure_of
from syncs.engine.spec import BatchRecord, Failure, Part, PartOutcome, Prepared, RowStatus, RunSpec
from syncs.engine.storage import Storage
from syncs.engine.traces import TraceWriter

_STREAM_ROWS = 20_000


async def write_run(
    spec: RunSpec,
    job: Job,
    destination: Destination,
    prepared: Prepared,
    storage: Storage,
    control: Control,
    limits: Limits,
    traces: TraceWriter | None = None,
    *,
    clock: Clock | None = None,
    backoff: Backoff | None = None,
    attempt: str = "",
) -> tuple[PartOutcome, ...]:
    """Hand the whole run to the destination and store the outcome of every row.

    All rows that were mapped succeed together, or none does: then they are
    aborted with the destination's words and stay due. Called again after a kill,
    it starts over. A run without rows is written too, since an empty result
    replaces what was there; its one outcome has number 0 and no rows.
    """
    clock, backoff = clock or Clock(), backoff or Backoff()
    streams: Streams | None = None
    failure: Failure | None = None
    try:
        for number in range(1, max(1, limits.attempts) + 1):
            await control.proceed()
            streams = Streams(spec, prepared, storage)
            with paced(at_once, control.still_held):
                failure, retry = await _write(destination, job, streams, traces, number)
            if failure is None or retry is None or number >= limits.attempts:
                break
            await clock.sleep(backoff.wait(number, retry, clock.random()))
    except (Cancelled, InvalidMapping, UnknownColumn) as error:
        failure = engine_failure(error)
    if traces is not None:
        traces.flush()
    if not prepared.parts:
        return (PartOutcome(number=0, path="", failure=failure),)
    return tuple(_outcome(spec, part, streams, storage, attempt, failure) for part in prepared.parts)


class Streams:
    """The run's rows by operation, mapped while they are read; remembers what templates refused."""

    def __init__(self, spec: RunSpec, prepared: Prepared, storage: Storage) -> None:
        self._mapper: Mapper = compile_mapping(spec)
        self._parts = prepared.parts
        self._spool = prepared.spool
        self._storage = storage
        self.refused: dict[int, dict[int, tuple[str, str, str]]] = {}

    @property
    def schema(self) -> pa.Schema:
        """The columns of every stream, also where none has rows."""
        return self._mapper.schema(read_spool_schema(self._storage.local(self._spool)))

    def stream(self, operation: Operation) -> Iterator[Batch]:
        """The rows of one operation, in order."""
        for part in self._of(operation):
            yield from self._part(part, operation)

    def count(self, operation: Operation) -> int:
        """How many rows the operation has; templates may refuse some of them."""
        return sum(part.rows for part in self._of(operation))

    def finish(self) -> None:
        """Map what the destination did not ask for, so that every row has its outcome."""
        for part in self._parts:
            if part.number not in self.refused:
                for _ in self._part(part, part.operations[0][0]):
                    pass

    def _of(self, operation: Operation) -> list[Part]:
        return [part for part in self._parts if part.operations[0][0] is operation]

    def _part(self, part: Part, operation: Operation) -> Iterator[Batch]:
        refused: dict[int, tuple[str, str, str]] = {}
        first = 0
        for rows in read_part(self._storage, part, batch_rows=_STREAM_ROWS):
            mapped = self._mapper(rows, operation)
            refused |= {first + place: (r.code, r.message, r.field) for place, r in mapped.refused.items()}
            first += rows.num_rows
            if len(mapped.batch):
                yield mapped.batch
        self.refused[part.number] = refused


async def _write(
    destination: Destination, job: Job, streams: Streams, traces: TraceWriter | None, number: int
) -> tuple[Failure | None, Unavailable | None]:
    """One try: the failure, and the error if trying again may help."""
    failure: Failure | None = None
    retry: Unavailable | None = None
    with recording() as exchanges:
        try:
            await destination.write(job, streams)
            await asyncio.to_thread(streams.finish)
        except Unavailable as error:
            failure, retry = failure_of(error), error
        except ConnectorError as error:
            failure = failure_of(error)
        except (Cancelled, LeaseLost, StorageFailed):
            raise
        except Exception as error:
            failure = failure_of(InternalError(f"The connector failed: {type(error).__name__}: {error}"))
    if traces is not None:
        traces.add(0, number, exchanges, failed=failure is not None)
    return failure, retry


def _outcome(
    spec: RunSpec, part: Part, streams: Streams | None, storage: Storage, attempt: str, failure: Failure | None
) -> PartOutcome:
    outcomes = Outcomes(part)
    refused = streams.refused.get(part.number, {}) if streams is not None else {}
    outcomes.apply(
        BatchRecord(
            number=0,
            first=0,
            rows=part.rows,
            done=True,
            status=RowStatus.SUCCEEDED if failure is None else RowStatus.ABORTED,
            rejections=tuple((row, *words) for row, words in sorted(refused.items())),
            code=failure.code if failure else "",
            message=failure.message if failure else "",
        )
    )
    return outcomes.write(storage, spec, attempt, failure)
