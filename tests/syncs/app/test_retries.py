"""Retries of rejected rows: what people and API keys can ask for, and what it leaves alone."""

from __future__ import annotations

import pytest
from django.test import Client

from config.errors import Conflict, Denied
from governance.audit.models import AuditEntry
from syncs import services
from syncs.choices import PendingReset, RunStatus, Trigger
from syncs.models import Run, Sync
from tests.api.calls import caller, key_of
from tests.syncs.app.shop import Shop, mapping, work_off
from tests.world import World
from workspaces.actors import person


@pytest.fixture
def sync(shop: Shop) -> Sync:
    """Five customers, the second of whom was refused; the model has changed since in two places."""
    shop.fill(5)
    shop.query("UPDATE customers SET plan = 'broken' WHERE id = 2")
    sync = shop.sync()
    assert shop.run(sync).rejected == 1
    shop.query("UPDATE customers SET plan = 'paid' WHERE id <= 2")
    return Sync.objects.get(pk=sync.pk)


def retried(shop: Shop, sync: Sync) -> Run:
    run = services.retry_rows(actor=shop.actor, sync=sync)
    work_off()
    return Run.objects.get(pk=run.pk)


def test_only_rows_left_over_are_sent_and_the_next_run_sends_the_rest(shop: Shop, sync: Sync) -> None:
    due = sync.next_run_at
    run = retried(shop, sync)
    assert (run.status, run.trigger, run.planned, run.succeeded_added) == (
        RunStatus.SUCCEEDED, Trigger.REJECTED, 1, 1,
    )  # fmt: skip
    assert [row[2] for row in shop.there()] == ["free", "paid", "free", "free", "free"]
    sync.refresh_from_db()
    assert (sync.next_run_at, sync.last_run_id) == (due, run.pk)
    entry = AuditEntry.objects.get(event="run.retried")
    assert entry.after == {"sync": sync.pk, "run": run.number}
    assert (shop.run(sync).planned_changed, shop.there()[0][2]) == (1, "paid")


def test_what_waits_for_the_next_run_still_waits(shop: Shop, sync: Sync) -> None:
    plan = mapping("plan", "{{ row.plan | append: '!' }}", kind="template")
    mappings = [mapping("id"), mapping("email"), plan]
    sync = services.update_sync(actor=shop.actor, sync=sync, proposal=shop.proposal(mappings=mappings))
    assert sync.pending_reprocess
    assert retried(shop, sync).succeeded == 1
    assert [row[2] for row in shop.there()][:3] == ["free", "paid!", "free"]
    sync.refresh_from_db()
    assert sync.pending_reprocess
    shop.run(sync)
    assert [row[2] for row in shop.there()][:3] == ["paid!", "paid!", "free!"]


def test_it_is_refused_with_a_way_out(shop: Shop, sync: Sync, world: World) -> None:
    with pytest.raises(Denied):
        services.retry_rows(actor=person(world["viewer"]), sync=sync)
    services.reset_sync(actor=shop.actor, sync=sync, reset=PendingReset.RESET)
    with pytest.raises(Conflict, match="does not compare") as caught:
        services.retry_rows(actor=shop.actor, sync=Sync.objects.get(pk=sync.pk))
    assert caught.value.hint == "Run the sync instead: it sends these rows too."
    services.reset_sync(actor=shop.actor, sync=sync, reset=PendingReset.NONE)
    services.start_run(actor=shop.actor, sync=sync)
    with pytest.raises(Conflict, match="already running"):
        services.retry_rows(actor=shop.actor, sync=Sync.objects.get(pk=sync.pk))
    work_off()
    with pytest.raises(Conflict, match="No rows"):
        services.retry_rows(actor=shop.actor, sync=Sync.objects.get(pk=sync.pk))


def test_the_pages_offer_it_where_rows_are_left_over(shop: Shop, sync: Sync, world: World) -> None:
    owner = Client()
    owner.force_login(world["owner"])
    there = f"/acme/syncs/{sync.pk}"
    button = f'action="{there}/do/retry"'
    run_page = f"{there}/runs/{sync.last_run_id}"
    assert "1 row did not arrive." in owner.get(there).content.decode()
    assert all(button in owner.get(page).content.decode() for page in (there, run_page))
    answer = owner.post(f"{there}/do/retry")
    work_off()
    run = Run.objects.latest("pk")
    assert answer.headers["Location"] == f"{there}/runs/{run.pk}"
    page = owner.get(f"{there}/runs/{run.pk}").content.decode()
    assert "Retry of rejected rows" in page
    assert "Of the rows left over from earlier runs, 1 to send." in page
    assert not any(button in owner.get(page).content.decode() for page in (there, run_page))


def test_api_keys_can_ask_for_it(shop: Shop, sync: Sync, world: World) -> None:
    call = caller(key_of(shop.place, world["owner"]))
    run_id = call("post", f"/syncs/{sync.pk}/retry").json()["id"]
    work_off()
    (run,) = call("get", f"/syncs/{sync.pk}/runs", runId=run_id).json()["data"]
    assert (run["status"], run["plannedRows"]["addedCount"]) == ("success", 1)
    assert call("post", f"/syncs/{sync.pk}/retry").status_code == 409
