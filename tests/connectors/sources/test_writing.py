"""Sources in which Headrace may write: into its two schemas, and nowhere else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pytest
from sqlglot import exp, parse_one

from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, QueryError, Unavailable
from connectors.sdk.planner import (
    AUDIT_SCHEMA,
    PLANNER_SCHEMA,
    SCHEMAS,
    Statement,
    WarehouseSource,
    create_columns,
    drop_table,
    model_table,
    namespace,
    own_table,
)
from connectors.sources.duckdb import DuckDBSource
from connectors.sources.postgres import PostgresSource
from connectors.sources.sample_b2b import SampleB2BSource
from tests.connectors.sources.reading import rows
from tests.connectors.sources.stands import at_bqemulator as a_source_at_bqemulator
from tests.connectors.sources.stands import at_fakesnow as a_source_at_fakesnow
from tests.support.proxy import RunningProxy

Administer = Callable[..., object]
MOMENT = dt.datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=dt.UTC)
ROWS = pa.table(
    {
        "id": pa.array([1, 2, 3], pa.int64()),
        "big": pa.array([2**63 - 1, -(2**63), None], pa.int64()),
        "price": pa.array([Decimal("1.50"), Decimal("-0.01"), None], pa.decimal128(12, 2)),
        "ratio": pa.array([0.1 + 0.2, -0.0, None], pa.float64()),
        "text": pa.array(["", None, 'a "quoted", O’Brien \n line ☃'], pa.string()),
        "yes": pa.array([True, False, None], pa.bool_()),
        "at": pa.array([MOMENT, None, MOMENT], pa.timestamp("us", "UTC")),
        "local": pa.array([MOMENT.replace(tzinfo=None), None, None], pa.timestamp("us")),
        "day": pa.array([dt.date(1, 1, 1), dt.date(9999, 12, 31), None], pa.date32()),
        'odd "näme"': pa.array(["x", "y", "z"], pa.string()),
    }
)


@pytest.fixture
def administer(source_url: str) -> Iterator[Administer]:
    """What an administrator of the database does to it."""
    with psycopg.connect(source_url, autocommit=True) as connection:
        yield connection.execute


@pytest.fixture
def schemas(source_url: str) -> Iterator[None]:
    """Headrace's schemas, and a table that is none of its business."""
    with psycopg.connect(source_url, autocommit=True) as connection:
        for schema in SCHEMAS:
            connection.execute(f"CREATE SCHEMA {schema}")
        connection.execute("CREATE TABLE customers AS SELECT 1 AS id, 'Ada' AS name")
        yield
        for schema in SCHEMAS:
            connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        connection.execute("DROP TABLE customers")


@pytest.fixture
def postgres(postgres_config: dict[str, object], schemas: None, loopback: Environment) -> PostgresSource:
    return PostgresSource(postgres_config, loopback)


@pytest.fixture
def file(folder: Path, files_allowed: Environment) -> DuckDBSource:
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.execute("CREATE TABLE customers AS SELECT 1 AS id, 'Ada' AS name")
    return DuckDBSource({"mode": "database", "path": str(folder / "shop.duckdb")}, files_allowed)


@pytest.fixture(scope="module")
def fakesnow(snowflake_server: Callable[[Sequence[str]], AbstractContextManager[dict[str, Any]]]) -> Iterator[Any]:
    """The stand-in for Snowflake, with Headrace's schemas."""
    schemas = [f'CREATE SCHEMA "{schema}"' for schema in SCHEMAS]
    customers = """CREATE TABLE "customers" AS SELECT 1 AS "id", 'Ada' AS "name\""""  # a new schema is the current one
    with snowflake_server((customers, *schemas)) as config:
        yield config


@pytest.fixture
def snowflake(fakesnow: dict[str, Any], loopback: Environment) -> WarehouseSource:
    source = a_source_at_fakesnow(fakesnow, loopback)
    assert isinstance(source, WarehouseSource)
    return source


@pytest.fixture(scope="module")
def bqemulator(bigquery_server: Callable[[Sequence[str]], AbstractContextManager[dict[str, Any]]]) -> Iterator[Any]:
    """The stand-in for BigQuery, with Headrace's datasets."""
    customers = "CREATE TABLE stand.customers AS SELECT 1 AS id, 'Ada' AS name"
    with bigquery_server((*(f"CREATE SCHEMA {schema}" for schema in SCHEMAS), customers)) as config:
        yield config


@pytest.fixture
def bigquery(bqemulator: dict[str, Any], loopback: Environment) -> WarehouseSource:
    source = a_source_at_bqemulator(bqemulator, loopback)
    assert isinstance(source, WarehouseSource)
    return source


def test_a_bigquery_session_writes_loads_and_reads(bigquery: WarehouseSource) -> None:
    bigquery.check_write()
    wanted = ROWS.rename_columns([*ROWS.column_names[:-1], "odd"])  # names have no quotes there
    everything = exp.select(exp.Star()).from_(model_table())
    create = exp.Create(this=own_table("plan"), kind="TABLE", expression=everything)
    with bigquery.session() as session:
        session.execute(create_columns("t", dict(zip(wanted.schema.names, wanted.schema.types, strict=True))))
        assert session.load("t", wanted.to_reader(max_chunksize=2)) == 3
        query = Statement(exp.select(exp.Star()).from_(own_table("t")).order_by(exp.column("id", quoted=True)))
        with session.query(query) as stream:
            found = pa.Table.from_batches(list(stream))
        assert found.to_pylist() == wanted.to_pylist()
        session.execute(Statement(create, "SELECT * FROM stand.customers -- all of them"))
        assert session.rows(Statement(exp.select(exp.Star()).from_(own_table("plan")))) == [(1, "Ada")]
        assert session.execute(Statement(parse_one("DELETE FROM headrace_planner.plan WHERE id = 1"))) == 1
        assert session.tables("") == ["plan", "t"]
        for name in ("plan", "t"):
            session.execute(drop_table(name))
        with pytest.raises(QueryError):
            session.execute(Statement(create, "SELECT 1 AS name) AS m; DROP TABLE stand.customers; SELECT (1"))
    assert [table.name for table in bigquery.tables()] == ["customers"]


def test_whatever_the_driver_of_snowflake_calls_goes_by_our_door(
    fakesnow: dict[str, Any], proxy: RunningProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the operator's own environment would lead it elsewhere."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1,localhost")
    target = f"{fakesnow['host']}:{fakesnow['port']}"
    behind = Environment(outbound_allow=(target,), proxy=proxy.proxy())
    assert a_source_at_fakesnow(fakesnow, behind).tables()
    assert proxy.asked_for(target)


def test_a_snowflake_session_writes_loads_and_reads(snowflake: WarehouseSource) -> None:
    snowflake.check_write()
    # The stand-in knows no moments with a zone in what it is given, no negative zero, and no empty moment in answers.
    wanted = ROWS.drop_columns(["at", "ratio", "local"])
    create = exp.Create(
        this=own_table("plan"),
        kind="TABLE",
        expression=exp.select(exp.column("name", quoted=True)).from_(model_table()),
    )
    with snowflake.session() as session:
        session.execute(create_columns("t", dict(zip(wanted.schema.names, wanted.schema.types, strict=True))))
        assert session.load("t", wanted.to_reader(max_chunksize=2)) == 3
        query = Statement(exp.select(exp.Star()).from_(own_table("t")).order_by(exp.column("id", quoted=True)))
        with session.query(query) as stream:
            found = pa.Table.from_batches(list(stream))
        assert found.to_pylist() == wanted.to_pylist()  # whole numbers are decimals there, and equal
        session.execute(Statement(create, 'SELECT * FROM "customers" -- all of them'))
        assert session.rows(Statement(exp.select(exp.Star()).from_(own_table("plan")))) == [("Ada",)]
        assert session.tables("") == ["plan", "t"]
        for name in ("plan", "t"):
            session.execute(drop_table(name))
        with pytest.raises(QueryError, match=r"Headrace|writes"):
            session.execute(Statement(parse_one("DELETE FROM customers")))
        with pytest.raises(ConnectorError, match="NOTHING_THERE"):
            session.execute(Statement(parse_one("DELETE FROM headrace_planner.nothing_there")))
    assert "headrace_planner" not in {table.schema for table in snowflake.tables()}


@pytest.fixture(params=["postgres", "file"])
def warehouse(request: pytest.FixtureRequest) -> WarehouseSource:
    found: WarehouseSource = request.getfixturevalue(request.param)
    return found


def test_write_access_is_proved_by_writing(warehouse: WarehouseSource) -> None:
    warehouse.check_write()
    with warehouse.session() as session:
        assert [session.tables("", schema) for schema in SCHEMAS] == [[], []]


def test_what_is_loaded_comes_back_unchanged(warehouse: WarehouseSource) -> None:
    with warehouse.session() as session:
        session.execute(create_columns("t", dict(zip(ROWS.schema.names, ROWS.schema.types, strict=True))))
        assert session.load("t", ROWS.to_reader(max_chunksize=2)) == 3
        query = Statement(exp.select(exp.Star()).from_(own_table("t")).order_by(exp.column("id", quoted=True)))
        with session.query(query) as stream:
            found = pa.Table.from_batches(list(stream))
    assert found.to_pylist() == ROWS.to_pylist()
    assert str(found.column("ratio")[1]) == "-0.0"


def test_a_model_becomes_a_table_whatever_its_text(warehouse: WarehouseSource) -> None:
    create = exp.Create(
        this=own_table("plan"), kind="TABLE", expression=exp.select(exp.column("name")).from_(model_table())
    )
    with warehouse.session() as session:
        session.execute(Statement(create, "SELECT * FROM customers -- all of them"))
        assert session.rows(Statement(exp.select(exp.Star()).from_(own_table("plan")))) == [("Ada",)]
        assert [column.name for column in session.describe(Statement(exp.select("*").from_(own_table("plan"))))] == [
            "name"
        ]
        session.execute(drop_table("plan"))
        assert not session.exists("plan")


@pytest.mark.parametrize(
    "model",
    [
        "WITH gone AS (DELETE FROM customers RETURNING *) SELECT * FROM gone",
        "SELECT 1 AS name) AS m; DROP TABLE customers; --",
        "DROP TABLE customers",
    ],
)
def test_a_model_writes_nothing_on_the_writing_session(warehouse: WarehouseSource, model: str) -> None:
    create = exp.Create(this=own_table("plan"), kind="TABLE", expression=exp.select(exp.Star()).from_(model_table()))
    with warehouse.session() as session, pytest.raises(QueryError):
        session.execute(Statement(create, model))
    assert [table.name for table in warehouse.tables()] == ["customers"]
    with warehouse.query("SELECT name FROM customers") as stream:
        assert [row for batch in stream for row in batch.to_pylist()] == [{"name": "Ada"}]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE customers2 AS SELECT 1 AS a",
        "CREATE TABLE other.headrace_planner.t AS SELECT 1 AS a",
        "INSERT INTO customers SELECT 2, 'Eve'",
        "UPDATE public.customers SET id = 3",
        "DELETE FROM customers",
        "DROP TABLE customers",
        "DROP TABLE headrace_planner.t, customers",
        "DROP SCHEMA headrace_planner",
        "CREATE SCHEMA other",
        "ALTER TABLE customers ADD COLUMN x INT",
        "SELECT 1",
        "GRANT ALL ON customers TO PUBLIC",
    ],
)
def test_nothing_but_the_two_schemas_is_written(file: DuckDBSource, sql: str) -> None:
    with file.session() as session, pytest.raises(QueryError, match=r"Headrace|writes"):
        session.execute(Statement(parse_one(sql)))


def test_a_transaction_is_all_or_nothing(warehouse: WarehouseSource) -> None:
    def fill(*, fail: bool) -> None:
        with warehouse.session() as session, session.transaction():
            session.execute(create_columns("t", {"a": pa.string()}))
            if fail:
                raise InterruptedError

    with pytest.raises(InterruptedError):
        fill(fail=True)
    with warehouse.session() as session:
        assert session.tables("") == []
    fill(fail=False)
    with warehouse.session() as session:
        assert session.tables("") == ["t"]


@pytest.mark.parametrize(
    ("break_it", "error", "words", "hint"),
    [
        ("DROP SCHEMA headrace_audit", ConfigError, "no schema headrace_audit", "CREATE SCHEMA headrace_audit"),
        (
            "REVOKE CREATE ON SCHEMA headrace_planner FROM CURRENT_USER",
            AuthError,
            "lacks CREATE on schema headrace_planner",
            "GRANT CREATE ON SCHEMA headrace_planner TO ",
        ),
        (
            "REVOKE ALL ON SCHEMA headrace_audit FROM CURRENT_USER",
            AuthError,
            "lacks USAGE and CREATE on schema headrace_audit",
            "GRANT USAGE, CREATE ON SCHEMA headrace_audit TO ",
        ),
    ],
)
def test_the_missing_grant_is_named(
    administer: Administer, postgres: PostgresSource, break_it: str, error: type[ConnectorError], words: str, hint: str
) -> None:
    administer(break_it)
    with pytest.raises(error, match=words) as raised:
        postgres.check_write()
    assert hint in raised.value.hint


def test_a_grant_revoked_later_is_named_by_the_statement(administer: Administer, postgres: PostgresSource) -> None:
    administer("REVOKE CREATE ON SCHEMA headrace_planner FROM CURRENT_USER")
    with postgres.session() as session, pytest.raises(AuthError) as raised:
        session.execute(create_columns("t", {"a": pa.string()}))
    assert "CREATE on headrace_planner" in raised.value.hint


def test_a_user_that_reads_by_default_may_still_write_where_it_has_the_right(
    administer: Administer, postgres: PostgresSource
) -> None:
    administer(f'ALTER DATABASE "{postgres.config["database"]}" SET default_transaction_read_only = on')
    postgres.check_write()
    through_function = Statement(parse_one("SELECT lo_create(0) AS made", read="postgres"))
    with (
        postgres.session() as session,
        pytest.raises(QueryError, match="read-only"),
        session.query(through_function) as stream,
    ):
        list(stream)
    administer(f'ALTER DATABASE "{postgres.config["database"]}" RESET default_transaction_read_only')


def test_files_can_only_be_read(folder: Path, files_allowed: Environment) -> None:
    (folder / "a.csv").write_text("id\n1\n")
    source = DuckDBSource({"mode": "files", "files": [{"name": "a", "value": "a.csv"}]}, files_allowed)
    with pytest.raises(ConfigError, match="only read"):
        source.check_write()


def test_readers_wait_for_the_writer_and_then_say_who_is_in_the_way(
    file: DuckDBSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.sdk.duckdb_reader._READER_WAIT_S", 0.01)
    with file.session(), pytest.raises(Unavailable, match="open for writing"):
        file.tables()
    assert file.tables()


def test_samples_are_never_written_to_and_each_workspace_has_its_own_tables_beside_them(tmp_path: Path) -> None:
    def sample(workspace: str) -> SampleB2BSource:
        extra = {"data_dir": str(tmp_path), "workspace": workspace}
        return SampleB2BSource({"scale": 0.001}, Environment(local_roots=(str(tmp_path / "files"),), extra=extra))

    first, second = sample("1"), sample("2")
    first.check_write()
    asked = exp.select(exp.column("organization_id")).from_("public.organizations")
    with first.session() as session:
        session.execute(Statement(exp.Create(this=own_table("kept"), kind="TABLE", expression=asked)))
        with pytest.raises(QueryError):
            session._execute("DELETE FROM public.organizations")
        assert first.tables(), "whoever asks for nothing beside does not wait"
    count = "SELECT count(*) AS n FROM headrace_planner.kept JOIN public.organizations USING (organization_id)"
    assert rows(first, count)[0]["n"] > 0
    assert "headrace_planner" not in {table.schema for table in first.tables()}
    with pytest.raises(QueryError, match="kept"):
        rows(second, count)
    with pytest.raises(ConfigError, match="no workspace"), SampleB2BSource({}, Environment()).session():
        pass


def test_names_tell_workspaces_apart() -> None:
    assert namespace("a", 1) == namespace("a", 1) != namespace("a", 2)
    assert own_table("t", AUDIT_SCHEMA).sql() == f'"{AUDIT_SCHEMA}"."t"'
    assert own_table("t").sql() == f'"{PLANNER_SCHEMA}"."t"'
