"""Batches that the destination works on in its own time, and those that take several requests."""

from __future__ import annotations

import pytest

from connectors.sdk import pace, receipts
from connectors.sdk.destination import ACCEPTED, Batch, Limits, RowResult
from connectors.sdk.errors import BatchRejected, Gone, Unavailable
from connectors.sdk.rest.jobs import JobState, finished
from syncs.engine.spec import RowStatus
from tests.syncs.engine.delivery import ready, statuses
from tests.syncs.engine.support import Crash, House


class Jobs:
    """A service that takes batches as jobs. ``trouble`` is raised by the next questions, one each."""

    def __init__(self) -> None:
        self.taken: dict[str, tuple[str, ...]] = {}
        self.trouble: list[BaseException] = []

    async def deliver(self, batch: Batch) -> list[RowResult]:
        async def start() -> str:
            job = f"job-{len(self.taken) + 1}"
            self.taken[job] = tuple(batch.keys)
            return job

        async def ask(job: str) -> JobState:
            if self.trouble:
                raise self.trouble.pop(0)
            return JobState(True, [ACCEPTED] * len(self.taken[job]))

        return list(await finished(start, ask))


@pytest.fixture
def jobs(house: House, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    made = Jobs()
    monkeypatch.setattr(house.destination, "deliver", made.deliver)
    return made


@pytest.mark.parametrize("idempotent", [True, False])
def test_a_worker_killed_while_it_waits_asks_for_the_same_job_again(house: House, jobs: Jobs, idempotent: bool) -> None:
    delivery = ready(house, 2, idempotent=idempotent)
    jobs.trouble = [Crash()]
    with pytest.raises(Crash):
        delivery()
    outcome = delivery()
    assert jobs.taken == {"job-1": ("0", "1")}
    assert statuses(delivery, outcome) == [RowStatus.SUCCEEDED] * 2


@pytest.mark.parametrize("idempotent", [True, False])
def test_a_lost_line_while_it_waits_does_not_hand_the_rows_in_twice(house: House, jobs: Jobs, idempotent: bool) -> None:
    jobs.trouble = [Unavailable("broken off", in_doubt=True)]
    delivery = ready(house, 2, idempotent=idempotent)
    assert statuses(delivery, delivery()) == [RowStatus.SUCCEEDED] * 2
    assert list(jobs.taken) == ["job-1"]


def test_a_job_that_the_service_forgot_is_begun_anew(house: House, jobs: Jobs) -> None:
    delivery = ready(house, 2)
    jobs.trouble = [Crash(), Gone("no such job")]
    with pytest.raises(Crash):
        delivery()
    assert statuses(delivery, delivery()) == [RowStatus.SUCCEEDED] * 2
    assert list(jobs.taken) == ["job-1", "job-2"]


def test_halves_of_a_refused_batch_are_jobs_of_their_own(house: House, jobs: Jobs) -> None:
    jobs.trouble = [BatchRejected("one of them is odd")]
    delivery = ready(house, 2, split_retry=True)
    assert statuses(delivery, delivery()) == [RowStatus.SUCCEEDED] * 2
    assert list(jobs.taken.values()) == [("0", "1"), ("0",), ("1",)]


@pytest.mark.parametrize("idempotent", [True, False])
def test_a_kill_between_halves_sends_no_half_twice_where_that_does_harm(
    house: House, jobs: Jobs, idempotent: bool
) -> None:
    delivery = ready(house, 2, split_retry=True, idempotent=idempotent)
    jobs.trouble = [BatchRejected("one of them is odd"), Crash()]
    with pytest.raises(Crash):
        delivery()
    handed_in = len(jobs.taken)
    jobs.trouble = [BatchRejected("one of them is odd")]
    outcome = delivery()
    assert statuses(delivery, outcome) == [RowStatus.SUCCEEDED if idempotent else RowStatus.IN_DOUBT] * 2
    assert (len(jobs.taken) > handed_in) is idempotent


def test_every_request_of_a_batch_keeps_the_rate(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three requests a batch: the first is paid for by the batch's own turn, the others wait for theirs."""

    async def deliver(batch: Batch) -> list[RowResult]:
        for _ in range(3):
            await pace.wait_for_turn()
        return [ACCEPTED] * len(batch)

    monkeypatch.setattr(house.destination, "deliver", deliver)
    delivery = ready(house, 4)
    turns: list[float] = []
    monkeypatch.setattr(delivery.limiter, "note", lambda: turns.append(0))
    delivery(limits=Limits(batch_rows=2, attempts=1))
    assert len(turns) == 6


async def test_without_an_engine_nothing_waits_and_nothing_is_kept() -> None:
    await pace.wait_for_turn()
    receipt = receipts.current()
    await receipt.keep("job-1")
    assert receipts.current().value == ""
