"""Sources that speak TDS: what they share, so that each is little more than its declaration."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import pyarrow as pa
from sqlglot import exp

from connectors.sdk.context import Environment
from connectors.sdk.errors import ConnectorError
from connectors.sdk.readings import Described
from connectors.sdk.sql import limit_rows, table_sql
from connectors.sdk.sql_source import SqlSource
from connectors.sdk.tds import FAILURES, Server, Session, connect, statement_error
from connectors.sdk.tds_settings import server_of, signed
from connectors.sdk.tds_types import batch, described
from connectors.sdk.types import Column, Table

_HIDDEN = ("sys", "information_schema", "queryinsights", "headrace_planner", "headrace_audit")
_TOKEN_S = 300.0  # tokens live for an hour


class TdsReader(SqlSource):
    """One database behind TDS. A model stands inside a SELECT, which never writes there.

    ``transaction``: it is read in one that is rolled back besides. ``utf8``: text is kept in UTF-8.
    ``comments``: the server keeps what is said about tables and columns as extended properties.
    """

    failures = FAILURES
    transaction: ClassVar[bool] = False
    utf8: ClassVar[bool] = False
    comments: ClassVar[bool] = False

    def __init__(self, config: Mapping[str, Any], environment: Environment) -> None:
        super().__init__(config, environment)
        self._signing = threading.Lock()
        self._signed: tuple[float, Server] | None = None

    def columns(self, table: Table) -> Sequence[Column]:
        """The columns of one table with their comments."""
        with self._opened() as session:
            found = session.columns(limit_rows(table_sql(table, self.dialect), 0, self.dialect))
            comments = self._comments(session, table) if self.comments else {}
        return [described(c, comments.get(c.column_name, ""), utf8=self.utf8).column for c in found]

    @contextmanager
    def _connect(self) -> Iterator[Session]:
        limit = self.config.get("statement_timeout")
        session = connect(
            self._server(),
            self.environment,
            transaction=self.transaction,
            limit_s=float(limit) if limit else None,
        )
        try:
            yield session
        finally:
            session.close()

    def _server(self) -> Server:
        """Where to connect; a token is used for some minutes."""
        with self._signing:
            if self._signed is None or time.monotonic() > self._signed[0]:
                server = signed(server_of(self.config), self.config, self.environment)
                self._signed = (time.monotonic() + _TOKEN_S, server)
            return self._signed[1]

    def _tables(self, connection: Session) -> Sequence[Table]:
        hidden = exp.func("lower", exp.column("TABLE_SCHEMA")).isin(*_HIDDEN)
        wanted = (
            exp.select("TABLE_SCHEMA", "TABLE_NAME", "TABLE_TYPE")
            .from_("INFORMATION_SCHEMA.TABLES")
            .where(exp.not_(hidden))
            .order_by("TABLE_SCHEMA", "TABLE_NAME")
        )
        return [
            Table(schema, name, "view" if "VIEW" in kind else "table")
            for schema, name, kind in connection.small(wanted.sql(dialect=self.dialect))
        ]

    def _comments(self, session: Session, table: Table) -> dict[str, str]:
        """What people wrote about the columns, as the usual tools keep it."""
        conditions = {"s.name": table.schema, "o.name": table.name, "p.name": "MS_Description"}
        wanted = (
            exp.select("c.name", "CAST(p.value AS NVARCHAR(4000))", dialect="tsql")
            .from_("sys.columns AS c")
            .join("sys.objects AS o", on="o.object_id = c.object_id")
            .join("sys.schemas AS s", on="s.schema_id = o.schema_id")
            .join(
                "sys.extended_properties AS p",
                on="p.major_id = c.object_id AND p.minor_id = c.column_id AND p.class = 1",
            )
            .where(*(exp.to_column(key).eq(exp.National(this=value)) for key, value in conditions.items()))
        )
        return {name: comment or "" for name, comment in session.small(wanted.sql(dialect="tsql"))}

    def _look(self, connection: Session, sql: str) -> Sequence[Described]:
        asked = limit_rows(sql, 0, self.dialect)
        try:
            found = connection.columns(asked)
        except self.failures as error:
            raise statement_error(error, asked, sql) from error
        return [described(column, utf8=self.utf8) for column in found]

    def _rows(self, connection: Session, sql: str, schema: pa.Schema, batch_rows: int) -> Iterator[pa.RecordBatch]:
        for rows in connection.stream(sql, batch_rows):
            yield batch(rows, schema)

    def _cancel(self, connection: Session) -> None:
        connection.stop()

    def _told(self, error: Exception) -> ConnectorError:
        return statement_error(error)
