"""Databricks, by the Statement Execution API of its SQL warehouses: results as Arrow, and no driver between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import pyarrow as pa
from sqlglot import exp

from connectors.sdk.databricks import API, WAREHOUSE, Session
from connectors.sdk.databricks_types import carried, described
from connectors.sdk.errors import AuthError, ConnectorError, QueryError, Unavailable
from connectors.sdk.fields import Number, Text
from connectors.sdk.insertion import Insertion
from connectors.sdk.plain_planner import PlainSession, PlainWarehouse
from connectors.sdk.planner import PLANNER_SCHEMA, SCHEMAS
from connectors.sdk.readings import Described
from connectors.sdk.rest.blocking import opened
from connectors.sdk.server_settings import TIME_LIMIT
from connectors.sdk.source import SourceDefinition
from connectors.sdk.sql import bare, limit_rows, table_sql
from connectors.sdk.types import Column, Table, Verification

_DIALECT = "databricks"
_PATH_HINT = "An HTTP path of a SQL warehouse: /sql/1.0/warehouses/…."
_TIMEOUT_S = 120.0


def setup_sql(config: Mapping[str, Any]) -> str:
    """SQL for an administrator: a principal that may read one catalog, nothing more."""
    catalog, user = _places(config)
    rights = ("USE CATALOG", "USE SCHEMA", "SELECT")
    return "\n".join(f"GRANT {right} ON CATALOG {catalog} TO {user};" for right in rights)


def write_setup_sql(config: Mapping[str, Any]) -> str:
    """SQL for an administrator: two schemas in which the principal may make tables of its own, nothing more."""
    catalog, user = _places(config)
    rights = "USE SCHEMA, SELECT, MODIFY, CREATE TABLE"
    return "\n".join(
        (
            *(f"CREATE SCHEMA IF NOT EXISTS {catalog}.{schema};" for schema in SCHEMAS),
            *(f"GRANT {rights} ON SCHEMA {catalog}.{schema} TO {user};" for schema in SCHEMAS),
        )
    )


def _places(config: Mapping[str, Any]) -> tuple[str, str]:
    """The catalog and the principal, as SQL names them."""
    named = (("catalog", "your_catalog"), ("client_id", "application ID of the principal"))
    catalog, user = (_quoted(str(config.get(key) or otherwise)).sql(dialect=_DIALECT) for key, otherwise in named)
    return catalog, user


class DatabricksSession(PlainSession):
    """Statements of a SQL warehouse; a table of Delta is written by each of them as a whole."""

    insertion = Insertion(dialect=_DIALECT, rows=2_000, size=2_000_000)
    grants = "Grant this principal USE SCHEMA, SELECT, MODIFY and CREATE TABLE on both schemas."

    def tables(self, prefix: str, schema: str = PLANNER_SCHEMA) -> list[str]:
        """The tables of one of Headrace's schemas; not every metastore has an information schema."""
        shown = self._rows(f"SHOW TABLES IN {_quoted(schema).sql(dialect=_DIALECT)}")
        return sorted(name for _, name, *_ in shown if name.startswith(prefix))


class DatabricksSource(PlainWarehouse):
    """One schema in lists of tables, and in SQL whatever the principal may read. Models stand inside a SELECT."""

    writing = DatabricksSession
    failures = (pa.ArrowException,)

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="databricks",
        name="Databricks",
        category="Warehouses",
        summary="Tables, views and queries of Databricks, computed by a SQL warehouse.",
        docs_url="docs/sources/databricks.md",
        dialect=_DIALECT,
        verification=Verification.DOCS,
        write_planner=True,
        studio=True,
        setup_sql=setup_sql,
        write_setup_sql=write_setup_sql,
        fields=(
            Text(
                name="host",
                label="Server hostname",
                placeholder="adb-1234567890123456.7.azuredatabricks.net",
                pattern=r"(https://)?[A-Za-z0-9.\-]+/?",
                pattern_hint="The name of the host alone, as the warehouse's connection details show it.",
                max_length=253,
            ),
            Number(name="port", label="Port", default=443, minimum=1, maximum=65_535),
            Text(
                name="http_path",
                label="HTTP path",
                help="Of the SQL warehouse that computes what runs need.",
                placeholder="/sql/1.0/warehouses/abcdef1234567890",
                pattern=WAREHOUSE,
                pattern_hint=_PATH_HINT,
                max_length=200,
            ),
            Text(
                name="interactive_http_path",
                label="HTTP path for previews",
                help="Of the SQL warehouse that computes what somebody waits for. Left out, the other one does.",
                required=False,
                pattern=WAREHOUSE,
                pattern_hint=_PATH_HINT,
                max_length=200,
            ),
            Text(
                name="catalog",
                label="Catalog",
                help="Left out, the workspace's default catalog.",
                required=False,
                max_length=255,
            ),
            Text(name="schema", label="Schema", help="Its tables are listed.", default="default", max_length=255),
            *API.sign_in.fields,
            TIME_LIMIT,
        ),
    )

    def check(self) -> None:
        """Find something to read in the schema."""
        if not self.tables():
            raise AuthError(
                "Connected, but there is no table in this schema that the principal may read.",
                hint="Check catalog and schema, and grant it USE CATALOG, USE SCHEMA and SELECT.",
            )

    def columns(self, table: Table) -> Sequence[Column]:
        """The columns of one table with their comments."""
        named = exp.Table(this=_quoted(table.name), db=_quoted(table.schema)).sql(dialect=_DIALECT)
        with self._opened() as session:
            told = session.small(f"DESCRIBE TABLE {named}")
            comments = {str(name): str(comment or "") for name, _, comment, *_ in reversed(told)}
            found, _ = session.batches(limit_rows(table_sql(table, _DIALECT), 0, _DIALECT))
        return [described(column, comments.get(column["name"], "")).column for column in found]

    @contextmanager
    def _connect(self) -> Iterator[Session]:
        with opened(API, self.config, self.environment, timeout_s=_TIMEOUT_S) as line:
            yield Session(line, self.environment)

    def _tables(self, connection: Session) -> Sequence[Table]:
        schema = str(self.config.get("schema") or "default")
        rows = connection.small(f"SHOW TABLES IN {_quoted(schema).sql(dialect=_DIALECT)}")
        return [Table(schema, str(row[1])) for row in sorted(rows, key=lambda row: str(row[1])) if not row[2]]

    def _look(self, connection: Session, sql: str) -> Sequence[Described]:
        try:
            # Planned and not read: a limit of nothing leaves nothing to compute.
            found, _ = connection.batches(limit_rows(sql, 0, _DIALECT))
        except QueryError as error:
            if error.position is not None:
                asked = bare(sql, _DIALECT)
                place = error.position - limit_rows(sql, 0, _DIALECT).find(asked)
                error.position = place if 0 <= place <= len(asked) else None
            raise
        return [described(column) for column in found]

    def _rows(self, connection: Session, sql: str, schema: pa.Schema, batch_rows: int) -> Iterator[pa.RecordBatch]:
        _, read = connection.batches(sql)
        for batch in read():
            for start in range(0, batch.num_rows, batch_rows):
                yield carried(batch.slice(start, batch_rows), schema)

    def _cancel(self, connection: Session) -> None:
        connection.cancel()

    def _told(self, error: Exception) -> ConnectorError:
        return Unavailable(f"The result could not be read: {error}")


def _quoted(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)
