"""Sending everything again: what a person is told before, and clear and fill."""

from __future__ import annotations

import pytest

from config.errors import Denied, Invalid
from connectors.registry import DESTINATIONS
from syncs import services
from syncs.choices import PendingReset, RunStatus
from syncs.models import Sync
from syncs.resync import resync_criteria
from tests.syncs.app.audience import AudienceDestination
from tests.syncs.app.shop import Shop, mapping
from tests.world import World
from workspaces.actors import person


@pytest.fixture
def audience(monkeypatch: pytest.MonkeyPatch) -> type[AudienceDestination]:
    """The database as a destination that can be emptied."""
    monkeypatch.setitem(DESTINATIONS, "postgres", "tests.syncs.app.audience:AudienceDestination")
    monkeypatch.setattr(AudienceDestination, "cleared", 0)
    monkeypatch.setattr(AudienceDestination, "down", False)
    return AudienceDestination


def test_a_second_full_resync_sends_all_rows_again(shop: Shop) -> None:
    shop.fill(6)
    sync = shop.sync()
    shop.run(sync)
    for _ in range(2):
        run = shop.run(sync, full_resync=True)
        assert (run.status, run.planned_added, run.succeeded_added) == (RunStatus.SUCCEEDED, 6, 6)
    assert shop.run(sync).planned == 0


def test_the_criteria_speak_of_this_sync(shop: Shop) -> None:
    shop.fill(1)
    upsert, insert = (
        shop.sync(shop.model("A"), removal="nothing"),
        shop.sync(shop.model("B"), mode="insert", removal="nothing", mappings=[mapping("id", identifier=False)]),
    )
    assert all(line.safe for line in resync_criteria(upsert))
    assert [line.safe for line in resync_criteria(insert)] == [False, True]
    deleting = shop.sync(shop.model("C"))
    assert [line.safe for line in resync_criteria(deleting)] == [True, False]


def test_clear_and_fill_empties_first_and_then_sends_every_row(shop: Shop, audience: type[AudienceDestination]) -> None:
    shop.fill(4)
    sync = shop.sync()
    shop.run(sync)
    shop.at_destination(f"INSERT INTO {shop.table} VALUES (77, 'stranger@shop.test', 'free')")
    shop.query("DELETE FROM customers WHERE id = 4")
    run = shop.run(sync, clear=True)
    assert (run.status, run.planned_added, audience.cleared) == (RunStatus.SUCCEEDED, 3, 1)
    assert [row[0] for row in shop.there()] == [1, 2, 3]
    assert shop.run(sync).planned == 0
    assert audience.cleared == 1


def test_a_list_that_cannot_be_emptied_gets_nothing_and_the_next_run_tries_again(
    shop: Shop, audience: type[AudienceDestination], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.fill(2)
    sync = shop.sync()
    shop.run(sync)
    monkeypatch.setattr(audience, "down", True)
    run = shop.run(sync, clear=True)
    assert (run.status, run.error_message) == (RunStatus.FAILED, "The audience service is down.")
    sync.refresh_from_db()
    assert sync.pending_reset == PendingReset.CLEAR
    monkeypatch.setattr(audience, "down", False)
    assert shop.run(sync).succeeded_added == 2
    assert audience.cleared == 1


def test_clearing_takes_a_destination_that_can_and_rights_on_both_sides(shop: Shop, world: World) -> None:
    shop.fill(1)
    sync = shop.sync()
    with pytest.raises(Invalid, match="cannot empty"):
        services.start_run(actor=shop.actor, sync=sync, clear=True)
    with pytest.raises(Denied):
        services.start_run(actor=person(world["viewer"]), sync=sync, clear=True)
    assert Sync.objects.get(pk=sync.pk).last_run is None
