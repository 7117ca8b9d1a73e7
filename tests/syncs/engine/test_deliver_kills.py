"""What becomes of a part when its worker is killed, stopped or taken over in the middle."""

from __future__ import annotations

import pytest

from connectors.sdk import pace
from connectors.sdk.destination import ACCEPTED, Batch, Limits, Mode, RowResult
from syncs.engine.errors import Cancelled, LeaseLost
from syncs.engine.memory import AlwaysProceed
from syncs.engine.spec import BatchRecord
from tests.syncs.engine.delivery import ready, statuses
from tests.syncs.engine.support import (
    CancelAfter,
    Crash,
    Faults,
    FaultyJournal,
    House,
)


def test_a_lost_lease_ends_the_work_and_writes_no_outcome(house: House) -> None:
    class Lost(AlwaysProceed):
        async def proceed(self) -> None:
            raise LeaseLost("Another worker took over.")

    delivery = ready(house, 2)
    with pytest.raises(LeaseLost):
        delivery(control=Lost())
    assert not [path for path in house.storage.list("syncs") if "outcomes" in path]


class Lapsed(AlwaysProceed):
    """A lease that runs out after so many looks at it; nobody asks whether to go on in between."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def still_held(self) -> None:
        self.looks -= 1
        if self.looks < 0:
            raise LeaseLost("The lease on this stage ran out.")


def test_a_worker_that_wakes_between_writing_down_and_sending_leaves_the_batch_to_its_successor(house: House) -> None:
    """Stopped for longer than its lease, it would put old values over those of a later run."""
    delivery = ready(house, 2)
    with pytest.raises(LeaseLost):
        delivery(control=Lapsed(0))
    assert [record.done for record in delivery.journal.records.values()] == [False]
    assert house.destination.calls == []
    assert delivery().succeeded.added == 2


def test_a_lease_that_runs_out_between_two_requests_of_a_batch_ends_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []

    async def deliver(batch: Batch) -> list[RowResult]:
        for key in batch.keys:
            await pace.wait_for_turn()
            sent.append(key)
        return [ACCEPTED] * len(batch)

    monkeypatch.setattr(house.destination, "deliver", deliver)
    delivery = ready(house, 2)
    with pytest.raises(LeaseLost):
        delivery(control=Lapsed(2))
    assert sent == ["0"]


def test_cancelling_between_two_requests_of_a_batch_leaves_its_rows_in_doubt(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def deliver(batch: Batch) -> list[RowResult]:
        raise Cancelled("A person cancelled the run.")

    monkeypatch.setattr(house.destination, "deliver", deliver)
    delivery = ready(house, 2, mode=Mode.INSERT, idempotent=False)
    outcome = delivery()
    assert outcome.failure is not None
    assert (outcome.failure.code, outcome.in_doubt) == ("cancelled", 2)


@pytest.mark.parametrize("step", range(13))  # every step that delivering two batches takes
def test_after_a_kill_what_is_done_is_skipped_and_what_was_in_flight_goes_again(house: House, step: int) -> None:
    faults = Faults()
    house.destination.faults = faults
    delivery = ready(house, 4)
    delivery.journal = FaultyJournal(faults)
    faults.reset(step)
    with pytest.raises(Crash):
        delivery()
    faults.reset()
    sent_before = [key for _, keys in house.destination.calls for key in keys]
    done = [record for record in delivery.journal.records.values() if record.done]
    house.destination.calls.clear()
    outcome = delivery()
    sent_again = [key for _, keys in house.destination.calls for key in keys]
    assert outcome.succeeded.added == 4
    assert len(sent_again) == 4 - sum(record.rows for record in done)
    assert len(set(sent_before) & set(sent_again)) <= 2  # one batch was in flight
    assert house.destination.records == {str(n): f"v{n}" for n in range(4)}


def test_an_insert_in_flight_at_a_kill_is_reported_and_not_sent_again(house: House) -> None:
    delivery = ready(house, 4, idempotent=False)
    delivery.journal.records = {0: BatchRecord(number=0, first=0, rows=2, done=False)}
    outcome = delivery()
    assert statuses(delivery, outcome) == ["in_doubt", "in_doubt", "succeeded", "succeeded"]
    assert outcome.in_doubt == 2
    assert delivery.journal.records[0].done


def test_a_part_given_up_after_a_kill_says_that_rows_in_flight_are_in_doubt(house: House) -> None:
    delivery = ready(house, 4)
    delivery.journal.records = {0: BatchRecord(number=0, first=0, rows=2, done=False)}
    outcome = delivery(control=CancelAfter(0))
    assert statuses(delivery, outcome) == ["in_doubt", "in_doubt", "aborted", "aborted"]


def test_a_row_refused_after_a_kill_may_have_arrived_before_it(house: House) -> None:
    delivery = ready(house, 2)
    delivery.journal.records = {0: BatchRecord(number=0, first=0, rows=2, done=False)}
    house.destination.refused = {"0"}
    outcome = delivery()
    assert [(row["status"], row["in_doubt"]) for row in delivery.rows(outcome)] == [
        ("rejected", True),
        ("succeeded", False),
    ]


def test_other_limits_after_a_kill_do_not_move_what_was_in_flight(house: House) -> None:
    delivery = ready(house, 7)
    delivery.journal.records = {
        0: BatchRecord(number=0, first=0, rows=3, done=True),
        1: BatchRecord(number=1, first=3, rows=3, done=False),
    }
    delivery(limits=Limits(batch_rows=2))
    assert [len(keys) for _, keys in house.destination.calls] == [3, 1]
    assert [(r.first, r.rows, r.done) for r in delivery.journal.records.values()] == [
        (0, 3, True),
        (3, 3, True),
        (6, 1, True),
    ]
