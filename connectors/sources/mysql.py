"""MySQL and MariaDB, and servers that speak their protocol, such as TiDB."""

from __future__ import annotations

from typing import ClassVar

from connectors.sdk.mysql_source import MySQLReader, server_fields, setup_sql
from connectors.sdk.source import SourceDefinition
from connectors.sdk.types import Verification


class MySQLSource(MySQLReader):
    """The databases of one server that its user may read."""

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="mysql",
        name="MySQL and MariaDB",
        category="Databases",
        summary="Tables, views and queries of a MySQL or MariaDB database.",
        docs_url="docs/sources/mysql.md",
        dialect="mysql",
        verification=Verification.SERVER,
        setup_sql=setup_sql,
        fields=server_fields(),
    )
