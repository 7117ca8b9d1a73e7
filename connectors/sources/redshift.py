"""Amazon Redshift: PostgreSQL's protocol, a catalogue and types of its own, and rows from a cursor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pyarrow as pa
from sqlglot import exp

from connectors.sdk.postgres_catalogue import Catalogue, look_plainly
from connectors.sdk.postgres_source import PostgresWarehouse, server_fields, write_setup_sql
from connectors.sdk.readings import Reading
from connectors.sdk.redshift_planner import RedshiftSession
from connectors.sdk.source import SourceDefinition
from connectors.sdk.types import ColumnType, Verification

_DIALECT = "redshift"
# Tables of other databases of the cluster and of the data lake are among them.
_TABLES = """
SELECT table_schema, table_name, CASE WHEN table_type = 'VIEW' THEN 'view' ELSE 'table' END, coalesce(remarks, '')
FROM svv_tables
WHERE table_schema NOT IN ('information_schema', 'pg_catalog', 'pg_internal', 'headrace_planner', 'headrace_audit')
  AND left(table_schema, 3) <> 'pg_'
ORDER BY 1, 2
"""


def _serialized(column: exp.Column) -> exp.Expr:
    return exp.func("json_serialize", column)


def _hexadecimal(column: exp.Column) -> exp.Expr:
    return exp.func("lower", exp.func("from_varbyte", column, exp.Literal.string("hex")))


def setup_sql(config: Mapping[str, Any]) -> str:
    """SQL for an administrator: a user that may read one schema, nothing more."""
    user = exp.to_identifier(config.get("user") or "headrace", quoted=True).sql(dialect=_DIALECT)
    return "\n".join(
        (
            f"CREATE USER {user} PASSWORD 'Choose-a-passw0rd';",
            "-- The next three lines once for each schema to read:",
            f"GRANT USAGE ON SCHEMA public TO {user};",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user};",
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {user};",
        )
    )


class RedshiftSource(PostgresWarehouse):
    """One database of a Redshift cluster or workgroup."""

    catalogue = Catalogue(
        dialect=_DIALECT,
        tables=_TABLES,
        look=look_plainly,
        readings={
            "super": Reading(ColumnType.OBJECT, pa.string(), _serialized),
            "varbyte": Reading(ColumnType.STRING, pa.string(), _hexadecimal),
        },
    )
    writing = RedshiftSession
    columnar = False
    fetch_rows = 1_000  # what a cluster of a single node hands out at most

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="redshift",
        name="Amazon Redshift",
        category="Warehouses",
        summary="Tables, views and queries of an Amazon Redshift cluster or serverless workgroup.",
        docs_url="docs/sources/redshift.md",
        dialect=_DIALECT,
        verification=Verification.DOCS,
        write_planner=True,
        studio=True,
        setup_sql=setup_sql,
        write_setup_sql=write_setup_sql,
        fields=server_fields(port=5439, host="cluster.….eu-central-1.redshift.amazonaws.com"),
    )

    def settings(self) -> Mapping[str, str]:
        """The query group by which workload management tells queries apart that somebody waits for."""
        return {"query_group": f"headrace_{self.environment.workload.value}"}
