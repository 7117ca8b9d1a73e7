"""PostgreSQL: tables and queries of a database, read over the fast columnar protocol."""

from __future__ import annotations

from typing import ClassVar

from connectors.sdk.postgres_source import PostgresWarehouse, server_fields, setup_sql, write_setup_sql
from connectors.sdk.source import SourceDefinition
from connectors.sdk.types import Verification


class PostgresSource(PostgresWarehouse):
    """One PostgreSQL database, read in read-only transactions; only the planner's sessions write."""

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="postgres",
        name="PostgreSQL",
        category="Databases",
        summary="Tables, views and queries of a PostgreSQL database.",
        docs_url="docs/sources/postgres.md",
        dialect="postgres",
        verification=Verification.SERVER,
        write_planner=True,
        studio=True,
        setup_sql=setup_sql,
        write_setup_sql=write_setup_sql,
        fields=server_fields(),
    )
