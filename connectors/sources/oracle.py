"""Oracle Database: tables, views and queries, by the vendor's own driver without its client libraries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

import pyarrow as pa
from sqlglot import exp

from connectors.sdk.context import Environment
from connectors.sdk.errors import ConnectorError
from connectors.sdk.fields import TUNNEL, FileUpload, Number, Text, When
from connectors.sdk.oracle import SESSION, Connection, Server, connect, connector, statement_error
from connectors.sdk.oracle_types import carried, described
from connectors.sdk.readings import Described
from connectors.sdk.server_settings import TIME_LIMIT, VERIFIED_AUTHORITY, VERIFYING, encryption
from connectors.sdk.source import SourceDefinition
from connectors.sdk.sql import bare, table_sql
from connectors.sdk.sql_source import SqlSource
from connectors.sdk.types import Column, Table, Verification

_DIALECT = "oracle"
_ENCRYPTED = When(field="sslmode", values=("require", *VERIFYING))


def setup_sql(config: Mapping[str, Any]) -> str:
    """SQL for an administrator: a user that may log in and read one table, which stands for those to read."""
    user = exp.to_identifier(str(config.get("user") or "HEADRACE"), quoted=True).sql(dialect=_DIALECT)
    return "\n".join(
        (
            f'CREATE USER {user} IDENTIFIED BY "choose-a-password";',
            f"GRANT CREATE SESSION TO {user};",
            f"GRANT SELECT ON your_schema.your_table TO {user};",
        )
    )


class OracleSource(SqlSource):
    """One service, in a transaction that only reads."""

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="oracle",
        name="Oracle",
        category="Databases",
        summary="Tables, views and queries of Oracle Database, and of Autonomous Database.",
        docs_url="docs/sources/oracle.md",
        dialect=_DIALECT,
        verification=Verification.DOCS,
        setup_sql=setup_sql,
        fields=(
            Text(name="host", label="Host", placeholder="oracle.example.com", max_length=253),
            Number(name="port", label="Port", default=1521, minimum=1, maximum=65_535),
            Text(
                name="database",
                label="Service name",
                help="As the listener knows it, such as ORCLPDB1.",
                max_length=128,
            ),
            Text(name="user", label="User", help="A user of its own that may only read, never SYS.", max_length=128),
            Text(name="password", label="Password", secret=True),
            encryption(),
            VERIFIED_AUTHORITY,
            FileUpload(
                name="wallet",
                label="Wallet",
                help="The file ewallet.pem of a wallet, where the server wants to know who connects (mutual TLS).",
                required=False,
                secret=True,
                accept=".pem",
                max_bytes=200_000,
                group="Security",
                when=_ENCRYPTED,
            ),
            Text(
                name="wallet_password",
                label="Password of the wallet",
                required=False,
                secret=True,
                group="Security",
                when=_ENCRYPTED,
            ),
            TUNNEL,
            TIME_LIMIT,
        ),
    )

    def __init__(self, config: Mapping[str, Any], environment: Environment) -> None:
        super().__init__(config, environment)
        self._server = Server.of(config)

    @property
    def failures(self) -> tuple[type[Exception], ...]:  # type: ignore[override]  # known once the driver is there
        """The driver's exceptions."""
        return (connector().Error, pa.ArrowException, OSError)

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        with connect(self._server, self.environment) as connection:
            cursor = connection.cursor()
            for statement in SESSION:
                cursor.execute(statement)
            # Each answer has that long: the first of a query comes when its rows begin.
            connection.call_timeout = int(self.config.get("statement_timeout") or 0) * 1000
            yield connection

    def _tables(self, connection: Connection) -> Sequence[Table]:
        """What the user may read, without the schemas that Oracle maintains."""
        wanted = (
            exp.select("t.owner", "t.table_name", "t.table_type", "t.comments")
            .from_("all_tab_comments t")
            .join("all_users u", on="u.username = t.owner AND u.oracle_maintained = 'N'")
            .where(exp.not_(exp.column("table_name", "t").like("BIN$%")))
            .order_by("t.owner", "t.table_name")
        )
        rows = connection.cursor().execute(wanted.sql(dialect=_DIALECT))
        return [
            Table(owner, name, "view" if "VIEW" in (kind or "") else "table", comment or "")
            for owner, name, kind, comment in rows
        ]

    def columns(self, table: Table) -> Sequence[Column]:
        """The columns of one table with their comments."""
        about = {"owner": table.schema, "table_name": table.name}
        wanted = (
            exp.select("column_name", "comments")
            .from_("all_col_comments")
            .where(*(exp.column(key).eq(exp.Literal.string(value)) for key, value in about.items()))
        )
        with self._opened() as connection:
            comments = dict(connection.cursor().execute(wanted.sql(dialect=_DIALECT)))
            found = _parsed(connection, table_sql(table, _DIALECT))
            return [described(column, comments.get(column.name) or "").column for column in found]

    def _look(self, connection: Connection, sql: str) -> Sequence[Described]:
        asked = bare(sql, _DIALECT)
        try:
            return [described(column) for column in _parsed(connection, asked)]
        except self.failures as error:
            raise statement_error(error, asked) from error

    def _rows(self, connection: Connection, sql: str, schema: pa.Schema, batch_rows: int) -> Iterator[pa.RecordBatch]:
        for frame in connection.fetch_df_batches(sql, size=batch_rows, fetch_decimals=True):
            for batch in pa.table(frame).combine_chunks().to_batches(max_chunksize=batch_rows):
                yield carried(batch, schema)

    def _cancel(self, connection: Connection) -> None:
        with suppress(*self.failures):
            connection.cancel()

    def _leave(self, connection: Connection) -> None:
        """A fetch has ended when its batch is there; closing the session drops the rest."""

    def _told(self, error: Exception) -> ConnectorError:
        return statement_error(error)


def _parsed(connection: Connection, sql: str) -> Sequence[Any]:
    """The columns of a query, which the server parses and does not run."""
    cursor = connection.cursor()
    cursor.parse(sql)
    return list(cursor.description or ())
