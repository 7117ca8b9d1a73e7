"""PostgreSQL: tables and queries of a database, read over the fast columnar protocol."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import adbc_driver_postgresql.dbapi as adbc
import psycopg
import pyarrow as pa
from psycopg.pq import DiagnosticField, ExecStatus
from sqlglot import exp

from connectors.sdk import arrow
from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConnectorError, QueryError
from connectors.sdk.fields import TUNNEL, FileUpload, Number, Select, Text, When
from connectors.sdk.planner import SCHEMAS, WarehouseSession, WarehouseSource
from connectors.sdk.postgres import VERIFYING, Server, connect_error, conninfo, statement_error
from connectors.sdk.postgres_planner import PostgresSession, prepare_session
from connectors.sdk.postgres_types import DIALECT, NativeType, Reading, reading
from connectors.sdk.source import SourceDefinition
from connectors.sdk.sql import bare, quoted_column, select_columns, table_sql
from connectors.sdk.types import Choice, Column, Table, Verification

# How much of a result the driver holds at once.
BATCH_BYTES = 8 << 20

_TABLES = """
SELECT n.nspname, c.relname,
       CASE WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'table' END,
       coalesce(obj_description(c.oid, 'pg_class'), '')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname NOT IN ('information_schema', 'headrace_planner', 'headrace_audit')
  AND n.nspname !~ '^pg_'
  AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')
ORDER BY 1, 2
"""

_COLUMN_TYPES = """
SELECT format_type(d.type, d.modifier), t.typname, t.typtype, t.typcategory, d.modifier,
       coalesce(col_description(d.relation, d.attribute), ''), coalesce(a.attnotnull, false)
FROM unnest(%s::oid[], %s::int[], %s::oid[], %s::int[]) WITH ORDINALITY
     AS d (type, modifier, relation, attribute, place)
JOIN pg_catalog.pg_type t ON t.oid = d.type
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = d.relation AND a.attnum = d.attribute AND d.attribute > 0
ORDER BY d.place
"""


@dataclass(frozen=True, slots=True)
class _Described:
    """A column of a query and how to read it."""

    column: Column
    reading: Reading


class PostgresStream:
    """A query's rows. Nothing runs before the first batch is asked for."""

    def __init__(self, cursor: adbc.Cursor, sql: str, described: Sequence[_Described], batch_rows: int) -> None:
        self._cursor = cursor
        self._sql = sql
        self._batch_rows = batch_rows
        self.schema = pa.schema(
            arrow.mark(pa.field(d.column.name, d.reading.arrow), d.column.type, d.column.native_type) for d in described
        )

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            self._cursor.execute(self._sql)
            with self._cursor.fetch_record_batch() as reader:
                for batch in reader:
                    yield from self._ready(batch)
        except (adbc.Error, pa.ArrowException, OSError) as error:
            raise _translated(error) from error

    def cancel(self) -> None:
        with contextlib.suppress(adbc.Error):
            self._cursor.adbc_cancel()

    def _ready(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """The batch as the schema says, in pieces of at most ``batch_rows``."""
        for start in range(0, batch.num_rows, self._batch_rows):
            piece = batch.slice(start, self._batch_rows)
            columns = [_carried(f, values) for f, values in zip(self.schema, piece.columns, strict=True)]
            ready = pa.RecordBatch.from_arrays(columns, schema=self.schema)
            arrow.check_calendar(ready)
            yield ready


def setup_sql(config: Mapping[str, Any]) -> str:
    """SQL for an administrator: a user that may log in and read one schema, nothing more."""
    user = exp.to_identifier(config.get("user") or "headrace", quoted=True).sql(dialect=DIALECT)
    database = exp.to_identifier(config.get("database") or "your_database", quoted=True).sql(dialect=DIALECT)
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
    user = exp.to_identifier(config.get("user") or "headrace", quoted=True).sql(dialect=DIALECT)
    return "\n".join(
        (
            *(f"CREATE SCHEMA IF NOT EXISTS {schema};" for schema in SCHEMAS),
            f"GRANT USAGE, CREATE ON SCHEMA {', '.join(SCHEMAS)} TO {user};",
        )
    )


class PostgresSource(WarehouseSource):
    """One PostgreSQL database, read in read-only transactions; only the planner's sessions write."""

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="postgres",
        name="PostgreSQL",
        category="Databases",
        summary="Tables, views and queries of a PostgreSQL database.",
        docs_url="docs/sources/postgres.md",
        dialect=DIALECT,
        verification=Verification.SERVER,
        write_planner=True,
        studio=True,
        setup_sql=setup_sql,
        write_setup_sql=write_setup_sql,
        fields=(
            Text(name="host", label="Host", placeholder="db.example.com", max_length=253),
            Number(name="port", label="Port", default=5432, minimum=1, maximum=65_535),
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
        ),
    )

    def __init__(self, config: Mapping[str, Any], environment: Environment) -> None:
        super().__init__(config, environment)
        self._server = Server.of(config)

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
            return [Table(*row) for row in connection.execute(_TABLES).fetchall()]

    def columns(self, table: Table) -> Sequence[Column]:
        """The columns of one table with their comments."""
        return self.describe(table_sql(table, DIALECT))

    def describe(self, sql: str) -> Sequence[Column]:
        """The columns of a query, with the comments of the table columns they come from; nothing is run."""
        with self._catalogue() as connection:
            return [d.column for d in _describe(connection, sql)]

    @contextmanager
    def query(self, sql: str, *, batch_rows: int = 50_000) -> Iterator[PostgresStream]:
        """A query's rows as Arrow batches, in a read-only transaction."""
        with self._catalogue() as connection:
            described = _describe(connection, sql)
        reads = {d.column.name: d.reading.read(quoted_column(d.column.name)) for d in described if d.reading.read}
        wrapped = select_columns(sql, [d.column.name for d in described], DIALECT, reads)
        with self._reader() as cursor:
            stream = PostgresStream(cursor, wrapped, described, batch_rows)
            try:
                yield stream
            finally:
                # A reader that stopped early must not wait for the rest of the result.
                stream.cancel()

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

    @contextmanager
    def _catalogue(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection for looking things up."""
        with conninfo(self._server, self.environment) as info:
            try:
                connection = psycopg.connect(info)
            except psycopg.Error as error:
                raise connect_error(error, self._server) from error
        try:
            connection.execute("SET TRANSACTION READ ONLY")
            yield connection
        except psycopg.Error as error:
            raise _told(error) from error
        finally:
            connection.close()

    @contextmanager
    def _reader(self) -> Iterator[adbc.Cursor]:
        """A cursor in a read-only transaction of its own connection."""
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
            # Moments inside arrays and objects are written out by the server.
            cursor.execute("SET LOCAL timezone = 'UTC'")
            if seconds := self.config.get("statement_timeout"):
                cursor.execute(f"SET LOCAL statement_timeout = {int(seconds) * 1000}")
        except adbc.Error as error:
            raise _translated(error) from error


def _describe(connection: psycopg.Connection[Any], sql: str) -> tuple[_Described, ...]:
    """Have the server parse the query; raises :class:`QueryError` with the place of an error."""
    shape = _prepared(connection, sql)
    places = range(shape.nfields)
    names = [(shape.fname(i) or b"").decode() for i in places]
    arrow.check_names(names)
    rows = connection.execute(
        _COLUMN_TYPES,
        (
            [shape.ftype(i) for i in places],
            [shape.fmod(i) for i in places],
            [shape.ftable(i) for i in places],
            [shape.ftablecol(i) for i in places],
        ),
    ).fetchall()
    return tuple(_described(name, *row) for name, row in zip(names, rows, strict=True))


def _prepared(connection: psycopg.Connection[Any], sql: str) -> psycopg.pq.abc.PGresult:
    pq = connection.pgconn
    if "\0" in sql:
        raise QueryError("The query holds a NUL character.", position=sql.index("\0"))
    parsed = pq.prepare(b"", bare(sql, DIALECT).encode())
    if parsed.status == ExecStatus.FATAL_ERROR:
        raise _refused(parsed)
    shape = pq.describe_prepared(b"")
    if shape.status == ExecStatus.FATAL_ERROR:
        raise _refused(shape)
    if shape.nparams:
        raise QueryError("The query has placeholders such as $1.", hint="Write the values into the query.")
    if not shape.nfields:
        raise QueryError("The query returns no columns.", hint="Write a SELECT statement.")
    return shape


def _described(
    name: str, shown: str, typname: str, kind: str, category: str, modifier: int, comment: str, required: bool
) -> _Described:
    found = reading(NativeType(typname, kind, category, modifier))
    return _Described(Column(name, found.type, shown, comment, nullable=not required), found)


def _carried(field: pa.Field, values: pa.Array) -> pa.Array:
    """The driver's column as the schema wants it."""
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if values.type == field.type:
        return values
    try:
        return values.cast(field.type)
    except pa.ArrowInvalid as error:
        raise QueryError(
            f"Column “{field.name}” holds a number that is not finite.",
            hint="Replace it in the query, with NULLIF(…, 'NaN'), or cast the column to text.",
        ) from error


def _refused(result: psycopg.pq.abc.PGresult) -> ConnectorError:
    def told(which: DiagnosticField) -> str:
        return (result.error_field(which) or b"").decode("utf-8", "replace")

    place = told(DiagnosticField.STATEMENT_POSITION)
    detail = told(DiagnosticField.MESSAGE_DETAIL)
    message = " ".join(part for part in (told(DiagnosticField.MESSAGE_PRIMARY), detail) if part)
    return statement_error(
        told(DiagnosticField.SQLSTATE),
        message,
        position=int(place) - 1 if place else None,
        hint=told(DiagnosticField.MESSAGE_HINT),
    )


def _told(error: psycopg.Error) -> ConnectorError:
    return statement_error(error.sqlstate or "", error.diag.message_primary or str(error))


def _translated(error: Exception) -> ConnectorError:
    """The columnar driver's error; in the middle of a result only its text tells what happened."""
    details = dict(getattr(error, "details", None) or ())
    primary = details.get(b"PG_DIAG_MESSAGE_PRIMARY") or details.get("PG_DIAG_MESSAGE_PRIMARY") or b""
    message = primary.decode("utf-8", "replace") if isinstance(primary, bytes) else str(primary)
    return statement_error(getattr(error, "sqlstate", None) or "", message or _server_words(str(error)))


def _server_words(text: str) -> str:
    found = re.search(r"(?:ERROR|FATAL):\s+(.+)", text)
    return found.group(1).strip() if found else text.strip()
