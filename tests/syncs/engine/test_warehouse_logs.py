"""What a run writes about itself into the warehouse: the right rows, once, whatever dies meanwhile."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa
import pytest

from connectors.sdk.context import Environment
from connectors.sdk.planner import WarehouseSession
from connectors.sdk.types import ColumnType
from connectors.sources.duckdb import DuckDBSource
from syncs.engine.logs.tables import CHANGELOG, RUNS, SNAPSHOT, TABLES, LogTable
from syncs.engine.logs.writing import RunFacts, Written, prune_changelog, write_logs
from syncs.engine.mapping import compile_mapping
from syncs.engine.spec import FieldMapping, MappingKind, ModelColumn, PartOutcome
from tests.support.duck_files import opened
from tests.syncs.engine.support import MEMORY_MB, THREADS, Finished, House, table

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ALL = tuple(TABLES)


class Warehouse:
    """A DuckDB file that Headrace may write into."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "warehouse.duckdb"
        duckdb.connect(str(self.file)).close()
        self.source = DuckDBSource(
            {"mode": "database", "path": self.file.name}, Environment(local_roots=(str(folder),))
        )

    @contextmanager
    def session(self) -> Iterator[WarehouseSession]:
        with self.source.session() as session:
            yield session

    def rows(self, log: LogTable, columns: str = "*", order: str = "ALL") -> list[dict[str, Any]]:
        with opened(self.file) as connection:
            found = connection.execute(f"SELECT {columns} FROM headrace_audit.{log.name} ORDER BY {order}")
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path)


def facts(run: Finished, workspace: str = "w1") -> RunFacts:
    return RunFacts(
        workspace=workspace,
        destination="postgres",
        model_name="Customers",
        model_id=7,
        status="succeeded",
        error="",
        started_at=NOON,
        finished_at=NOON + timedelta(seconds=9),
        planned=run.prepared.planned,
        succeeded=run.settled.succeeded,
        rejected=run.settled.rejected,
    )


class Logged(Protocol):
    """Somewhere that runs are logged."""

    def session(self) -> AbstractContextManager[WarehouseSession]: ...


def log(
    house: House,
    warehouse: Logged,
    run: Finished,
    tables: Collection[str] = ALL,
    *,
    workspace: str = "w1",
    outcomes: tuple[PartOutcome, ...] | None = None,
    check: Any = lambda: None,
    now: datetime = NOON,
) -> Written:
    with warehouse.session() as session:
        return write_logs(
            tables,
            run.spec,
            run.prepared,
            run.outcomes if outcomes is None else outcomes,
            facts(run, workspace),
            session,
            house.storage,
            workdir=house.folder / "work",
            memory_mb=MEMORY_MB,
            threads=THREADS,
            now=now,
            check_cancel=check,
        )


def states(rows: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(row["row_id"], row["op_type"], row["status"]) for row in rows]


def test_every_planned_row_is_in_the_changelog_with_what_became_of_it(house: House, warehouse: Warehouse) -> None:
    house.destination.refused = {"2"}
    first = house.run(table([(1, "a"), (2, "b"), (3, "c")]))
    log(house, warehouse, first)
    house.destination.refused = {"3"}
    second = house.run(table([(1, "a"), (3, "C"), (4, "d")]))
    assert log(house, warehouse, second) == Written(changelog=2, snapshot=3, runs=1)
    rows = warehouse.rows(CHANGELOG, order="sync_run_id, row_id")
    assert [(r["sync_run_id"], r["row_id"], r["op_type"], r["status"], r["failure_reason"]) for r in rows] == [
        (1, "1", "added", "succeeded", None),
        (1, "2", "added", "failed", "Row 2 is not welcome"),
        (1, "3", "added", "succeeded", None),
        (2, "3", "changed", "failed", "Row 3 is not welcome"),
        (2, "4", "added", "succeeded", None),
    ]
    assert [json.loads(row["fields"]) for row in rows[3:]] == [{"id": 3, "value": "C"}, {"id": 4, "value": "d"}]


def test_a_removed_row_is_logged_with_the_values_it_had(house: House, warehouse: Warehouse) -> None:
    house.run(table([(1, "a"), (2, "b")]))
    log(house, warehouse, house.run(table([(1, "a")])))
    (row,) = warehouse.rows(CHANGELOG)
    assert (row["op_type"], row["row_id"], row["status"]) == ("removed", "2", "succeeded")
    assert json.loads(row["fields"]) == {"id": 2, "value": "b"}


def test_the_snapshot_holds_every_row_of_the_model_and_nothing_else(house: House, warehouse: Warehouse) -> None:
    house.destination.refused = {"2"}
    log(house, warehouse, house.run(table([(1, "a"), (2, "b"), (3, "c")])))
    assert states(warehouse.rows(SNAPSHOT, order="row_id")) == [
        ("1", "added", "succeeded"),
        ("2", "added", "failed"),
        ("3", "added", "succeeded"),
    ]
    log(house, warehouse, house.run(table([(1, "a"), (2, "b"), (4, "d")])))
    assert states(warehouse.rows(SNAPSHOT, order="row_id")) == [
        ("1", "unchanged", "succeeded"),
        ("2", "added", "failed"),
        ("4", "added", "succeeded"),
    ]


def test_keys_that_are_not_unique_are_in_the_snapshot_once_as_failed(house: House, warehouse: Warehouse) -> None:
    house.run(table([(1, "a")]))
    log(house, warehouse, house.run(table([(1, "a"), (1, "b"), (2, "c"), (2, "d"), (3, "e"), (None, "f")])))
    rows = warehouse.rows(SNAPSHOT, order="row_id")
    assert states(rows) == [("1", "changed", "failed"), ("2", "added", "failed"), ("3", "added", "succeeded")]
    assert rows[0]["failure_reason"] == "The primary key is not unique: 2 rows have it."


def test_where_one_row_of_a_key_is_taken_the_snapshot_holds_that_one(house: House, warehouse: Warehouse) -> None:
    log(house, warehouse, house.run(table([(1, "b"), (1, "a"), (2, "c")]), keep_one_by="value"))
    rows = warehouse.rows(SNAPSHOT, order="row_id")
    assert [(row["row_id"], row["status"], json.loads(row["fields"])["value"]) for row in rows] == [
        ("1", "succeeded", "a"),
        ("2", "succeeded", "c"),
    ]


def test_rows_that_were_planned_and_not_attempted_are_aborted(house: House, warehouse: Warehouse) -> None:
    house.limits = replace(house.limits, concurrency=1)
    run = house.run(table([(i, "x") for i in range(6)]), cancel_at=2)
    log(house, warehouse, run)
    rows = warehouse.rows(CHANGELOG)
    assert run.settled.aborted.added in range(1, 6)
    assert Counter(row["status"] for row in rows)["aborted"] == run.settled.aborted.added
    (entry,) = warehouse.rows(RUNS)
    assert entry["num_planned_add"] - entry["num_attempted_add"] == run.settled.aborted.added


def test_parts_without_an_outcome_are_aborted(house: House, warehouse: Warehouse) -> None:
    run = house.run(table([(1, "a"), (2, "b")]))
    log(house, warehouse, run, outcomes=())
    assert states(warehouse.rows(CHANGELOG, order="row_id")) == [("1", "added", "aborted"), ("2", "added", "aborted")]


def test_the_counters_add_up_to_the_changelog(house: House, warehouse: Warehouse) -> None:
    house.run(table([(i, "x") for i in range(1, 9)]))
    house.destination.refused = {"1", "3", "10"}
    run = house.run(table([(1, "y"), (2, "y"), (3, "y"), (9, "z"), (10, "z")]))
    log(house, warehouse, run)
    (entry,) = warehouse.rows(RUNS)
    found = Counter((row["op_type"], row["status"]) for row in warehouse.rows(CHANGELOG))
    for short, word in (("add", "added"), ("change", "changed"), ("remove", "removed")):
        succeeded, failed = found[word, "succeeded"], found[word, "failed"]
        assert entry[f"num_succeeded_{short}"] == succeeded
        assert entry[f"num_failed_{short}"] == failed
        assert entry[f"num_attempted_{short}"] == succeeded + failed
        assert entry[f"num_planned_{short}"] == succeeded + failed + found[word, "aborted"]
    assert (entry["num_failed_change"], entry["num_failed_add"], entry["num_succeeded_remove"]) == (2, 1, 5)
    assert (entry["destination"], entry["model_name"], entry["model_id"]) == ("postgres", "Customers", 7)
    assert entry["finished_at"] - entry["started_at"] == timedelta(seconds=9)


def test_logging_a_run_again_replaces_what_was_there(house: House, warehouse: Warehouse) -> None:
    run = house.run(table([(1, "a"), (2, "b")]))
    for _ in range(2):
        log(house, warehouse, run)
    assert [len(warehouse.rows(t)) for t in (CHANGELOG, SNAPSHOT, RUNS)] == [2, 2, 1]


@pytest.mark.parametrize("deaths", range(1, 5))
def test_a_worker_that_dies_in_between_leaves_nothing_behind(house: House, warehouse: Warehouse, deaths: int) -> None:
    class Dead(BaseException):
        pass

    log(house, warehouse, house.run(table([(1, "a")])))
    run = house.run(table([(1, "b"), (2, "b")]))
    steps = iter(range(100))

    def check() -> None:
        if next(steps) == deaths:
            raise Dead

    with pytest.raises((Dead, Exception)):
        log(house, warehouse, run, check=check)
    assert [len(warehouse.rows(t)) for t in (CHANGELOG, SNAPSHOT, RUNS)] == [1, 1, 1]
    log(house, warehouse, run)
    assert [len(warehouse.rows(t)) for t in (CHANGELOG, SNAPSHOT, RUNS)] == [3, 2, 2]


def test_workspaces_that_share_a_warehouse_leave_each_other_alone(house: House, warehouse: Warehouse) -> None:
    run = house.run(table([(1, "a")]))
    log(house, warehouse, run, workspace="theirs")
    log(house, warehouse, run, workspace="ours")
    log(house, warehouse, run, workspace="ours")
    assert Counter(row["workspace"] for row in warehouse.rows(SNAPSHOT)) == {"theirs": 1, "ours": 1}
    with warehouse.session() as session:
        prune_changelog(session, "ours", NOON + timedelta(days=1))
    assert [row["workspace"] for row in warehouse.rows(CHANGELOG)] == ["theirs"]


def test_pruning_takes_what_is_old_and_later_runs_go_on(house: House, warehouse: Warehouse) -> None:
    log(house, warehouse, house.run(table([(1, "a")])), now=NOON - timedelta(days=40))
    log(house, warehouse, house.run(table([(1, "b")])), now=NOON)
    with warehouse.session() as session:
        prune_changelog(session, "w1", NOON - timedelta(days=30))
    assert [row["sync_run_id"] for row in warehouse.rows(CHANGELOG)] == [2]
    assert house.run(table([(1, "b")])).prepared.planned.total == 0


def test_only_the_chosen_tables_are_made(house: House, warehouse: Warehouse) -> None:
    assert log(house, warehouse, house.run(table([(1, "a")])), ("runs",)) == Written(runs=1)
    with duckdb.connect(str(warehouse.file), read_only=True) as connection:
        found = connection.execute("SELECT table_name FROM information_schema.tables").fetchall()
    assert found == [("sync_runs",)]


def test_experiment_groups_are_logged_and_never_sent(house: House, warehouse: Warehouse) -> None:
    log(house, warehouse, house.run(table([(1, "a"), (2, "b"), (3, "c")])))
    assert "split_group" not in warehouse.rows(CHANGELOG)[0]
    columns = tuple(ModelColumn(name=name, type=ColumnType.UNKNOWN) for name in ("id", "value", "split_group"))

    def grouped(*rows: tuple[int, str, str]) -> Finished:
        names = ("id", "value", "split_group")
        made = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
        return house.run(pa.table(made), columns=columns, group="split_group")

    run = grouped((1, "a", "Mail"), (2, "B", "Holdout"), (4, "d", "Mail"))
    log(house, warehouse, run)
    log(house, warehouse, run)
    known = {r["row_id"]: (r["op_type"], r["split_group"]) for r in warehouse.rows(CHANGELOG) if r["sync_run_id"] == 2}
    assert known == {"2": ("changed", "Holdout"), "3": ("removed", None), "4": ("added", "Mail")}
    snapshot = {row["row_id"]: row["split_group"] for row in warehouse.rows(SNAPSHOT)}
    assert snapshot == {"1": "Mail", "2": "Holdout", "4": "Mail"}
    assert all("split_group" not in row["fields"] for row in warehouse.rows(CHANGELOG))
    # Another group alone is no change; a row that goes is logged with the group it was in.
    moved = grouped((1, "a", "Holdout"), (2, "B", "Holdout"))
    assert (moved.prepared.planned.changed, moved.prepared.planned.removed) == (0, 1)
    log(house, warehouse, moved)
    assert [r["split_group"] for r in warehouse.rows(CHANGELOG) if r["sync_run_id"] == 3] == ["Mail"]
    whole = compile_mapping(replace(moved.spec, all_columns=True, mappings=()))
    assert whole.schema(pa.schema([(name, pa.string()) for name in ("id", "value", "split_group")])).names == [
        "id",
        "value",
    ]


# What the staging models of the public dbt package hightouchio/dbt-hightouch select from each table.
_COUNTERS = [
    f"num_{counter}_{operation}"
    for counter in ("planned", "attempted", "succeeded", "failed")
    for operation in ("add", "change", "remove")
]
DBT = {
    CHANGELOG: ["sync_id", "sync_run_id", "row_id", "op_type", "status", "failure_reason", "fields"],
    SNAPSHOT: ["sync_id", "row_id", "op_type", "status", "failure_reason", "fields"],
    RUNS: [
        *("sync_id", "sync_run_id", "primary_key", "destination", "model_name", "error", "status"),
        *("started_at", "finished_at", *_COUNTERS),
    ],
}


@pytest.mark.parametrize("table_of", DBT, ids=lambda table: table.name)
def test_the_public_dbt_package_finds_its_columns(house: House, warehouse: Warehouse, table_of: LogTable) -> None:
    log(house, warehouse, house.run(table([(1, "a"), (2, "b")])))
    (row, *_) = warehouse.rows(table_of, ", ".join(DBT[table_of]))
    assert list(row) == DBT[table_of]
    numbers = [name for name in row if name.startswith("num_") or name in ("sync_id", "sync_run_id")]
    assert all(isinstance(row[name], int) for name in numbers)
    assert all(isinstance(row[name], datetime) for name in row if name.endswith("_at"))
    json.loads(row.get("fields", "{}"))


VALUES = {
    "money": (pa.array([Decimal("12345678901234567890123456789.50")], pa.decimal128(38, 2)), "number"),
    "big": (pa.array([9_007_199_254_740_993], pa.int64()), "number"),
    "Big": (pa.array([1], pa.int64()), "number"),
    "rate": (pa.array([float("nan")], pa.float64()), "number"),
    "moment": (pa.array([datetime(2026, 1, 2, 3, 4, 5, 600_000, UTC)], pa.timestamp("us", "UTC")), "timestamp"),
    "plain": (pa.array([datetime(2026, 1, 2, 3, 4, tzinfo=UTC)], pa.timestamp("us")), "timestamp"),
    "day": (pa.array([date(2026, 1, 2)], pa.date32()), "date"),
    "yes": (pa.array([True]), "boolean"),
    'quo"te': (pa.array(["it's “so” \\ \n \0 end 🙂"]), "string"),
    "nothing": (pa.array([None], pa.string()), "string"),
    "raw": (pa.array([b"\x00\xff"], pa.binary()), "string"),
    "tags": (pa.array([[1, 2]], pa.list_(pa.int64())), "array"),
    "hidden": (pa.array(["not synced"]), "string"),
}


def test_fields_keep_every_value_of_the_synced_columns_and_no_other(house: House, warehouse: Warehouse) -> None:
    data = pa.table({"id": pa.array([1], pa.int64()), **{name: values for name, (values, _) in VALUES.items()}})
    columns = tuple(ModelColumn(name=name, type=ColumnType.UNKNOWN) for name in data.schema.names)
    tracked = tuple(name for name in VALUES if name != "hidden")
    mappings = (
        FieldMapping(to="id", kind=MappingKind.COLUMN, value="id", identifier=True),
        FieldMapping(to="value", kind=MappingKind.COLUMN, value="big"),
    )
    run = house.run(data, columns=columns, tracked=tracked, mappings=mappings)
    log(house, warehouse, run)
    for logged in (warehouse.rows(CHANGELOG), warehouse.rows(SNAPSHOT)):
        text = logged[0]["fields"]
        assert '"money":12345678901234567890123456789.50' in text
        assert json.loads(text, parse_float=Decimal) == {
            "money": Decimal("12345678901234567890123456789.50"),
            "big": 9_007_199_254_740_993,
            "Big": 1,
            "rate": "nan",
            "moment": "2026-01-02T03:04:05.6Z",
            "plain": "2026-01-02T03:04:00",
            "day": "2026-01-02",
            "yes": True,
            'quo"te': "it's “so” \\ \n \0 end 🙂",
            "nothing": None,
            "raw": "AP8=",
            "tags": [1, 2],
        }
