"""A test row: sent for real, remembered nowhere."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from config.errors import Conflict, Denied, Invalid, NotFound
from connectors import services as connectors
from connectors.sdk.types import Operation
from governance.audit.models import AuditEntry
from syncs import services
from syncs.engine.spec import RowStatus
from syncs.models import Run, Sync
from tests.syncs.app.shop import Shop
from tests.world import World
from workspaces.actors import person


@pytest.fixture
def sync(shop: Shop) -> Sync:
    """Three customers, none delivered."""
    shop.fill(3)
    return shop.sync()


def test_a_row_arrives_with_its_edits_and_the_next_run_sends_it_all_the_same(shop: Shop, sync: Sync) -> None:
    sent = services.send_test_row(
        actor=shop.actor, sync=sync, key="2", operation=Operation.ADDED, edits={"email": "o'neil@shop.test"}
    )
    assert (sent.row.status, sent.failure) == (RowStatus.SUCCEEDED, None)
    assert shop.there() == [(2, "o'neil@shop.test", "free")]
    assert len(sent.exchanges) == 1
    assert "INSERT" in sent.exchanges[0].request_body
    assert not Run.objects.exists()
    assert Sync.objects.get(pk=sync.pk).baseline is None
    entry = AuditEntry.objects.get(event="sync.tested")
    assert entry.after == {"sync": sync.pk, "key": "2", "operation": "added", "edited_columns": ["email"]} or (
        entry.after == {"key": "2", "operation": "added", "edited_columns": ["email"]}
    )
    assert shop.run(sync).planned_added == 3
    assert shop.there()[1] == (2, "c2@shop.test", "free")


def test_changed_and_removed_rows_do_what_they_do_in_runs(shop: Shop, sync: Sync) -> None:
    shop.run(sync)
    before = Sync.objects.get(pk=sync.pk).baseline
    services.send_test_row(
        actor=shop.actor, sync=sync, key="1", operation=Operation.CHANGED, edits={"plan": None, "email": "1"}
    )
    services.send_test_row(actor=shop.actor, sync=sync, key="3", operation=Operation.REMOVED)
    assert shop.there() == [(1, "1", None), (2, "c2@shop.test", "free")]
    assert Sync.objects.get(pk=sync.pk).baseline == before
    assert shop.run(sync).planned == 0


def test_a_refused_row_is_told_in_the_words_of_the_other_side(shop: Shop, sync: Sync) -> None:
    sent = services.send_test_row(
        actor=shop.actor, sync=sync, key="1", operation=Operation.ADDED, edits={"plan": "broken"}
    )
    assert sent.row.status == RowStatus.REJECTED
    assert "check constraint" in sent.row.message
    assert shop.there() == []


def test_what_cannot_be_sent_is_said_before(shop: Shop, sync: Sync) -> None:
    with pytest.raises(NotFound, match="no row with the key “99”"):
        services.send_test_row(actor=shop.actor, sync=sync, key="99", operation=Operation.ADDED)
    for key in ("--1", "-", "²", "٣3"):
        with pytest.raises(NotFound, match="no row with the key"):
            services.send_test_row(actor=shop.actor, sync=sync, key=key, operation=Operation.ADDED)
    with pytest.raises(Invalid, match="matched by “id”"):
        services.send_test_row(actor=shop.actor, sync=sync, key="1", operation=Operation.ADDED, edits={"id": 7})
    keeping = shop.sync(shop.model("Keeping"), removal="nothing")
    with pytest.raises(Invalid, match="does not send removed rows"):
        services.send_test_row(actor=shop.actor, sync=keeping, key="1", operation=Operation.REMOVED)
    connectors.stop_destination(actor=shop.actor, destination=shop.destination)
    with pytest.raises(Conflict, match="was stopped"):
        services.send_test_row(actor=shop.actor, sync=sync, key="1", operation=Operation.ADDED)
    assert shop.there() == []


def test_it_takes_the_right_to_see_rows_and_to_run_syncs(shop: Shop, sync: Sync, world: World) -> None:
    for name in ("viewer", "drafter"):
        with pytest.raises(Denied):
            services.send_test_row(actor=person(world[name]), sync=sync, key="1", operation=Operation.ADDED)
        with pytest.raises(Denied):
            services.rows_to_try(actor=person(world[name]), sync=sync)


def test_the_page_finds_edits_and_sends_a_row(shop: Shop, sync: Sync) -> None:
    cache.clear()
    owner = Client()
    owner.force_login(shop.place.owner)
    page = f"/acme/syncs/{sync.pk}/try"
    assert "c3@shop.test" in owner.get(page).content.decode()
    looked = AuditEntry.objects.filter(event="rows.viewed", resource_type="sync", resource_id=sync.pk)
    assert [entry.after for entry in looked] == [{"shown": "rows to test with"}]
    assert "No row has the key" in owner.get(page, {"q": "77"}).content.decode()
    assert "Matches records" in owner.get(page, {"row": "2"}).content.decode()
    form = {"row": "2", "operation": "added", "type-email": "string", "value-email": "new@shop.test"}
    wrong = owner.post(page, {**form, "type-plan": "number", "value-plan": "many"})
    assert wrong.status_code == 422
    assert "this is no number" in wrong.content.decode()
    done = owner.post(page, {**form, "type-plan": "string", "value-plan": "free"}).content.decode()
    assert "took the row" in done
    assert shop.there() == [(2, "new@shop.test", "free")]
