"""The SQL Server destination before a stand-in of the protocol: discovery, checks, failures and what is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.sdk import trace
from connectors.sdk.destination import Destination, Job, Mode
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, Gone, Unavailable
from connectors.sdk.types import ColumnType, Operation
from tests.connectors.kit.drivers import sqlserver_destination
from tests.connectors.kit.jobs import batch_of, job_for
from tests.support.tds_server import Stand, a_server

PEOPLE = (
    "CREATE TABLE people (id bigint IDENTITY(1, 1) PRIMARY KEY, email nvarchar(40) UNIQUE, first nvarchar(40), "
    "last nvarchar(40), ok bit NOT NULL, whole AS (first), UNIQUE (first, last))"
)


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with a_server(tmp_path, [PEOPLE]) as made:
        yield made


async def test_a_schema_may_have_dots_in_its_name(tmp_path: Path) -> None:
    with a_server(tmp_path, ["CREATE SCHEMA [my.own]", "CREATE TABLE [my.own].things (a int)"]) as stand:
        found = await sqlserver_destination(stand).fields("table", {"table": "my.own.things"})
    assert [field.name for field in found] == ["a"]


@pytest.fixture
def people(stand: Stand) -> Destination:
    return sqlserver_destination(stand)


def job(people: Destination, *fields: str, by: str = "email", **options: Any) -> Job:
    told = {"table": "dbo.people", **options.pop("settings", {})}
    wanted = fields or ("email", "ok")
    return job_for(people.definition, told, identifiers=by.split(",") if by else (), fields=wanted, **options)


async def test_tables_and_columns_are_found(people: Destination) -> None:
    await people.check()
    assert [choice.value for choice in await people.tables()] == ["dbo.people"]  # type: ignore[attr-defined]  # a picker's own method
    fields = {f.name: f for f in await people.fields("table", {"table": "dbo.people"})}
    assert {name for name, f in fields.items() if f.identifier} == {"id", "email", "first", "last"}
    assert {name for name, f in fields.items() if f.required} == {"ok"}
    assert {name for name, f in fields.items() if f.read_only} == {"id", "whole"}
    assert (fields["id"].type, fields["id"].native_type, fields["id"].recommended) == (
        ColumnType.NUMBER,
        "bigint",
        True,
    )
    assert fields["ok"].type == ColumnType.BOOLEAN
    assert fields["email"].native_type == "nvarchar(40)"


@pytest.mark.parametrize(("by", "fields"), [("first", ("first",)), ("id", ("id", "ok")), ("email", ("email", "whole"))])
async def test_what_the_table_cannot_do_is_told_before_a_row_is_sent(
    people: Destination, by: str, fields: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigError):
        async with people.session(job(people, *fields, by=by)):
            pass


async def test_rows_are_staged_in_bulk_and_merged_under_a_lock_and_recorded_without_values(
    stand: Stand, people: Destination
) -> None:
    rows = batch_of(Operation.ADDED, [{"email": "very@private.test", "ok": 1}, {"email": None, "ok": 1}])
    with trace.recording() as exchanges:
        async with people.session(job(people, mode=Mode.UPSERT)) as session:
            await session.deliver(rows)
            await session.deliver(rows)
    told = exchanges[0]
    assert (told.method, told.target, told.response_body) == ("UPSERT", "dbo.people", "2 rows, 1 refused")
    assert "MERGE INTO [dbo].[people] WITH (HOLDLOCK)" in told.request_body
    assert "private" not in repr(exchanges)
    assert not [statement for statement in stand.statements if "private" in statement]
    assert [statement for statement in stand.statements if statement.startswith("INSERT BULK #headrace_stage")]
    assert stand.transactions == {"begun": 2, "committed": 2}
    assert stand.warehouse.duck.execute("SELECT email, ok FROM people").fetchall() == [("very@private.test", True)]


async def test_a_batch_with_a_bad_row_is_undone_before_its_rows_are_tried_alone(
    stand: Stand, people: Destination
) -> None:
    rows = batch_of(Operation.ADDED, [{"email": "a@x.test", "ok": 1}, {"email": "b" * 41, "ok": 1}])
    async with people.session(job(people, by="", mode=Mode.INSERT)) as session:
        fine, bad = await session.deliver(rows)
        again = await session.deliver(batch_of(Operation.ADDED, [{"email": "c@x.test", "ok": 1}]))
    assert (fine.accepted, bad.accepted, bad.code) == (True, False, "2628")
    assert again[0].accepted
    assert stand.transactions == {"begun": 2, "undone": 1, "committed": 1}
    assert stand.warehouse.duck.execute("SELECT count(*) FROM people").fetchone() == (2,)


async def test_a_broken_connection_and_a_dropped_table_are_told_apart(stand: Stand, people: Destination) -> None:
    rows = batch_of(Operation.ADDED, [{"email": "a@x.test", "ok": 1}])
    async with people.session(job(people)) as session:
        stand.hang_up()
        with pytest.raises(Unavailable) as caught:
            await session.deliver(rows)
        assert not caught.value.in_doubt
    async with people.session(job(people)) as session:
        stand.warehouse.duck.execute("DROP TABLE people")
        with pytest.raises(Gone):
            await session.deliver(rows)
    with pytest.raises(Gone, match="no table"):
        async with people.session(job(people)):
            pass


async def test_a_commit_without_an_answer_is_in_doubt(stand: Stand, people: Destination) -> None:
    stand.drops_commits = True
    async with people.session(job(people, by="", mode=Mode.INSERT)) as session:
        with pytest.raises(Unavailable) as caught:
            await session.deliver(batch_of(Operation.ADDED, [{"email": "a@x.test", "ok": 1}]))
    assert caught.value.in_doubt


async def test_a_batch_that_takes_too_long_is_stopped_on_the_server_and_undone(
    stand: Stand, people: Destination
) -> None:
    stand.slow.add("MERGE")
    async with people.session(job(people, settings={"timeout": 5})) as session:
        session._session._limit_s = 0.2  # type: ignore[attr-defined]  # nobody may set so little
        with pytest.raises(Unavailable, match="longer than") as caught:
            await session.deliver(batch_of(Operation.ADDED, [{"email": "a@x.test", "ok": 1}]))
    assert "time-out" in caught.value.hint
    assert stand.stopped == 1
    assert stand.transactions["undone"] == 1
    assert stand.warehouse.duck.execute("SELECT count(*) FROM people").fetchone() == (0,)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"database": "no_such_database"}, ConfigError),
        ({"host": "no-such-host.invalid"}, Unavailable),
        ({"port": 1}, Unavailable),
        ({"user": "no_such_user", "password": "wrong-password"}, AuthError),
        ({"ca": ""}, ConfigError),
    ],
)
async def test_each_way_a_connection_fails_is_told(
    stand: Stand, changes: dict[str, Any], expected: type[ConnectorError]
) -> None:
    with pytest.raises(expected) as caught:
        await sqlserver_destination(stand, **changes).check()
    assert caught.value.hint
    assert "wrong-password" not in repr(caught.value)
