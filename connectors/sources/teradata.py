"""Teradata Vantage: tables, views and queries, by the vendor's own driver."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any, ClassVar

import pyarrow as pa
from sqlglot import exp

from connectors.sdk.errors import ConnectorError
from connectors.sdk.fields import TUNNEL, Number, Text
from connectors.sdk.readings import Described
from connectors.sdk.server_settings import TIME_LIMIT, VERIFIED_AUTHORITY, encryption
from connectors.sdk.source import SourceDefinition
from connectors.sdk.sql import bare
from connectors.sdk.sql_source import SqlSource
from connectors.sdk.teradata import Connection, batch, connect, connector, described_by, run, statement_error
from connectors.sdk.types import Column, Table, Verification

_DIALECT = "teradata"
# Databases that every system has.
_SYSTEM = (
    "All", "Crashdumps", "DBC", "Default", "External_AP", "EXTUSER", "LockLogShredder", "PUBLIC", "SQLJ", "SYSLIB",
    "SYSSPATIAL", "SYSUDTLIB", "SYSUIF", "SYSBAR", "SysAdmin", "SystemFe", "TDBCMgmt", "TDMaps", "TDPUSER", "TDQCD",
    "TDStats", "TD_ANALYTICS_DB", "TD_SERVER_DB", "TD_SYSFNLIB", "TD_SYSGPL", "TD_SYSXML", "Sys_Calendar", "dbcmngr",
    "headrace_planner", "headrace_audit",
)  # fmt: skip


def setup_sql(config: Mapping[str, Any]) -> str:
    """SQL for an administrator: a user that may read one database, nothing more."""
    user = exp.to_identifier(str(config.get("user") or "headrace"), quoted=True).sql(dialect=_DIALECT)
    return "\n".join(
        (
            f'CREATE USER {user} AS PERMANENT = 0 BYTES, PASSWORD = "choose-a-password";',
            f"GRANT SELECT ON your_database TO {user};",
        )
    )


class TeradataSource(SqlSource):
    """What one user may read. A model stands inside a SELECT, which never writes."""

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="teradata",
        name="Teradata Vantage",
        category="Warehouses",
        summary="Tables, views and queries of Teradata Vantage.",
        docs_url="docs/sources/teradata.md",
        dialect=_DIALECT,
        verification=Verification.DOCS,
        setup_sql=setup_sql,
        fields=(
            Text(name="host", label="Host", placeholder="vantage.example.com", max_length=253),
            Number(
                name="port",
                label="Port",
                help="Left out, 443 for encrypted connections and 1025 for others.",
                required=False,
                minimum=1,
                maximum=65_535,
            ),
            Text(name="user", label="User", help="A user that may only read is enough.", max_length=128),
            Text(name="password", label="Password", secret=True),
            encryption(),
            VERIFIED_AUTHORITY,
            TUNNEL,
            TIME_LIMIT,
        ),
    )

    @property
    def failures(self) -> tuple[type[Exception], ...]:  # type: ignore[override]  # known once the driver is there
        """The driver's exceptions."""
        return (connector().Error, pa.ArrowException, OSError)

    def _connect(self) -> AbstractContextManager[Connection]:
        return connect(self.config, self.environment)

    def _tables(self, connection: Connection) -> Sequence[Table]:
        wanted = (
            exp.select("DatabaseName", "TableName", "TableKind", "CommentString")
            .from_("DBC.TablesVX")
            .where(exp.column("TableKind").isin("T", "O", "V"), exp.not_(exp.column("DatabaseName").isin(*_SYSTEM)))
            .order_by("DatabaseName", "TableName")
        )
        rows = run(connection, wanted.sql(dialect=_DIALECT)).fetchall()
        return [
            Table(database.rstrip(), name.rstrip(), "view" if kind.strip() == "V" else "table", comment or "")
            for database, name, kind, comment in rows
        ]

    def columns(self, table: Table) -> Sequence[Column]:
        """The columns of one table with their comments."""
        about = {"DatabaseName": table.schema, "TableName": table.name}
        wanted = (
            exp.select("ColumnName", "CommentString")
            .from_("DBC.ColumnsVX")
            .where(*(exp.column(key).eq(exp.Literal.string(value)) for key, value in about.items()))
        )
        found = super().columns(table)
        with self._opened() as connection:
            rows = run(connection, wanted.sql(dialect=_DIALECT)).fetchall()
        comments = {name.rstrip(): comment or "" for name, comment in rows}
        return [Column(c.name, c.type, c.native_type, comments.get(c.name, ""), c.nullable) for c in found]

    def _look(self, connection: Connection, sql: str) -> Sequence[Described]:
        return described_by(connection, bare(sql, _DIALECT))

    def _rows(self, connection: Connection, sql: str, schema: pa.Schema, batch_rows: int) -> Iterator[pa.RecordBatch]:
        cursor = run(connection, sql)
        while rows := cursor.fetchmany(batch_rows):
            yield batch(rows, schema)

    def _cancel(self, connection: Connection) -> None:
        with suppress(*self.failures):
            connection.cancel()

    def _leave(self, connection: Connection) -> None:
        """Closing the session drops what is left."""

    def _told(self, error: Exception) -> ConnectorError:
        return statement_error(error)
