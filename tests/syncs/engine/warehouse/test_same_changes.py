"""Both planners find the same changes: whatever the values, the keys and what failed before."""

from __future__ import annotations

import datetime as dt
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from connectors.registry import source_class
from connectors.sdk.context import Environment
from connectors.sdk.destination import Limits
from connectors.sdk.planner import AUDIT_SCHEMA, SCHEMAS, own_table, warehouse_of
from connectors.sdk.types import ColumnType
from syncs.engine.runlog import RunLog
from syncs.engine.spec import FieldMapping, MappingKind, ModelColumn, Planner
from tests.support import duck_warehouses
from tests.syncs.engine.support import Finished, House, MemoryDestination
from tests.syncs.engine.warehouses import TABLE, DuckDBWarehouse, HostedWarehouse, PostgresWarehouse, Warehouse

MOMENTS = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1))  # noqa: DTZ001 - naive ones are wanted
TEXTS = st.sampled_from([
    "", "a", "a ", "A", "O’Brien", 'say "hi"', "a,b;1:~", "☃ naïve", "\\x00 \n\t", "x" * 3000, "7",
])  # fmt: skip
VALUES: dict[str, tuple[pa.DataType, ColumnType, st.SearchStrategy[Any]]] = {
    "whole": (pa.int64(), ColumnType.NUMBER, st.sampled_from([0, -1, 2**63 - 1, -(2**63)])),
    "exact": (pa.decimal128(30, 4), ColumnType.NUMBER, st.sampled_from([Decimal("1.5000"), Decimal("-0.0001")])),
    "ratio": (pa.float64(), ColumnType.NUMBER, st.sampled_from([0.0, -0.0, math.nan, 0.1 + 0.2, 1e300, math.inf])),
    'te"xt é': (pa.string(), ColumnType.STRING, TEXTS),
    "truth": (pa.bool_(), ColumnType.BOOLEAN, st.booleans()),
    "moment": (pa.timestamp("us", "UTC"), ColumnType.TIMESTAMP, MOMENTS.map(lambda m: m.replace(tzinfo=dt.UTC))),
    "local": (pa.timestamp("us"), ColumnType.TIMESTAMP, MOMENTS),
    "day": (pa.date32(), ColumnType.DATE, st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31))),
    "json": (pa.string(), ColumnType.OBJECT, st.sampled_from(["{}", '{"a": [1, null, "é"]}', "[]", "[null]"])),
    "list": (pa.string(), ColumnType.OBJECT, st.sampled_from(["{}", "{1}", "{1,NULL}", "{NULL}"])),
}
ROW = st.fixed_dictionaries({name: st.none() | values for name, (_, _, values) in VALUES.items()})
KEYS = st.sampled_from(["1", "2", "10", "a", "A", "é", ""])
VERSION = st.dictionaries(KEYS, ROW, max_size=5)
STEP = st.tuples(VERSION, st.sets(KEYS, max_size=2), st.sets(KEYS, max_size=2), st.integers(0, 1))

NATIVE = {
    "duckdb": {"json": '"json"::JSON', "list": "replace(replace(\"list\", '{', '['), '}', ']')::INTEGER[]"},
    "postgres": {"json": '"json"::jsonb', "list": '"list"::integer[]'},
    "databricks": {"json": "ARRAY(`json`)", "list": "split(`list`, ',')"},
    "trino": {"json": 'ARRAY["json"]', "list": "split(\"list\", ',')"},
    "redshift": {
        "json": 'JSON_PARSE("json")',
        "list": "JSON_PARSE(lower(replace(replace(\"list\", '{', '['), '}', ']')))",
    },
}
PROFILE = settings(
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
Step = tuple[dict[str, dict[str, Any]], set[str], set[str], int]


def model_of(warehouse: Warehouse) -> str:
    """A query whose JSON and lists have the warehouse's own types."""
    read, dialect = NATIVE[warehouse.dialect], warehouse.dialect
    names = [(name, exp.to_identifier(name, quoted=True).sql(dialect=dialect)) for name in ("id", *VALUES)]
    place = own_table(TABLE, AUDIT_SCHEMA).sql(dialect=dialect) if isinstance(warehouse, HostedWarehouse) else TABLE
    return "SELECT " + ", ".join(f"{read.get(name, quoted)} AS {quoted}" for name, quoted in names) + f" FROM {place}"


def data(step: Step) -> pa.Table:
    """Rows, some of them twice, some without a key."""
    version, twice, _, keyless = step
    rows = [{"id": key, **row} for key, row in version.items()]
    rows += [{"id": key, **version[key]} for key in sorted(twice & set(version))]
    rows += [{"id": None, **dict.fromkeys(VALUES)}] * keyless
    schema = pa.schema([("id", pa.string()), *((name, kind) for name, (kind, _, _) in VALUES.items())])
    return pa.Table.from_pylist(rows, schema=schema)


def house_of(folder: Path, warehouse: Warehouse, planner: Planner) -> House:
    """A sync over the warehouse, compared here or there."""
    folder.mkdir()
    return House(
        folder, MemoryDestination(), limits=Limits(batch_rows=3, attempts=1), open_source=warehouse, planner=planner
    )


def run(house: House, warehouse: Warehouse, step: Step) -> Finished:
    """One run in which the destination refuses some keys."""
    house.destination.refused = set(step[2])
    columns = [ModelColumn(name="id", type=ColumnType.STRING)]
    columns += [ModelColumn(name=name, type=kind) for name, (_, kind, _) in VALUES.items()]
    mappings = [
        FieldMapping(to=c.name, kind=MappingKind.COLUMN, value=c.name, identifier=c.name == "id") for c in columns
    ]
    return house.run(
        data(step),
        sql=model_of(warehouse),
        dialect=warehouse.dialect,
        columns=tuple(columns),
        tracked=tuple(c.name for c in columns),
        mappings=tuple(mappings),
    )


def changes(house: House, finished: Finished) -> list[str]:
    """Every row of the run with what was sent and what was known; of duplicates which they are."""
    rows = RunLog(house.storage, finished.spec, finished.prepared, finished.outcomes).export()
    return sorted(
        repr((r.key, r.operation, r.status, r.code, r.message, (r.values, r.old_values) if r.operation else ()))
        for r in rows
    )


def counts(finished: Finished) -> tuple[Any, ...]:
    """The accounting of the run."""
    p, s = finished.prepared, finished.settled
    accounts = (p.queried, p.null_keys, p.duplicates, p.keyed, p.found, p.planned, p.retried, p.known, p.removed_again)
    return (*accounts, s.succeeded, s.rejected, s.aborted, s.baseline.unsettled)


def check_the_same(warehouse: Warehouse, steps: Sequence[Step], *, moves_at: int | None = None) -> None:
    """Run the steps with both planners; with ``moves_at`` one of the syncs moves to the warehouse there."""
    with tempfile.TemporaryDirectory() as folder:
        local = house_of(Path(folder) / "local", warehouse, Planner.LOCAL)
        other = house_of(Path(folder) / "other", warehouse, Planner.WAREHOUSE if moves_at is None else Planner.LOCAL)
        for number, step in enumerate(steps):
            if number == moves_at:
                other.planner = Planner.WAREHOUSE
            here, there = run(local, warehouse, step), run(other, warehouse, step)
            assert changes(other, there) == changes(local, here)
            assert counts(there) == counts(here)


@contextmanager
def at_databricks() -> Iterator[HostedWarehouse]:
    with duck_warehouses.a_databricks([f"CREATE SCHEMA {schema}" for schema in SCHEMAS]) as config:
        environment = Environment(outbound_allow=("*",), routes=config.pop("routes"))
        yield HostedWarehouse(warehouse_of(source_class("databricks")(config, environment)))


@contextmanager
def at_trino() -> Iterator[HostedWarehouse]:
    with duck_warehouses.a_trino([f"CREATE SCHEMA {schema}" for schema in SCHEMAS]) as config:
        yield HostedWarehouse(warehouse_of(source_class("trino")(config, Environment(outbound_allow=("*",)))))


@PROFILE
@given(first=STEP, second=STEP)
@pytest.mark.parametrize("opened", [at_databricks, at_trino])
def test_behind_a_protocol(
    opened: Callable[[], AbstractContextManager[HostedWarehouse]], first: Step, second: Step
) -> None:
    with opened() as warehouse:
        check_the_same(warehouse, [first, second])
        warehouse.empty()
        check_the_same(warehouse, [first, first, second], moves_at=1)


@contextmanager
def file_warehouse() -> Iterator[DuckDBWarehouse]:
    with tempfile.TemporaryDirectory() as folder:
        yield DuckDBWarehouse(Path(folder))


@PROFILE
@given(steps=st.lists(STEP, min_size=2, max_size=3))
def test_in_a_duckdb_file(steps: list[Step]) -> None:
    with file_warehouse() as warehouse:
        check_the_same(warehouse, steps)


@PROFILE
@given(steps=st.lists(STEP, min_size=2, max_size=3))
def test_in_postgresql(postgres_warehouse: PostgresWarehouse, steps: list[Step]) -> None:
    postgres_warehouse.empty()
    check_the_same(postgres_warehouse, steps)


@PROFILE
@given(first=STEP, second=STEP)
@pytest.mark.parametrize("system", ["duckdb", "postgres", "redshift"])
def test_moving_to_the_warehouse_changes_nothing(
    system: str, request: pytest.FixtureRequest, first: Step, second: Step
) -> None:
    if system == "duckdb":
        with file_warehouse() as file:
            check_the_same(file, [first, first, second], moves_at=1)
        return
    warehouse: PostgresWarehouse = request.getfixturevalue(f"{system}_warehouse")
    warehouse.empty()
    check_the_same(warehouse, [first, first, second], moves_at=1)
