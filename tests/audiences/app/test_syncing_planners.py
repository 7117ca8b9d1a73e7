"""Audiences on both planners, and forgotten like anybody's rows."""

from __future__ import annotations

from decimal import Decimal

import pytest

from audiences import services as schema_services
from audiences.choices import LogPlace, ModelKind, RecordingState
from audiences.models import Audience, AudienceLogs, Recording
from audiences.recording import work
from audiences.selectors.history import members_of_moment
from audiences.services import audiences as writes
from audiences.services import experiments, recordings
from audiences.services.experiments import GroupProposal
from connectors.models import Source
from governance.privacy.choices import CaseState
from syncs.choices import ModelMethod
from syncs.definitions import Definition
from syncs.services.privacy import place_tombstones, release_syncs
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


def test_the_history_is_compared_in_the_warehouse(shop: Shop, warehouse: Warehouse, in_warehouse: Audience) -> None:
    def snapshot() -> Recording:
        made = recordings.take_snapshot(actor=shop.actor, audience=in_warehouse)
        work(made.pk)
        made.refresh_from_db()
        assert made.error_message == ""
        return made

    def history(columns: str) -> list[tuple[str, ...]]:
        return warehouse.run(f"SELECT {columns} FROM headrace_planner.audience_membership ORDER BY ht_timestamp, 1, 2")

    warehouse.move()
    in_warehouse.parent_model.source = Source.objects.get(pk=warehouse.source.pk)
    sync = sync_of(shop, in_warehouse)
    first = snapshot()
    assert AudienceLogs.objects.get().place == LogPlace.WAREHOUSE
    assert (first.entered, first.exited) == (4, 0)
    Recording.objects.filter(pk=first.pk).update(state=RecordingState.WAITING, entered=None)
    work(first.pk)  # its worker died after it had written
    first.refresh_from_db()
    assert (first.entered, first.exited) == (4, 0)

    warehouse.run(f"DELETE FROM {TABLE} WHERE id = 1")
    warehouse.run(f"UPDATE {TABLE} SET plan = 'paid' WHERE id IN (5, 6)")
    warehouse.run(f"INSERT INTO {TABLE} VALUES (2, 'again', 'paid'), (NULL, 'nobody', 'paid')")
    place_tombstones(1, {(sync.model_id, "id"): {"5"}})
    release_syncs(1)
    second = snapshot()
    assert (second.entered, second.exited) == (1, 1)
    assert history("ht_row_id, ht_event_type")[4:] == [("1", "exit"), ("6", "enter")]
    again = snapshot()
    assert (again.entered, again.exited) == (0, 0)

    groups = [GroupProposal("Mail", Decimal(50)), GroupProposal("Holdout", Decimal(50))]
    experiments.enable_experiment(actor=shop.actor, audience=in_warehouse, groups=groups)
    moved = snapshot()
    assert (moved.entered, moved.exited) == (4, 4), "a change of group is an exit and an entry"
    assert {group for _, group in members_of_moment(in_warehouse)} == {"Mail", "Holdout"}
    assert sorted(map(tuple, members_of_moment(in_warehouse, first.moment))) == [(str(row), "") for row in range(1, 5)]
    assert [name for name in warehouse.tables() if "audience" in name] == []


def test_a_member_is_looked_up_and_forgotten(shop: Shop, paying: Audience) -> None:
    shop.query("UPDATE customers SET email = 'c2@shop.test', plan = 'paid' WHERE id = 2")
    sync = sync_of(shop, paying)
    shop.run(sync)
    done = confirm(shop, look_up(shop))
    assert done.state == CaseState.ERASED
    after = shop.run(sync)
    assert (after.queried, after.forgotten, after.planned) == (3, 1, 0)
