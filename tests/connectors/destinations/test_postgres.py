"""The PostgreSQL destination on a real server: discovery, checks, failures and what is recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.sdk import trace
from connectors.sdk.context import Environment
from connectors.sdk.destination import Destination, Job, Mode, Removal
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, Gone, Unavailable
from connectors.sdk.types import ColumnType, Operation
from tests.connectors.kit.drivers import destination_of, table_destination
from tests.connectors.kit.jobs import batch_of, job_for

Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def table(target_url: str) -> Iterator[Connection]:
    """A connection to look from outside, with an empty table ``shop.people``."""
    with psycopg.connect(target_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS shop CASCADE; CREATE SCHEMA shop")
        connection.execute(
            "CREATE TABLE shop.people (id bigint PRIMARY KEY, email text UNIQUE, first text, last text,"
            " UNIQUE (first, last), full_name text GENERATED ALWAYS AS (first || last) STORED)"
        )
        connection.execute("CREATE INDEX ON shop.people (last)")
        yield connection


@pytest.fixture
def people(target_url: str) -> Destination:
    return table_destination(target_url)


def job(people: Destination, *fields: str, mode: Mode = Mode.UPSERT, by: str = "id", **options: Any) -> Job:
    identifiers = by.split(",") if by else []
    told = {"table": "shop.people", **options.pop("settings", {})}
    return job_for(
        people.definition, told, mode=mode, identifiers=identifiers, fields=fields or ("id", "first"), **options
    )


async def write(
    people: Destination, asked: Job, *rows: Mapping[str, Any], operation: Operation = Operation.ADDED
) -> list[bool]:
    async with people.session(asked) as session:
        return [r.accepted for r in await session.deliver(batch_of(operation, rows))]


async def test_tables_and_columns_are_found(table: Connection, people: Destination) -> None:
    table.execute("CREATE VIEW shop.summary AS SELECT count(*) FROM shop.people")
    table.execute('DROP SCHEMA IF EXISTS "shop.own" CASCADE; CREATE SCHEMA "shop.own" CREATE TABLE t (a int)')
    assert [f.name for f in await people.fields("table", {"table": "shop.own.t"})] == ["a"]
    table.execute('DROP SCHEMA "shop.own" CASCADE')
    await people.check()
    offered = [choice.value for choice in await people.tables()]  # type: ignore[attr-defined]  # a picker's own method
    assert "shop.people" in offered
    assert "shop.summary" not in offered
    fields = {f.name: f for f in await people.fields("table", {"table": "shop.people"})}
    assert {name for name, f in fields.items() if f.identifier} == {"id", "email", "first", "last"}
    assert {name for name, f in fields.items() if f.required} == {"id"}
    assert {name for name, f in fields.items() if f.read_only} == {"full_name"}
    assert (fields["id"].type, fields["id"].native_type, fields["id"].recommended) == (
        ColumnType.NUMBER,
        "bigint",
        True,
    )


@pytest.mark.parametrize(
    ("by", "fields", "field"),
    [
        ("first", ("id", "first"), "identifiers"),
        ("first,last,id", ("id", "first", "last"), "identifiers"),
        ("id", ("id", "gone"), "mapping"),
        ("id", ("id", "full_name"), "mapping"),
    ],
)
async def test_what_the_table_cannot_do_is_told_before_a_row_is_sent(
    table: Connection, people: Destination, by: str, fields: tuple[str, ...], field: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        await write(people, job(people, *fields, by=by))
    assert caught.value.field == field


@pytest.mark.parametrize(("by", "fields", "settings"), [("", ("id",), {}), ("id", (), {"table": ""})])
def test_a_job_without_its_parts_is_refused(
    people: Destination, by: str, fields: tuple[str, ...], settings: dict[str, Any]
) -> None:
    asked = job_for(people.definition, {"table": "x.y"}, identifiers=[by] if by else [], fields=fields)
    with pytest.raises(ConfigError):
        people.validate(asked)


@pytest.mark.parametrize("by", ["id", "email", "last,first"])
async def test_any_unique_key_matches(table: Connection, people: Destination, by: str) -> None:
    row = {"id": 1, "email": "a@b.co", "first": "A", "last": "B"}
    assert await write(people, job(people, *row, by=by), row) == [True]
    assert await write(people, job(people, *row, by=by), row) == [True]
    assert table.execute("SELECT count(*) FROM shop.people").fetchone() == (1,)


async def test_rows_that_stay_the_same_are_not_written(table: Connection, people: Destination) -> None:
    row = {"id": 1, "first": "A"}
    await write(people, job(people), row)
    before = table.execute("SELECT xmin::text FROM shop.people").fetchone()
    await write(people, job(people), row, operation=Operation.CHANGED)
    assert table.execute("SELECT xmin::text FROM shop.people").fetchone() == before


async def test_a_table_that_is_dropped_stops_the_run(table: Connection, people: Destination) -> None:
    async with people.session(job(people)) as session:
        table.execute("DROP TABLE shop.people")
        with pytest.raises(Gone):
            await session.deliver(batch_of(Operation.ADDED, [{"id": 1, "first": "A"}]))
    with pytest.raises(Gone):
        await write(people, job(people))


async def test_a_session_that_is_killed_is_an_outage_that_changed_nothing(
    table: Connection, people: Destination
) -> None:
    async with people.session(job(people)) as session:
        table.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'headrace' AND datname = current_database()"
        )
        with pytest.raises(Unavailable) as caught:
            await session.deliver(batch_of(Operation.ADDED, [{"id": 1, "first": "A"}]))
    assert not caught.value.in_doubt
    assert table.execute("SELECT count(*) FROM shop.people").fetchone() == (0,)


async def test_a_locked_table_ends_in_a_time_out_not_in_waiting(
    target_url: str, table: Connection, people: Destination
) -> None:
    asked = job(people, settings={"timeout": 5})
    with psycopg.connect(target_url) as other:
        other.execute("LOCK TABLE shop.people IN ACCESS EXCLUSIVE MODE")
        async with people.session(asked) as session:
            with pytest.raises(Unavailable, match="timeout"):
                await session.deliver(batch_of(Operation.ADDED, [{"id": 1, "first": "A"}]))


async def test_missing_rights_stop_the_run(table: Connection, people: Destination) -> None:
    table.execute("CREATE TABLE shop.guarded (id int PRIMARY KEY, first text)")
    table.execute("REVOKE ALL ON shop.guarded FROM CURRENT_USER")
    with pytest.raises(AuthError):
        await write(people, job(people, settings={"table": "shop.guarded"}), {"id": 1, "first": "A"})


async def test_constraints_that_wait_for_the_commit_are_told_row_by_row(table: Connection, people: Destination) -> None:
    table.execute(
        "ALTER TABLE shop.people ADD CONSTRAINT known FOREIGN KEY (first) REFERENCES shop.people (email)"
        " DEFERRABLE INITIALLY DEFERRED"
    )
    told = await write(people, job(people), {"id": 1, "first": None}, {"id": 2, "first": "nobody"})
    assert told == [True, False]


async def test_a_batch_is_recorded_without_its_values(table: Connection, people: Destination) -> None:
    with trace.recording() as exchanges:
        await write(people, job(people), {"id": 1, "first": "Very Private"}, {"id": None, "first": "x"})
    (told,) = exchanges
    assert (told.method, told.target, told.response_body) == ("UPSERT", "shop.people", "2 rows, 1 refused")
    assert "Very Private" not in repr(told)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"database": "no_such_database"}, ConfigError),
        ({"host": "no-such-host.invalid"}, Unavailable),
        ({"host": "/var/run/postgresql"}, ConfigError),
        ({"host": "10.1.2.3"}, ConfigError),
        ({"sslmode": "require"}, ConfigError),
        ({"user": "no_such_user", "password": "wrong-password"}, AuthError),
    ],
)
async def test_each_way_a_connection_fails_is_told(
    people: Destination, changes: dict[str, Any], expected: type[ConnectorError]
) -> None:
    config = {**people.config, **changes}
    with pytest.raises(expected) as caught:
        await destination_of("postgres", config, people.environment).check()
    assert caught.value.hint
    assert "wrong-password" not in repr(caught.value)


async def test_private_networks_stay_closed(people: Destination) -> None:
    with pytest.raises(ConfigError, match="not a public address"):
        await destination_of("postgres", people.config, Environment()).check()


def test_only_what_the_mode_uses_is_wanted(people: Destination) -> None:
    assert people.wanted(job(people)) == {Operation.ADDED, Operation.CHANGED}
    assert people.wanted(job(people, removal=Removal.DELETE)) == set(Operation)
    assert people.wanted(job(people, mode=Mode.INSERT, by="")) == {Operation.ADDED}


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0")).filter(lambda t: len(t) < 200)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.integers(-(2**63), 2**63 - 1), st.none() | TEXT, min_size=1, max_size=20))
async def test_any_text_arrives_as_it_is(table: Connection, people: Destination, told: dict[int, str | None]) -> None:
    rows = pa.RecordBatch.from_arrays(
        [pa.array(list(told), pa.int64()), pa.array(list(told.values()), pa.string())], names=["id", "email"]
    )
    table.execute("TRUNCATE shop.people; ALTER TABLE shop.people DROP CONSTRAINT IF EXISTS people_email_key")
    async with people.session(job(people, "id", "email")) as session:
        assert all(r.accepted for r in await session.deliver(batch_of(Operation.ADDED, rows)))
    assert dict(table.execute("SELECT id, email FROM shop.people").fetchall()) == told
