"""Sources that speak PostgreSQL's protocol: what they share, so that each is little more than its declaration."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import adbc_driver_postgresql.dbapi as adbc
import psycopg
import pyarrow as pa
from psycopg.adapt import AdaptersMap
from sqlglot import exp

from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConnectorError
from connectors.sdk.fields import TUNNEL, Field, Number, Text, When
from connectors.sdk.planner import SCHEMAS, WarehouseSession, WarehouseSource
from connectors.sdk.postgres import Server, connect_error, conninfo
from connectors.sdk.postgres_catalogue import POSTGRES, Catalogue
from connectors.sdk.postgres_planner import PostgresSession
from connectors.sdk.postgres_streams import AS_TEXT, BATCH_BYTES, columnar_error, columnar_rows, cursor_rows, told
from connectors.sdk.readings import Described
from connectors.sdk.server_settings import TIME_LIMIT, VERIFYING, authority, encryption
from connectors.sdk.source import RowStream
from connectors.sdk.sql_source import SqlSource
from connectors.sdk.types import Table


def server_fields(*, port: int = 5432, host: str = "db.example.com", tunnel: bool = True) -> tuple[Field, ...]:
    """The settings that every server of the family is asked for."""
    return (
        Text(name="host", label="Host", placeholder=host, max_length=253),
        Number(name="port", label="Port", default=port, minimum=1, maximum=65_535),
        Text(name="database", label="Database", max_length=63),
        Text(name="user", label="User", help="A user that may only read is enough.", max_length=63),
        Text(name="password", label="Password", required=False, secret=True),
        encryption(prefer=True),
        authority(When(field="sslmode", values=VERIFYING), beside=False),
        *((TUNNEL,) if tunnel else ()),
        TIME_LIMIT,
    )


def setup_sql(config: Mapping[str, Any]) -> str:
    """SQL for an administrator: a user that may log in and read one schema, nothing more."""
    user = exp.to_identifier(config.get("user") or "headrace", quoted=True).sql(dialect="postgres")
    database = exp.to_identifier(config.get("database") or "your_database", quoted=True).sql(dialect="postgres")
    return "\n".join(
        (
            f"CREATE USER {user} WITH PASSWORD 'choose-a-password';",
            f"GRANT CONNECT ON DATABASE {database} TO {user};",
            "-- The next three lines once for each schema to read:",
            f"GRANT USAGE ON SCHEMA public TO {user};",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user};",
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {user};",
            f"ALTER USER {user} SET default_transaction_read_only = on;",
        )
    )


def write_setup_sql(config: Mapping[str, Any]) -> str:
    """SQL for an administrator: two schemas in which the user may make tables of its own, nothing more."""
    user = exp.to_identifier(config.get("user") or "headrace", quoted=True).sql(dialect="postgres")
    return "\n".join(
        (
            *(f"CREATE SCHEMA IF NOT EXISTS {schema};" for schema in SCHEMAS),
            f"GRANT USAGE, CREATE ON SCHEMA {', '.join(SCHEMAS)} TO {user};",
        )
    )


@dataclass(frozen=True, slots=True)
class _Adapting:
    """How a connection makes values of what it reads, in the form that psycopg takes."""

    adapters: AdaptersMap
    connection: None = None


class PostgresReader(SqlSource):
    """One database behind PostgreSQL's protocol, read in read-only transactions.

    ``catalogue`` is how the server is asked about itself. With ``columnar`` rows come by
    COPY over the columnar driver, else from a cursor, ``fetch_rows`` at once. ``settings``
    are what a session sets besides its time zone and time limit.
    """

    failures = (psycopg.Error, adbc.Error, pa.ArrowException, OSError)
    catalogue: ClassVar[Catalogue] = POSTGRES
    columnar: ClassVar[bool] = True
    fetch_rows: ClassVar[int] = 10_000

    def __init__(self, config: Mapping[str, Any], environment: Environment) -> None:
        super().__init__(config, environment)
        self.dialect = self.catalogue.dialect
        self._server = Server.of(config)

    def settings(self) -> Mapping[str, str]:
        """What else a session that reads rows sets."""
        return {}

    def check(self) -> None:
        """Log in and find something to read."""
        if not self.tables():
            raise AuthError(
                f"Connected, but {self._server.user} may read no table of {self._server.database}.",
                hint="Grant it USAGE on a schema and SELECT on its tables.",
            )

    @contextmanager
    def _connect(self, adapters: AdaptersMap | None = None) -> Iterator[psycopg.Connection[Any]]:
        """A connection in one read-only transaction."""
        with conninfo(self._server, self.environment) as info:
            try:
                connection = psycopg.connect(info, context=_Adapting(adapters) if adapters else None)
            except psycopg.Error as error:
                raise connect_error(error, self._server) from error
        try:
            connection.read_only = True
            connection.execute("SELECT 1")
            yield connection
        finally:
            connection.close()

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        with self._columnar() if self.columnar else self._connect(AS_TEXT) as connection:
            try:
                self._begin(connection)
            except self.failures as error:
                raise self._told(error) from error
            yield connection

    @contextmanager
    def _columnar(self) -> Iterator[adbc.Cursor]:
        """A cursor of the columnar driver on a connection of its own."""
        with conninfo(self._server, self.environment) as info:
            try:
                connection = adbc.connect(info)
            except adbc.Error as error:
                raise connect_error(error, self._server) from error
        cursor = connection.cursor(adbc_stmt_kwargs={"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)})
        try:
            yield cursor
        finally:
            cursor.close()
            with contextlib.suppress(adbc.Error):
                connection.close()

    def _begin(self, connection: Any) -> None:
        if self.columnar:
            connection.execute("SET TRANSACTION READ ONLY")
        for name, value in self._session_settings():
            connection.execute(f"SET {'LOCAL ' if self.columnar else ''}{name} = {value}")

    def _session_settings(self) -> Iterator[tuple[str, str]]:
        # Moments inside arrays and objects are written out by the server.
        yield "timezone", "'UTC'"
        if seconds := self.config.get("statement_timeout"):
            yield "statement_timeout", str(int(seconds) * 1000)
        for name, value in self.settings().items():
            yield name, exp.Literal.string(value).sql(dialect="postgres")

    def _tables(self, connection: psycopg.Connection[Any]) -> Sequence[Table]:
        """Tables and views that the user may read; partitions count as their table."""
        return [Table(*row) for row in connection.execute(self.catalogue.tables).fetchall()]

    def _look(self, connection: psycopg.Connection[Any], sql: str) -> Sequence[Described]:
        """The columns of a query, with the comments of the table columns they come from; nothing is run."""
        return self.catalogue.describe(connection, sql)

    def _rows(self, connection: Any, sql: str, schema: pa.Schema, batch_rows: int) -> Iterator[pa.RecordBatch]:
        if self.columnar:
            return columnar_rows(connection, sql, schema, batch_rows)
        return cursor_rows(connection, sql, schema, batch_rows, self.fetch_rows)

    def _cancel(self, connection: Any) -> None:
        with contextlib.suppress(*self.failures):
            if self.columnar:
                connection.adbc_cancel()
            else:
                connection.cancel_safe(timeout=5)

    def _told(self, error: Exception) -> ConnectorError:
        return told(error) if isinstance(error, psycopg.Error) else columnar_error(error)


class PostgresWarehouse(PostgresReader, WarehouseSource):
    """A server of the family in which Headrace may also keep tables, by sessions of the class ``writing``."""

    writing: ClassVar[type[PostgresSession]] = PostgresSession

    @contextmanager
    def session(self) -> Iterator[PostgresSession]:
        """A connection that may write into Headrace's schemas."""
        with conninfo(self._server, self.environment) as info:
            try:
                connection = psycopg.connect(info, autocommit=True)
            except psycopg.Error as error:
                raise connect_error(error, self._server) from error
        try:
            session = self.writing(connection, self._query_batches, self.describe)
            session.prepare(int(self.config.get("statement_timeout") or 0))
            yield session
        finally:
            connection.close()

    def _check_schema(self, session: WarehouseSession, schema: str) -> None:
        assert isinstance(session, PostgresSession)
        session.check_rights(schema)

    def _query_batches(self, sql: str, batch_rows: int) -> AbstractContextManager[RowStream]:
        return self.query(sql, batch_rows=batch_rows)
