"""What another mapping, mode or way to handle removed rows means for rows that were synced before."""

from __future__ import annotations

from typing import Any

import pytest

from syncs import services
from syncs.models import Run, Sync
from tests.syncs.app.shop import Shop, mapping

VIP = {"to": "plan", "kind": "static", "value": "vip"}


def changed(shop: Shop, sync: Sync, **configuration: Any) -> Run:
    """The next run after this change."""
    services.update_sync(actor=shop.actor, sync=sync, proposal=shop.proposal(**configuration))
    sync.refresh_from_db()
    return shop.run(sync)


def sent(run: Run) -> tuple[int, int, int]:
    return run.succeeded_added, run.succeeded_changed, run.succeeded_removed


@pytest.mark.parametrize("mode", ["upsert", "update"])
def test_only_what_alters_the_records_is_sent_again(shop: Shop, mode: str) -> None:
    shop.fill(3)
    sync = shop.sync()
    shop.run(sync)
    upper = {"to": "email", "kind": "template", "value": "{{ row.email | upcase }}"}
    three = [mapping("id"), upper, VIP]
    assert sent(changed(shop, sync, mode=mode, mappings=three)) == (0, 3, 0)
    assert changed(shop, sync, mode=mode, mappings=three[::-1]).planned == 0
    spaced = {**upper, "value": " {{ row.email | upcase }}\n"}
    assert changed(shop, sync, mode=mode, mappings=[mapping("id"), spaced, VIP]).planned == 0
    skipping = [mapping("id"), upper, {**VIP, "ignore_null": True}]
    assert sent(changed(shop, sync, mode=mode, mappings=skipping)) == (0, 3, 0)
    assert shop.there()[0] == (1, "C1@SHOP.TEST", "vip")


def test_insert_sends_only_rows_that_come_after_the_change(shop: Shop) -> None:
    shop.fill(2)
    sync = shop.sync(mode="insert", removal="nothing")
    shop.run(sync)
    shop.fill(3)
    run = changed(shop, sync, mode="insert", removal="nothing", mappings=[mapping("id"), mapping("email"), VIP])
    assert sent(run) == (1, 0, 0)
    assert [row[2] for row in shop.there()] == ["free", "free", "vip"]
    assert shop.run(sync).planned == 0


def test_another_type_at_the_source_sends_known_rows_again(shop: Shop) -> None:
    shop.fill(2)
    shop.query("UPDATE customers SET plan = '7'")
    model = shop.model()
    reading, other = shop.sync(model), shop.sync(model, mappings=[mapping("id"), mapping("email")])
    shop.run(reading)
    shop.query("ALTER TABLE customers ALTER plan TYPE INTEGER")
    services.refresh_columns(actor=shop.actor, model=model)
    for sync, expected in ((reading, True), (other, False)):
        sync.refresh_from_db()
        assert sync.pending_reprocess is expected
    assert sent(shop.run(reading)) == (0, 2, 0)


def test_rows_removed_while_removals_were_left_alone_are_not_removed_later(shop: Shop) -> None:
    shop.fill(4)
    sync = shop.unguarded(shop.sync(removal="nothing"))
    shop.run(sync)
    shop.query("DELETE FROM customers WHERE id = 4")
    assert shop.run(sync).planned == 0
    shop.query("DELETE FROM customers WHERE id = 3")
    run = changed(shop, sync, removal="delete")
    assert sent(run) == (0, 0, 1)
    assert [row[0] for row in shop.there()] == [1, 2, 4]


def test_a_row_that_leaves_and_comes_back_is_removed_once_and_added_once(shop: Shop) -> None:
    shop.fill(2)
    sync = shop.unguarded(shop.sync())
    shop.run(sync)
    shop.query("CREATE TABLE aside AS SELECT * FROM customers WHERE id = 2")
    shop.query("DELETE FROM customers WHERE id = 2")
    assert sent(shop.run(sync)) == (0, 0, 1)
    shop.query("INSERT INTO customers SELECT * FROM aside")
    assert sent(shop.run(sync)) == (1, 0, 0)
    assert shop.run(sync).planned == 0


def test_objects_and_arrays_reach_the_destination_as_json(shop: Shop) -> None:
    shop.at_destination(f"ALTER TABLE {shop.table} ADD profile jsonb, ADD lines jsonb")
    shop.fill(1)
    items = '[{"sku": "a", "price": 1.10}, {}]'
    shop.query("CREATE TABLE bare AS SELECT * FROM customers")
    shop.query(f"CREATE OR REPLACE TABLE customers AS SELECT *, '{items}'::JSON AS items FROM bare")
    profile = {"to": "profile", "kind": "object", "value": [
        mapping("mail", "email"), {"to": "inner", "kind": "object", "value": [VIP]}]}  # fmt: skip
    inner = [{"to": "sku", "kind": "property", "value": "sku"}, {"to": "cost", "kind": "property", "value": "price"}]
    lines = {"to": "lines", "kind": "array", "value": {"column": "items", "mappings": inner}}
    sync = shop.sync(mappings=[mapping("id"), profile, lines])
    assert shop.run(sync).succeeded == 1
    assert shop.there("profile::text, lines::text") == [
        ('{"mail": "c1@shop.test", "inner": {"plan": "vip"}}', '[{"sku": "a", "cost": 1.10}, {}]')
    ]
    assert shop.run(sync).planned == 0


def test_records_are_matched_by_what_a_template_makes(shop: Shop) -> None:
    shop.fill(2)
    shifted = {"to": "id", "kind": "template", "value": "{{ row.id | plus: 100 }}", "identifier": True}
    sync = shop.unguarded(shop.sync(mappings=[shifted, mapping("email")]))
    shop.run(sync)
    shop.query("DELETE FROM customers WHERE id = 1")
    assert sent(shop.run(sync)) == (0, 0, 1)
    assert shop.there("id, email") == [(102, "c2@shop.test")]
