"""Trino, Starburst and Presto, over the protocol of their own clients: no driver stands between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar

import pyarrow as pa
from sqlglot import exp

from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError
from connectors.sdk.fields import TUNNEL, Number, Select, Text, Toggle
from connectors.sdk.insertion import Insertion
from connectors.sdk.plain_planner import PlainSession, PlainWarehouse
from connectors.sdk.planner import PLANNER_SCHEMA, SCHEMAS, own_table
from connectors.sdk.rest.blocking import opened
from connectors.sdk.server_settings import TIME_LIMIT
from connectors.sdk.source import SourceDefinition
from connectors.sdk.trino import API, Session
from connectors.sdk.trino_source import TrinoFamilySource, in_batches
from connectors.sdk.trino_types import batch
from connectors.sdk.types import Choice, Table, Verification

_HIDDEN = ("information_schema", "headrace_planner", "headrace_audit")
# Longer than the coordinator lets a client wait for a page.
_TIMEOUT_S = 120.0


def setup_sql(config: Mapping[str, Any]) -> str:
    """SQL for an administrator, where the catalog's connector knows grants: a user that may read one schema."""
    user = exp.to_identifier(str(config.get("user") or "headrace"), quoted=True).sql(dialect="trino")
    catalog = exp.to_identifier(str(config.get("catalog") or "your_catalog"), quoted=True).sql(dialect="trino")
    return f"GRANT SELECT ON SCHEMA {catalog}.your_schema TO USER {user};"


def write_setup_sql(config: Mapping[str, Any]) -> str:
    """SQL for an administrator: two schemas of the user's own, where the catalog's connector knows owners."""
    user = exp.to_identifier(str(config.get("user") or "headrace"), quoted=True).sql(dialect="trino")
    catalog = exp.to_identifier(str(config.get("catalog") or "your_catalog"), quoted=True).sql(dialect="trino")
    return "\n".join(
        (
            *(f"CREATE SCHEMA IF NOT EXISTS {catalog}.{schema};" for schema in SCHEMAS),
            *(f"ALTER SCHEMA {catalog}.{schema} SET AUTHORIZATION USER {user};" for schema in SCHEMAS),
        )
    )


class TrinoSession(PlainSession):
    """Statements of one user; each is a transaction of its own."""

    grants = "Let this user make, fill and drop tables in both schemas: the set-up SQL makes it their owner."

    def load(self, name: str, batches: pa.RecordBatchReader, schema: str = PLANNER_SCHEMA) -> int:
        """INSERT with many rows a statement, which is as long as servers take unless they are told otherwise."""
        insertion = Insertion(dialect=self.dialect, rows=1_000, size=400_000)
        return self._insert(insertion, own_table(name, schema), batches)


class TrinoSource(TrinoFamilySource, PlainWarehouse):
    """One catalog, and in SQL whatever else the user may read."""

    writing = TrinoSession

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="trino",
        name="Trino",
        category="Warehouses",
        summary="Tables, views and queries of Trino, Starburst or Presto, over all that they reach.",
        docs_url="docs/sources/trino.md",
        dialect="trino",
        verification=Verification.DOCS,
        write_planner=True,
        studio=True,
        setup_sql=setup_sql,
        write_setup_sql=write_setup_sql,
        fields=(
            Text(name="host", label="Host", help="The coordinator.", placeholder="trino.example.com", max_length=253),
            Number(name="port", label="Port", default=443, minimum=1, maximum=65_535),
            Text(
                name="catalog",
                label="Default catalog",
                help="Its tables are listed, and names without a catalog belong to it.",
                required=False,
                max_length=200,
            ),
            Select(
                name="engine",
                label="Engine",
                default="trino",
                choices=(Choice("trino", "Trino"), Choice("presto", "Presto")),
            ),
            *API.sign_in.fields,
            Toggle(
                name="unencrypted",
                label="Disable encryption",
                help="Only on a network that you trust; the server then takes no password.",
                group="Security",
            ),
            TUNNEL,
            TIME_LIMIT,
        ),
    )

    def __init__(self, config: Mapping[str, Any], environment: Environment) -> None:
        super().__init__(config, environment)
        self.dialect = "presto" if config.get("engine") == "presto" else "trino"

    def check(self) -> None:
        """Log in and find something to read; without a catalog, whether queries run."""
        with self._opened() as session:
            session.small("SELECT 1")
            if self.config.get("catalog") and not self._tables(session):
                raise AuthError(
                    "Connected, but there is no table that this user may read.",
                    hint="Check the catalog, and grant this user SELECT on its tables.",
                )

    @property
    def _catalog(self) -> str:
        return str(self.config.get("catalog") or "").strip()

    def _writing(self) -> AbstractContextManager[Session]:
        if not self._catalog:
            hint = "Set the catalog in which the two schemas are."
            raise ConfigError("The source has no default catalog.", field="catalog", hint=hint)
        return self._connect()

    @contextmanager
    def _connect(self) -> Iterator[Session]:
        with opened(API, self.config, self.environment, timeout_s=_TIMEOUT_S) as line:
            session = Session(line, self.environment.workload)
            try:
                yield session
            finally:
                session.cancel()

    def _tables(self, connection: Session) -> Sequence[Table]:
        if not self._catalog:
            self.left_out = "Tables are listed of the default catalog only, and none is set: name others in SQL."
            return []
        wanted = (
            exp.select("table_schem", "table_name", "table_type", "remarks")
            .from_("system.jdbc.tables")
            .where(
                exp.column("table_cat").eq(exp.Literal.string(self._catalog)),
                exp.not_(exp.column("table_schem").isin(*_HIDDEN)),
            )
            .order_by("table_schem", "table_name")
        )
        return [
            Table(schema, name, "view" if "VIEW" in (kind or "") else "table", comment or "")
            for schema, name, kind, comment in connection.small(wanted.sql(dialect=self.dialect))
        ]

    def _comments(self, session: Session, table: Table) -> Mapping[str, str | None]:
        wanted = exp.select("column_name", "remarks").from_("system.jdbc.columns")
        where = {"table_cat": self._catalog, "table_schem": table.schema, "table_name": table.name}
        wanted = wanted.where(*(exp.column(key).eq(exp.Literal.string(value)) for key, value in where.items()))
        return dict(session.small(wanted.sql(dialect=self.dialect)))

    def _rows(self, connection: Session, sql: str, schema: pa.Schema, batch_rows: int) -> Iterator[pa.RecordBatch]:
        for rows in in_batches(connection.pages(sql), batch_rows):
            yield batch(rows, schema)
