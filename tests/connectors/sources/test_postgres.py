"""The PostgreSQL source against a real server: reading, guards, cancelling, and each way it can fail."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import psutil
import psycopg
import pytest

from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, QueryError, Unavailable
from connectors.sdk.postgres import Server, connect_error
from connectors.sdk.postgres_source import setup_sql
from connectors.sdk.types import Column, ColumnType, Table
from connectors.sources.postgres import PostgresSource
from tests.connectors.sources.reading import rows, value

Config = dict[str, object]

SHOP = """
CREATE SCHEMA sales;
CREATE SCHEMA headrace_planner;
CREATE SCHEMA "we""ird; schema";
CREATE TABLE people AS SELECT i AS id, 'person ' || i AS name FROM generate_series(0, 999) i;
ALTER TABLE people ADD PRIMARY KEY (id);
COMMENT ON TABLE people IS 'Everyone';
COMMENT ON COLUMN people.id IS 'Their number';
CREATE VIEW sales.first_ten AS SELECT id AS number, name FROM people WHERE id < 10;
CREATE MATERIALIZED VIEW sales.kept AS SELECT 1 AS x;
CREATE TABLE sales.months (day date) PARTITION BY RANGE (day);
CREATE TABLE sales.january PARTITION OF sales.months FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE headrace_planner.own (x int);
CREATE TABLE "we""ird; schema"."t""; --" ("c""; --" int, "Ünïcode 🌊" text);
INSERT INTO "we""ird; schema"."t""; --" VALUES (1, 'x');
CREATE SEQUENCE counter;
"""


@pytest.fixture(scope="module", autouse=True)
def shop(source_url: str) -> Iterator[None]:
    """Tables, views, partitions and hostile names."""
    with psycopg.connect(source_url, autocommit=True) as connection:
        connection.execute(SHOP)
        yield
        connection.execute(
            'DROP SCHEMA sales, headrace_planner, "we""ird; schema" CASCADE; DROP TABLE people; DROP SEQUENCE counter'
        )


@pytest.fixture
def source(postgres_config: Config, loopback: Environment) -> PostgresSource:
    return PostgresSource(postgres_config, loopback)


def test_tables_views_and_comments_without_our_own_schemas(source: PostgresSource) -> None:
    source.check()
    tables = {(t.schema, t.name): t for t in source.tables()}
    assert set(tables) == {
        ("public", "people"),
        ("sales", "first_ten"),
        ("sales", "kept"),
        ("sales", "months"),
        ('we"ird; schema', 't"; --'),
    }
    assert tables["public", "people"] == Table("public", "people", "table", "Everyone")
    assert tables["sales", "first_ten"].kind == tables["sales", "kept"].kind == "view"


def test_columns_with_types_comments_and_what_may_be_empty(source: PostgresSource) -> None:
    assert source.columns(Table("public", "people")) == [
        Column("id", ColumnType.NUMBER, "integer", "Their number", nullable=False),
        Column("name", ColumnType.STRING, "text"),
    ]
    assert source.describe("SELECT id AS a, id + 1 AS b FROM people") == [
        Column("a", ColumnType.NUMBER, "integer", "Their number", nullable=False),
        Column("b", ColumnType.NUMBER, "integer"),
    ]


def test_hostile_names_stay_names(source: PostgresSource) -> None:
    table = Table('we"ird; schema', 't"; --')
    assert [c.name for c in source.columns(table)] == ['c"; --', "Ünïcode 🌊"]
    assert rows(source, 'SELECT * FROM "we""ird; schema"."t""; --"') == [{'c"; --': 1, "Ünïcode 🌊": "x"}]


def test_rows_arrive_in_batches_of_the_asked_size_and_in_order(source: PostgresSource) -> None:
    with source.query("SELECT id FROM people ORDER BY id DESC", batch_rows=300) as stream:
        assert stream.schema.names == ["id"]
        batches = list(stream)
    assert [len(batch) for batch in batches] == [300, 300, 300, 100]
    assert [i for batch in batches for i in batch.column(0).to_pylist()] == list(range(999, -1, -1))


def test_a_query_without_rows_still_has_columns(source: PostgresSource) -> None:
    with source.query("SELECT * FROM people WHERE false") as stream:
        assert stream.schema.names == ["id", "name"]
        assert list(stream) == []


HARMLESS = ["SELECT 1 AS a -- the end", "/* ; */ SELECT 1 AS a;;", "TABLE people", "VALUES (1)", "SELECT ';' AS a"]


@pytest.mark.parametrize("sql", HARMLESS)
def test_any_single_query_runs(source: PostgresSource, sql: str) -> None:
    assert rows(source, sql)


HOSTILE_QUERIES = [
    "INSERT INTO people VALUES (5000, 'x') RETURNING id",
    "DELETE FROM people RETURNING id",
    "WITH gone AS (DELETE FROM people RETURNING *) SELECT * FROM gone",
    "CREATE TABLE mine AS SELECT 1 AS x",
    "DROP TABLE people",
    "SELECT 1; DROP TABLE people",
    "COMMIT",
    "SELECT 1 AS x) TO PROGRAM 'touch /tmp/x' --",
    "SELECT 1 AS x) AS y; DROP TABLE people; SELECT * FROM (SELECT 1 AS x",
    "SELECT nextval('counter') AS x",
    "SELECT setval('counter', 7) AS x",
    "SELECT set_config('transaction_read_only', 'off', false) AS x",
    "SELECT lo_create(0) AS x",
    "SELECT * FROM people FOR UPDATE",
    "COPY people TO STDOUT",
    "SET transaction_read_only = off",
    "LISTEN news",
    "DO $$ BEGIN DELETE FROM people; END $$",
]


@pytest.mark.parametrize("sql", HOSTILE_QUERIES)
def test_nothing_can_be_written(source: PostgresSource, sql: str) -> None:
    with pytest.raises(ConnectorError):
        rows(source, sql)
    assert value(source, "(SELECT count(*) FROM people)") == 1000
    assert value(source, "(SELECT last_value FROM counter)") == 1


def test_a_query_cannot_open_the_door_for_itself(source: PostgresSource) -> None:
    sql = "SELECT set_config('default_transaction_read_only', 'off', false) AS a, nextval('counter') AS b"
    with pytest.raises(QueryError, match="read-only transaction"):
        rows(source, sql)


@pytest.mark.parametrize(
    ("sql", "words", "position"),
    [
        ("SELECT nobody FROM people", "nobody", 7),
        ("SELECT id,\n  nobody FROM people", "nobody", 13),
        ("SELECT 'é' AS a, nobody FROM people", "nobody", 17),
        ("SELECT * FROM nothing", "nothing", 14),
        ("SELEKT 1", "syntax error", 0),
        ("SELECT 1 AS a, 2 AS a", "“a”", None),
        ("SELECT $1::int AS a", "placeholders", None),
        ("SELECT 'a\0b' AS a", "NUL", 9),
        ("", "empty", 0),
    ],
)
def test_errors_are_the_servers_own_and_know_their_place(
    source: PostgresSource, sql: str, words: str, position: int | None
) -> None:
    with pytest.raises(QueryError, match=words) as caught:
        source.describe(sql)
    assert caught.value.position == position


def test_an_error_in_the_middle_of_the_rows_is_typed(source: PostgresSource) -> None:
    with source.query("SELECT 1 / (i - 900000) AS x FROM generate_series(1, 1000000) i") as stream:
        reader = iter(stream)
        assert next(reader).num_rows > 0
        with pytest.raises(QueryError, match=r"^division by zero$"):
            list(reader)


def test_a_missing_grant_names_what_to_grant(source: PostgresSource) -> None:
    with pytest.raises(AuthError, match="permission denied for table pg_authid") as caught:
        rows(source, "SELECT rolpassword FROM pg_authid")
    assert "SELECT" in caught.value.hint


def test_a_lost_connection_is_unavailable(source: PostgresSource, source_url: str) -> None:
    slow = "SELECT i, pg_sleep(0.01)::text AS s, 'kill me' AS t FROM generate_series(1, 100000) i"
    with source.query(slow) as stream:
        killer = threading.Thread(target=_end_backend, args=(source_url, "kill me"))
        killer.start()
        with pytest.raises(Unavailable):
            list(stream)
        killer.join()


def _end_backend(url: str, marker: str) -> None:
    ended = """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE query LIKE %s AND state = 'active' AND pid <> pg_backend_pid() AND application_name = 'headrace'
    """
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(2000):
            if connection.execute(ended, [f"COPY%{marker}%"]).fetchall():
                return
            connection.execute("SELECT pg_sleep(0.01)")


def test_cancelling_ends_the_query_on_the_server(source: PostgresSource, source_url: str) -> None:
    with source.query("SELECT pg_sleep(60)::text AS cancel_me") as stream:
        timer = threading.Timer(0.5, stream.cancel)
        timer.start()
        started = time.monotonic()
        with pytest.raises(QueryError, match="cancelled"):
            list(stream)
        assert time.monotonic() - started < 30
        timer.join()
    assert _active(source_url, "%cancel_me%") == 0


def test_a_reader_that_stops_early_is_not_kept_waiting(source: PostgresSource, source_url: str) -> None:
    with source.query("SELECT generate_series(1, 100000000) AS i, repeat('early', 100) AS x") as stream:
        assert next(iter(stream)).num_rows > 0
    assert _active(source_url, "%repeat(''early'%") == 0


def _active(url: str, pattern: str) -> int:
    found = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE %s AND state = 'active' AND pid <> pg_backend_pid()"
    with psycopg.connect(url) as connection:
        (count,) = connection.execute(found, [pattern]).fetchone() or (0,)
        return int(count)


def test_the_time_limit_stops_a_query_and_says_so(postgres_config: Config, loopback: Environment) -> None:
    source = PostgresSource({**postgres_config, "statement_timeout": 1}, loopback)
    with pytest.raises(QueryError, match="statement timeout") as caught:
        value(source, "pg_sleep(30)::text")
    assert "time limit" in caught.value.hint


def test_memory_stays_bounded_while_a_million_rows_pass(source: PostgresSource) -> None:
    wide = "SELECT i, repeat(md5(i::text), 8) AS t FROM generate_series(1, 1000000) i"
    process, peak, count = psutil.Process(), 0, 0
    before = process.memory_info().rss
    with source.query(wide) as stream:
        for batch in stream:
            count += batch.num_rows
            peak = max(peak, process.memory_info().rss)
    assert count == 1_000_000
    assert peak - before < 150 * 2**20  # the rows themselves are about 270 MB


CONNECT_FAILURES: list[tuple[Mapping[str, object], type[ConnectorError], str]] = [
    ({"host": "no-such-host.invalid"}, Unavailable, "could not be resolved"),
    ({"port": 1}, Unavailable, "Connection refused"),
    ({"password": "wrong"}, AuthError, "password authentication failed"),
    ({"password": ""}, AuthError, "password"),
    ({"user": "nobody_at_all"}, AuthError, "authentication failed"),
    ({"database": "no_such_database"}, ConfigError, "no_such_database"),
    ({"sslmode": "require"}, ConfigError, "does not support SSL"),
    ({"sslmode": "verify-full", "ca": "-----BEGIN CERTIFICATE-----"}, ConfigError, "SSL"),
    ({"host": ""}, ConfigError, "Give the host"),
    ({"host": "127.0.0.1,127.0.0.2"}, ConfigError, "one host"),
]


@pytest.mark.parametrize(("change", "expected", "words"), CONNECT_FAILURES)
def test_each_way_not_to_connect_has_its_own_words(
    postgres_config: Config,
    loopback: Environment,
    change: Mapping[str, object],
    expected: type[ConnectorError],
    words: str,
) -> None:
    config = {**postgres_config, **change}
    for attempt in (PostgresSource(config, loopback).check, lambda: rows(PostgresSource(config, loopback), "SELECT 1")):
        with pytest.raises(expected, match=words) as caught:
            attempt()
        assert caught.value.hint or words in ("Give the host", "one host")
        assert str(postgres_config["password"]) not in str(caught.value)


def test_what_does_not_speak_postgres_is_told_apart(postgres_config: Config, loopback: Environment) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        answering = threading.Thread(target=_answer_in_http, args=(server,), daemon=True)
        answering.start()
        config = {**postgres_config, "port": server.getsockname()[1]}
        with pytest.raises(ConfigError, match="SSL negotiation") as caught:
            PostgresSource(config, loopback).check()
        assert caught.value.field == "port"


def _answer_in_http(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


# What servers that none of the tests' own can be made to say, say.
TOLD = [
    (
        'connection to server at "10.0.0.9", port 5432 failed: FATAL:  no pg_hba.conf entry for host "10.0.0.1", '
        'user "u", database "d", no encryption',
        ConfigError,
        "require",
    ),
    (
        'connection to server at "10.0.0.9", port 5432 failed: FATAL:  no pg_hba.conf entry for host "10.0.0.1", '
        'user "u", database "d", SSL encryption',
        AuthError,
        "pg_hba.conf",
    ),
    ('connection to server at "10.0.0.9", port 5432 failed: timeout expired', Unavailable, "firewall"),
    ('connection to server at "h", port 5432 failed: SSL error: certificate verify failed', ConfigError, "authority"),
    (
        'connection to server at "h", port 5432 failed: server certificate for "x" does not match host name "h"',
        ConfigError,
        "host name",
    ),
    ('connection to server at "h", port 5432 failed: FATAL:  sorry, too many clients already', Unavailable, "later"),
    ('connection to server at "h", port 5432 failed: FATAL:  permission denied for database "d"', AuthError, "CONNECT"),
    ("something never seen before", Unavailable, "host, port"),
]


@pytest.mark.parametrize(("told", "expected", "advice"), TOLD)
def test_what_servers_say_is_understood(told: str, expected: type[ConnectorError], advice: str) -> None:
    server = Server(host="10.0.0.9", port=5432, database="d", user="u")
    error = connect_error(psycopg.OperationalError(told), server)
    assert type(error) is expected
    assert advice in error.hint


def test_private_addresses_are_closed_unless_opened(postgres_config: Config) -> None:
    with pytest.raises(ConfigError, match="not a public address"):
        PostgresSource(postgres_config, Environment()).check()
    with pytest.raises(ConfigError, match="private address"):
        PostgresSource({**postgres_config, "host": "localhost"}, Environment()).check()
    with pytest.raises(ConfigError, match="sockets are closed"):
        PostgresSource({**postgres_config, "host": "/tmp"}, Environment()).check()
    opened = Environment(outbound_allow=(f"{postgres_config['host']}:{postgres_config['port']}",))
    PostgresSource(postgres_config, opened).check()


def test_a_database_with_nothing_to_read_says_so(
    source_url: str, postgres_config: Config, loopback: Environment
) -> None:
    with psycopg.connect(source_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE test_run_nothing_to_read")
        try:
            with pytest.raises(AuthError, match="may read no table"):
                PostgresSource({**postgres_config, "database": "test_run_nothing_to_read"}, loopback).check()
        finally:
            connection.execute("DROP DATABASE test_run_nothing_to_read")


def test_the_setup_sql_quotes_what_people_typed() -> None:
    sql = setup_sql({"user": 'x"; DROP TABLE people; --', "database": "shop"})
    assert 'CREATE USER "x""; DROP TABLE people; --" WITH PASSWORD' in sql
    assert 'GRANT CONNECT ON DATABASE "shop"' in sql


def test_settings_come_typed_from_the_declaration() -> None:
    secret: dict[str, Any] = {f.name: f.secret for f in PostgresSource.definition.fields}
    assert [name for name, hidden in secret.items() if hidden] == ["password"]
