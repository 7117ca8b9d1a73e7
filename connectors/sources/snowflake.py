"""Snowflake: tables, views and queries of a database, fetched as Arrow."""

from __future__ import annotations

from typing import ClassVar

from connectors.sdk.snowflake_source import FIELDS, SnowflakeWarehouse, setup_sql, write_setup_sql
from connectors.sdk.source import SourceDefinition
from connectors.sdk.types import Verification


class SnowflakeSource(SnowflakeWarehouse):
    """One database of an account."""

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="snowflake",
        name="Snowflake",
        category="Warehouses",
        summary="Tables, views and queries of a Snowflake database.",
        docs_url="docs/sources/snowflake.md",
        dialect="snowflake",
        verification=Verification.EMULATOR,
        write_planner=True,
        studio=True,
        setup_sql=setup_sql,
        write_setup_sql=write_setup_sql,
        fields=FIELDS,
    )
