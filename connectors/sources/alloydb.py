"""AlloyDB: Google's PostgreSQL, which answers as PostgreSQL does."""

from __future__ import annotations

from typing import ClassVar

from connectors.sdk.postgres_source import PostgresWarehouse, server_fields, setup_sql, write_setup_sql
from connectors.sdk.source import SourceDefinition
from connectors.sdk.types import Verification


class AlloyDBSource(PostgresWarehouse):
    """One database of an AlloyDB cluster."""

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="alloydb",
        name="AlloyDB",
        category="Databases",
        summary="Tables, views and queries of a database in Google's AlloyDB for PostgreSQL.",
        docs_url="docs/sources/alloydb.md",
        dialect="postgres",
        verification=Verification.DOCS,
        write_planner=True,
        studio=True,
        setup_sql=setup_sql,
        write_setup_sql=write_setup_sql,
        fields=server_fields(host="10.1.2.3"),
    )
