"""The audiences of an ad platform, written once a day into a real PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from config.errors import Conflict, Denied
from connectors import services as connectors
from connectors.models import Destination, DestinationGrant, Source
from governance.audit.models import AuditEntry
from notifications.models import Notification
from syncs import extraction, services
from syncs.models import AudienceExtraction, Run, Sync
from syncs.services.extraction import ATTEMPTS, claim_extraction, next_day, tell_due_extractions
from tests.connectors.kit.fake_http import Answer, FakeHttp, Received, fake_http
from tests.syncs.app.shop import Shop, database, mapping, postgres_settings
from tests.workspaces.test_object_grants import custom_role, grant
from tests.world import World
from workspaces.actors import person
from workspaces.permissions import Permission

pytestmark = pytest.mark.django_db(transaction=True)
TIKTOK = "https://business-api.tiktok.com"


class Platform:
    """TikTok on loopback: its audiences, or what it answers instead; how often it was asked."""

    def __init__(self) -> None:
        self.audiences = [{"audience_id": "1", "name": "Buyers", "cover_num": 1500, "audience_type": "File"}]
        self.instead: Answer | None = None
        self.asked = 0

    def answer(self, request: Received) -> Answer:
        self.asked += 1
        told = {"code": 0, "message": "OK", "data": {"list": self.audiences, "page_info": {"total_page": 1}}}
        return self.instead or Answer(200, json.dumps(told).encode())


@pytest.fixture
def platform(settings: Any) -> Iterator[Platform]:
    told, ready, done = Platform(), threading.Event(), threading.Event()
    found: list[FakeHttp] = []

    async def serve() -> None:
        async with fake_http(ask=told.answer) as server:
            found.append(server)
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(20)
    settings.OUTBOUND_ROUTES = {TIKTOK: found[0].url}
    yield told
    done.set()
    thread.join()


@pytest.fixture
def warehouse(shop: Shop) -> Source:
    """A PostgreSQL source in which Headrace was found to be able to write."""
    for schema in ("headrace_planner", "headrace_audit"):
        database(shop.address).execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        database(shop.address).execute(f"CREATE SCHEMA {schema}")
    source = connectors.create_source(
        actor=shop.actor, type="postgres", values=postgres_settings(shop.address), name="PostgreSQL warehouse"
    )
    assert connectors.check_write_access(actor=shop.actor, source=source).ok
    return Source.objects.get(pk=source.pk)


@pytest.fixture
def ads(shop: Shop) -> Destination:
    return connectors.create_destination(
        actor=shop.actor, type="tiktok", values={"access_token": "t", "advertiser_id": "77"}, name="Ads"
    )


def told(shop: Shop, statement: str) -> list[tuple[Any, ...]]:
    return database(shop.address).execute(statement).fetchall()


def filled_by(shop: Shop, ads: Destination, audience: str) -> Sync:
    """A sync that fills an audience, with a run that shows it."""
    settings = {"audience_from": "existing", "audience": audience}
    sync = services.create_sync(
        actor=shop.actor,
        model=shop.model(),
        destination=ads,
        proposal=shop.proposal(
            sync_type="audience",
            removal="nothing",
            mode="add",
            settings=settings,
            mappings=[{**mapping("EMAIL_SHA256", "email"), "identifier": True}],
        ),
    )
    services.cancel_run(actor=shop.actor, run=services.start_run(actor=shop.actor, sync=sync))
    assert Run.objects.filter(sync=sync).exists()
    return sync


def test_each_day_has_one_snapshot_however_often_it_is_told(
    shop: Shop, warehouse: Source, ads: Destination, platform: Platform
) -> None:
    sync = filled_by(shop, ads, "1")
    row = services.change_extraction(actor=shop.actor, destination=ads, source=warehouse)
    assert AuditEntry.objects.get(event="destination.extraction_changed").after == {"source_id": warehouse.pk}
    extraction.work(row.pk)
    extraction.work(row.pk)
    table = f"headrace_audit.tiktok_{ads.pk}_audiences"
    assert told(shop, f"SELECT ad_account_id, audience_id, raw->>'audience_type', snapshot_id FROM {table}") == [
        ("77", "1", "File", 1)
    ]
    view = "headrace_audit.external_audiences_metadata_v1"
    assert told(
        shop,
        f"SELECT audience_name, audience_size, destination, destination_id, sync_id, fetched_at IS NULL FROM {view}",
    ) == [("Buyers", 1500, "tiktok", ads.pk, sync.pk, False)]

    row.refresh_from_db()
    assert (row.rows, row.next_at, row.attempts) == (1, row.since + timedelta(days=1), 0)
    platform.audiences.append({"audience_id": "2", "name": "Visitors"})
    tomorrow = row.next_at + timedelta(minutes=1)
    assert tell_due_extractions(tomorrow - timedelta(minutes=2)) == 0, "not due yet"
    assert [tell_due_extractions(tomorrow), tell_due_extractions(tomorrow)] == [1, 0], "two schedulers"
    AudienceExtraction.objects.update(next_at=timezone.now(), since=timezone.now() - timedelta(days=1))
    held = claim_extraction(row.pk, timezone.now())
    assert held is not None
    assert claim_extraction(row.pk, timezone.now()) is None, "two workers"
    extraction._extracted(held.row)  # and it dies before it notes that
    AudienceExtraction.objects.update(lease_until=None)
    extraction.work(row.pk)
    extraction.work(row.pk)
    found = told(shop, f"SELECT snapshot_id, audience_id, audience_size, sync_id FROM {table} ORDER BY 1, 2")
    assert found == [(1, "1", 1500, sync.pk), (2, "1", 1500, sync.pk), (2, "2", None, None)]

    other = connectors.create_destination(
        actor=shop.actor, type="tiktok", values={"access_token": "t", "advertiser_id": "78"}, name="Other ads"
    )
    extraction.work(services.change_extraction(actor=shop.actor, destination=other, source=warehouse).pk)
    assert told(shop, f"SELECT ad_account_id, count(*) FROM {view} GROUP BY 1 ORDER BY 1") == [("77", 3), ("78", 2)]
    with pytest.raises(Conflict, match="Data extraction of Ads"):
        connectors.delete_source(actor=shop.actor, source=warehouse)
    services.change_extraction(actor=shop.actor, destination=ads, source=None)
    assert tell_due_extractions(timezone.now() + timedelta(days=9)) == 1, "only the other one is on"


def test_it_needs_the_rights_on_both_sides(world: World, shop: Shop, warehouse: Source, ads: Destination) -> None:
    grant(custom_role(world, "Ads"), DestinationGrant, Permission.MANAGE_DESTINATION, ads)
    actor = person(world["member"])
    with pytest.raises(Denied, match="source"):
        services.change_extraction(actor=actor, destination=ads, source=warehouse)
    services.change_extraction(actor=shop.actor, destination=ads, source=warehouse)
    with pytest.raises(Denied, match="source"):
        services.extract_now(actor=actor, destination=ads)
    services.change_extraction(actor=actor, destination=ads, source=None)
    assert AudienceExtraction.objects.get().source is None, "who manages the destination may switch it off"


def test_a_failure_is_tried_again_and_then_told_once(
    shop: Shop, warehouse: Source, ads: Destination, platform: Platform
) -> None:
    platform.instead = Answer(200, json.dumps({"code": 40105, "message": "The token is over."}).encode())
    row = services.change_extraction(actor=shop.actor, destination=ads, source=warehouse)

    def fail(times: int) -> None:
        for _ in range(times):
            AudienceExtraction.objects.update(next_at=timezone.now())
            extraction.work(row.pk)
            row.refresh_from_db()

    fail(1)
    assert (row.attempts, row.failing_since) == (1, None)
    assert "The token is over." in row.error_message
    assert row.next_at > timezone.now(), "it waits before it tries again"
    fail(ATTEMPTS - 1)
    notice = Notification.objects.get(topic=f"extraction:{row.pk}")
    assert (row.attempts, row.next_at) == (0, next_day(row, timezone.now()))
    fail(ATTEMPTS)
    assert list(Notification.objects.filter(topic=notice.topic)) == [notice], "told once until it succeeds"
    asked, platform.instead = platform.asked, None
    services.extract_now(actor=shop.actor, destination=ads)
    extraction.work(row.pk)
    row.refresh_from_db()
    assert (platform.asked - asked, row.failing_since, row.error_message, row.rows) == (1, None, "", 1)
    AudienceExtraction.objects.update(next_at=timezone.now(), attempts=ATTEMPTS)
    extraction.work(row.pk)
    row.refresh_from_db()
    assert "stopped before" in row.error_message, "workers that die are not tried for ever"
