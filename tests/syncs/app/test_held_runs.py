"""Guardrails: runs that wait for a person, and what that person decides."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from config.errors import Conflict, Denied
from connectors import services as connectors
from governance.audit.models import AuditEntry
from syncs import engine, services, tasks
from syncs.choices import PendingReset, RunStatus, Trigger
from syncs.codec import load
from syncs.engine.guardrails import Guardrails, Rule
from syncs.engine.spec import Prepared
from syncs.holds import hold_of, run_held
from syncs.models import Run, RunStep, Sync
from syncs.services import stages
from syncs.services.due import start_if_due
from syncs.services.retention import take_expired
from tests.syncs.app.shop import Shop, work_off
from tests.world import World
from workspaces.actors import person
from workspaces.scoping import workspace_scope


@pytest.fixture
def sync(shop: Shop) -> Sync:
    """Ten delivered customers."""
    shop.fill(10)
    sync = shop.sync()
    assert shop.run(sync).status == RunStatus.SUCCEEDED
    return sync


def held(shop: Shop, sync: Sync) -> Run:
    """A run that found three of ten customers gone."""
    shop.query("DELETE FROM customers WHERE id > 7")
    run = shop.run(sync)
    assert run.status == RunStatus.HELD
    return run


def rules(run: Run) -> list[Rule]:
    hold = hold_of(run)
    return [breach.rule for breach in hold.breaches] if hold else []


def again(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def test_removals_beyond_a_fifth_hold_the_run_and_nothing_is_sent(shop: Shop, sync: Sync) -> None:
    shop.query("UPDATE customers SET plan = 'paid' WHERE id = 1")
    run = held(shop, sync)
    assert rules(run) == [Rule.REMOVED_PERCENT]
    hold = hold_of(run)
    assert hold is not None
    assert hold.words == ("3 rows would be removed: 30 % of the 10 rows known from before. The limit is 20 %.")
    assert (run.live, run.planned_removed, run.planned_changed, run.succeeded) == (True, 3, 1, 0)
    assert len(shop.there()) == 10
    assert (1, "c1@shop.test", "free") in shop.there()


def test_removals_up_to_the_limit_are_sent(shop: Shop, sync: Sync) -> None:
    shop.query("DELETE FROM customers WHERE id > 8")
    assert shop.run(sync).status == RunStatus.SUCCEEDED
    assert len(shop.there()) == 8


def test_an_empty_result_after_rows_is_held_even_where_a_person_asked_for_a_resync(shop: Shop, sync: Sync) -> None:
    shop.query("DELETE FROM customers")
    run = shop.run(sync, full_resync=True)
    assert (run.status, rules(run)) == (RunStatus.HELD, [Rule.EMPTY])
    services.drop_run(actor=shop.actor, run=run)
    sync.refresh_from_db()
    assert sync.pending_reset == PendingReset.RESYNC


def test_a_first_run_of_an_empty_model_and_a_resync_that_shrank_are_not_held(shop: Shop, sync: Sync) -> None:
    assert shop.run(shop.sync(shop.model("None", "SELECT * FROM customers WHERE id < 0"))).status == "succeeded"
    shop.query("DELETE FROM customers WHERE id > 2")
    assert shop.run(sync, full_resync=True).status == RunStatus.SUCCEEDED


def test_released_changes_are_sent_as_they_were_found(shop: Shop, sync: Sync) -> None:
    run = held(shop, sync)
    shop.query("DELETE FROM customers WHERE id > 1")
    shop.query("UPDATE customers SET plan = 'paid'")
    services.release_run(actor=shop.actor, run=run, note="Closed accounts")
    work_off()
    done = again(run)
    assert (done.status, done.succeeded_removed) == (RunStatus.SUCCEEDED, 3)
    assert [row[0] for row in shop.there()] == [1, 2, 3, 4, 5, 6, 7]
    assert {row[2] for row in shop.there()} == {"free"}
    hold = hold_of(done)
    assert hold is not None
    assert hold.decision is not None
    assert (hold.decision.choice, hold.decision.by, hold.decision.note) == (
        "released", shop.actor.label, "Closed accounts",
    )  # fmt: skip
    entry = AuditEntry.objects.get(event="run.released")
    assert entry.after is not None
    assert (entry.after["planned_removed"], entry.after["note"]) == (3, "Closed accounts")


def test_dropped_changes_leave_no_trace_and_the_next_run_finds_them_again(shop: Shop, sync: Sync) -> None:
    before = Sync.objects.get(pk=sync.pk).baseline
    run = held(shop, sync)
    services.drop_run(actor=shop.actor, run=run, note="Broken join")
    dropped = again(run)
    assert (dropped.status, dropped.error_code, dropped.live) == (RunStatus.CANCELLED, "dropped", False)
    assert (dropped.planned, dropped.succeeded, dropped.rejected, dropped.aborted) == (3, 0, 0, 3)
    assert "Broken join" in dropped.error_message
    assert Sync.objects.get(pk=sync.pk).baseline == before
    assert len(shop.there()) == 10
    second = shop.run(sync)
    assert (second.status, second.planned_removed) == (RunStatus.HELD, 3)
    shop.fill(10)
    services.drop_run(actor=shop.actor, run=second)
    assert shop.run(sync).planned == 0
    assert AuditEntry.objects.filter(event="run.dropped").count() == 2


def test_of_two_people_one_decides_and_the_other_reads_who_did(shop: Shop, sync: Sync) -> None:
    run = held(shop, sync)
    results: list[str] = []
    together = threading.Barrier(2)

    def decide(choose: Any) -> None:
        with workspace_scope(shop.place.workspace.pk):
            try:
                together.wait(10)
                choose(actor=shop.actor, run=Run.objects.get(pk=run.pk))
                results.append("done")
            except Conflict as error:
                results.append(error.message)
            finally:
                connection.close()

    threads = [threading.Thread(target=decide, args=[f]) for f in (services.release_run, services.drop_run)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count("done") == 1
    assert any(shop.actor.label in words for words in results)
    work_off()
    assert not again(run).live


def test_deciding_needs_the_rights_of_both_sides(shop: Shop, sync: Sync, world: World) -> None:
    run = held(shop, sync)
    for name in ("viewer", "drafter"):
        for choose in (services.release_run, services.drop_run):
            with pytest.raises(Denied):
                choose(actor=person(world[name]), run=run)
    assert again(run).status == RunStatus.HELD


def test_later_schedules_wait_for_the_decision(shop: Shop, sync: Sync) -> None:
    run = held(shop, sync)
    now = timezone.now()
    Sync.objects.filter(pk=sync.pk).update(next_run_at=now)
    assert not start_if_due(sync.pk, now)
    with pytest.raises(Conflict, match="held for a decision"):
        services.start_run(actor=shop.actor, sync=sync, trigger=Trigger.API)
    assert stages.resend_due(now, queue_is_empty=True) == 0
    services.release_run(actor=shop.actor, run=run)
    work_off()
    assert start_if_due(sync.pk, now)


def test_cancelling_a_held_run_ends_it_at_once(shop: Shop, sync: Sync) -> None:
    run = held(shop, sync)
    services.cancel_run(actor=shop.actor, run=run)
    assert (again(run).status, len(shop.there())) == (RunStatus.CANCELLED, 10)
    with pytest.raises(Conflict, match="cancelled this run"):
        services.release_run(actor=shop.actor, run=again(run))


def test_a_worker_that_lost_its_lease_cannot_bring_a_dropped_run_back(shop: Shop, sync: Sync) -> None:
    """It was thought dead while it compared; another one held the run, and a person dropped it."""
    shop.query("DELETE FROM customers WHERE id > 7")
    started = services.start_run(actor=shop.actor, sync=sync)
    step = RunStep.objects.get(run=started)
    dying = stages.claim(step.pk)
    assert dying is not None
    RunStep.objects.filter(pk=step.pk).update(lease_until="2020-01-01T00:00Z")
    tasks.work_on_step.fn(step.workspace_id, step.pk)
    run = again(started)
    assert run.status == RunStatus.HELD
    services.drop_run(actor=shop.actor, run=run)
    with pytest.raises(engine.LeaseLost):
        stages.finish_prepare(dying, load(Prepared, run.prepared), [1])
    assert (again(run).status, again(run).steps.count()) == (RunStatus.CANCELLED, 1)


def test_files_of_a_held_run_stay_however_long_it_waits(shop: Shop, sync: Sync) -> None:
    run = held(shop, sync)
    far = timezone.now() + timedelta(days=400)
    assert run.pk not in [pk for _, pk in take_expired(far, limit=100)]
    services.release_run(actor=shop.actor, run=run)
    work_off()
    assert run.pk in [pk for _, pk in take_expired(far, limit=100)]


def test_removals_that_were_released_and_refused_do_not_hold_the_next_run(shop: Shop, sync: Sync) -> None:
    run = held(shop, sync)
    shop.at_destination(f"CREATE TABLE held_{shop.table} (id bigint REFERENCES {shop.table} (id))")
    shop.at_destination(f"INSERT INTO held_{shop.table} VALUES (8), (9), (10)")
    services.release_run(actor=shop.actor, run=run)
    work_off()
    assert again(run).rejected_removed == 3
    second = shop.run(sync)
    assert (second.status, second.rejected_removed) == (RunStatus.WARNING, 3)
    shop.query("DELETE FROM customers")
    third = shop.run(sync)
    assert rules(third) == [Rule.EMPTY, Rule.REMOVED_PERCENT]


def test_a_stopped_destination_takes_no_released_changes(shop: Shop, sync: Sync) -> None:
    run = held(shop, sync)
    connectors.stop_destination(actor=shop.actor, destination=shop.destination)
    with pytest.raises(Conflict, match="was stopped by"):
        services.release_run(actor=shop.actor, run=run)
    connectors.release_destination(actor=shop.actor, destination=shop.destination)
    services.release_run(actor=shop.actor, run=run)
    work_off()
    assert again(run).status == RunStatus.SUCCEEDED


def test_holding_is_told_once_to_whoever_listens(shop: Shop, sync: Sync) -> None:
    told: list[int] = []

    def listen(run: Run, **_: Any) -> None:
        told.append(run.pk)

    run_held.connect(listen)
    try:
        run = held(shop, sync)
    finally:
        run_held.disconnect(listen)
    assert told == [run.pk]


def test_limits_are_set_for_a_sync_and_switched_off(shop: Shop, sync: Sync) -> None:
    services.set_guardrails(actor=shop.actor, sync=sync, guardrails=Guardrails(removed_percent=None, changed_rows=1))
    shop.query("DELETE FROM customers WHERE id > 5")
    assert shop.run(sync).status == RunStatus.SUCCEEDED
    shop.query("UPDATE customers SET plan = 'paid' WHERE id < 3")
    run = shop.run(sync)
    hold = hold_of(run)
    assert hold is not None
    assert hold.words == "2 rows would be changed. The limit is 1 row."
    services.drop_run(actor=shop.actor, run=run)
    services.set_guardrails(actor=shop.actor, sync=sync, guardrails=Guardrails(on=False))
    shop.query("DELETE FROM customers")
    assert shop.run(sync).status == RunStatus.SUCCEEDED
    assert shop.there() == []


def test_the_pages_of_held_runs_and_guardrails(shop: Shop, sync: Sync, world: World) -> None:
    run = held(shop, sync)
    page = f"/acme/syncs/{sync.pk}/runs/{run.pk}"
    owner, viewer = Client(), Client()
    owner.force_login(shop.place.owner)
    viewer.force_login(world["viewer"])
    assert "Send 3 rows" in owner.get(page).content.decode()
    seen = viewer.get(page).content.decode()
    assert "Send 3 rows" not in seen
    assert "30 % of the 10 rows" in seen
    assert "c9@shop.test" not in seen
    assert viewer.post(f"{page}/decide", {"choice": "release"}).status_code == 403
    form = {"on": "on", "removed_percent": "50", "changed_percent": "", "removed_rows": "-1"}
    wrong = owner.post(f"/acme/syncs/{sync.pk}/guardrails", form)
    assert wrong.status_code == 422
    owner.post(f"/acme/syncs/{sync.pk}/guardrails", {**form, "removed_rows": "7"})
    sync.refresh_from_db()
    assert load(Guardrails, sync.guardrails) == Guardrails(empty=False, removed_percent=50.0, removed_rows=7)
    assert "More than 7 rows would be removed" in owner.get(f"/acme/syncs/{sync.pk}/configuration").content.decode()
    owner.post(f"{page}/decide", {"choice": "drop", "note": "Not today"})
    assert "“Not today”" in owner.get(page).content.decode()
