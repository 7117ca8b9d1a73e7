"""One batch on its way: tries, waits, halves, and ends with an answer for every row.

Connectors never retry or wait; what they raise decides what happens here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from connectors.sdk.destination import ACCEPTED, Batch, Limits, RowResult, Session, rejected
from connectors.sdk.errors import (
    AuthError,
    BatchRejected,
    ConfigError,
    ConnectorError,
    Gone,
    InternalError,
    RateLimited,
    Unavailable,
)
from connectors.sdk.pace import paced
from connectors.sdk.receipts import Receipt, held
from connectors.sdk.trace import Exchange, recording
from syncs.engine.errors import Cancelled, EngineError
from syncs.engine.patience import Patience
from syncs.engine.protocols import Control, Limiter
from syncs.engine.retry import Backoff, Clock
from syncs.engine.spec import Failure
from syncs.engine.traces import TraceWriter

_FATAL = (AuthError, Gone, ConfigError)
_WAIT_SLICE_S = 5.0
_LOCKED = Unavailable("Some rows were refused for now.")


@dataclass(slots=True)
class Answer:
    """What became of a batch.

    ``results`` has one entry a row, ``None`` where the row was given up or not
    tried. ``error`` says why rows were given up; ``fatal`` that nothing more may
    be sent. ``in_doubt``: some try was not answered, or not understandably.
    ``receipt`` is that of the batch as a whole.
    """

    results: list[RowResult | None]
    error: Failure | None = None
    fatal: bool = False
    in_doubt: bool = False
    receipt: Receipt | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Sends the batches of one part through one session."""

    session: Session
    limits: Limits
    limiter: Limiter
    control: Control
    patience: Patience
    traces: TraceWriter | None
    idempotent: bool
    split_retry: bool
    clock: Clock = field(default_factory=Clock)
    backoff: Backoff = field(default_factory=Backoff)

    async def send(
        self, number: int, batch: Batch, *, in_doubt: bool = False, fanned: bool = False, receipt: Receipt | None = None
    ) -> Answer:
        """Try until there is an answer or no tries are left; a cancelled run ends the tries.

        ``fanned``: rows made several records each, which may be more than fit into one request.
        """
        answer = Answer([None] * len(batch), in_doubt=in_doubt, receipt=receipt)
        try:
            await (
                self._send_in_pieces(number, batch, answer)
                if fanned
                else self._send(number, batch, range(len(batch)), answer)
            )
        except Cancelled as error:
            answer.error, answer.fatal = Failure(code=error.code, message=error.message, hint=error.hint), True
        return answer

    async def _send_in_pieces(self, number: int, batch: Batch, answer: Answer) -> None:
        """Pieces no larger than the destination takes, until one is given up."""
        size = max(1, self.limits.batch_rows)
        for start in range(0, len(batch), size):
            piece = batch.slice(start, min(start + size, len(batch)))
            await self._send(number, piece, range(start, start + len(piece)), answer)
            if answer.error is not None:
                return

    async def _send(self, number: int, batch: Batch, places: Sequence[int], answer: Answer) -> None:
        """Try rows that stand at ``places`` in the answer; those refused for something that passes, again."""
        # A piece of a batch is another batch to the destination: the receipt is not its own.
        receipt = answer.receipt if len(batch) == len(answer.results) else None
        for attempt in range(1, max(1, self.limits.attempts) + 1):
            try:
                results = await self._try(number, attempt, batch, receipt)
            except BatchRejected as error:
                await self._split(number, batch, places, answer, error)
                return
            except Unavailable as error:
                if error.in_doubt:
                    _doubt(answer, places)
                answer.error = failure_of(error)
                repeatable = self.idempotent or not error.in_doubt or bool(receipt and receipt.value)
                if not repeatable or attempt >= self.limits.attempts:
                    return
                wait = self.backoff.wait(attempt, error, self.clock.random())
                if isinstance(error, RateLimited):
                    # One refusal is news for everybody: the others would only collect their own.
                    await self.limiter.pause(wait)
                await self._wait(wait)
            except _FATAL as error:
                answer.error, answer.fatal = failure_of(error), True
                return
            except InternalError as error:
                _doubt(answer, places)
                answer.error = failure_of(error)
                return
            except ConnectorError as error:
                _reject(answer, places, error)
                return
            except Cancelled as error:
                if error.midway:
                    _doubt(answer, places)
                raise
            else:
                _put(answer, places, results)
                answer.error = None
                passing = _passing(results)
                if not passing or attempt >= self.limits.attempts:
                    return
                batch, places, receipt = batch.take(passing), [places[at] for at in passing], None
                await self._wait(self.backoff.wait(attempt, _LOCKED, self.clock.random()))

    async def _try(self, number: int, attempt: int, batch: Batch, receipt: Receipt | None) -> Sequence[RowResult]:
        while not await self.limiter.enter(within=_WAIT_SLICE_S):
            await self.control.proceed()
        try:
            await self._turn()
            # Writing the batch down and waiting may have taken longer than the lease.
            self.control.still_held()
            with paced(self._turn, self.control.still_held), held(receipt):
                return await self._call(number, attempt, batch)
        finally:
            self.limiter.leave()

    async def _turn(self) -> None:
        while not await self.limiter.acquire(within=_WAIT_SLICE_S):
            await self.control.proceed()

    async def _call(self, number: int, attempt: int, batch: Batch) -> Sequence[RowResult]:
        failed = True
        with recording() as exchanges:
            try:
                with self.patience.call():
                    results = await self.session.deliver(batch)
                if len(results) != len(batch):
                    raise InternalError(
                        f"The connector answered for {len(results)} rows of {len(batch)}.",
                        hint="This is a fault of the connector: please report it.",
                    )
                failed = not all_accepted(results)
                return results
            except Cancelled as error:
                error.midway = True
                raise
            except (ConnectorError, EngineError):
                raise
            except Exception as error:
                raise InternalError(
                    f"The connector failed: {type(error).__name__}: {error}",
                    hint="This is a fault of the connector: please report it.",
                ) from error
            finally:
                self._keep(number, attempt, exchanges, failed=failed)

    async def _split(
        self, number: int, batch: Batch, places: Sequence[int], answer: Answer, error: BatchRejected
    ) -> None:
        """Halve a refused batch until the rows at fault stand alone."""
        if not self.split_retry or len(batch) == 1:
            _reject(answer, places, error)
            return
        if answer.receipt and answer.receipt.value:
            # It answers for the whole batch only: after a kill it must not vouch for halves sent since.
            await answer.receipt.keep("")
        middle = len(batch) // 2
        for start, stop in ((0, middle), (middle, len(batch))):
            await self.control.proceed()
            await self._send(number, batch.slice(start, stop), places[start:stop], answer)
            if answer.error is not None:
                return

    async def _wait(self, seconds: float) -> None:
        """Wait in slices, so that a cancelled run does not hang on."""
        while seconds > 0:
            await self.clock.sleep(min(seconds, _WAIT_SLICE_S))
            seconds -= _WAIT_SLICE_S
            await self.control.proceed()

    def _keep(self, number: int, attempt: int, exchanges: Sequence[Exchange], *, failed: bool) -> None:
        if self.traces is not None and exchanges:
            numbered = [replace(exchange, attempt=attempt) for exchange in exchanges] if attempt > 1 else exchanges
            self.traces.add(number, attempt, numbered, failed=failed)


def all_accepted(results: Sequence[RowResult]) -> bool:
    """Whether no row was refused; cheap where each has the usual answer."""
    return results.count(ACCEPTED) == len(results) or all(result.accepted for result in results)


def _passing(results: Sequence[RowResult]) -> list[int]:
    """The places of rows whose refusal may be over in a moment."""
    return [] if all_accepted(results) else [at for at, result in enumerate(results) if result.passing]


def _put(answer: Answer, places: Sequence[int], results: Sequence[RowResult | None]) -> None:
    if isinstance(places, range):
        answer.results[places.start : places.stop] = results
        return
    for place, result in zip(places, results, strict=True):
        answer.results[place] = result


def _reject(answer: Answer, places: Sequence[int], error: ConnectorError) -> None:
    _put(answer, places, [rejected(error.message, code=error.code)] * len(places))


def _doubt(answer: Answer, places: Sequence[int]) -> None:
    """No answer for these rows, whatever was said of them before."""
    answer.in_doubt = True
    _put(answer, places, [None] * len(places))


def failure_of(error: ConnectorError) -> Failure:
    """A typed error as plain data."""
    return Failure(code=error.code, message=error.message, hint=error.hint)
