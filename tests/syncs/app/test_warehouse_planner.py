"""A sync whose source compares: the same runs, with the tables in a real PostgreSQL warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.utils import timezone

from connectors import services as connectors
from connectors.discovery import CheckOutcome
from connectors.models import Source
from connectors.services.planner import choose_planner, record_write_check
from syncs import services, tasks
from syncs.choices import RunStatus
from syncs.models import Run, Sync
from syncs.storage import storage
from tests.syncs.app.shop import Shop, postgres_settings
from workspaces.models import Workspace
from workspaces.services.deleting import erase_workspace

SCHEMAS = ("headrace_planner", "headrace_audit")
TABLE = "planner_customers"


class Warehouse:
    """A schema of customers in the PostgreSQL that plays the warehouse, as its owner sees it."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        for schema in SCHEMAS:
            self.run(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
            self.run(f"CREATE SCHEMA {schema}")
        self.run(f"DROP TABLE IF EXISTS {TABLE}")
        self.run(f"CREATE TABLE {TABLE} (id bigint, email text, plan text)")
        self.source = connectors.create_source(
            actor=shop.actor, type="postgres", values=postgres_settings(shop.address), name="PostgreSQL warehouse"
        )

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.shop.address, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def fill(self, rows: int) -> None:
        self.run(f"TRUNCATE {TABLE}")
        self.run(f"INSERT INTO {TABLE} SELECT i, 'c' || i || '@shop.test', 'free' FROM generate_series(1, {rows}) i")

    def tables(self) -> list[str]:
        found = self.run(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'headrace_planner' ORDER BY 1"
        )
        return [name.split("_", 1)[1] for (name,) in found]

    def sync(self) -> Sync:
        self.shop.source = self.source
        return self.shop.sync(model=self.shop.model(statement=f"SELECT * FROM {TABLE}"))

    def move(self) -> None:
        """The source's syncs are compared in the warehouse from now on."""
        source = Source.objects.get(pk=self.source.pk)
        outcome = CheckOutcome(ok=True, message="Headrace may write.")
        source = record_write_check(actor=self.shop.actor, source=source, outcome=outcome)
        self.source = choose_planner(actor=self.shop.actor, source=source, planner="warehouse")


@pytest.fixture
def warehouse(shop: Shop) -> Iterator[Warehouse]:
    made = Warehouse(shop)
    yield made
    for schema in SCHEMAS:
        made.run(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    made.run(f"DROP TABLE {TABLE}")


def test_a_sync_moves_to_the_warehouse_and_sends_only_what_changes(shop: Shop, warehouse: Warehouse) -> None:
    warehouse.fill(5)
    sync = warehouse.sync()
    assert shop.run(sync).planned == 5
    warehouse.move()
    moved = shop.run(sync)
    assert (moved.status, moved.queried, moved.planned) == (RunStatus.SUCCEEDED, 5, 0)
    sync.refresh_from_db()
    assert sync.baseline is not None
    assert sync.baseline["planner"] == "warehouse"
    assert warehouse.tables() == [f"s{sync.pk}_r{moved.pk}_1_plan", f"s{sync.pk}_r{moved.pk}_1_rejections"]

    warehouse.run(f"UPDATE {TABLE} SET plan = 'broken' WHERE id = 1")
    warehouse.run(f"UPDATE {TABLE} SET plan = 'team' WHERE id = 2")
    warehouse.run(f"DELETE FROM {TABLE} WHERE id = 5")
    warehouse.run(f"INSERT INTO {TABLE} VALUES (6, '', NULL), (7, 'a', 'x'), (7, 'b', 'y'), (NULL, 'c', 'z')")
    run = shop.run(sync)
    assert run.status == RunStatus.WARNING
    assert (run.queried, run.null_keys, run.duplicates) == (8, 1, 2)
    assert (run.planned_added, run.planned_changed, run.planned_removed, run.rejected) == (1, 2, 1, 1)
    assert [row[0] for row in shop.there()] == [1, 2, 3, 4, 6]
    warehouse.run(f"UPDATE {TABLE} SET plan = 'free' WHERE id = 1")
    warehouse.run(f"DELETE FROM {TABLE} WHERE id IS NULL OR id = 7")
    last = shop.run(sync)
    assert (last.status, last.planned) == (RunStatus.SUCCEEDED, 0)
    assert len(warehouse.tables()) == 4


def test_the_logs_are_written_where_the_comparison_was_made(shop: Shop, warehouse: Warehouse) -> None:
    warehouse.fill(3)
    sync = warehouse.sync()
    warehouse.move()
    Source.objects.filter(pk=warehouse.source.pk).update(sync_logs=["changelog", "snapshot", "runs"])
    shop.run(sync)
    warehouse.run(f"UPDATE {TABLE} SET plan = 'team' WHERE id = 2")
    warehouse.run(f"INSERT INTO {TABLE} VALUES (7, 'a', 'x'), (7, 'b', 'y')")
    run = shop.run(sync)
    logged = warehouse.run(
        "SELECT op_type, row_id, status FROM headrace_audit.sync_changelog "
        f"WHERE sync_run_id::text = '{run.pk}' ORDER BY row_id"
    )
    assert logged == [("changed", "2", "succeeded")]
    snapshot = warehouse.run("SELECT row_id, op_type, status FROM headrace_audit.sync_snapshot ORDER BY row_id")
    assert snapshot == [
        ("1", "unchanged", "succeeded"),
        ("2", "changed", "succeeded"),
        ("3", "unchanged", "succeeded"),
        ("7", "added", "failed"),
    ]


def test_dropped_tables_stop_the_run_until_a_resync(shop: Shop, warehouse: Warehouse) -> None:
    warehouse.fill(3)
    sync = warehouse.sync()
    warehouse.move()
    shop.run(sync)
    warehouse.run("DROP SCHEMA headrace_planner CASCADE")
    warehouse.run("CREATE SCHEMA headrace_planner")
    failed = shop.run(sync)
    assert (failed.status, failed.error_code) == (RunStatus.FAILED, "planner_tables_missing")
    assert "resync" in failed.error_hint
    assert shop.run(sync, full_resync=True).planned == 3


def test_a_deleted_sync_leaves_no_tables(shop: Shop, warehouse: Warehouse) -> None:
    warehouse.fill(2)
    warehouse.move()
    sync = warehouse.sync()
    shop.run(sync)
    assert len(warehouse.tables()) == 2
    pk, workspace_id, source_id = sync.pk, sync.workspace_id, sync.model.source_id
    services.delete_sync(actor=shop.actor, sync=sync)
    tasks.discard_sync_files.fn(workspace_id, pk, source_id)
    assert warehouse.tables() == []


def test_a_sync_whose_runs_never_completed_leaves_no_tables_either(shop: Shop, warehouse: Warehouse) -> None:
    warehouse.fill(2)
    warehouse.move()
    sync = warehouse.sync()
    run = services.start_run(actor=shop.actor, sync=sync)
    tasks.work_on_step.fn(run.workspace_id, run.steps.get().pk)
    services.cancel_run(actor=shop.actor, run=run)
    assert warehouse.tables()
    Run.objects.filter(pk=run.pk).update(finished_at=run.created_at)
    pk, source_id = sync.pk, sync.model.source_id
    services.delete_sync(actor=shop.actor, sync=Sync.objects.get(pk=pk))
    tasks.discard_sync_files.fn(run.workspace_id, pk, source_id)
    assert warehouse.tables() == []


def test_a_deleted_workspace_leaves_no_tables(shop: Shop, warehouse: Warehouse) -> None:
    warehouse.fill(2)
    warehouse.move()
    shop.run(warehouse.sync())
    assert warehouse.tables()
    Workspace.objects.filter(pk=shop.place.workspace.pk).update(deleting_at=timezone.now())
    assert erase_workspace(shop.place.workspace.pk)
    assert warehouse.tables() == []


def test_a_revoked_grant_stops_the_run_in_clear_words_and_loses_nothing(shop: Shop, warehouse: Warehouse) -> None:
    warehouse.fill(2)
    sync = warehouse.sync()
    warehouse.move()
    shop.run(sync)
    warehouse.run("REVOKE CREATE ON SCHEMA headrace_planner FROM CURRENT_USER")
    warehouse.run(f"UPDATE {TABLE} SET plan = 'team'")
    failed = shop.run(sync)
    assert (failed.status, failed.error_code) == (RunStatus.FAILED, "auth_failed")
    assert "CREATE on headrace_planner" in failed.error_hint
    warehouse.run("GRANT CREATE ON SCHEMA headrace_planner TO CURRENT_USER")
    assert shop.run(sync).planned == 2
    assert {row[2] for row in shop.there()} == {"team"}


def test_runs_on_the_warehouse_planner_log_themselves_there(shop: Shop, warehouse: Warehouse) -> None:
    warehouse.fill(6)
    warehouse.move()
    sync = warehouse.sync()
    connectors.change_sync_logs(actor=shop.actor, source=warehouse.source, tables=["changelog", "snapshot", "runs"])
    shop.run(sync)
    warehouse.run(f"UPDATE {TABLE} SET plan = 'broken' WHERE id = 1")
    warehouse.run(f"DELETE FROM {TABLE} WHERE id = 6")
    warehouse.run(f"INSERT INTO {TABLE} VALUES (7, '', NULL), (8, 'a', 'x'), (8, 'b', 'y'), (NULL, 'c', 'z')")
    run = shop.run(sync)
    assert run.planned == 3
    kept = storage().list(run.spec["directory"])
    assert not [name for name in kept if "fetched" in name or "result" in name], "a copy of the result stays behind"
    entries = warehouse.run(
        "SELECT row_id, op_type, status, fields ->> 'plan' FROM headrace_audit.sync_changelog "
        f"WHERE sync_run_id = {run.pk} ORDER BY 1"
    )
    assert entries == [
        ("1", "changed", "failed", "broken"),
        ("6", "removed", "succeeded", "free"),
        ("7", "added", "succeeded", None),
    ]
    rows = warehouse.run("SELECT row_id, op_type, status FROM headrace_audit.sync_snapshot ORDER BY 1")
    assert rows == [
        ("1", "changed", "failed"),
        *((str(i), "unchanged", "succeeded") for i in range(2, 6)),
        ("7", "added", "succeeded"),
        ("8", "added", "failed"),
    ]
    assert warehouse.run("SELECT fields::text FROM headrace_audit.sync_snapshot WHERE row_id = '3'") == [
        ('{"id":3,"email":"c3@shop.test","plan":"free"}',)
    ]
    counts = "num_planned_add, num_planned_change, num_planned_remove, num_failed_change"
    assert warehouse.run(f"SELECT {counts} FROM headrace_audit.sync_runs WHERE sync_run_id = {run.pk}") == [
        (1, 1, 1, 1)
    ]
