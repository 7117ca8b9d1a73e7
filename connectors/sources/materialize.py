"""Materialize: views that are kept up to date, over PostgreSQL's protocol with a catalogue of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pyarrow as pa
from sqlglot import exp

from connectors.sdk.fields import Text
from connectors.sdk.postgres_catalogue import Catalogue, look_plainly
from connectors.sdk.postgres_source import PostgresReader, server_fields
from connectors.sdk.readings import Reading
from connectors.sdk.source import SourceDefinition
from connectors.sdk.types import ColumnType, Verification

_DIALECT = "materialize"
_TABLES = """
SELECT table_schema, table_name, CASE WHEN table_type LIKE '%VIEW%' THEN 'view' ELSE 'table' END, ''
FROM information_schema.tables
WHERE left(table_schema, 3) <> 'mz_' AND table_schema NOT IN ('pg_catalog', 'information_schema')
ORDER BY 1, 2
"""


def _json(column: exp.Column) -> exp.Expr:
    return exp.cast(exp.func("to_jsonb", column), "text", dialect=_DIALECT)


def setup_sql(config: Mapping[str, Any]) -> str:
    """SQL for an administrator: a role that may read one schema by one cluster, nothing more."""
    user = exp.to_identifier(config.get("user") or "headrace", quoted=True).sql(dialect=_DIALECT)
    cluster = exp.to_identifier(config.get("cluster") or "your_cluster", quoted=True).sql(dialect=_DIALECT)
    database = exp.to_identifier(config.get("database") or "materialize", quoted=True).sql(dialect=_DIALECT)
    return "\n".join(
        (
            f"CREATE ROLE {user} WITH LOGIN PASSWORD 'choose-a-password';",
            f"GRANT USAGE ON CLUSTER {cluster} TO {user};",
            f"GRANT USAGE ON DATABASE {database} TO {user};",
            "-- The next two lines once for each schema to read:",
            f"GRANT USAGE ON SCHEMA public TO {user};",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user};",
        )
    )


class MaterializeSource(PostgresReader):
    """One Materialize database."""

    catalogue = Catalogue(
        dialect=_DIALECT,
        tables=_TABLES,
        look=look_plainly,
        readings={
            "uint2": Reading(ColumnType.NUMBER, pa.uint16()),
            "uint4": Reading(ColumnType.NUMBER, pa.uint32()),
            "uint8": Reading(ColumnType.NUMBER, pa.uint64()),
        },
        nested=Reading(ColumnType.OBJECT, pa.string(), _json),
    )
    columnar = False

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="materialize",
        name="Materialize",
        category="Warehouses",
        summary="Tables, sources, views and queries of a Materialize database.",
        docs_url="docs/sources/materialize.md",
        dialect=_DIALECT,
        verification=Verification.DOCS,
        setup_sql=setup_sql,
        fields=(
            *server_fields(port=6875, host="….aws.materialize.cloud", tunnel=False),
            Text(
                name="cluster",
                label="Cluster",
                help="The cluster that computes queries. Left out, the user's own default holds.",
                required=False,
                max_length=255,
                group="Limits",
            ),
        ),
    )

    def settings(self) -> Mapping[str, str]:
        """The cluster, where one is chosen."""
        cluster = str(self.config.get("cluster") or "")
        return {"cluster": cluster} if cluster else {}
