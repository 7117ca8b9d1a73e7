"""Azure Synapse Analytics: dedicated and serverless SQL pools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sqlglot import exp

from connectors.sdk.source import SourceDefinition
from connectors.sdk.tds_settings import server_fields
from connectors.sdk.tds_source import TdsReader
from connectors.sdk.types import Verification


def setup_sql(config: Mapping[str, Any]) -> str:
    """SQL for an administrator, in the pool itself: a principal that may read it, nothing more."""
    name = str(config.get("user") or "your service principal or user")
    user = exp.to_identifier(name, quoted=True).sql(dialect="tsql")
    return "\n".join((f"CREATE USER {user} FROM EXTERNAL PROVIDER;", f"GRANT SELECT TO {user};"))


class SynapseSource(TdsReader):
    """One database of a pool. Serverless pools know no transactions, so none is begun."""

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="synapse",
        name="Azure Synapse",
        category="Warehouses",
        summary="Tables, views and queries of Azure Synapse, in dedicated and serverless SQL pools.",
        docs_url="docs/sources/synapse.md",
        dialect="tsql",
        planner_profile="synapse",
        verification=Verification.DOCS,
        studio=True,
        setup_sql=setup_sql,
        fields=server_fields(
            "password",
            "connection_string",
            "client_secret",
            "certificate",
            host="your-workspace.sql.azuresynapse.net",
            user="A user that may only read is enough.",
        ),
    )
