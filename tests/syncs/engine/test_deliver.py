"""One part on its way: tries, waits, halves, and what is said about each row."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.sdk.destination import ACCEPTED, Batch, Limits, Mode, RowResult, rejected
from connectors.sdk.errors import AuthError, BatchRejected, ConnectorError, Gone, RateLimited, Unavailable
from connectors.sdk.trace import Exchange, record
from connectors.sdk.types import Operation
from syncs.engine.deliver import GIVEN_UP_IN_A_ROW
from syncs.engine.exchanges import batch_exchanges, search_exchanges
from syncs.engine.limiter import Unlimited
from syncs.engine.patience import Patience
from syncs.engine.traces import TraceLimits, TraceWriter
from tests.syncs.engine.delivery import ready, statuses
from tests.syncs.engine.support import (
    CancelAfter,
    FakeTime,
    House,
    MemoryDestination,
    table,
)


def test_every_row_has_its_outcome_in_the_order_of_the_part(house: House) -> None:
    delivery = ready(house, 5)
    house.destination.refused = {"3"}
    outcome = delivery()
    rows = delivery.rows(outcome)
    assert [row["row"] for row in rows] == [0, 1, 2, 3, 4]
    assert [row["batch"] for row in rows] == [0, 0, 1, 1, 2]
    by_key = {row["key"]: row for row in rows}
    assert (by_key["3"]["status"], by_key["3"]["code"], by_key["3"]["field"]) == ("rejected", "unwelcome", "value")
    assert (outcome.succeeded.added, outcome.rejected.added, outcome.aborted.added) == (4, 1, 0)


def test_an_outage_is_waited_out_with_growing_pauses_and_full_jitter(house: House) -> None:
    delivery = ready(house, 2)
    house.destination.errors = [Unavailable("busy"), Unavailable("busy")]
    outcome = delivery()
    assert outcome.succeeded.added == 2
    assert delivery.time.waits == [0.5, 1.0]


def test_one_refusal_for_speed_is_news_for_the_whole_account(house: House) -> None:
    delivery = ready(house, 8)
    others = FakeTime()  # the account's own clock, which this delivery's waiting does not move
    delivery.limiter = Unlimited(others.clock)
    house.destination.errors = [RateLimited("slow down", after=40), Unavailable("busy")]
    delivery.time.jitter = 0.0
    delivery(limits=Limits(batch_rows=8, attempts=3))
    assert sum(others.waits) == 40


def test_what_the_other_side_asks_to_wait_is_waited_up_to_a_cap(house: House) -> None:
    delivery = ready(house, 2)
    delivery.time.jitter = 0.0
    house.destination.errors = [RateLimited("slow down", after=7), RateLimited("slow down", after=86_400)]
    delivery()
    assert sum(delivery.time.waits) == pytest.approx(7 + 120)


def test_tries_are_bounded_and_then_the_rows_are_given_up_with_the_last_words(house: House) -> None:
    delivery = ready(house, 2)
    house.destination.errors = [Unavailable(f"try {n}") for n in range(1, 9)]
    outcome = delivery()
    assert [row["message"] for row in delivery.rows(outcome)] == ["try 3", "try 3"]
    assert outcome.failure is not None
    assert (outcome.failure.code, outcome.failure.message) == ("unavailable", "try 3")


def test_a_batch_that_alone_cannot_be_delivered_does_not_hold_up_the_others(house: House) -> None:
    delivery = ready(house, 6)
    house.destination.errors = [Unavailable("poison")] * 3
    outcome = delivery()
    assert statuses(delivery, outcome) == ["rejected"] * 2 + ["succeeded"] * 4
    assert outcome.failure is None


def test_several_batches_given_up_in_a_row_mean_the_destination_is_down(house: House) -> None:
    delivery = ready(house, 20)
    house.destination.errors = [Unavailable("down")] * 100
    outcome = delivery()
    assert outcome.failure is not None
    assert outcome.failure.message == "down"
    assert outcome.rejected.added == 2 * GIVEN_UP_IN_A_ROW
    assert outcome.aborted.added == 20 - 2 * GIVEN_UP_IN_A_ROW


@pytest.mark.parametrize("error", [AuthError("key revoked"), Gone("no such list")])
def test_an_error_of_the_whole_sync_stops_the_part_and_loses_nothing(house: House, error: ConnectorError) -> None:
    delivery = ready(house, 6)
    delivery(limits=Limits(batch_rows=2, attempts=1), control=CancelAfter(2))
    house.destination.errors = [error]
    outcome = delivery()
    assert outcome.failure is not None
    assert (outcome.failure.code, outcome.failure.message) == (error.code, error.message)
    assert outcome.succeeded.added + outcome.aborted.added == 6
    assert outcome.aborted.added >= 2
    assert not house.destination.errors


def test_a_refused_batch_is_halved_until_the_bad_row_stands_alone(house: House) -> None:
    class Strict(MemoryDestination):
        sizes: list[int] = []

        def _answer(self, batch: Batch) -> Sequence[RowResult]:
            self.sizes.append(len(batch))
            if "5" in batch.keys:
                raise BatchRejected("row 5 spoils it")
            return super()._answer(batch)

    house.destination = Strict()
    delivery = ready(house, 8, split_retry=True)
    outcome = delivery(limits=Limits(batch_rows=8))
    assert sorted(house.destination.sizes, reverse=True) == [8, 4, 4, 2, 2, 1, 1]
    rejected = [row for row in delivery.rows(outcome) if row["status"] == "rejected"]
    assert [(row["key"], row["message"]) for row in rejected] == [("5", "row 5 spoils it")]
    assert outcome.succeeded.added == 7


def test_rows_that_are_locked_for_a_while_are_tried_again_alone_and_then_by_the_next_run(house: House) -> None:
    """Ten thousand rows, five of them locked: two are free again during the run, three before the next."""

    class Locking(MemoryDestination):
        locked: dict[str, int] = {"7": 1, "2500": 2, "4000": 9, "8000": 9, "9999": 9}  # refusals left

        def _apply(self, operation: Operation, key: str, record: dict[str, Any]) -> RowResult:
            if self.locked.get(key, 0):
                self.locked[key] -= 1
                return rejected("Somebody else writes to it", code="locked", passing=True)
            return super()._apply(operation, key, record)

    destination = house.destination = Locking()
    house.limits = Limits(batch_rows=1_000, attempts=3)
    rows = table([(n, "x") for n in range(10_000)])
    run = house.run(rows, part_rows=10_000)
    assert (run.settled.succeeded.added, run.settled.rejected.added) == (9_997, 3)
    sent = Counter(key for _, keys in destination.calls for key in keys)
    again = {key: times for key, times in sent.items() if times > 1}
    assert again == {"7": 2, "2500": 3, "4000": 3, "8000": 3, "9999": 3}
    destination.locked.clear()
    destination.calls.clear()
    assert house.run(rows, part_rows=10_000).settled.succeeded.added == 3
    assert sorted(key for _, keys in destination.calls for key in keys) == ["4000", "8000", "9999"]


def test_a_row_whose_second_try_is_not_answered_is_in_doubt(house: House) -> None:
    class Silent(MemoryDestination):
        tries = 0

        def _answer(self, batch: Batch) -> Sequence[RowResult]:
            self.tries += 1
            if self.tries > 1:
                raise Unavailable("no answer", in_doubt=True)
            return [ACCEPTED, rejected("locked", passing=True)]

    house.destination = Silent()
    delivery = ready(house, 2, mode=Mode.INSERT, idempotent=False)
    outcome = delivery()
    assert (outcome.succeeded.added, outcome.rejected.added, outcome.in_doubt) == (1, 0, 1)
    said = [(row["status"], row["in_doubt"], row["message"]) for row in delivery.rows(outcome)]
    assert said == [("succeeded", False, None), ("in_doubt", True, "no answer")]
    again = delivery()  # another worker reads it from the journal, and asks nobody
    assert (again.succeeded.added, again.in_doubt, house.destination.tries) == (1, 1, 2)


def test_without_split_retry_a_refused_batch_is_refused_as_a_whole(house: House) -> None:
    delivery = ready(house, 4)
    house.destination.errors = [BatchRejected("all or nothing")]
    assert statuses(delivery, delivery()) == ["rejected", "rejected", "succeeded", "succeeded"]


@pytest.mark.parametrize("answer", [[], [ACCEPTED], [ACCEPTED] * 3])
def test_a_connector_that_miscounts_marks_nothing_as_sent(house: House, answer: list[RowResult]) -> None:
    class Miscounting(MemoryDestination):
        def _answer(self, batch: Batch) -> Sequence[RowResult]:
            return answer

    house.destination = Miscounting()
    delivery = ready(house, 2)
    outcome = delivery()
    assert outcome.succeeded.total == 0
    assert f"answered for {len(answer)} rows of 2" in delivery.rows(outcome)[0]["message"]
    assert all(row["in_doubt"] for row in delivery.rows(outcome))


def test_a_connector_that_breaks_marks_nothing_as_sent(house: House) -> None:
    class Broken(MemoryDestination):
        def _answer(self, batch: Batch) -> Sequence[RowResult]:
            raise KeyError("oops")

    house.destination = Broken()
    delivery = ready(house, 2)
    outcome = delivery()
    assert outcome.succeeded.total == 0
    assert outcome.failure is not None
    assert "KeyError" in outcome.failure.message


def test_a_session_that_cannot_be_opened_is_tried_again_and_then_aborts_the_part(house: House) -> None:
    class Closed(MemoryDestination):
        opened = 0

        def session(self, job: Any) -> Any:
            return self._refuse()

        @asynccontextmanager
        async def _refuse(self) -> Any:
            self.opened += 1
            if self.opened:
                raise Unavailable("no route to host")
            yield self

    house.destination = Closed()
    delivery = ready(house, 3)
    outcome = delivery()
    assert house.destination.opened == 3
    assert outcome.aborted.added == 3
    assert outcome.failure is not None
    assert outcome.failure.message == "no route to host"


def test_concurrency_is_used_and_kept(house: House) -> None:
    delivery = ready(house, 20)
    delivery(limits=Limits(batch_rows=1, concurrency=4))
    assert house.destination.most_running == 4


def test_a_pause_between_batches_is_kept(house: House) -> None:
    delivery = ready(house, 4)
    delivery(limits=Limits(batch_rows=2, pause_ms=100))
    assert delivery.time.waits == [0.1, 0.1]


def test_cancelling_stops_before_the_next_batch_and_leaves_the_rest_due(house: House) -> None:
    delivery = ready(house, 6)
    outcome = delivery(control=CancelAfter(3))  # one question opens the session
    assert statuses(delivery, outcome) == ["succeeded"] * 4 + ["aborted"] * 2
    assert outcome.failure is not None
    assert outcome.failure.code == "cancelled"


def test_cancelling_during_a_long_wait_does_not_wait_it_out(house: House) -> None:
    delivery = ready(house, 2)
    house.destination.errors = [RateLimited("slow down", after=100)]
    outcome = delivery(control=CancelAfter(3))
    assert outcome.aborted.added == 2
    assert sum(delivery.time.waits) <= 10


def test_words_that_no_database_takes_are_made_storable(house: House) -> None:
    delivery = ready(house, 2)
    house.destination.errors = [BatchRejected("bad\0byte " + "x" * 10_000)]
    delivery()
    message = delivery.journal.records[0].rejections[0][2]
    assert message.startswith("badbyte ")
    assert len(message) <= 4_000


def test_requests_are_kept_by_batch_and_try_and_can_be_searched(house: House) -> None:
    class Talking(MemoryDestination):
        def _answer(self, batch: Batch) -> Sequence[RowResult]:
            record(
                Exchange(
                    started_at=datetime(2026, 1, 1, tzinfo=UTC),
                    duration_ms=1.5,
                    method="POST",
                    target="https://api.example.com/rows",
                    status=503 if self.errors else 200,
                    request_headers=(("Content-Type", "application/json"),),
                    request_body=" ".join(batch.keys) + " Zoë " + "x" * 100,
                    response_body="OK",
                )
            )
            return super()._answer(batch)

    house.destination = Talking()
    delivery = ready(house, 6)
    house.destination.errors = [Unavailable("503")]
    traces = TraceWriter(house.storage, "syncs/1/runs/1", 1, limits=TraceLimits(body_bytes=50))
    delivery(traces=traces)
    tries = batch_exchanges(house.storage, "syncs/1/runs/1", 1, 0)
    assert [(e.attempt, e.status, e.failed) for e in tries] == [(1, 503, True), (2, 200, False)]
    assert len(tries[0].request_body) == 50
    assert "cut" in tries[0].note
    assert tries[0].request_headers == (("Content-Type", "application/json"),)
    found = search_exchanges(house.storage, "syncs/1/runs/1", text="zoë", limit=3)
    assert [len(found.exchanges), found.next] == [3, found.exchanges[-1].id]
    assert len(search_exchanges(house.storage, "syncs/1/runs/1", failed=True).exchanges) == 1


def test_the_room_for_requests_is_bounded_and_failures_have_their_own(house: House) -> None:
    limits = TraceLimits(part_bytes=3_000, failure_bytes=3_000, file_bytes=1_000)
    there = set(threading.enumerate())
    traces = TraceWriter(house.storage, "syncs/1/runs/1", 1, limits=limits)
    exchange = Exchange(
        started_at=datetime(2026, 1, 1, tzinfo=UTC), duration_ms=1, method="POST", target="/", status=200,
        request_body="x" * 500,
    )  # fmt: skip
    for batch in range(50):
        traces.add(batch, 1, [exchange], failed=False)
    traces.add(50, 1, [replace(exchange, status=400)], failed=True)
    traces.flush()
    assert set(threading.enumerate()) <= there  # a thread that stays would keep the memory that it needed
    kept = search_exchanges(house.storage, "syncs/1/runs/1", limit=100).exchanges
    assert len([e for e in kept if e.status == 200]) == 3
    assert [e.batch for e in kept if e.failed] == [50]
    assert [e.note for e in kept if "used up" in e.note] == [
        "The room for successful requests of this part is used up: later ones are not kept."
    ]


class Silent(MemoryDestination):
    """Never answers at one of the three points where a delivery waits for it."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    @asynccontextmanager
    async def session(self, job: Any) -> AsyncIterator[Silent]:
        await self._silent("open")
        yield self
        await self._silent("close")

    async def deliver(self, batch: Batch) -> Sequence[RowResult]:
        await self._silent("deliver")
        return await super().deliver(batch)

    async def _silent(self, where: str) -> None:
        if where == self.where:
            await asyncio.Event().wait()


@pytest.mark.parametrize(("where", "arrived"), [("open", 0), ("deliver", 0), ("close", 6)])
def test_a_destination_that_never_answers_ends_the_part(house: House, where: str, arrived: int) -> None:
    delivery = ready(house)
    house.destination = Silent(where)
    outcome = delivery(limits=Limits(batch_rows=6, attempts=2, timeout_s=0.002))
    assert outcome.failure is not None
    assert (outcome.failure.code, outcome.failure.message) == ("unavailable", "No answer in time.")
    assert outcome.succeeded.added == arrived


def test_a_cancelled_run_does_not_wait_for_a_destination_that_hangs(house: House) -> None:
    delivery = ready(house)
    house.destination = Silent("deliver")
    control = CancelAfter(2)  # one question before opening, one before the batch; the third is the watcher's
    limits = Limits(batch_rows=6, timeout_s=3600)
    outcome = delivery(control, limits, patience=Patience(limits, control, last_words_s=0.01, look_s=0.01))
    assert outcome.failure is not None
    assert (outcome.failure.code, outcome.aborted.added + outcome.rejected.added) == ("cancelled", 6)
