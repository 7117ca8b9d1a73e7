"""Real servers and files for sources: a PostgreSQL database of this process's own, a folder that may be read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
import pymysql
import pytest
from psycopg import sql

from config.embedded import Urls
from connectors.sdk.context import Environment
from tests.support import bigquery, clickhouse, duck_warehouses, mariadb, snowflake, tds_server
from tests.support.databases import RUN_PREFIX, at


@pytest.fixture(scope="session")
def source_url(services: Urls) -> Iterator[str]:
    """An empty PostgreSQL database that tests may fill."""
    name = f"{RUN_PREFIX}{os.getpid()}_source"
    with psycopg.connect(services.database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield at(services.database_url, name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


Prepare = Callable[[Sequence[str]], AbstractContextManager[dict[str, Any]]]


@pytest.fixture(scope="session")
def postgres_server(services: Urls) -> Prepare:
    """Databases of their own on the real PostgreSQL, filled by statements."""

    @contextmanager
    def prepare(seed: Sequence[str]) -> Iterator[dict[str, Any]]:
        name = f"{RUN_PREFIX}{os.getpid()}_stand"
        with psycopg.connect(services.database_url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            try:
                with psycopg.connect(at(services.database_url, name)) as inside:
                    for statement in seed:
                        inside.execute(statement.encode())
                yield _settings_of(at(services.database_url, name))
            finally:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    return prepare


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[Prepare]:
    """Databases of their own on a real MariaDB, filled by statements; skips where the machine has none."""
    with mariadb.a_server() as login:
        if login is None:
            pytest.skip(mariadb.WORDS)

        @contextmanager
        def prepare(seed: Sequence[str]) -> Iterator[dict[str, Any]]:
            name = f"{RUN_PREFIX}{os.getpid()}_stand"
            connection = pymysql.connect(**login, charset="utf8mb4", autocommit=True)
            try:
                connection.query(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
                connection.query(f"CREATE USER {name}@'%' IDENTIFIED BY 'known'")
                connection.query(f"GRANT SELECT, SHOW VIEW, INSERT, DELETE, DROP ON {name}.* TO {name}@'%'")
                connection.select_db(name)
                for statement in seed:
                    connection.query(statement)
                server = {"host": login["host"], "port": login["port"], "sslmode": "disable"}
                yield {**server, "database": name, "user": name, "password": "known", "schema": name}
            finally:
                connection.query(f"DROP USER IF EXISTS {name}@'%'")
                connection.query(f"DROP DATABASE IF EXISTS {name}")
                connection.close()

        yield prepare


@pytest.fixture(scope="session")
def clickhouse_server() -> Prepare:
    """ClickHouse's engine behind its HTTP interface; skips where it is not installed."""

    @contextmanager
    def prepare(seed: Sequence[str]) -> Iterator[dict[str, Any]]:
        with clickhouse.a_server(seed) as settings:
            if settings is None:
                pytest.skip(clickhouse.WORDS)
            yield settings

    return prepare


@pytest.fixture(scope="session")
def snowflake_server() -> Prepare:
    """fakesnow behind Snowflake's protocol; skips where it or the driver is not installed."""
    pytest.importorskip("snowflake.connector", reason="the driver is not installed; `make test` does that")

    @contextmanager
    def prepare(seed: Sequence[str]) -> Iterator[dict[str, Any]]:
        with snowflake.a_server(seed) as port:
            if port is None:
                pytest.skip(snowflake.WORDS)
            login = {"account": "acme", "user": "headrace", "login": "password", "password": "known"}
            yield {**login, "warehouse": "WH", "database": "STAND", "host": "127.0.0.1", "port": port}

    return prepare


@pytest.fixture(scope="session")
def bigquery_server() -> Prepare:
    """bqemulator behind BigQuery's interface; skips where it is not installed."""

    @contextmanager
    def prepare(seed: Sequence[str]) -> Iterator[dict[str, Any]]:
        with bigquery.a_server(seed) as settings:
            if settings is None:
                pytest.skip(bigquery.WORDS)
            yield settings

    return prepare


@pytest.fixture(scope="session")
def trino_server() -> Prepare:
    """DuckDB behind Trino's protocol."""
    return duck_warehouses.a_trino


@pytest.fixture(scope="session")
def athena_server() -> Prepare:
    """DuckDB behind Athena's and S3's protocols."""
    return duck_warehouses.an_athena


@pytest.fixture(scope="session")
def databricks_server() -> Prepare:
    """DuckDB behind Databricks' Statement Execution API."""
    return duck_warehouses.a_databricks


@pytest.fixture(scope="session")
def sqlserver_server(tmp_path_factory: pytest.TempPathFactory) -> Prepare:
    """DuckDB behind TDS."""

    @contextmanager
    def prepare(seed: Sequence[str]) -> Iterator[dict[str, Any]]:
        with tds_server.a_server(tmp_path_factory.mktemp("tds"), seed) as stand:
            yield tds_server.settings(stand)

    return prepare


@pytest.fixture(scope="session")
def fabric_server(tmp_path_factory: pytest.TempPathFactory) -> Prepare:
    """DuckDB behind TDS, with text in UTF-8."""

    @contextmanager
    def prepare(seed: Sequence[str]) -> Iterator[dict[str, Any]]:
        with tds_server.a_server(tmp_path_factory.mktemp("tds"), seed, utf8=True) as stand:
            yield tds_server.settings(stand)

    return prepare


@pytest.fixture
def postgres_config(source_url: str) -> dict[str, object]:
    """The settings of a PostgreSQL source that reads this database."""
    return _settings_of(source_url)


@pytest.fixture(scope="session")
def loopback() -> Environment:
    """What an operator sets who allows connections to this machine."""
    return Environment(outbound_allow=("*",))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The one folder that may be read; its neighbour may not."""
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    (tmp_path / "outside.csv").write_text("secret\n1\n")
    return allowed


@pytest.fixture
def files_allowed(folder: Path) -> Environment:
    """What an operator sets who allows this folder."""
    return Environment(local_roots=(str(folder),))


def _settings_of(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    return {
        "host": parts.hostname,
        "port": parts.port or 5432,
        "database": parts.path.lstrip("/"),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
    }
