"""The MySQL destination on a real MariaDB: discovery, checks, failures and what is recorded."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pymysql
import pytest

from connectors.sdk import trace
from connectors.sdk.context import Environment
from connectors.sdk.destination import Destination, Job, Mode
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, Gone, Unavailable
from connectors.sdk.types import ColumnType, Operation
from tests.connectors.kit.drivers import destination_of, mysql_destination
from tests.connectors.kit.jobs import batch_of, job_for
from tests.support.databases import RUN_PREFIX

NAME = f"{RUN_PREFIX}{os.getpid()}_mysql"


@pytest.fixture(scope="module")
def login(mysql_login: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    return mysql_login()


@pytest.fixture
def table(login: dict[str, Any]) -> Iterator[Callable[[str], Any]]:
    """Statements from outside, before an empty table ``people``."""
    with pymysql.connect(**login, charset="utf8mb4", autocommit=True) as connection, connection.cursor() as cursor:

        def run(sql: str) -> Any:
            cursor.execute(sql)
            return cursor.fetchall()

        run(f"CREATE OR REPLACE DATABASE {NAME} CHARACTER SET utf8mb4")
        connection.select_db(NAME)
        run(
            "CREATE TABLE people (id bigint PRIMARY KEY AUTO_INCREMENT, email varchar(40) UNIQUE, first varchar(40),"
            " last varchar(40), ok tinyint(1) NOT NULL, full varchar(90) AS (concat(first, last)) STORED,"
            " UNIQUE (first, last), UNIQUE (last(3)))"
        )
        run("CREATE VIEW summary AS SELECT count(*) AS n FROM people")
        yield run
        run(f"DROP DATABASE {NAME}")


@pytest.fixture
def people(login: dict[str, Any]) -> Destination:
    return mysql_destination(login, NAME)


def job(people: Destination, *fields: str, by: str = "id", **options: Any) -> Job:
    told = {"table": "people", **options.pop("settings", {})}
    wanted = fields or ("id", "ok")
    return job_for(people.definition, told, identifiers=by.split(","), fields=wanted, **options)


async def test_tables_and_columns_are_found(table: Callable[[str], Any], people: Destination) -> None:
    await people.check()
    assert [choice.value for choice in await people.tables()] == ["people"]  # type: ignore[attr-defined]  # a picker's own method
    fields = {f.name: f for f in await people.fields("table", {"table": "people"})}
    assert {name for name, f in fields.items() if f.identifier} == {"id", "email", "first", "last"}
    assert {name for name, f in fields.items() if f.required} == {"ok"}
    assert {name for name, f in fields.items() if f.read_only} == {"full"}
    assert (fields["id"].type, fields["id"].recommended) == (ColumnType.NUMBER, True)
    assert fields["ok"].type == ColumnType.BOOLEAN


@pytest.mark.parametrize(("by", "fields"), [("first", ("first",)), ("last", ("last",)), ("id", ("id", "full"))])
async def test_what_the_table_cannot_do_is_told_before_a_row_is_sent(
    table: Callable[[str], Any], people: Destination, by: str, fields: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigError):
        async with people.session(job(people, *fields, by=by)):
            pass


async def test_a_killed_session_and_a_dropped_table_are_told_apart(
    table: Callable[[str], Any], people: Destination
) -> None:
    rows = batch_of(Operation.ADDED, [{"id": 1, "ok": 1}])
    async with people.session(job(people)) as session:
        for (thread,) in table(
            f"SELECT id FROM information_schema.processlist WHERE db = '{NAME}' AND command = 'Sleep'"
        ):
            table(f"KILL {thread}")
        with pytest.raises(Unavailable) as caught:
            await session.deliver(rows)
        assert not caught.value.in_doubt
    async with people.session(job(people)) as session:
        table("DROP TABLE people")
        with pytest.raises(Gone):
            await session.deliver(rows)


async def test_missing_rights_stop_the_run_and_files_need_the_servers_leave(
    login: dict[str, Any], table: Callable[[str], Any]
) -> None:
    table(f"CREATE OR REPLACE USER {NAME}@'%' IDENTIFIED BY 'known'")
    reader = mysql_destination({**login, "user": NAME, "password": "known"}, NAME)
    with pytest.raises(AuthError):
        await reader.check()
    table(f"GRANT SELECT ON {NAME}.people TO {NAME}@'%'")
    with pytest.raises(AuthError):
        async with reader.session(job(reader)) as session:
            await session.deliver(batch_of(Operation.ADDED, [{"id": 1, "ok": 1}]))
    table(f"DROP USER {NAME}@'%'")


async def test_a_batch_is_recorded_without_its_values(table: Callable[[str], Any], people: Destination) -> None:
    rows = batch_of(Operation.ADDED, [{"email": "very@private.test", "ok": 1}, {"email": None, "ok": 1}])
    with trace.recording() as exchanges:
        async with people.session(job(people, "email", "ok", by="email", mode=Mode.UPSERT)) as session:
            await session.deliver(rows)
    (told,) = exchanges
    assert (told.method, told.target, told.response_body) == ("UPSERT", "people", "2 rows, 1 refused")
    assert "INSERT INTO `people`" in told.request_body
    assert "private" not in repr(told)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"database": "no_such_database"}, ConfigError),
        ({"host": "no-such-host.invalid"}, Unavailable),
        ({"port": 1}, Unavailable),
        ({"user": "no_such_user", "password": "wrong-password"}, AuthError),
    ],
)
async def test_each_way_a_connection_fails_is_told(
    people: Destination, changes: dict[str, Any], expected: type[ConnectorError]
) -> None:
    environment = Environment(outbound_allow=("*",))
    with pytest.raises(expected) as caught:
        await destination_of("mysql", {**people.config, **changes}, environment).check()
    assert caught.value.hint
    assert "wrong-password" not in repr(caught.value)
