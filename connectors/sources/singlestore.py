"""SingleStore: MySQL's protocol over a distributed store, without transactions that are declared to only read."""

from __future__ import annotations

from typing import ClassVar

from connectors.sdk.mysql_source import MySQLReader, server_fields, setup_sql
from connectors.sdk.source import SourceDefinition
from connectors.sdk.types import Verification


class SingleStoreSource(MySQLReader):
    """One database of a SingleStore workspace or cluster."""

    session = ("SET time_zone = '+00:00'",)
    prepares = False

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="singlestore",
        name="SingleStore",
        category="Databases",
        summary="Tables, views and queries of a SingleStore database.",
        docs_url="docs/sources/singlestore.md",
        dialect="singlestore",
        verification=Verification.DOCS,
        setup_sql=setup_sql,
        fields=server_fields(host="svc-….svc.singlestore.com", limit=False),
    )
