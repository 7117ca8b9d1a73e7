"""Greenplum: PostgreSQL over many segments, with an older catalogue. Rows come from a cursor."""

from __future__ import annotations

from typing import ClassVar

from connectors.sdk.postgres_catalogue import Catalogue, look_at_once
from connectors.sdk.postgres_source import PostgresWarehouse, server_fields, setup_sql, write_setup_sql
from connectors.sdk.source import SourceDefinition
from connectors.sdk.types import Verification

# Greenplum 6 does not say of a table that it is a partition; in both versions partitions inherit from their table.
_TABLES = """
SELECT n.nspname, c.relname,
       CASE WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'table' END,
       coalesce(obj_description(c.oid, 'pg_class'), '')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid)
  AND n.nspname NOT IN ('information_schema', 'headrace_planner', 'headrace_audit', 'gp_toolkit')
  AND n.nspname !~ '^pg_'
  AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')
ORDER BY 1, 2
"""


class GreenplumSource(PostgresWarehouse):
    """One Greenplum database."""

    catalogue = Catalogue(dialect="postgres", tables=_TABLES, look=look_at_once)
    columnar = False

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="greenplum",
        name="Greenplum",
        category="Warehouses",
        summary="Tables, views and queries of a Greenplum database.",
        docs_url="docs/sources/greenplum.md",
        dialect="postgres",
        planner_profile="greenplum",
        verification=Verification.DOCS,
        write_planner=True,
        studio=True,
        setup_sql=setup_sql,
        write_setup_sql=write_setup_sql,
        fields=server_fields(),
    )
