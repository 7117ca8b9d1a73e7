"""Sources of Snowflake: what its own tables and those in Iceberg's format share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, ClassVar

import pyarrow as pa
from sqlglot import exp

from connectors.sdk.arrow import check_calendar
from connectors.sdk.errors import ConnectorError
from connectors.sdk.fields import Field, FileUpload, Select, Text, When
from connectors.sdk.planner import SCHEMAS, WarehouseSource
from connectors.sdk.readings import Described
from connectors.sdk.server_settings import TIME_LIMIT
from connectors.sdk.snowflake import Connection, connect, connector, described, statement_error
from connectors.sdk.snowflake_planner import SnowflakeSession
from connectors.sdk.source import RowStream
from connectors.sdk.sql import bare, table_sql
from connectors.sdk.sql_source import SqlSource
from connectors.sdk.text_columns import unreadable
from connectors.sdk.types import Choice, Column, Table

_DIALECT = "snowflake"
_HIDDEN = ("INFORMATION_SCHEMA", "HEADRACE_PLANNER", "HEADRACE_AUDIT", "headrace_planner", "headrace_audit")
_KEY, _PASSWORD = When(field="login", values=("key",)), When(field="login", values=("password",))

FIELDS: tuple[Field, ...] = (
    Text(
        name="account",
        label="Account identifier",
        help="The part before .snowflakecomputing.com: organization and account, or locator and region.",
        placeholder="myorg-myaccount",
        pattern=r"(https://)?[A-Za-z0-9][A-Za-z0-9_.\-]*/?",
        pattern_hint="Letters, digits, dots, dashes and underscores, such as myorg-myaccount or xy12345.eu-central-1.",
        max_length=300,
    ),
    Text(name="warehouse", label="Warehouse", help="Computes what runs need.", max_length=255),
    Text(
        name="interactive_warehouse",
        label="Warehouse for previews",
        help="Computes what somebody waits for. Left out, the other one does.",
        required=False,
        max_length=255,
    ),
    Text(name="database", label="Database", max_length=255),
    Text(name="user", label="User", help="The login name, which may differ from the user's name.", max_length=255),
    Text(
        name="role",
        label="Role",
        help="What queries run as. Left out, the user's default role.",
        required=False,
        max_length=255,
    ),
    Select(
        name="login",
        label="Log in with",
        default="key",
        choices=(
            Choice("key", "RSA key pair"),
            Choice("password", "Password", "Snowflake is giving up passwords without a second factor."),
        ),
    ),
    FileUpload(
        name="private_key",
        label="Private key",
        help="rsa_key.p8: the PEM file, with its first and last line.",
        secret=True,
        accept=".p8,.pem",
        max_bytes=20_000,
        when=_KEY,
    ),
    Text(name="passphrase", label="Passphrase of the key", secret=True, required=False, when=_KEY),
    Text(name="password", label="Password", secret=True, when=_PASSWORD),
    TIME_LIMIT,
)


def setup_sql(config: Mapping[str, Any]) -> str:
    """SQL for an administrator: a service user and a role that may read one database, nothing more."""

    def name(key: str, otherwise: str) -> str:
        return exp.to_identifier(str(config.get(key) or otherwise), quoted=True).sql(dialect=_DIALECT)

    role, user = name("role", "HEADRACE"), name("user", "HEADRACE")
    warehouse, database = name("warehouse", "YOUR_WAREHOUSE"), name("database", "YOUR_DATABASE")
    kinds = (f"{when} {what}" for what in ("TABLES", "VIEWS") for when in ("ALL", "FUTURE"))
    return "\n".join(
        (
            f"CREATE ROLE IF NOT EXISTS {role};",
            f"CREATE USER IF NOT EXISTS {user} TYPE = SERVICE RSA_PUBLIC_KEY = 'paste rsa_key.pub'",
            f"  DEFAULT_WAREHOUSE = {warehouse} DEFAULT_ROLE = {role};",
            f"GRANT ROLE {role} TO USER {user};",
            f"GRANT USAGE ON WAREHOUSE {warehouse} TO ROLE {role};",
            f"GRANT USAGE ON DATABASE {database} TO ROLE {role};",
            f"GRANT USAGE ON ALL SCHEMAS IN DATABASE {database} TO ROLE {role};",
            f"GRANT USAGE ON FUTURE SCHEMAS IN DATABASE {database} TO ROLE {role};",
            *(f"GRANT SELECT ON {kind} IN DATABASE {database} TO ROLE {role};" for kind in kinds),
        )
    )


def write_setup_sql(config: Mapping[str, Any]) -> str:
    """SQL for an administrator: two schemas in which the role may make tables of its own, nothing more."""

    def name(text: str) -> str:
        return str(exp.to_identifier(text, quoted=True).sql(dialect=_DIALECT))

    role, database = name(str(config.get("role") or "HEADRACE")), name(str(config.get("database") or "YOUR_DATABASE"))
    lines: list[str] = []
    for schema in SCHEMAS:
        lines += (
            f"CREATE SCHEMA IF NOT EXISTS {database}.{name(schema)};",
            f"GRANT USAGE, CREATE TABLE ON SCHEMA {database}.{name(schema)} TO ROLE {role};",
        )
    return "\n".join(lines)


class SnowflakeReader(SqlSource):
    """One database of an account, as one role. ``place`` is where a stand-in answers instead."""

    place: ClassVar[Mapping[str, Any]] = {}

    @property
    def failures(self) -> tuple[type[Exception], ...]:  # type: ignore[override]  # known once the driver is there
        """The driver's exceptions."""
        return (connector().errors.Error, pa.ArrowException, OSError)

    def _connect(self) -> AbstractContextManager[Connection]:
        return connect(self.config, self.environment, **self.place)

    def _tables(self, connection: Connection) -> Sequence[Table]:
        wanted = (
            exp.select("table_schema", "table_name", "table_type", "comment")
            .from_("information_schema.tables")
            .where(exp.not_(exp.column("table_schema").isin(*_HIDDEN)))
            .order_by("table_schema", "table_name")
        )
        rows = _all(connection, wanted.sql(dialect=_DIALECT))
        return [
            Table(schema, name, "view" if "VIEW" in (kind or "") else "table", comment or "")
            for schema, name, kind, comment in rows
        ]

    def columns(self, table: Table) -> Sequence[Column]:
        """The columns of one table with their comments."""
        about = {"table_schema": table.schema, "table_name": table.name}
        wanted = (
            exp.select("column_name", "comment")
            .from_("information_schema.columns")
            .where(*(exp.column(key).eq(exp.Literal.string(value)) for key, value in about.items()))
        )
        with self._opened() as connection:
            comments = dict(_all(connection, wanted.sql(dialect=_DIALECT)))
            found = connection.cursor().describe(table_sql(table, _DIALECT))
            return [described(c, comments.get(c.name) or "").column for c in found]

    def _look(self, connection: Connection, sql: str) -> Sequence[Described]:
        asked = bare(sql, _DIALECT)
        try:
            return [described(column) for column in connection.cursor().describe(asked)]
        except self.failures as error:
            raise statement_error(error, asked) from error

    def _rows(self, connection: Connection, sql: str, schema: pa.Schema, batch_rows: int) -> Iterator[pa.RecordBatch]:
        cursor = connection.headrace_cursor = connection.cursor()
        connection.headrace_sql = sql
        cursor.execute(sql)
        for table in cursor.fetch_arrow_batches(force_microsecond_precision=True):
            for batch in table.combine_chunks().to_batches(max_chunksize=batch_rows):
                yield _carried(batch, schema)

    def _cancel(self, connection: Connection) -> None:
        """Abort by the request, which is known before the query has a number of its own."""
        cursor = getattr(connection, "headrace_cursor", None)
        if cursor is not None and cursor._request_id is not None:
            with suppress(*self.failures):
                connection._cancel_query(connection.headrace_sql, cursor._request_id)

    def _leave(self, connection: Connection) -> None:
        """Queries have ended when their rows begin to come; closing the session drops the rest."""

    def _told(self, error: Exception) -> ConnectorError:
        return statement_error(error)


class SnowflakeWarehouse(SnowflakeReader, WarehouseSource):
    """As above; the planner's sessions write, into Headrace's schemas of the same database."""

    @contextmanager
    def session(self) -> Iterator[SnowflakeSession]:
        """A connection for writing."""
        with self._connect() as connection:
            yield SnowflakeSession(connection, self._streamed, self.describe)

    def _streamed(self, sql: str, batch_rows: int) -> AbstractContextManager[RowStream]:
        return self.query(sql, batch_rows=batch_rows)


def _all(connection: Connection, sql: str) -> list[tuple[Any, ...]]:
    return list(connection.cursor().execute(sql).fetchall())


def _carried(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = []
    for field, values in zip(schema, batch.columns, strict=True):
        try:
            columns.append(values if values.type == field.type else values.cast(field.type))
        except pa.ArrowInvalid as error:
            raise unreadable(field) from error
    ready = pa.RecordBatch.from_arrays(columns, schema=schema)
    check_calendar(ready)
    return ready
