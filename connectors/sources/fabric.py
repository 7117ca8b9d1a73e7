"""Microsoft Fabric: warehouses and the SQL endpoints of lakehouses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from connectors.sdk.source import SourceDefinition
from connectors.sdk.tds_settings import server_fields
from connectors.sdk.tds_source import TdsReader
from connectors.sdk.types import Verification


def setup_sql(config: Mapping[str, Any]) -> str:
    """SQL for an administrator, in the warehouse itself: a principal that may read it, nothing more."""
    return "GRANT SELECT TO [name of your service principal];"


class FabricSource(TdsReader):
    """One warehouse. Its text is kept in UTF-8."""

    utf8 = True

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="fabric",
        name="Microsoft Fabric",
        category="Warehouses",
        summary="Tables, views and queries of a Microsoft Fabric warehouse or a lakehouse's SQL endpoint.",
        docs_url="docs/sources/fabric.md",
        dialect="fabric",
        verification=Verification.DOCS,
        studio=True,
        setup_sql=setup_sql,
        fields=server_fields(
            "client_secret",
            "certificate",
            host="abc123.datawarehouse.fabric.microsoft.com",
            user="",
            tunnel=False,
        ),
    )
