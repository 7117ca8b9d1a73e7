"""Matching by an array column: a record for each element, for as long as the element is there."""

from __future__ import annotations

import pytest

from config.errors import Invalid
from syncs import services
from syncs.choices import PendingReset
from syncs.models import Sync
from tests.syncs.app.shop import Shop, mapping

DEVICE = mapping("device", "devices", identifier=True)
ELEMENT = "_ht_devices_element"


def devices(shop: Shop) -> None:
    """Alice with two devices, Bob with one, Charlie with none, Dana with the same one twice."""
    shop.query(
        "CREATE OR REPLACE TABLE customers AS SELECT * FROM (VALUES (1, 'Alice', ['ios_a1', 'android_b2']), "
        "(2, 'Bob', ['ios_c3']), (3, 'Charlie', []), (4, 'Dana', ['web_d4', 'web_d4'])) t(id, name, devices)"
    )
    shop.at_destination(f"DROP TABLE {shop.table}")
    shop.at_destination(f"CREATE TABLE {shop.table} (device text PRIMARY KEY, person int, name text)")


def sync_of(shop: Shop) -> Sync:
    return shop.unguarded(shop.sync(mappings=[DEVICE, mapping("person", "id"), mapping("name")]))


def test_each_element_becomes_a_record(shop: Shop) -> None:
    devices(shop)
    sync = sync_of(shop)
    assert sync.mappings[0]["value"] == ELEMENT
    run = shop.run(sync)
    assert (run.status, run.queried, run.duplicates, run.succeeded) == ("warning", 5, 1, 4)
    everyone = [("android_b2", 1, "Alice"), ("ios_a1", 1, "Alice"), ("ios_c3", 2, "Bob"), ("web_d4", 4, "Dana")]
    assert shop.there("device, person, name") == everyone
    assert shop.run(sync).planned == 0


def test_elements_come_and_go_and_an_element_of_two_rows_belongs_to_the_first(shop: Shop) -> None:
    devices(shop)
    sync = sync_of(shop)
    shop.run(sync)
    shop.query("UPDATE customers SET devices = ['ios_a1'] WHERE id = 1")
    shop.query("UPDATE customers SET devices = ['ios_a1', 'tv_e5'] WHERE id = 2")
    run = shop.run(sync)
    assert (run.succeeded_added, run.succeeded_changed, run.succeeded_removed) == (1, 0, 2)
    assert shop.there("device, person") == [("ios_a1", 1), ("tv_e5", 2), ("web_d4", 4)]


def test_taking_arrays_apart_or_no_longer_starts_the_change_tracking_anew(shop: Shop) -> None:
    devices(shop)
    sync = sync_of(shop)
    shop.run(sync)
    by_name = [mapping("device", "name", identifier=True), mapping("person", "id")]
    services.update_sync(actor=shop.actor, sync=sync, proposal=shop.proposal(mappings=by_name))
    sync.refresh_from_db()
    assert sync.pending_reset == PendingReset.RESYNC
    run = shop.run(sync)
    assert (run.succeeded_added, run.planned_removed) == (4, 0)


def test_one_array_at_a_time_and_none_where_the_source_cannot(shop: Shop) -> None:
    devices(shop)
    shop.query("ALTER TABLE customers ADD COLUMN mails VARCHAR[]")
    with pytest.raises(Invalid) as refused:
        shop.sync(mappings=[DEVICE, mapping("name", "mails", identifier=True)])
    assert "One array column" in refused.value.fields["identifier"]
