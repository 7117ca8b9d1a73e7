"""Runs that log themselves in the warehouse: what is asked for is written, once, and never at the run's expense."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import duckdb
import pytest
from django.db import transaction
from django.utils import timezone

from config.errors import Conflict, Invalid
from connectors import services as connectors
from connectors.choices import Health
from connectors.models import Source
from syncs import log_writing, scheduler, services, upkeep
from syncs.choices import RunStatus, StepKind, StepState
from syncs.models import Run, RunStep, Sync
from tests.syncs.app.shop import Shop, work_off

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def writable(shop: Shop) -> Shop:
    """A shop whose warehouse Headrace was found to be able to write into."""
    shop.fill(3)
    outcome = connectors.check_write_access(actor=shop.actor, source=shop.source)
    assert outcome.ok, outcome
    shop.source = Source.objects.get(pk=shop.source.pk)
    return shop


def logged(shop: Shop, table: str, columns: str, order: str = "ALL") -> Sequence[tuple[Any, ...]]:
    with duckdb.connect(str(shop.file), read_only=True) as warehouse:
        return warehouse.execute(f"SELECT {columns} FROM headrace_audit.{table} ORDER BY {order}").fetchall()


def log_step(run: Run) -> RunStep:
    return RunStep.objects.get(run=run, kind=StepKind.LOG)


def later(step: RunStep, pause: timedelta = timedelta(seconds=-1)) -> None:
    """As if the pause before the next attempt were over, or as long as given."""
    RunStep.objects.filter(pk=step.pk).update(available_at=timezone.now() + pause)


def break_writing(shop: Shop) -> None:
    """Something of another shape stands where the log should be."""
    shop.query("CREATE SCHEMA IF NOT EXISTS headrace_audit")
    shop.query("DROP TABLE IF EXISTS headrace_audit.sync_runs")
    shop.query("CREATE TABLE headrace_audit.sync_runs (something INTEGER)")


def test_nothing_is_logged_unless_asked_for(writable: Shop) -> None:
    run = writable.run(writable.sync())
    assert not RunStep.objects.filter(run=run, kind=StepKind.LOG).exists()


def test_a_source_logs_all_its_syncs_and_a_sync_what_it_adds(writable: Shop) -> None:
    connectors.change_sync_logs(actor=writable.actor, source=writable.source, tables=["runs"])
    plain, more = writable.sync(), writable.sync()
    services.change_sync_logs(actor=writable.actor, sync=more, tables=["changelog", "snapshot"])
    first, second = writable.run(plain), writable.run(more)
    assert log_step(first).outcome == {"written": {"runs": 1}}
    assert log_step(second).outcome == {"written": {"changelog": 3, "snapshot": 3, "runs": 1}}
    assert {row[0] for row in logged(writable, "sync_changelog", "sync_id")} == {more.pk}
    assert logged(writable, "sync_runs", "sync_id, sync_run_id, status, num_planned_add", "1") == [
        (plain.pk, first.pk, "succeeded", 3),
        (more.pk, second.pk, "succeeded", 3),
    ]


def test_the_accounting_is_that_of_the_run(writable: Shop) -> None:
    connectors.change_sync_logs(actor=writable.actor, source=writable.source, tables=["changelog", "runs"])
    writable.fill(10)
    sync = writable.sync()
    writable.run(sync)
    writable.query("INSERT INTO customers VALUES (18, 'h@shop.test', 'broken'), (19, 'i@shop.test', 'free')")
    writable.query("DELETE FROM customers WHERE id = 1")
    run = writable.run(sync)
    counters = "num_planned_add, num_attempted_add, num_succeeded_add, num_failed_add, num_succeeded_remove"
    assert logged(writable, "sync_runs", counters, "sync_run_id DESC")[0] == (
        run.planned_added,
        run.succeeded_added + run.rejected_added,
        run.succeeded_added,
        run.rejected_added,
        run.succeeded_removed,
    )
    entries = logged(writable, "sync_changelog", "sync_run_id, status", "ALL")
    assert entries.count((run.pk, "failed")) == run.rejected == 1
    assert entries.count((run.pk, "succeeded")) == run.succeeded == 2


def test_a_run_that_fails_is_logged_with_its_error(writable: Shop) -> None:
    connectors.change_sync_logs(actor=writable.actor, source=writable.source, tables=["changelog", "snapshot", "runs"])
    sync = writable.sync()
    writable.run(sync)
    writable.query("ALTER TABLE customers RENAME COLUMN plan TO tariff")
    run = writable.run(sync)
    assert run.status == RunStatus.FAILED
    status, error = logged(writable, "sync_runs", "status, error", "sync_run_id DESC")[0]
    assert status == "failed"
    assert "plan" in error
    assert len(logged(writable, "sync_snapshot", "row_id")) == 3


def test_logs_that_cannot_be_written_cost_the_run_nothing_and_can_be_asked_for_again(writable: Shop) -> None:
    connectors.change_sync_logs(actor=writable.actor, source=writable.source, tables=["changelog", "runs"])
    sync = writable.sync()
    break_writing(writable)
    run = writable.run(sync)
    assert (run.status, run.succeeded) == (RunStatus.SUCCEEDED, 3)
    step = log_step(run)
    assert step.state == StepState.DONE
    assert step.outcome is not None
    assert "message" in step.outcome["failure"]
    assert writable.run(sync).planned == 0
    writable.query("DROP TABLE headrace_audit.sync_runs")
    services.write_logs_again(actor=writable.actor, run=run)
    work_off()
    assert log_step(run).outcome == {"written": {"changelog": 3, "runs": 1}}


def test_logs_that_still_wait_cannot_be_asked_for_again(writable: Shop) -> None:
    connectors.change_sync_logs(actor=writable.actor, source=writable.source, tables=["runs"])
    run = writable.run(writable.sync())
    RunStep.objects.filter(run=run, kind=StepKind.LOG).update(state=StepState.WAITING)
    with pytest.raises(Conflict):
        services.write_logs_again(actor=writable.actor, run=run)


def test_trouble_that_passes_is_waited_for_and_later_runs_queue_up(
    writable: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    connectors.change_sync_logs(actor=writable.actor, source=writable.source, tables=["snapshot", "runs"])
    sync = writable.sync()
    write = log_writing.write

    def full_disk(*args: Any, **kwargs: Any) -> dict[str, int]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(log_writing, "write", full_disk)
    first = writable.run(sync)
    monkeypatch.setattr(log_writing, "write", write)
    assert (log_step(first).state, first.status) == (StepState.WAITING, RunStatus.SUCCEEDED)
    later(log_step(first), pause=timedelta(hours=1))
    writable.fill(4)
    second = writable.run(sync)
    assert log_step(second).state == StepState.WAITING
    later(log_step(first))
    work_off()
    assert log_step(first).outcome == {"written": {"runs": 1}}
    assert log_step(second).outcome == {"written": {"snapshot": 4, "runs": 1}}
    assert {row[0] for row in logged(writable, "sync_snapshot", "sync_run_id")} == {second.pk}


def test_a_cancelled_run_is_logged_too(writable: Shop) -> None:
    connectors.change_sync_logs(actor=writable.actor, source=writable.source, tables=["runs"])
    run = services.start_run(actor=writable.actor, sync=writable.sync())
    services.cancel_run(actor=writable.actor, run=run)
    work_off()
    assert logged(writable, "sync_runs", "status") == [("failed",)]


def test_asking_for_logs_needs_tested_write_access(shop: Shop) -> None:
    assert shop.source.write_health == Health.UNTESTED
    with pytest.raises(Conflict):
        connectors.change_sync_logs(actor=shop.actor, source=shop.source, tables=["runs"])
    with pytest.raises(Conflict):
        services.change_sync_logs(actor=shop.actor, sync=shop.sync(), tables=["runs"])
    assert Sync.objects.get().sync_logs == []


def test_a_table_or_retention_that_does_not_exist_is_refused(writable: Shop) -> None:
    with pytest.raises(Invalid):
        connectors.change_sync_logs(actor=writable.actor, source=writable.source, tables=["diary"])
    with pytest.raises(Invalid):
        connectors.change_sync_logs(actor=writable.actor, source=writable.source, tables=[], changelog_days=0)


def test_changelog_entries_past_their_time_are_pruned_by_the_scheduler(writable: Shop) -> None:
    connectors.change_sync_logs(actor=writable.actor, source=writable.source, tables=["changelog"], changelog_days=30)
    sync = writable.sync()
    writable.run(sync)
    writable.query("UPDATE headrace_audit.sync_changelog SET logged_at = logged_at - INTERVAL 31 DAY")
    writable.fill(4)
    second = writable.run(sync)
    with transaction.atomic():
        assert scheduler.prune_changelogs(timezone.now()) == 1
    upkeep.prune(writable.source.pk, timezone.now())
    assert logged(writable, "sync_changelog", "sync_run_id, row_id") == [(second.pk, "4")]
    assert writable.run(sync).planned == 0
