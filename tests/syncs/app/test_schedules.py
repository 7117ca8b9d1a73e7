"""When syncs are due, and who starts them."""

from __future__ import annotations

import threading
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from syncs import scheduler, services
from syncs.choices import RunStatus, Trigger
from syncs.models import Run, Sync
from syncs.schedules import BadSchedule, Schedule
from tests.syncs.app.shop import Shop, wait_until, work_off
from tests.syncs.app.workers import SCHEDULER, process

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("* * * * *", datetime(2026, 1, 31, 12, 1, tzinfo=UTC)),
        ("0 12 * * *", datetime(2026, 2, 1, 12, 0, tzinfo=UTC)),
        ("0 12 1 * *", datetime(2026, 2, 1, 12, 0, tzinfo=UTC)),
        ("0 12 L * *", datetime(2026, 2, 28, 12, 0, tzinfo=UTC)),
        ("0 12 * 12 1,2", datetime(2026, 12, 1, 12, 0, tzinfo=UTC)),
        ("0 9 * * WED", datetime(2026, 2, 4, 9, 0, tzinfo=UTC)),
    ],
)
def test_cron_expressions_name_times_in_utc(expression: str, due: datetime) -> None:
    assert Schedule.by_cron(expression).next_after(NOW) == due


@pytest.mark.parametrize(
    "expression",
    ["0 12 * *", "0 0 12 * * *", "0 12 W * *", "0 12 LW * *", "0 12 L-2 * *", "0 12 L-3 * *", "0 12 * * 1#2",
     "0 12 * * 5L", "61 * * * *", "0 0 30 2 *", "often", ""],
)  # fmt: skip
def test_other_cron_forms_are_refused(expression: str) -> None:
    with pytest.raises(BadSchedule) as refused:
        Schedule.by_cron(expression)
    assert refused.value.field == "cron"


@pytest.mark.parametrize(
    ("count", "unit", "later"),
    [(15, "minute", timedelta(minutes=15)), (2, "hour", timedelta(hours=2)), (1, "week", timedelta(weeks=1))],
)
def test_an_interval_counts_from_the_last_run(count: int, unit: str, later: timedelta) -> None:
    assert Schedule.every(count, unit).next_after(NOW) == NOW + later


@pytest.mark.parametrize(("count", "unit"), [(0, "minute"), (-1, "hour"), (400, "day"), (1, "fortnight")])
def test_senseless_intervals_are_refused(count: int, unit: str) -> None:
    with pytest.raises(BadSchedule):
        Schedule.every(count, unit)


def test_a_sync_that_is_due_is_started_once_and_counts_on_from_there(shop: Shop) -> None:
    shop.fill(3)
    sync = shop.sync(schedule=Schedule.every(1, "hour"))
    now = timezone.now() + timedelta(seconds=1)
    assert scheduler.start_due(now) == 1
    assert scheduler.start_due(now) == 0
    work_off()
    run = Run.objects.get(sync=sync)
    assert (run.trigger, run.status, run.actor_label) == (Trigger.SCHEDULE, RunStatus.SUCCEEDED, "Schedule")
    sync.refresh_from_db()
    assert sync.next_run_at == now + timedelta(hours=1)
    assert scheduler.start_due(now + timedelta(minutes=59)) == 0
    assert scheduler.start_due(now + timedelta(minutes=61)) == 1


def test_after_downtime_one_run_catches_up(shop: Shop) -> None:
    shop.fill(3)
    sync = shop.sync(schedule=Schedule.by_cron("*/5 * * * *"))
    late = timezone.now() + timedelta(days=3)
    assert scheduler.start_due(late) == 1
    work_off()
    assert scheduler.start_due(late) == 0
    assert Run.objects.filter(sync=sync).count() == 1
    sync.refresh_from_db()
    assert sync.next_run_at is not None
    assert late < sync.next_run_at <= late + timedelta(minutes=5)


def test_two_schedulers_start_a_sync_once(shop: Shop) -> None:
    shop.fill(3)
    model = shop.model()
    for _ in range(5):
        shop.sync(model, schedule=Schedule.every(1, "day"))
    now = timezone.now() + timedelta(seconds=1)
    ready, started = threading.Barrier(2), []

    def one() -> None:
        ready.wait()
        started.append(scheduler.start_due(now))
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A row the other one holds is passed by and left to its next turn.
    started.append(scheduler.start_due(now))
    assert sum(started) == 5
    assert [sync.runs_started for sync in Sync.objects.all()] == [1] * 5


def test_a_sync_that_is_still_running_is_started_when_it_has_ended(shop: Shop) -> None:
    shop.fill(3)
    shop.sync(schedule=Schedule.every(1, "minute"))
    now = timezone.now() + timedelta(seconds=1)
    scheduler.start_due(now)
    assert scheduler.start_due(now + timedelta(minutes=2)) == 0
    work_off()
    assert scheduler.start_due(now + timedelta(minutes=2)) == 1


def test_switched_off_and_paused_syncs_wait(shop: Shop) -> None:
    shop.fill(3)
    sync = shop.sync(schedule=Schedule.every(1, "minute"))
    later = timezone.now() + timedelta(hours=1)
    services.disable_schedule(actor=shop.actor, sync=sync)
    assert scheduler.start_due(later) == 0
    assert shop.run(sync).status == RunStatus.SUCCEEDED  # off stops its own schedule only
    services.enable_schedule(actor=shop.actor, sync=sync)
    services.pause_sync(actor=shop.actor, sync=sync)
    assert scheduler.start_due(later) == 0
    services.resume_sync(actor=shop.actor, sync=sync)
    assert scheduler.start_due(later) == 1


def test_a_run_that_was_cut_off_is_resumed_once(shop: Shop) -> None:
    shop.fill(3)
    sync = shop.sync()
    for expected in (1, 0):
        run = Run.objects.filter(sync=sync).latest("id") if expected == 0 else None
        run = run or services.start_run(actor=shop.actor, sync=sync)
        cut_off(run)
        assert scheduler.resume_interrupted(timezone.now()) == expected
    assert Run.objects.filter(sync=sync).latest("id").trigger == Trigger.RETRY


def cut_off(run: Run) -> None:
    """Let every attempt at the run's first stage end in a killed worker."""
    from syncs import tasks
    from syncs.services.stages import ATTEMPTS, claim

    step = run.steps.get()
    for _ in range(ATTEMPTS[step.kind]):  # type: ignore[index]
        assert claim(step.pk) is not None
        lose_lease(step.pk)
    tasks.work_on_step.fn(step.workspace_id, step.pk)


def lose_lease(step_id: int) -> None:
    """What time does to a silent worker's lease."""
    from syncs.models import RunStep

    RunStep.objects.filter(pk=step_id).update(lease_until=timezone.now() - timedelta(seconds=1))


def copies(sync: Sync, count: int, **changed: Any) -> None:
    """Syncs like this one, in one statement."""
    rows = [copy(sync) for _ in range(count)]
    for number, row in enumerate(rows):
        row.pk, row.slug = None, f"copy-{number}"
        for name, value in changed.items():
            setattr(row, name, value)
    Sync.objects.bulk_create(rows)


def test_two_scheduler_processes_begin_hundreds_of_due_syncs_once_each(shop: Shop) -> None:
    shop.fill(1)
    copies(shop.sync(), 199, schedule_kind="interval", interval_count=1, interval_unit="week", next_run_at=NOW)
    Sync.objects.update(next_run_at=NOW)
    with process(SCHEDULER), process(SCHEDULER):
        wait_until(lambda: not Sync.objects.filter(next_run_at=NOW).exists(), "every sync to be begun", seconds=120)
        wait_until(lambda: scheduler.start_due(timezone.now()) == 0, "nothing to be left")
    assert set(Sync.objects.values_list("runs_started", flat=True)) == {1}
    assert Run.objects.count() == 200


def test_each_start_costs_the_same_however_many_are_due(shop: Shop) -> None:
    shop.fill(1)
    costs = []
    for count in (5, 40):
        Sync.objects.all().delete()
        copies(
            shop.sync(shop.model(f"Customers {count}")), count, schedule_kind="cron", cron="0 0 * * *", next_run_at=NOW
        )
        with CaptureQueriesContext(connection) as queries:
            assert scheduler.start_due(timezone.now()) == count
        costs.append((len(queries) - 1) / count)
    assert costs[0] == costs[1], costs
    assert costs[0] < 30


def test_a_window_that_ended_while_nobody_looked_starts_nothing(shop: Shop) -> None:
    now = timezone.now()
    sync = shop.sync(schedule=Schedule.every(1, "hour").within(None, now + timedelta(hours=1)))
    assert scheduler.start_due(now + timedelta(days=2)) == 0
    sync.refresh_from_db()
    assert (sync.runs_started, sync.next_run_at) == (0, None)


def test_a_sync_that_cannot_start_waits_for_its_next_time(shop: Shop) -> None:
    shop.fill(3)
    broken = shop.sync(schedule=Schedule.every(1, "hour"))
    Sync.objects.filter(pk=broken.pk).update(sync_type="gone")
    now = timezone.now() + timedelta(seconds=1)
    assert scheduler.start_due(now) == 0
    broken.refresh_from_db()
    assert broken.next_run_at == now + timedelta(hours=1)
    run = broken.last_run
    assert run is not None
    assert (run.status, run.error_code, run.steps.count()) == (RunStatus.FAILED, "internal_error", 0)
