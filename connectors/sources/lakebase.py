"""Lakebase: PostgreSQL inside Databricks, reached with a PostgreSQL role and its password."""

from __future__ import annotations

from typing import ClassVar

from connectors.sdk.postgres_source import PostgresWarehouse, server_fields, setup_sql, write_setup_sql
from connectors.sdk.source import SourceDefinition
from connectors.sdk.types import Verification


class LakebaseSource(PostgresWarehouse):
    """One database of a Lakebase instance."""

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="lakebase",
        name="Databricks Lakebase",
        category="Databases",
        summary="Tables, views and queries of a PostgreSQL database in Databricks.",
        docs_url="docs/sources/lakebase.md",
        dialect="postgres",
        verification=Verification.DOCS,
        write_planner=True,
        studio=True,
        setup_sql=setup_sql,
        write_setup_sql=write_setup_sql,
        fields=server_fields(host="instance-….database.cloud.databricks.com"),
    )
