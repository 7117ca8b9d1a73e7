"""A DuckDB that was started for one stage serves the next, which finds nothing of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from syncs.engine import instances as module
from syncs.engine.instances import MOST, Instances, Limits

SMALL = Limits(memory_mb=64, threads=1)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Limits]:
    """Those that were started since."""
    found: list[Limits] = []
    start = module._start

    def noting(limits: Limits) -> duckdb.DuckDBPyConnection:
        found.append(limits)
        return start(limits)

    monkeypatch.setattr(module, "_start", noting)
    return found


@pytest.fixture
def instances() -> Iterator[Instances]:
    made = Instances()
    yield made
    made.close()


def one(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    ((value,),) = connection.execute(sql).fetchall()
    return value


def test_the_next_one_finds_nothing(instances: Instances, started: list[Limits], tmp_path: Path) -> None:
    with instances.lend(SMALL, tmp_path) as first:
        first.execute("CREATE TABLE t AS SELECT 1 AS n; CREATE TEMP TABLE u AS FROM t; CREATE VIEW v AS FROM u")
        first.execute("CREATE MACRO twice(n) AS 2 * n; SET TimeZone = 'Asia/Tokyo'; BEGIN")
        first.register("rows", pa.table({"n": [1]}))
        assert one(first, "SELECT count(*) FROM v, rows") == 1
        left = first.sql("FROM range(100000)").to_arrow_reader(1000)
        left.read_next_batch()
    with instances.lend(SMALL, tmp_path) as second:
        for name in ("t", "u", "v", "rows", "twice(1)"):
            with pytest.raises(duckdb.CatalogException):
                second.execute(f"FROM {name}")
        assert one(second, "SELECT current_setting('TimeZone')") == "UTC"
        assert one(second, "SELECT count(*) FROM duckdb_functions() WHERE function_name = 'twice'") == 0
        second.execute("CREATE TABLE t AS SELECT 2 AS n")
        assert one(second, "FROM t") == 2
    assert started == [SMALL]


def test_each_has_one_user_at_a_time_and_its_own_limits(
    instances: Instances, started: list[Limits], tmp_path: Path
) -> None:
    large = Limits(memory_mb=256, threads=2)
    with instances.lend(SMALL, tmp_path), instances.lend(SMALL, tmp_path), instances.lend(large, tmp_path) as other:
        assert one(other, "SELECT current_setting('threads')") == 2
        assert one(other, "SELECT current_setting('memory_limit')") == "244.1 MiB"
    assert started == [SMALL, SMALL, large]
    with instances.lend(large, tmp_path), instances.lend(SMALL, tmp_path):
        assert len(started) == 3


def test_one_that_failed_or_spilled_is_not_used_again(
    instances: Instances, started: list[Limits], tmp_path: Path
) -> None:
    with pytest.raises(duckdb.CatalogException), instances.lend(SMALL, tmp_path) as failed:
        failed.execute("FROM nowhere")
    small = Limits(memory_mb=16, threads=1)
    with instances.lend(small, tmp_path) as spilled:
        spilled.execute("CREATE TABLE t AS SELECT md5(range::TEXT) || md5((-range)::TEXT) AS n FROM range(400000)")
        assert list(tmp_path.iterdir()), "more than the memory that it may use"
    assert len(started) == 2
    (tmp_path / "new").mkdir()
    with instances.lend(small, tmp_path / "new"):
        assert len(started) == 3


def test_few_are_kept(instances: Instances, started: list[Limits], tmp_path: Path) -> None:
    limits = [Limits(memory_mb=64 + more, threads=1) for more in range(MOST + 1)]
    for each in [*limits, limits[-1], limits[0]]:
        with instances.lend(each, tmp_path):
            pass
    assert started == [*limits, limits[0]]
