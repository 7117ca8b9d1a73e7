"""Delivering one part: batches in parallel, each written down before it leaves and after its answer.

A kill at any point leaves the journal to tell what is done (skipped by the next
attempt) and what was in flight (sent again where that is harmless, otherwise
reported as in doubt). Nothing is marked as sent without an answer that says so.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from connectors.sdk.destination import ACCEPTED, Destination, Job, Limits, RowResult, Session
from connectors.sdk.errors import ConnectorError, Unavailable
from connectors.sdk.receipts import Receipt
from syncs.engine.errors import Cancelled, EngineError, InvalidMapping, UnknownColumn
from syncs.engine.fan_out import by_place
from syncs.engine.feed import Outgoing, outgoing
from syncs.engine.mapping import compile_mapping
from syncs.engine.outcomes import Outcomes
from syncs.engine.patience import Patience
from syncs.engine.protocols import Control, Journal, Limiter
from syncs.engine.retry import Backoff, Clock
from syncs.engine.sending import Answer, Sender, failure_of
from syncs.engine.spec import BatchRecord, Failure, Part, PartOutcome, RowStatus, RunSpec
from syncs.engine.storage import Storage
from syncs.engine.traces import TraceWriter

# So many batches in a row given up mean that the destination is down, not that rows are bad.
GIVEN_UP_IN_A_ROW = 3
# Batches made in one visit to the reading thread: few enough to hold two such groups in memory.
_GROUP_BATCHES, _GROUP_ROWS = 64, 20_000
_MAX_WORDS = 4_000
_LOST_CODE = "in_doubt"
_LOST_WORDS = "Sent just before the worker stopped; whether it arrived is not known."


async def deliver_part(
    spec: RunSpec,
    job: Job,
    destination: Destination,
    part: Part,
    storage: Storage,
    journal: Journal,
    control: Control,
    limiter: Limiter,
    limits: Limits,
    traces: TraceWriter | None = None,
    *,
    clock: Clock | None = None,
    backoff: Backoff | None = None,
    patience: Patience | None = None,
    attempt: str = "",
) -> PartOutcome:
    """Send what of this part has no stored answer yet, and store the outcome of every row.

    Returns with a ``failure`` where the destination refused the whole sync or is
    down, and where the run was cancelled: rows not attempted are then aborted and
    stay due. Raises :class:`~syncs.engine.errors.LeaseLost` (nothing is written)
    and whatever the journal or the storage raise; call again then.
    """
    clock, backoff = clock or Clock(), backoff or Backoff()
    delivery = _Delivery(spec, part, journal, control, limits, clock)
    earlier = await delivery.take_over()
    try:
        mapper, encode = compile_mapping(spec, job.fields), destination.encoder(job)
        old = destination.wants_old(job)
        batches = outgoing(storage, part, mapper, limits, earlier, encode, old=old)
        async with (
            patience or Patience(limits, control) as patient,
            _opened(destination, job, limits, control, patient, clock, backoff) as session,
        ):
            sender = Sender(
                session=session,
                limits=limits,
                limiter=limiter,
                control=control,
                patience=patient,
                traces=traces,
                idempotent=spec.idempotent,
                split_retry=spec.split_retry,
                clock=clock,
                backoff=backoff,
            )
            await delivery.run(batches, sender)
    except ConnectorError as error:
        delivery.fail(failure_of(error))
    except (Cancelled, InvalidMapping, UnknownColumn) as error:
        delivery.fail(engine_failure(error))
    if traces is not None:
        traces.hand_over()  # written while the outcomes are
    outcome = delivery.outcomes.write(storage, spec, attempt, delivery.verdict())
    if traces is not None:
        traces.flush()
    return outcome


class _Delivery:
    """The batches of one part: who is next, what was answered, when to stop."""

    def __init__(
        self, spec: RunSpec, part: Part, journal: Journal, control: Control, limits: Limits, clock: Clock
    ) -> None:
        self.outcomes = Outcomes(part)
        self._spec = spec
        self._journal = journal
        self._control = control
        self._limits = limits
        self._clock = clock
        self._ready: deque[Outgoing] = deque()
        self._ahead: asyncio.Task[list[Outgoing]] | None = None
        self._turn = asyncio.Lock()
        self._failure: Failure | None = None
        self._given_up: Failure | None = None
        self._in_a_row = 0
        self._answered = False
        self._stopped = False

    async def take_over(self) -> list[BatchRecord]:
        """Make earlier attempts' answers ours. What was in flight is in doubt until it has been sent again,
        and stays so where it may not go twice."""
        records: list[BatchRecord] = []
        for record in await self._journal.entries():
            if not record.done:
                lost = replace(record, status=RowStatus.IN_DOUBT, code=_LOST_CODE, message=_LOST_WORDS, in_doubt=True)
                self.outcomes.apply(lost)
                # With a receipt the destination says what became of it; nothing goes twice.
                record = record if self._spec.idempotent or record.receipt else replace(lost, done=True)
                if record.done:
                    await self._journal.finish(record)
            else:
                self.outcomes.apply(record)
                self._answered |= record.status is RowStatus.SUCCEEDED
            records.append(record)
        return records

    async def run(self, batches: Iterator[Outgoing], sender: Sender) -> None:
        """Send everything, several batches at a time; ends early when ``fail`` was called."""
        workers = [self._work(batches, sender) for _ in range(max(1, self._limits.concurrency))]
        ended: list[object] = [*await asyncio.gather(*workers, return_exceptions=True)]
        if self._ahead is not None:
            ended += await asyncio.gather(self._ahead, return_exceptions=True)
        for error in ended:
            if isinstance(error, BaseException):
                raise error

    def fail(self, failure: Failure) -> None:
        """Send nothing more; the first reason stands."""
        self._failure = self._failure or failure
        self._stopped = True

    def verdict(self) -> Failure | None:
        """Why the part ended early, or that the destination never answered."""
        return self._failure or (None if self._answered else self._given_up)

    async def _work(self, batches: Iterator[Outgoing], sender: Sender) -> None:
        try:
            while not self._stopped and (batch := await self._next(batches)) is not None:
                await self._control.proceed()
                await self._deliver(batch, sender)
                if self._limits.pause_ms:
                    await self._clock.sleep(self._limits.pause_ms / 1000)
        except BaseException:
            self._stopped = True
            raise

    async def _next(self, batches: Iterator[Outgoing]) -> Outgoing | None:
        """The next batch; while batches are sent, the ones after them are read and mapped."""
        if self._ready:
            return self._ready.popleft()
        async with self._turn:
            if not self._ready:
                group = await (self._ahead or asyncio.to_thread(_group, batches))
                self._ready.extend(group)
                self._ahead = asyncio.create_task(asyncio.to_thread(_group, batches)) if group else None
            return self._ready.popleft() if self._ready else None

    async def _deliver(self, outgoing: Outgoing, sender: Sender) -> None:
        record = BatchRecord(
            number=outgoing.number, first=outgoing.first, rows=outgoing.rows, done=False, receipt=outgoing.receipt
        )
        answer = Answer([])
        if len(outgoing.mapped.batch):
            await self._journal.begin(record)
            fanned = len(outgoing.mapped.batch) > outgoing.rows
            receipt = self._receipt(record, outgoing.receipt)
            answer = await sender.send(
                outgoing.number, outgoing.mapped.batch, in_doubt=outgoing.again, fanned=fanned, receipt=receipt
            )
        record = self._answered_record(record, outgoing, answer)
        await self._journal.finish(record)
        self.outcomes.apply(record)
        self._judge(answer)

    def _receipt(self, record: BatchRecord, value: str) -> Receipt:
        """The batch's receipt; a new one is as durable as the entry of the batch before it is relied on."""

        async def store(value: str) -> None:
            await self._journal.begin(replace(record, receipt=value))

        return Receipt(value, store)

    def _answered_record(self, record: BatchRecord, outgoing: Outgoing, answer: Answer) -> BatchRecord:
        refused = outgoing.mapped.refused
        if not refused and answer.error is None and answer.results.count(ACCEPTED) == len(outgoing.mapped.places):
            return BatchRecord(
                number=record.number, first=record.first, rows=record.rows, done=True, in_doubt=answer.in_doubt
            )
        placed = list(by_place(outgoing.mapped.places, answer.results)) if answer.results else []
        given_up = [place for place, result in placed if result is None]
        refused = refused | {place: result for place, result in placed if result is not None and not result.accepted}
        status, error = RowStatus.SUCCEEDED, answer.error or Failure(code="", message="")
        doubtful: tuple[int, ...] = ()
        none_succeeded = len(given_up) + len(refused) == record.rows
        if given_up and answer.in_doubt and not self._spec.idempotent:
            status = RowStatus.IN_DOUBT if none_succeeded else RowStatus.SUCCEEDED
            doubtful = () if none_succeeded else tuple(given_up)
        elif given_up and none_succeeded:
            status = RowStatus.ABORTED if answer.fatal else RowStatus.REJECTED
        else:
            refused |= {place: RowResult(False, error.message, error.code) for place in given_up}
        rejections = tuple((p, r.code, _storable(r.message), r.field) for p, r in sorted(refused.items()))
        return replace(
            record,
            done=True,
            status=status,
            rejections=rejections,
            doubtful=doubtful,
            code=error.code,
            message=_storable(error.message),
            in_doubt=answer.in_doubt,
        )

    def _judge(self, answer: Answer) -> None:
        if answer.error is None:
            self._answered |= bool(answer.results)
            self._in_a_row = 0
        elif answer.fatal:
            self.fail(answer.error)
        else:
            self._given_up = answer.error
            self._in_a_row += 1
            if self._in_a_row >= GIVEN_UP_IN_A_ROW:
                self.fail(answer.error)


def _group(batches: Iterator[Outgoing]) -> list[Outgoing]:
    group: list[Outgoing] = []
    rows = 0
    while rows < _GROUP_ROWS and len(group) < _GROUP_BATCHES and (batch := next(batches, None)) is not None:
        group.append(batch)
        rows += batch.rows
    return group


def _storable(words: str) -> str:
    """Words of a destination as any journal takes them: no null characters, no novels."""
    return words.replace("\0", "")[:_MAX_WORDS]


@asynccontextmanager
async def _opened(
    destination: Destination,
    job: Job,
    limits: Limits,
    control: Control,
    patience: Patience,
    clock: Clock,
    backoff: Backoff,
) -> AsyncIterator[Session]:
    """A session; where the destination cannot be reached, tried again like a batch."""
    attempt = 1
    while True:
        await control.proceed()
        opening = destination.session(job)
        try:
            with patience.call():
                session = await opening.__aenter__()
            break
        except Unavailable as error:
            if attempt >= limits.attempts:
                raise
            await clock.sleep(backoff.wait(attempt, error, clock.random()))
            attempt += 1
    try:
        yield session
    except BaseException as error:
        handled = False
        with suppress(Unavailable), patience.call():  # what went wrong first says more
            handled = bool(await opening.__aexit__(type(error), error, error.__traceback__))
        if not handled:
            raise
    else:
        with patience.call():
            await opening.__aexit__(None, None, None)


def engine_failure(error: EngineError) -> Failure:
    """An engine error as plain data."""
    return Failure(code=error.code, message=error.message, hint=error.hint)
