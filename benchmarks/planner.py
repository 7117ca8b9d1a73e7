"""The warehouse planner in PostgreSQL beside the same comparison written by hand.

``python -m benchmarks planner --rows 1000000``. Both make the model a table, check
that keys are unique and not null, and find 1 % of changed rows. By hand: one
CREATE TABLE with a digest, one check, one full join, and the changed rows read out
as text. Every figure is one run on this machine.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg

from benchmarks.data import COLUMNS
from config.embedded import EmbeddedServices
from connectors.registry import source_class
from connectors.sdk.context import Environment
from connectors.sdk.destination import FirstRun, Mode, Removal, RowSet
from connectors.sdk.planner import SCHEMAS
from connectors.sdk.source import Source
from connectors.sdk.types import ColumnType, Operation
from syncs.engine import Storage, settle
from syncs.engine.preparation import prepare
from syncs.engine.spec import (
    Baseline,
    FieldMapping,
    MappingKind,
    ModelColumn,
    OperationCounts,
    PartOutcome,
    Planner,
    RunSpec,
)

_CREATE = """
CREATE TABLE customers AS SELECT
    i::bigint AS id, 'customer' || i || '@example.com' AS email, 'First' || (i % 5003) AS first_name,
    'Last' || (i % 20011) AS last_name, 18 + (i % 70) AS age, 'City ' || (i % 997) AS city,
    CASE i % 3 WHEN 0 THEN 'free' WHEN 1 THEN 'team' ELSE 'business' END AS plan,
    ((i::bigint * 7919 % 1000000) / 100.0)::numeric(12, 2) AS revenue,
    (i::bigint * 31 % 10007) / 10007.0::double precision AS score, i % 7 <> 0 AS active,
    timestamptz '2020-01-01 00:00:00+00' + make_interval(secs => i) AS signed_up_at,
    date '1950-01-01' + (i % 18000) AS born_on
FROM generate_series(1, {rows}) i
"""
_CHANGE = "UPDATE customers SET plan = 'gold', revenue = revenue + 1 WHERE id % 100 = 7"
_NAMES = ", ".join(COLUMNS)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print a table; ``--json`` adds a file with the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks planner", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder:
        Path(folder).chmod(0o711)  # root runs the server as another user, who must get through
        with EmbeddedServices(Path(folder) / "services", redis=False) as services:
            results = measure(services.urls.acme_url, Path(folder), options.rows)
    print(report(results, options.rows))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


def measure(url: str, folder: Path, rows: int) -> dict[str, dict[str, float]]:
    """Seconds by side and phase."""
    with psycopg.connect(url, autocommit=True) as connection:
        for schema in (*SCHEMAS, "by_hand"):
            connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
            connection.execute(f"CREATE SCHEMA {schema}")
        connection.execute("DROP TABLE IF EXISTS customers")
        connection.execute(_CREATE.format(rows=rows))
        connection.execute("VACUUM ANALYZE customers")
        planner = _Planner(url, folder)
        results = {"planner": {"first": planner.run()}, "by hand": {"first": _by_hand(url, 1)}}
        connection.execute(_CHANGE)
        connection.execute("VACUUM ANALYZE customers")
        results["planner"]["1 %"] = planner.run()
        results["by hand"]["1 %"] = _by_hand(url, 2)
        connection.execute("VACUUM ANALYZE customers")
        results["planner"]["nothing"] = planner.run()
        results["by hand"]["nothing"] = _by_hand(url, 3)
    return results


class _Planner:
    """A sync's prepare and settle stages, as if every row arrived."""

    def __init__(self, url: str, folder: Path) -> None:
        parts = urlsplit(url)
        config = {
            "host": parts.hostname, "port": parts.port, "database": parts.path.lstrip("/"),
            "user": unquote(parts.username or ""), "password": unquote(parts.password or ""),
        }  # fmt: skip
        self._source: Source = source_class("postgres")(config, Environment(outbound_allow=("*",)))
        self._storage = Storage(str(folder / "storage"))
        self._work = {"workdir": folder / "work", "memory_mb": 512, "threads": 2}
        self._baseline: Baseline | None = None
        self._runs = 0

    def run(self) -> float:
        """Seconds of one run, without sending."""
        self._runs += 1
        spec = replace(_SPEC, run_id=self._runs, directory=f"runs/{self._runs}")
        began = time.perf_counter()
        prepared = prepare(spec, self._source, self._storage, self._baseline, **self._work)  # type: ignore[arg-type]
        outcomes = [
            PartOutcome(number=p.number, path="", succeeded=OperationCounts(**{p.operations[0][0].value: p.rows}))
            for p in prepared.parts
        ]
        settled = settle(
            spec, prepared, outcomes, self._baseline, self._storage, source=self._source, **self._work  # type: ignore[arg-type]
        )  # fmt: skip
        self._baseline = settled.baseline
        return time.perf_counter() - began


def _by_hand(url: str, number: int) -> float:
    began = time.perf_counter()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        connection.execute("SET work_mem = '64MB'")
        connection.execute(
            f"CREATE TABLE by_hand.plan_{number} AS "
            f"SELECT id::text AS k, md5(ROW({_NAMES})::text) AS h, {_NAMES} FROM customers"
        )
        twice = connection.execute(
            f"SELECT count(*) FROM (SELECT k FROM by_hand.plan_{number} GROUP BY k HAVING count(*) > 1) t"
        ).fetchone()
        assert twice == (0,)
        if number == 1:
            _read_out(connection, f"SELECT * FROM by_hand.plan_{number}")
            return time.perf_counter() - began
        connection.execute(
            f"CREATE TABLE by_hand.delta_{number} AS SELECT coalesce(n.k, b.k) AS k, n.k IS NULL AS gone "
            f"FROM by_hand.plan_{number} n FULL JOIN by_hand.plan_{number - 1} b ON n.k = b.k "
            "WHERE n.h IS DISTINCT FROM b.h"
        )
        _read_out(
            connection,
            f"SELECT n.*, b.* FROM by_hand.delta_{number} d JOIN by_hand.plan_{number} n USING (k) "
            f"JOIN by_hand.plan_{number - 1} b USING (k)",
        )
    return time.perf_counter() - began


def _read_out(connection: psycopg.Connection[tuple[object, ...]], query: str) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT") as copy:
        for _ in copy:
            pass


def report(results: dict[str, dict[str, float]], rows: int) -> str:
    """The figures as a table."""
    lines = [f"Warehouse planner in PostgreSQL, {rows:,} rows of {len(COLUMNS)} columns (s)", ""]
    lines.append(f"{'run':10}{'planner':>10}{'by hand':>10}{'ratio':>8}")
    for phase, seconds in results["planner"].items():
        hand = results["by hand"][phase]
        lines.append(f"{phase:10}{seconds:10.2f}{hand:10.2f}{seconds / hand:8.2f}")
    return "\n".join(lines)


_SPEC = RunSpec(
    run_id=0,
    sync_id=1,
    sql="SELECT * FROM customers",
    dialect="postgres",
    primary_key="id",
    columns=tuple(ModelColumn(name=name, type=ColumnType.UNKNOWN) for name in COLUMNS),
    tracked=COLUMNS,
    mappings=tuple(FieldMapping(to=n, kind=MappingKind.COLUMN, value=n, identifier=n == "id") for n in COLUMNS),
    mode=Mode.UPSERT,
    rows=RowSet.CHANGES,
    removal=Removal.DELETE,
    first_run=FirstRun.BACKFILL,
    wanted=frozenset(Operation),
    idempotent=True,
    directory="",
    planner=Planner.WAREHOUSE,
)


if __name__ == "__main__":
    main()
