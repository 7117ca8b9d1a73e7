"""Previews: what a run would do, found out without sending or moving anything."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from config.errors import Denied
from connectors import services as connectors
from governance.audit.models import AuditEntry
from syncs import services, tasks
from syncs.choices import PreviewState
from syncs.configuration import Proposal
from syncs.models import Preview, Run, Sync
from syncs.runspec import preview_directory
from syncs.selectors.previews import preview_requests, preview_rows
from syncs.services import previews
from syncs.storage import storage
from syncs.upkeep import enqueue_expired
from tests.syncs.app.shop import Shop
from tests.world import World
from workspaces.actors import person


@pytest.fixture
def sync(shop: Shop) -> Sync:
    """Ten delivered customers, of whom one changed, one left, one came, and two now share a key."""
    shop.fill(10)
    sync = shop.sync()
    shop.run(sync)
    shop.query("UPDATE customers SET plan = 'paid' WHERE id = 1")
    shop.query("DELETE FROM customers WHERE id = 10")
    shop.query("INSERT INTO customers VALUES (11, 'new', 'free'), (2, 'twin', 'free'), (NULL, 'nobody', 'free')")
    return sync


def made(shop: Shop, sync: Sync) -> Preview:
    preview = services.start_preview(actor=shop.actor, sync=sync)
    tasks.work_on_preview.fn(preview.workspace_id, preview.pk)
    return Preview.objects.select_related("sync__model").get(pk=preview.pk)


def files(preview: Preview) -> list[str]:
    return storage().list(preview_directory(preview.workspace_id, preview.sync_id, preview.pk))


def test_it_says_what_the_next_run_then_does(shop: Shop, sync: Sync) -> None:
    before, there = Sync.objects.get(pk=sync.pk).baseline, shop.there()
    preview = made(shop, sync)
    assert (preview.state, preview.error_message) == (PreviewState.READY, "")
    assert Sync.objects.get(pk=sync.pk).baseline == before
    assert shop.there() == there
    assert Run.objects.count() == 1
    changed = preview_rows(shop.actor, preview, operation="changed").rows
    assert [(r.key, (r.old_values or {})["plan"], r.values["plan"]) for r in changed] == [("1", "free", "paid")]
    assert [r.key for r in preview_rows(shop.actor, preview, operation="removed").rows] == ["10"]
    assert [r.key for r in preview_rows(shop.actor, preview, operation="rejected").rows] == ["2", "2"]
    assert [r.key for r in preview_rows(shop.actor, preview, search="11").rows] == ["11"]
    assert "Delete records" in " ".join(preview.plan)
    run = shop.run(sync)
    assert (run.planned_added, run.planned_changed, run.planned_removed, run.duplicates) == (1, 1, 1, 2)
    assert preview.prepared is not None
    assert preview.prepared["planned"] == {"added": 1, "changed": 1, "removed": 1}
    assert AuditEntry.objects.filter(event="sync.previewed").count() == 1


def test_it_warns_of_guardrails(shop: Shop, sync: Sync) -> None:
    shop.query("DELETE FROM customers")
    assert made(shop, sync).warnings[0].startswith("The query returned no rows")


def test_without_the_right_to_see_rows_there_are_numbers_and_keys(shop: Shop, sync: Sync, world: World) -> None:
    preview = made(shop, sync)
    page = preview_rows(person(world["viewer"]), preview)
    assert page.redacted
    assert all(row.values == {} and row.old_values is None for row in page.rows)
    with pytest.raises(Denied):
        services.start_preview(actor=person(world["viewer"]), sync=sync)
    looks = AuditEntry.objects.filter(event="rows.viewed", resource_type="sync", resource_id=sync.pk)
    assert not looks.exists()
    cache.clear()
    assert preview_rows(shop.actor, preview).rows
    assert preview_rows(shop.actor, preview, search="11").rows
    assert [(entry.user_id, entry.after) for entry in looks] == [(shop.actor.user_id, {"shown": "rows of a preview"})]


def test_requests_are_shown_as_they_would_leave_and_none_leaves(shop: Shop) -> None:
    shop.fill(2)
    secret = "Bearer hunter2-hunter2"
    destination = connectors.create_destination(
        actor=shop.actor,
        type="http_request",
        name="API",
        values={
            "base_url": "http://127.0.0.1:9",
            "headers": [{"name": "Authorization", "value": secret, "secret": True}],
        },
    )
    sync = services.create_sync(
        actor=shop.actor,
        model=shop.model(),
        destination=destination,
        proposal=Proposal(sync_type="requests", settings={"added": {"endpoint": "/people"}}),
    )
    preview = made(shop, sync)
    assert (preview.state, preview.error_message) == (PreviewState.READY, "")
    requests = preview_requests(shop.actor, preview)
    assert [(r.method, r.target) for r in requests] == [("POST", "http://127.0.0.1:9/people")]
    assert "c1@shop.test" in requests[0].request_body
    assert secret not in json.dumps(preview.requests)


def test_what_cannot_be_queried_is_said_and_leaves_no_files(shop: Shop, sync: Sync) -> None:
    shop.query("ALTER TABLE customers DROP COLUMN plan")
    preview = made(shop, sync)
    assert preview.state == PreviewState.FAILED
    assert "plan" in preview.error_message
    assert files(preview) == []


def test_one_that_was_given_up_is_not_made(shop: Shop, sync: Sync) -> None:
    preview = services.start_preview(actor=shop.actor, sync=sync)
    assert services.start_preview(actor=shop.actor, sync=sync).pk == preview.pk
    held = previews.claim_preview(preview.pk)
    assert held is not None
    assert previews.beat_preview(held, 5)
    services.cancel_preview(actor=shop.actor, preview=preview)
    assert not previews.beat_preview(held, 6)
    tasks.work_on_preview.fn(preview.workspace_id, preview.pk)
    assert Preview.objects.get(pk=preview.pk).state == PreviewState.CANCELLED
    assert files(preview) == []


def test_a_worker_that_died_is_replaced_and_what_it_left_counts_for_nothing(shop: Shop, sync: Sync) -> None:
    preview = services.start_preview(actor=shop.actor, sync=sync)
    dead = previews.claim_preview(preview.pk)
    assert dead is not None
    assert previews.claim_preview(preview.pk) is None
    Preview.objects.filter(pk=preview.pk).update(beat_at=timezone.now() - timedelta(minutes=5))
    assert previews.resend_previews(timezone.now()) == 1
    tasks.work_on_preview.fn(preview.workspace_id, preview.pk)
    assert Preview.objects.get(pk=preview.pk).state == PreviewState.READY
    assert not previews.beat_preview(dead, 1)


def test_a_preview_lasts_a_day(shop: Shop, sync: Sync, world: World) -> None:
    preview = made(shop, sync)
    assert files(preview)
    enqueue_expired(timezone.now() + timedelta(hours=23))
    assert Preview.objects.filter(pk=preview.pk).exists()
    enqueue_expired(timezone.now() + timedelta(hours=25))
    assert not Preview.objects.filter(pk=preview.pk).exists()
    tasks.discard_preview_files.fn(preview.workspace_id, preview.sync_id, preview.pk)
    assert files(preview) == []


def test_the_page_from_the_button_to_a_row(shop: Shop, sync: Sync) -> None:
    owner = Client()
    owner.force_login(shop.place.owner)
    address = owner.post(f"/acme/syncs/{sync.pk}/preview")["Location"]
    assert "Waiting for a worker" in body(owner.get(address))
    preview = Preview.objects.get()
    tasks.work_on_preview.fn(preview.workspace_id, preview.pk)
    assert "Rejected before sending" in body(owner.get(address))
    assert "<del" in body(owner.get(f"{address}?operation=changed"))
    preview.refresh_from_db()
    row = preview_rows(shop.actor, preview, operation="changed").rows[0]
    assert "paid" in body(owner.get(f"{address}/rows/{row.id}"))


def body(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode())
