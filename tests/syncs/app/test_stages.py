"""Leases: whoever lost one can change nothing, whoever got one goes on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import dramatiq
import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from config.queue import stopping
from connectors import services as connectors
from connectors.models import Destination
from connectors.sdk.destination import Limits
from syncs import engine, journal, lease, scheduler, services, tasks
from syncs.choices import RunStatus, StepKind, StepState
from syncs.engine import LeaseLost
from syncs.engine.spec import BatchRecord, Failure
from syncs.journal import JournalWriter, PartJournal
from syncs.lease import Lease, Stopped
from syncs.limits import limiter_for
from syncs.models import JournalBatch, Run, RunStep
from syncs.services import stages
from tests.syncs.app.shop import Shop, postgres_settings, wait_until, work_off
from tests.syncs.app.test_schedules import lose_lease
from workspaces.scoping import workspace_scope


@pytest.fixture
def step(shop: Shop) -> RunStep:
    """The first stage of a run that nobody works on."""
    shop.fill(3)
    services.start_run(actor=shop.actor, sync=shop.sync())
    return RunStep.objects.get()


def test_a_stage_is_given_to_one_worker_only(step: RunStep) -> None:
    claims, ready = [], threading.Barrier(3)

    def take() -> None:
        with workspace_scope(step.workspace_id):
            ready.wait()
            claims.append(stages.claim(step.pk))
            connection.close()

    threads = [threading.Thread(target=take) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([claim for claim in claims if claim]) == 1


def test_a_worker_whose_lease_ran_out_can_change_nothing(step: RunStep) -> None:
    stale = stages.claim(step.pk)
    assert stale is not None
    assert stages.claim(step.pk) is None
    lose_lease(step.pk)
    current = stages.claim(step.pk)
    assert current is not None
    assert current.epoch == stale.epoch + 1
    writes: tuple[Callable[[], object], ...] = (
        lambda: stages.enter(stale, RunStatus.WRITING),
        lambda: stages.beat(stale),
        lambda: stages.fail_run(stale, Failure(code="x", message="x")),
    )
    for write in writes:
        with pytest.raises(LeaseLost):
            write()
    stages.release(stale)
    stages.put_off(stale, Failure(code="x", message="x"))
    step.refresh_from_db()
    assert (step.state, step.epoch, step.run.status) == (StepState.RUNNING, current.epoch, RunStatus.ENQUEUED)


def test_the_journal_refuses_entries_without_a_lease(step: RunStep) -> None:
    held = stages.claim(step.pk)
    assert held is not None
    writer, record = JournalWriter(), BatchRecord(number=0, first=0, rows=10, done=False)
    writer.write(step.pk, held.epoch, record).result(timeout=30)
    assert JournalBatch.objects.get().rows == 10
    with pytest.raises(LeaseLost):
        writer.write(step.pk, held.epoch - 1, record).result(timeout=30)
    lose_lease(step.pk)
    stages.claim(step.pk)
    with pytest.raises(LeaseLost):
        writer.write(step.pk, held.epoch, BatchRecord(number=1, first=10, rows=10, done=False)).result(timeout=30)
    assert JournalBatch.objects.count() == 1


def test_the_next_worker_reads_what_was_answered_about_each_row(step: RunStep) -> None:
    held = stages.claim(step.pk)
    assert held is not None
    refused = ((1, "bad", "no such mailbox", "email"),)
    told = BatchRecord(
        number=0, first=0, rows=4, done=True, rejections=refused, doubtful=(2, 3), code="unavailable", in_doubt=True
    )
    JournalWriter().write(step.pk, held.epoch, told).result(timeout=30)
    assert asyncio.run(PartJournal(held, lambda rows: None).entries()) == [told]


def test_entries_of_many_batches_are_all_durable(step: RunStep) -> None:
    held = stages.claim(step.pk)
    assert held is not None
    writer = JournalWriter()
    written = [
        writer.write(step.pk, held.epoch, BatchRecord(number=n, first=n * 10, rows=10, done=done))
        for n in range(300)
        for done in (False, True)
    ]
    for future in written:
        future.result(timeout=60)
    assert JournalBatch.objects.filter(done=True).count() == 300


def test_a_worker_that_is_stopped_right_after_it_took_a_stage_knows_that_its_lease_ran_out(step: RunStep) -> None:
    held = stages.claim(step.pk)
    assert held is not None
    Lease(held).still_held()
    stopped = replace(held, asked_at=held.asked_at - stages.LEASE.total_seconds())
    with pytest.raises(LeaseLost):
        Lease(stopped).still_held()


def test_a_stage_of_a_silent_worker_is_sent_to_the_others(step: RunStep) -> None:
    assert stages.claim(step.pk) is not None
    assert scheduler.resend(timezone.now()) == 0
    lose_lease(step.pk)
    assert scheduler.resend(timezone.now()) == 1


def test_a_stage_whose_message_was_lost_is_sent_again(step: RunStep) -> None:
    dramatiq.get_broker().client.flushdb()  # type: ignore[attr-defined]
    assert scheduler.resend(timezone.now()) == 0  # a moment ago: it may be on its way
    assert scheduler.resend(timezone.now() + timedelta(seconds=5)) == 1
    assert not scheduler.queue_is_empty()


def test_a_worker_that_ends_gives_its_stage_back_untried(step: RunStep, monkeypatch: pytest.MonkeyPatch) -> None:
    held = stages.claim(step.pk)
    assert held is not None
    with Lease(held) as hold:
        hold.check()
        stopping.set()
        try:
            with pytest.raises(Stopped):
                hold.check()
        finally:
            stopping.clear()
    stages.release(held)
    step.refresh_from_db()
    assert (step.state, step.attempts) == (StepState.WAITING, 0)
    work_off()
    assert Run.objects.get().status == RunStatus.SUCCEEDED


def test_a_lease_notices_that_another_worker_took_over(step: RunStep) -> None:
    held = stages.claim(step.pk)
    assert held is not None
    with Lease(held) as hold:
        lose_lease(step.pk)
        stages.claim(step.pk)

        def noticed() -> bool:
            try:
                hold.check()
            except LeaseLost:
                return True
            return False

        wait_until(noticed, "the lease to notice", seconds=10)


def test_a_delivery_that_stands_still_goes_to_another_worker(
    step: RunStep, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The heart still beats, but nothing asks any more whether it may go on."""
    for module in (lease, stages):
        monkeypatch.setattr(module, "LEASE", timedelta(seconds=2))
    monkeypatch.setattr(lease, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(lease, "MARGIN_SECONDS", 0.5)
    monkeypatch.setattr(lease, "SILENT_SECONDS", 0.3)
    tasks.work_on_step.fn(step.workspace_id, step.pk)
    part, stuck = RunStep.objects.get(kind=StepKind.DELIVER), threading.Event()

    async def stand_still(*_: Any, **__: Any) -> None:
        stuck.wait(30)

    def work() -> None:
        tasks.deliver_step.fn(part.workspace_id, part.pk)
        connection.close()

    with monkeypatch.context() as broken:
        broken.setattr(engine, "deliver_part", stand_still)
        worker = threading.Thread(target=work)
        worker.start()
        wait_until(lambda: "stands still" in caplog.text, "the heart to notice", seconds=20)
    wait_until(lambda: stages.claim(part.pk) is not None, "another worker's turn", seconds=20)
    stuck.set()
    worker.join()
    assert "stand_still" in caplog.text  # where it stood
    assert RunStep.objects.get(pk=part.pk).epoch == 2


def test_a_message_that_arrives_twice_finds_nothing_to_do(step: RunStep) -> None:
    work_off()
    run = Run.objects.get()
    tasks.work_on_step.fn(step.workspace_id, step.pk)
    again = Run.objects.get()
    assert (again.status, again.timings) == (run.status, run.timings)
    assert RunStep.objects.filter(kind=StepKind.PREPARE).count() == 1


def test_destinations_that_hang_leave_room_for_others(shop: Shop, settings: Any) -> None:
    settings.DELIVERY_THREADS, settings.WORKER_PROCESSES = 16, 1
    shop.fill(1)
    model, held = shop.model(), []
    for number in range(5):
        destination = connectors.create_destination(
            actor=shop.actor, type="postgres", values=postgres_settings(shop.address), name=f"Database {number}"
        )
        sync = services.create_sync(actor=shop.actor, model=model, destination=destination, proposal=shop.proposal())
        run = services.start_run(actor=shop.actor, sync=sync)
        when = {"available_at": run.created_at, "sent_at": run.created_at}
        steps = RunStep.objects.bulk_create(
            RunStep(workspace_id=run.workspace_id, run=run, kind=StepKind.DELIVER, number=n, **when) for n in range(16)
        )
        held.append(sum(stages.claim(step.pk) is not None for step in steps))
    assert held[0] == 4
    assert sum(held[:4]) <= 12
    assert held[4] >= 1


def test_answers_that_came_while_the_database_was_away_are_written_down_when_it_is_back(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without them the batch would go again, or be reported as in doubt."""
    shop.fill(3)
    services.start_run(actor=shop.actor, sync=shop.sync())
    left, real = [2], journal._store

    def store(group: Sequence[Any]) -> Any:
        if left[0] and any(entry.record.done for entry in group):
            left[0] -= 1
            raise OperationalError("terminating connection due to administrator command")
        return real(group)

    monkeypatch.setattr(journal, "_store", store)
    monkeypatch.setattr(journal, "AGAIN_SECONDS", 0.0)
    work_off()
    step = RunStep.objects.get(kind=StepKind.DELIVER)
    assert (left, step.attempts, step.run.status) == ([0], 1, RunStatus.SUCCEEDED)


def test_nobody_waits_for_a_journal_whose_thread_ended(step: RunStep, monkeypatch: pytest.MonkeyPatch) -> None:
    held = stages.claim(step.pk)
    assert held is not None
    writer, record = JournalWriter(), BatchRecord(number=0, first=0, rows=1, done=False)
    with monkeypatch.context() as broken:
        broken.setattr("syncs.journal._store", lambda group: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            writer.write(step.pk, held.epoch, record).result(timeout=5)
    wait_until(lambda: not writer._running, "the end of the thread", seconds=5)
    writer.write(step.pk, held.epoch, record).result(timeout=5)
    assert JournalBatch.objects.count() == 1


def test_another_installation_on_the_same_redis_holds_nobody_back(shop: Shop) -> None:
    ours = shop.destination
    theirs = Destination(pk=ours.pk, created_at=ours.created_at + timedelta(days=1))

    async def both() -> bool:
        one = Limits(concurrency=1)
        async with limiter_for(theirs, one) as first, limiter_for(ours, one) as second:
            return await first.enter() and await second.enter(within=1.0)

    assert asyncio.run(both())
