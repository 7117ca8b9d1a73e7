"""Sources that speak PostgreSQL's protocol: what they share, so that each is little more than its declaration."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import adbc_driver_postgresql.dbapi as adbc
import psycopg
from psycopg.adapt import AdaptersMap
from sqlglot import exp

from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError
from connectors.sdk.fields import TUNNEL, Field, FileUpload, Number, Select, Text, When
from connectors.sdk.planner import SCHEMAS, WarehouseSession, WarehouseSource
from connectors.sdk.postgres import VERIFYING, Server, connect_error, conninfo
from connectors.sdk.postgres_catalogue import POSTGRES, Catalogue
from connectors.sdk.postgres_planner import PostgresSession, prepare_session
from connectors.sdk.postgres_streams import (
    AS_TEXT,
    BATCH_BYTES,
    ColumnarStream,
    CursorStream,
    PostgresStream,
    columnar_error,
    told,
)
from connectors.sdk.readings import select_described
from connectors.sdk.source import Source
from connectors.sdk.sql import table_sql
from connectors.sdk.types import Choice, Column, Table


def server_fields(*, port: int = 5432, host: str = "db.example.com", tunnel: bool = True) -> tuple[Field, ...]:
    """The settings that every server of the family is asked for."""
    fields: tuple[Field, ...] = (
        Text(name="host", label="Host", placeholder=host, max_length=253),
        Number(name="port", label="Port", default=port, minimum=1, maximum=65_535),
        Text(name="database", label="Database", max_length=63),
        Text(name="user", label="User", help="A user that may only read is enough.", max_length=63),
        Text(name="password", label="Password", required=False, secret=True),
        Select(
            name="sslmode",
            label="Encryption",
            default="prefer",
            group="Security",
            choices=(
                Choice("prefer", "Prefer", "Encrypt when the server offers it."),
                Choice("require", "Require", "Encrypt or do not connect; the certificate is not checked."),
                Choice("verify-ca", "Verify authority", "Encrypt, and check who signed the certificate."),
                Choice("verify-full", "Verify fully", "Also check that the certificate is for this host."),
                Choice("disable", "Off", "Only on a network that you trust."),
            ),
        ),
        FileUpload(
            name="ca",
            label="Certificate authority",
            help="PEM file with the authorities to trust. Left out, those of this machine are.",
            required=False,
            accept=".pem,.crt,.cer",
            max_bytes=200_000,
            group="Security",
            when=When(field="sslmode", values=VERIFYING),
        ),
        TUNNEL,
        Number(
            name="statement_timeout",
            label="Query time limit",
            help="A query that takes longer is stopped. Left out, the server's own limit holds.",
            required=False,
            minimum=1,
            maximum=86_400,
            unit="seconds",
            group="Limits",
        ),
    )
    return fields if tunnel else tuple(f for f in fields if f is not TUNNEL)


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


class PostgresReader(Source):
    """One database behind PostgreSQL's protocol, read in read-only transactions.

    ``catalogue`` is how the server is asked about itself. With ``columnar`` rows come by
    COPY over the columnar driver, else from a cursor, ``fetch_rows`` at once. ``settings``
    are what a session sets besides its time zone and time limit.
    """

    catalogue: ClassVar[Catalogue] = POSTGRES
    columnar: ClassVar[bool] = True
    fetch_rows: ClassVar[int] = 10_000

    def __init__(self, config: Mapping[str, Any], environment: Environment) -> None:
        super().__init__(config, environment)
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

    def tables(self) -> Sequence[Table]:
        """Tables and views that the user may read; partitions count as their table."""
        with self._catalogue() as connection:
            return [Table(*row) for row in connection.execute(self.catalogue.tables).fetchall()]

    def columns(self, table: Table) -> Sequence[Column]:
        """The columns of one table with their comments."""
        return self.describe(table_sql(table, self.catalogue.dialect))

    def describe(self, sql: str) -> Sequence[Column]:
        """The columns of a query, with the comments of the table columns they come from; nothing is run."""
        with self._catalogue() as connection:
            return [d.column for d in self.catalogue.describe(connection, sql)]

    @contextmanager
    def query(self, sql: str, *, batch_rows: int = 50_000) -> Iterator[PostgresStream]:
        """A query's rows as Arrow batches, in a read-only transaction."""
        with self._catalogue() as connection:
            described = self.catalogue.describe(connection, sql)
        wrapped = select_described(sql, described, self.catalogue.dialect)
        with self._open_stream(wrapped, described, batch_rows) as stream:
            try:
                yield stream
            finally:
                # A reader that stopped early must not wait for the rest of the result.
                stream.cancel()

    @contextmanager
    def _open_stream(self, sql: str, described: Any, batch_rows: int) -> Iterator[PostgresStream]:
        if self.columnar:
            with self._reader() as cursor:
                yield ColumnarStream(cursor, sql, described, batch_rows)
            return
        with self._catalogue(AS_TEXT) as connection:
            for name, value in self._session_settings():
                connection.execute(f"SET {name} = {value}")
            yield CursorStream(connection, sql, described, batch_rows, self.fetch_rows)

    def _session_settings(self) -> Iterator[tuple[str, str]]:
        # Moments inside arrays and objects are written out by the server.
        yield "timezone", "'UTC'"
        if seconds := self.config.get("statement_timeout"):
            yield "statement_timeout", str(int(seconds) * 1000)
        for name, value in self.settings().items():
            yield name, exp.Literal.string(value).sql(dialect="postgres")

    @contextmanager
    def _catalogue(self, adapters: AdaptersMap | None = None) -> Iterator[psycopg.Connection[Any]]:
        """A connection for looking things up, in one read-only transaction."""
        with conninfo(self._server, self.environment) as info:
            try:
                connection = psycopg.connect(info, context=_Adapting(adapters) if adapters else None)
            except psycopg.Error as error:
                raise connect_error(error, self._server) from error
        try:
            connection.read_only = True
            connection.execute("SELECT 1")
            yield connection
        except psycopg.Error as error:
            raise told(error) from error
        finally:
            connection.close()

    @contextmanager
    def _reader(self) -> Iterator[adbc.Cursor]:
        """A columnar cursor in a read-only transaction of its own connection."""
        with conninfo(self._server, self.environment) as info:
            try:
                connection = adbc.connect(info)
            except adbc.Error as error:
                raise connect_error(error, self._server) from error
        cursor = connection.cursor(adbc_stmt_kwargs={"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)})
        try:
            self._begin(cursor)
            yield cursor
        finally:
            cursor.close()
            with contextlib.suppress(adbc.Error):
                connection.close()

    def _begin(self, cursor: adbc.Cursor) -> None:
        try:
            cursor.execute("SET TRANSACTION READ ONLY")
            for name, value in self._session_settings():
                cursor.execute(f"SET LOCAL {name} = {value}")
        except adbc.Error as error:
            raise columnar_error(error) from error


class PostgresWarehouse(PostgresReader, WarehouseSource):
    """A server of the family in which Headrace may also keep tables of its own."""

    @contextmanager
    def session(self) -> Iterator[PostgresSession]:
        """A connection that may write into Headrace's schemas."""
        with conninfo(self._server, self.environment) as info:
            try:
                connection = psycopg.connect(info, autocommit=True)
            except psycopg.Error as error:
                raise connect_error(error, self._server) from error
        try:
            prepare_session(connection, self.config.get("statement_timeout"))
            yield PostgresSession(connection, self._query_batches, self.describe)
        finally:
            connection.close()

    def _check_schema(self, session: WarehouseSession, schema: str) -> None:
        assert isinstance(session, PostgresSession)
        session.check_rights(schema)

    def _query_batches(self, sql: str, batch_rows: int) -> AbstractContextManager[PostgresStream]:
        return self.query(sql, batch_rows=batch_rows)
