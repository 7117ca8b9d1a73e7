"""Iceberg tables that Snowflake keeps or knows, read through Snowflake."""

from __future__ import annotations

from typing import ClassVar

from connectors.sdk.snowflake_source import FIELDS, SnowflakeWarehouse, setup_sql, write_setup_sql
from connectors.sdk.source import SourceDefinition
from connectors.sdk.types import Verification


class SnowflakeIcebergSource(SnowflakeWarehouse):
    """One database of an account."""

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="snowflake_iceberg",
        name="Iceberg on Snowflake",
        category="Warehouses",
        summary="Iceberg tables, views and queries, computed by Snowflake.",
        docs_url="docs/sources/snowflake_iceberg.md",
        dialect="snowflake",
        verification=Verification.DOCS,
        write_planner=True,
        studio=True,
        setup_sql=setup_sql,
        write_setup_sql=write_setup_sql,
        fields=FIELDS,
    )
