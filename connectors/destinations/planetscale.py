"""PlanetScale: rows of a model become rows of a table in a database for MySQL."""

from __future__ import annotations

from dataclasses import replace

from connectors.destinations.mysql import DEFAULT_BATCH, MySQLDestination
from connectors.sdk.destination import DestinationDefinition
from connectors.sdk.fields import Field
from connectors.sdk.mysql_source import server_fields
from connectors.sdk.tables import table_sync_type
from connectors.sdk.types import Verification


def _fields() -> tuple[Field, ...]:
    """The service always encrypts, with a certificate that everybody can check."""
    user = "Of a password whose role is Read/Write."
    declared = server_fields(host="aws.connect.psdb.cloud", tunnel=False, limit=False, user=user)
    return tuple(replace(f, default="verify-full") if f.name == "sslmode" else f for f in declared)


class PlanetScaleDestination(MySQLDestination):
    """One branch of a PlanetScale database. Vitess takes no files, so rows are always inserted or updated."""

    definition = DestinationDefinition(
        key="planetscale",
        name="PlanetScale",
        category="Databases",
        summary="Keep a table of a PlanetScale database for MySQL in step with a model.",
        docs_url="docs/destinations/planetscale.md",
        fields=_fields(),
        verification=Verification.DOCS,
        sync_types=(table_sync_type(DEFAULT_BATCH, most=50_000),),
    )
