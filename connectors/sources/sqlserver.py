"""Microsoft SQL Server, Azure SQL Database and managed instances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sqlglot import exp

from connectors.sdk.source import SourceDefinition
from connectors.sdk.tds_settings import server_fields
from connectors.sdk.tds_source import TdsReader
from connectors.sdk.types import Verification


def setup_sql(config: Mapping[str, Any]) -> str:
    """SQL for an administrator, in the database itself: a user that may read it, nothing more."""
    user = exp.to_identifier(str(config.get("user") or "headrace"), quoted=True).sql(dialect="tsql")
    return "\n".join(
        (
            f"CREATE LOGIN {user} WITH PASSWORD = 'choose-a-password';",
            f"CREATE USER {user} FOR LOGIN {user};",
            f"ALTER ROLE db_datareader ADD MEMBER {user};",
        )
    )


class SqlServerSource(TdsReader):
    """One database, read in a transaction that is rolled back."""

    transaction = True
    comments = True

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="sqlserver",
        name="Microsoft SQL Server",
        category="Databases",
        summary="Tables, views and queries of SQL Server or Azure SQL Database.",
        docs_url="docs/sources/sqlserver.md",
        dialect="tsql",
        planner_profile="sqlserver",
        verification=Verification.DOCS,
        studio=True,
        setup_sql=setup_sql,
        fields=server_fields("password", "connection_string", user="A user that may only read is enough."),
    )
