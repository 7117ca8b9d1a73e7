"""The kill switch of a destination: what runs ends between batches, what wants to run does not."""

from __future__ import annotations

import pytest
from django.utils import timezone

from config.errors import Conflict, Denied
from connectors import services as connectors
from governance.audit.models import AuditEntry
from syncs import services, tasks
from syncs.choices import RunStatus, StepState
from syncs.models import Run, RunStep, Sync
from syncs.services.due import due_syncs, start_if_due
from tests.syncs.app.shop import Shop, work_off
from tests.world import World
from workspaces.actors import person


def test_no_run_starts_until_it_is_released_and_then_one_catches_up(shop: Shop) -> None:
    shop.fill(3)
    sync = shop.sync()
    connectors.stop_destination(actor=shop.actor, destination=shop.destination, reason="Wrong account")
    with pytest.raises(Conflict, match="Wrong account") as refused:
        services.start_run(actor=shop.actor, sync=sync)
    assert refused.value.code == "destination_stopped"
    now = timezone.now()
    Sync.objects.filter(pk=sync.pk).update(next_run_at=now)
    assert (due_syncs(now, limit=10), start_if_due(sync.pk, now)) == ([], False)
    connectors.release_destination(actor=shop.actor, destination=shop.destination)
    assert start_if_due(sync.pk, now)
    work_off()
    assert len(shop.there()) == 3
    events = list(AuditEntry.objects.filter(event__startswith="destination.").values_list("event", flat=True))
    assert "destination.stopped" in events
    assert "destination.released" in events


def test_a_run_between_two_parts_ends_with_the_reason_and_its_rows_stay_due(shop: Shop) -> None:
    shop.fill(4)
    sync = shop.sync()
    shop.run(sync)
    shop.query("UPDATE customers SET plan = 'paid' WHERE id = 1")
    shop.query("INSERT INTO customers VALUES (5, 'new@shop.test', 'free')")
    started = services.start_run(actor=shop.actor, sync=sync)
    while not RunStep.objects.filter(run=started, kind="deliver", state=StepState.DONE).exists():
        step = RunStep.objects.filter(run=started, state=StepState.WAITING).first()
        assert step is not None
        tasks.work_on_step.fn(step.workspace_id, step.pk)
    connectors.stop_destination(actor=shop.actor, destination=shop.destination)
    work_off()
    run = Run.objects.get(pk=started.pk)
    assert (run.status, run.error_code) == (RunStatus.CANCELLED, "destination_stopped")
    assert (run.succeeded_changed, run.aborted_added) == (1, 1)
    connectors.release_destination(actor=shop.actor, destination=shop.destination)
    after = shop.run(sync)
    assert (after.status, after.planned, after.succeeded_added) == (RunStatus.SUCCEEDED, 1, 1)


def test_a_run_that_waits_for_a_worker_ends_without_querying(shop: Shop) -> None:
    shop.fill(2)
    started = services.start_run(actor=shop.actor, sync=shop.sync())
    connectors.stop_destination(actor=shop.actor, destination=shop.destination)
    work_off()
    run = Run.objects.get(pk=started.pk)
    assert (run.status, run.error_code, run.queried) == (RunStatus.CANCELLED, "destination_stopped", 0)
    assert "stopped" in run.error_message


def test_only_people_who_manage_the_connection_may_stop_it(shop: Shop, world: World) -> None:
    for name in ("viewer", "editor"):
        with pytest.raises(Denied):
            connectors.stop_destination(actor=person(world[name]), destination=shop.destination)
