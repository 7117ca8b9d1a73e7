"""The log tables in a real PostgreSQL, which is stricter about JSON, types and rights than a file is."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from connectors.sdk.errors import ConfigError
from connectors.sdk.planner import WarehouseSession
from connectors.sdk.types import ColumnType
from syncs.engine.logs.tables import CHANGELOG, RUNS, SNAPSHOT, LogTable
from syncs.engine.logs.writing import prune_changelog
from syncs.engine.spec import ModelColumn
from tests.syncs.engine.support import MAPPINGS, Finished, House, table
from tests.syncs.engine.test_warehouse_logs import NOON, VALUES, log
from tests.syncs.engine.warehouses import PostgresWarehouse

pytestmark = pytest.mark.services


@dataclass
class Logs:
    """Where runs are logged, and what stands there."""

    place: PostgresWarehouse

    def session(self) -> AbstractContextManager[WarehouseSession]:
        return self.place.source().session()

    def rows(self, log: LogTable, columns: str) -> list[tuple[Any, ...]]:
        return self.place.run(f"SELECT {columns} FROM headrace_audit.{log.name} ORDER BY 1, 2")


def test_runs_are_logged_once_with_their_values_and_groups(house: House, postgres_warehouse: PostgresWarehouse) -> None:
    postgres_warehouse.empty()
    logs = Logs(postgres_warehouse)
    house.destination.refused = {"2"}
    first = house.run(table([(1, "a"), (2, "b")]))
    log(house, logs, first)
    log(house, logs, first)
    assert logs.rows(CHANGELOG, "row_id, status, failure_reason, fields->>'value'") == [
        ("1", "succeeded", None, "a"),
        ("2", "failed", "Row 2 is not welcome", "b"),
    ]
    assert logs.rows(RUNS, "num_planned_add, num_failed_add, started_at, pg_typeof(sync_id)::text") == [
        (2, 1, datetime(2026, 5, 1, 12, tzinfo=UTC), "bigint")
    ]
    house.destination.refused = set()
    second = with_every_type(house)
    log(house, logs, second)
    [(text, group)] = logs.rows(SNAPSHOT, "fields::text, split_group")
    assert group == "Mail"
    assert json.loads(text, parse_float=Decimal)["money"] == Decimal("12345678901234567890123456789.50")
    assert logs.rows(SNAPSHOT, "fields->>'moment', fields->'tags'->>1") == [("2026-01-02T03:04:05.6Z", "2")]
    assert [row for row in logs.rows(CHANGELOG, "sync_run_id, split_group") if row[0] == 1] == [(1, None)] * 2
    with logs.session() as session:
        prune_changelog(session, "w1", NOON + timedelta(days=1))
    assert logs.rows(CHANGELOG, "row_id, status") == []


def test_what_no_text_of_redshift_holds_is_shortened_in_its_logs_alone(
    house: House, redshift_warehouse: PostgresWarehouse
) -> None:
    redshift_warehouse.empty()
    logs, long = Logs(redshift_warehouse), "é" * 50_000
    redshift_warehouse.source().check_write()
    run = house.run(table([(1, long), (2, "b\\'")]))
    log(house, logs, run)
    assert house.destination.records == {"1": long, "2": "b\\'"}
    [(_, first), (_, second)] = logs.rows(SNAPSHOT, "row_id, fields->>'value'")
    assert long.startswith(first)
    assert 8_000 < len(first.encode()) < 65_535
    assert second == "b\\'"
    [(started, pruned)] = logs.rows(RUNS, "started_at, workspace")
    assert (started, pruned) == (datetime(2026, 5, 1, 12, tzinfo=UTC), "w1")
    redshift_warehouse.run("DROP SCHEMA headrace_audit CASCADE")
    with pytest.raises(ConfigError, match="no schema headrace_audit") as raised:
        redshift_warehouse.source().check_write()
    assert "CREATE SCHEMA headrace_audit" in raised.value.hint


def with_every_type(house: House) -> Finished:
    """A run of one row that has a value of each type and an experiment group."""
    # PostgreSQL's texts, and so its rows, hold no NUL.
    values = {name: column for name, (column, _) in VALUES.items() if "\0" not in str(column[0].as_py())}
    data = pa.table({"id": pa.array([1], pa.int64()), **values, "split_group": ["Mail"]})
    columns = tuple(ModelColumn(name=name, type=ColumnType.UNKNOWN) for name in data.schema.names)
    return house.run(data, columns=columns, tracked=tuple(values), mappings=MAPPINGS[:1], group="split_group")
