"""What pages and the API read: few queries, one redaction gate."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.errors import Denied, NotFound
from syncs import selectors, services, tasks, upkeep
from syncs.choices import Health, RunStatus
from syncs.models import Run, Sync
from syncs.selectors import SyncFilter
from syncs.storage import storage
from tests.syncs.app.shop import Shop
from tests.world import World
from workspaces.areas import in_workspace


@pytest.fixture
def rejected(shop: Shop) -> Run:
    """A run of which one row was refused."""
    shop.fill(5)
    shop.query("UPDATE customers SET plan = 'broken' WHERE id = 3")
    return shop.run(shop.sync())


def test_the_debugger_finds_a_row_by_key_with_its_error_and_its_request(shop: Shop, rejected: Run) -> None:
    page = selectors.run_rows(shop.actor, rejected, failed=True)
    [row] = page.rows
    assert (row.key, row.status, row.operation) == ("3", "rejected", "added")
    assert "plan" in row.message
    assert row.values["email"] == "c3@shop.test"
    [found] = selectors.run_rows(shop.actor, rejected, search="3").rows
    detail = selectors.row_detail(shop.actor, rejected, found.id)
    assert {sibling.key for sibling in detail.siblings} == {"1", "2", "3", "4", "5"}
    assert detail.exchanges
    with pytest.raises(NotFound):
        selectors.row_detail(shop.actor, rejected, "9:9")


def test_without_the_row_data_right_keys_and_errors_are_shown_and_values_are_not(
    shop: Shop, world: World, rejected: Run
) -> None:
    viewer = world.actor("viewer")
    page = selectors.run_rows(viewer, rejected, failed=True)
    [row] = page.rows
    assert (page.redacted, row.key, row.values, row.old_values) == (True, "3", {}, None)
    assert row.message
    assert "c3@shop.test" not in row.message
    assert "broken" not in row.message
    detail = selectors.row_detail(viewer, rejected, row.id)
    assert all("shop.test" not in e.request_body + e.response_body + e.error for e in detail.exchanges)
    assert all(not sibling.values for sibling in detail.siblings)
    assert "broken" not in selectors.error_groups(viewer, rejected)[0].message
    with pytest.raises(Denied):
        selectors.run_exchanges(viewer, rejected, text="c3@shop.test")


def test_runs_without_anything_to_do_can_be_hidden(shop: Shop, rejected: Run) -> None:
    sync = rejected.sync
    only_failures = shop.run(sync)
    shop.query("DELETE FROM customers WHERE id = 3")
    nothing = shop.run(sync)
    assert list(selectors.list_runs(shop.actor, sync=sync)) == [nothing, only_failures, rejected]
    assert list(selectors.list_runs(shop.actor, sync=sync, hide_empty=True)) == [only_failures, rejected]
    assert list(selectors.list_runs(shop.actor, sync=sync, hide_unsuccessful=True)) == [rejected]


def test_lists_and_overview_take_few_statements_however_many_syncs_there_are(shop: Shop) -> None:
    shop.fill(1)
    model = shop.model()
    for _ in range(3):
        shop.run(shop.sync(model))
    within = in_workspace(shop.place.workspace)  # as every request is
    with within, CaptureQueriesContext(connection) as one_page:
        rows = list(selectors.list_syncs(shop.actor)[:50])
        assert [(row.words.sync_page, row.model.source.name, row.destination.name) for row in rows]
    with in_workspace(shop.place.workspace), CaptureQueriesContext(connection) as overview:
        selectors.overview(shop.actor)
    assert len(_statements(one_page)) <= 3
    assert len(_statements(overview)) <= 10


def test_health_groups_count_what_statuses_say(shop: Shop, rejected: Run) -> None:
    model = rejected.sync.model
    failed, paused, new = (shop.sync(model) for _ in range(3))
    shop.query("ALTER TABLE customers RENAME TO elsewhere")
    assert shop.run(failed).status == RunStatus.FAILED
    services.pause_sync(actor=shop.actor, sync=paused)
    counted = selectors.health_counts(shop.actor)
    for health in Health:
        listed = list(selectors.list_syncs(shop.actor, SyncFilter(health=health.value)))
        assert len(listed) == counted[health]
        assert {sync.words.health for sync in listed} <= {health}
    assert sum(counted.values()) == Sync.objects.count()
    assert new in selectors.list_syncs(shop.actor, SyncFilter(health=Health.IDLE.value))


def test_rows_over_time_have_a_bucket_for_every_day(shop: Shop, rejected: Run) -> None:
    days = selectors.delivered_over_time(shop.actor, days=14)
    assert len(days) == 14
    assert [(day.succeeded, day.rejected, day.runs) for day in days if day.runs] == [(4, 1, 1)]
    hours = selectors.delivered_over_time(shop.actor, days=2, by_hour=True, sync=rejected.sync)
    assert len(hours) == 48


def test_phases_tell_where_the_time_went(shop: Shop, rejected: Run) -> None:
    phases = selectors.run_phases(rejected)
    assert [phase.name for phase in phases] == ["enqueued", "querying", "preparing", "queued", "writing", "settling"]
    assert sum((phase.duration for phase in phases), timedelta()) == rejected.duration


def test_rows_and_requests_go_after_their_retention_and_the_baseline_stays(shop: Shop, rejected: Run) -> None:
    assert upkeep.enqueue_expired(timezone.now()) == 0
    Run.objects.filter(pk=rejected.pk).update(finished_at=timezone.now() - timedelta(days=8))
    assert upkeep.enqueue_expired(timezone.now()) == 1
    tasks.expire_run.fn(rejected.workspace_id, rejected.pk)
    rejected.refresh_from_db()
    assert rejected.traces_purged_at is not None
    assert upkeep.enqueue_expired(timezone.now()) == 0
    assert selectors.run_rows(shop.actor, rejected).expired
    rejected.sync.refresh_from_db()
    assert rejected.sync.baseline is not None
    assert storage().list(rejected.spec["directory"]) == sorted(
        path for path in (rejected.sync.baseline["spool"], rejected.sync.baseline["overlay"]) if path
    )
    assert shop.run(rejected.sync).planned == 1


def _statements(captured: CaptureQueriesContext) -> list[str]:
    """What was asked, without telling the session its workspace."""
    return [q["sql"] for q in captured.captured_queries if "set_config" not in q["sql"]]
