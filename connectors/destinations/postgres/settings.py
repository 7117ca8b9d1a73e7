"""What a person sets for a PostgreSQL destination and its syncs."""

from __future__ import annotations

from connectors.sdk.destination import DestinationDefinition
from connectors.sdk.fields import TUNNEL, Field, FileUpload, Number, Select, Text, When
from connectors.sdk.tables import table_sync_type
from connectors.sdk.types import Choice, Verification

DEFAULT_BATCH = 10_000

FIELDS: tuple[Field, ...] = (
    Text(name="host", label="Host", help="Name or IP address of the server.", placeholder="db.example.com"),
    Number(name="port", label="Port", default=5432, minimum=1, maximum=65535),
    Text(name="database", label="Database", help="The database whose tables rows go to."),
    Text(name="user", label="User", help="Best a role of its own, allowed to change only the tables it fills."),
    Text(name="password", label="Password", secret=True, required=False),
    Select(
        name="sslmode",
        label="Encryption",
        help="Whether the connection must be encrypted, and how far the server proves who it is.",
        default="prefer",
        choices=(
            Choice("disable", "Off"),
            Choice("prefer", "If the server offers it"),
            Choice("require", "Required"),
            Choice("verify-ca", "Required, certificate checked"),
            Choice("verify-full", "Required, certificate and host name checked"),
        ),
    ),
    FileUpload(
        name="ca_certificate",
        label="CA certificate",
        help="PEM file of the authority that signed the server's certificate; without one, the system's are used.",
        required=False,
        accept=".pem,.crt,.cer",
        when=When(field="sslmode", values=("verify-ca", "verify-full")),
    ),
    TUNNEL,
)

DEFINITION = DestinationDefinition(
    key="postgres",
    name="PostgreSQL",
    category="Databases",
    summary="Keep a table of your application or tool in step with a model.",
    docs_url="docs/destinations/postgres.md",
    fields=FIELDS,
    verification=Verification.SERVER,
    sync_types=(table_sync_type(DEFAULT_BATCH, insert="The fastest way in."),),
)
