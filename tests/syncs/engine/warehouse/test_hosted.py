"""Whole runs whose changes a hosted warehouse finds, as far as what stands for each goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from sqlglot import exp

from audiences.history_tables import HOLDOUT, MEMBERSHIP, changes_at, changes_table, members_after, written_changes
from connectors.registry import source_class
from connectors.sdk.audiences import AudienceThere
from connectors.sdk.context import Environment
from connectors.sdk.planner import (
    AUDIT_SCHEMA,
    SCHEMAS,
    Statement,
    WarehouseSession,
    WarehouseSource,
    drop_table,
    warehouse_of,
)
from connectors.sources.duckdb import DuckDBSource
from syncs.engine.logs.audiences import VIEW, Snapshot, write_snapshot
from syncs.engine.logs.tables import CHANGELOG, SNAPSHOT, TABLES
from syncs.engine.logs.writing import prune_changelog, write_logs
from syncs.engine.spec import Planner
from syncs.engine.warehouse.preparation import profile_of
from tests.support import bigquery, duck_warehouses, snowflake
from tests.syncs.engine.support import MEMORY_MB, THREADS, Finished, House, MemoryDestination, table
from tests.syncs.engine.test_warehouse_logs import NOON, facts
from tests.syncs.engine.warehouses import HostedWarehouse, fill, whole

ANYWHERE = Environment(outbound_allow=("*",))
LOGIN = {"account": "acme", "user": "headrace", "login": "password", "password": "known", "warehouse": "WH"}


@pytest.fixture(scope="module")
def at_snowflake() -> Iterator[WarehouseSource]:
    pytest.importorskip("snowflake.connector", reason="the driver is not installed; `make test` does that")
    with snowflake.a_server([f'CREATE SCHEMA "{schema}"' for schema in SCHEMAS]) as port:
        if port is None:
            pytest.skip(snowflake.WORDS)
        cls = source_class("snowflake")
        place = {"host": "127.0.0.1", "port": port, "protocol": "http"}
        made = type(cls.__name__, (cls,), {"place": place})({**LOGIN, "database": "STAND"}, ANYWHERE)
        assert isinstance(made, WarehouseSource)
        yield made


@pytest.fixture(scope="module")
def at_bigquery() -> Iterator[WarehouseSource]:
    with bigquery.a_server([f"CREATE SCHEMA {schema}" for schema in SCHEMAS]) as config:
        if config is None:
            pytest.skip(bigquery.WORDS)
        environment = replace(ANYWHERE, routes=config.pop("routes"))
        made = source_class("bigquery")(config, environment)
        assert isinstance(made, WarehouseSource)
        yield made


@pytest.fixture(scope="module")
def at_databricks() -> Iterator[WarehouseSource]:
    with duck_warehouses.a_databricks([f"CREATE SCHEMA {schema}" for schema in SCHEMAS]) as config:
        environment = replace(ANYWHERE, routes=config.pop("routes"))
        yield warehouse_of(source_class("databricks")(config, environment))


@pytest.fixture(scope="module")
def at_trino() -> Iterator[WarehouseSource]:
    with duck_warehouses.a_trino([f"CREATE SCHEMA {schema}" for schema in SCHEMAS]) as config:
        yield warehouse_of(source_class("trino")(config, ANYWHERE))


PLACES = ("at_snowflake", "at_bigquery", "at_databricks", "at_trino")


@pytest.fixture
def at_duckdb(tmp_path: Path) -> WarehouseSource:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        for schema in SCHEMAS:
            connection.execute(f"CREATE SCHEMA {schema}")
    allowed = Environment(local_roots=(str(tmp_path),))
    return DuckDBSource({"path": "warehouse.duckdb"}, allowed)


@pytest.mark.parametrize("place", [*PLACES, "at_duckdb"])
def test_snapshots_of_audiences_are_there_once_and_in_one_view(
    place: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    source: WarehouseSource = request.getfixturevalue(place)
    monkeypatch.setattr("syncs.engine.logs.audiences._BATCH", 2)
    many = 3

    def audiences(name: str) -> Iterator[AudienceThere]:
        told = {"name": name, "words": "“ü”, it's"}
        return (AudienceThere(account="7", id=str(n), name=name, size=n or None, told=told) for n in range(many))

    def snapshot(number: int, destination: int) -> Snapshot:
        return Snapshot(
            id=number, workspace="w1", destination="meta", destination_id=destination, fetched_at=NOON, syncs={"2": 44}
        )

    view = exp.table_(VIEW, db=AUDIT_SCHEMA, quoted=True)
    columns = [exp.column(name, quoted=True) for name in ("destination_id", "sync_id", "audience_name")]
    with source.session() as session:
        assert write_snapshot(session, snapshot(1, 5), audiences("broken off")) == many
        assert write_snapshot(session, snapshot(1, 5), audiences("Buyers")) == many, "the same one, tried again"
        assert write_snapshot(session, snapshot(2, 5), iter(())) == 0, "an account may have none"
        write_snapshot(session, snapshot(1, 6), audiences("Visitors"))
        counted = exp.select(exp.Count(this=exp.Star())).from_(view)
        assert session.rows(Statement(counted)) == [(2 * many,)]
        filled = exp.select(*columns).from_(view).where(exp.column("audience_id", quoted=True).eq("2"))
        assert sorted(session.rows(Statement(filled))) == [(5, 44, "Buyers"), (6, 44, "Visitors")]


@pytest.mark.parametrize("place", PLACES)
def test_changes_are_found_there_and_a_refused_row_comes_again(
    place: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    source: WarehouseSource = request.getfixturevalue(place)

    dialect = source.definition.dialect
    asked: dict[str, Any] = {"sql": whole("somewhere", dialect), "dialect": dialect}
    house = House(tmp_path, MemoryDestination(), open_source=HostedWarehouse(source), planner=Planner.WAREHOUSE)
    house.run(table([(1, "a"), (2, "b"), (3, None)]), **asked)
    assert house.destination.records == {"1": "a", "2": "b", "3": None}
    house.destination.calls.clear()
    house.run(table([(1, "a"), (2, "b"), (3, None)]), **asked)
    assert house.destination.calls == []
    house.destination.refused = {"2"}
    house.run(table([(1, "a"), (2, "B"), (4, "d"), (5, "x"), (5, "y")]), **asked)
    assert house.destination.records == {"1": "a", "2": "b", "4": "d"}
    house.destination.refused = set()
    last = house.run(table([(1, "a"), (2, "B"), (4, "d")]), **asked)
    assert house.destination.records == {"1": "a", "2": "B", "4": "d"}
    assert logged_values(house, last, source) == [("1", "a"), ("2", "B"), ("4", "d")]


@pytest.mark.parametrize("place", PLACES)
def test_the_history_of_an_audience_is_kept_there(place: str, request: pytest.FixtureRequest) -> None:
    source: WarehouseSource = request.getfixturevalue(place)
    members = whole("members", source.definition.dialect)
    held = {"sync_id": 1, "sync_run_id": 2, "model_id": 7, "timestamp": NOON, "row_id": "9", "fields": '{"a": [1.50]}'}
    with source.session() as session:
        session.execute(MEMBERSHIP.creation())
        assert followed(source, session, members, [1, 2, 3]) == {"enter": 3}
        assert followed(source, session, members, [2, 3, 4], NOON + timedelta(days=1)) == {"enter": 1, "exit": 1}
        assert followed(source, session, members, [2, 3, 4], NOON + timedelta(days=2)) == {}
        profile = profile_of(source)
        now = members_after(MEMBERSHIP.expression(), profile, 7, "w1", None, "2", 10)
        assert session.rows(Statement(now)) == [("3", "Mail"), ("4", "Mail")]
        then = members_after(MEMBERSHIP.expression(), profile, 7, "w1", NOON, "", 10)
        assert [row for row, _ in session.rows(Statement(then))] == ["1", "2", "3"]
        session.execute(HOLDOUT.creation())
        batch = pa.RecordBatch.from_pylist([{**held, "split_group": "Holdout", "workspace": "w1"}], HOLDOUT.arrow)
        session.load(HOLDOUT.name, pa.RecordBatchReader.from_batches(HOLDOUT.arrow, [batch]), HOLDOUT.schema)
        assert session.exists(HOLDOUT.name, HOLDOUT.schema)


def followed(
    source: WarehouseSource, session: WarehouseSession, members: str, ids: list[int], at: datetime = NOON
) -> dict[str, int]:
    """Who entered and left as these are the members."""
    data = pa.table({"row_id": pa.array(ids, pa.int64()), "split_group": ["Mail"] * len(ids)})
    fill(session, "members", data)
    key = next(column for column in source.describe(members) if column.name == "row_id")
    session.execute(drop_table("changes"))
    session.execute(changes_table("changes", profile_of(source), key, members, 7, "w1", grouped=True))
    session.execute(written_changes("changes", 7, "w1", at))
    return {str(event): int(number) for event, number in session.rows(changes_at(7, "w1", at))}


def logged_values(house: House, run: Finished, source: WarehouseSource) -> list[tuple[str, str]]:
    """What the snapshot holds of the run, written twice: keys, and values out of the JSON."""
    with source.session() as session:
        for _ in range(2):
            write_logs(
                tuple(TABLES),
                run.spec,
                run.prepared,
                run.outcomes,
                facts(run),
                session,
                house.storage,
                workdir=house.folder / "work",
                memory_mb=MEMORY_MB,
                threads=THREADS,
                now=NOON,
                baseline=house.baseline,
            )
        value = exp.JSONExtractScalar(
            this=exp.column("fields", quoted=True),
            expression=exp.JSONPath(expressions=[exp.JSONPathRoot(), exp.JSONPathKey(this="value")]),
        )
        found = exp.select(exp.column("row_id", quoted=True), value).from_(SNAPSHOT.expression())
        shown = sorted(session.rows(Statement(found)))
        prune_changelog(session, "w1", NOON + timedelta(days=1))
        left = exp.select(exp.Count(this=exp.Star())).from_(CHANGELOG.expression())
        assert [int(number) for (number,) in session.rows(Statement(left))] == [0]
        return shown
