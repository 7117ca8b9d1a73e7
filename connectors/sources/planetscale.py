"""PlanetScale: MySQL's protocol before Vitess, which streams long results only in its workload for analysis."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from connectors.sdk.fields import Field
from connectors.sdk.mysql_source import MySQLReader, server_fields
from connectors.sdk.source import SourceDefinition
from connectors.sdk.types import Verification


def _fields() -> tuple[Field, ...]:
    """The service always encrypts, with a certificate that everybody can check."""
    declared = server_fields(host="aws.connect.psdb.cloud", tunnel=False, limit=False)
    return tuple(replace(f, default="verify-full") if f.name == "sslmode" else f for f in declared)


class PlanetScaleSource(MySQLReader):
    """One branch of a PlanetScale database, by a password whose role is Reader."""

    # There are no transactions in this workload; the password's role is what keeps others from being written to.
    session = ("SET time_zone = '+00:00'", "SET workload = 'olap'")
    prepares = False

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="planetscale",
        name="PlanetScale",
        category="Databases",
        summary="Tables, views and queries of a PlanetScale database for MySQL.",
        docs_url="docs/sources/planetscale.md",
        dialect="mysql",
        verification=Verification.DOCS,
        fields=_fields(),
    )
