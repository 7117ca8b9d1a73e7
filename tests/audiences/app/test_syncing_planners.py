"""Audiences on both planners, and forgotten like anybody's rows."""

from __future__ import annotations

import pytest

from audiences import services as schema_services
from audiences.choices import ModelKind
from audiences.models import Audience
from audiences.services import audiences as writes
from governance.privacy.choices import CaseState
from syncs.choices import ModelMethod
from syncs.definitions import Definition
from tests.audiences.app.acting import PAID, sync_of
from tests.audiences.app.test_syncing import customers, paying, shop, world
from tests.syncs.app.shop import Shop
from tests.syncs.app.test_forgetting import confirm, look_up
from tests.syncs.app.test_warehouse_planner import TABLE, Warehouse, warehouse

__all__ = ["customers", "paying", "shop", "warehouse", "world"]


@pytest.fixture
def in_warehouse(shop: Shop, warehouse: Warehouse) -> Audience:
    """Paying customers of the PostgreSQL warehouse."""
    warehouse.fill(6)
    warehouse.run(f"UPDATE {TABLE} SET plan = 'paid' WHERE id <= 4")
    parent = schema_services.create_schema_model(
        actor=shop.actor,
        source=warehouse.source,
        kind=ModelKind.PARENT,
        definition=Definition(method=ModelMethod.TABLE, table_schema="public", table_name=TABLE),
        settings=schema_services.Settings(name="Customers", primary_key=("id",)),
    )
    where = {"where": {"type": "group", "match": "all", "conditions": [PAID]}}
    return writes.create_audience(actor=shop.actor, parent=parent, name="Paying", definition=where)


def test_moving_to_the_warehouse_sends_nothing_again_and_removes_who_leaves(
    shop: Shop, warehouse: Warehouse, in_warehouse: Audience
) -> None:
    sync = sync_of(shop, in_warehouse)
    assert shop.run(sync).planned_added == 4
    warehouse.move()
    moved = shop.run(sync)
    assert (moved.queried, moved.planned) == (4, 0)
    warehouse.run(f"UPDATE {TABLE} SET plan = 'free' WHERE id = 1")
    run = shop.run(sync)
    assert (run.planned_added, run.planned_changed, run.planned_removed) == (0, 0, 1)
    sync.refresh_from_db()
    assert sync.baseline is not None
    assert sync.baseline["planner"] == "warehouse"
    assert [row[0] for row in shop.there()] == [2, 3, 4]


def test_a_member_is_looked_up_and_forgotten(shop: Shop, paying: Audience) -> None:
    shop.query("UPDATE customers SET email = 'c2@shop.test', plan = 'paid' WHERE id = 2")
    sync = sync_of(shop, paying)
    shop.run(sync)
    done = confirm(shop, look_up(shop))
    assert done.state == CaseState.ERASED
    after = shop.run(sync)
    assert (after.queried, after.forgotten, after.planned) == (3, 1, 0)
