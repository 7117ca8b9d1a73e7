"""What a person sets for a PostgreSQL destination and its syncs."""

from __future__ import annotations

from connectors.sdk.destination import (
    DestinationDefinition,
    FirstRun,
    Limits,
    Mode,
    ModeSpec,
    Removal,
    RowSet,
    SyncType,
)
from connectors.sdk.fields import TUNNEL, Field, FileUpload, Number, Select, Text, When
from connectors.sdk.types import Choice, Verification

DEFAULT_BATCH = 10_000
DEFAULT_TIMEOUT_S = 300

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

SETTINGS: tuple[Field, ...] = (
    Select(
        name="table",
        label="Table",
        help="Tables and updatable views that the user may change.",
        discover="tables",
    ),
    Number(
        name="batch_size",
        label="Rows in a batch",
        help="Each batch is one transaction. Smaller batches hold locks for a shorter time; larger ones are faster.",
        default=DEFAULT_BATCH,
        minimum=1,
        maximum=100_000,
        unit="rows",
        group="Load",
    ),
    Number(
        name="pause",
        label="Pause between batches",
        help="Set a pause where the database is busy with other work too.",
        default=0,
        minimum=0,
        maximum=60_000,
        unit="ms",
        group="Load",
    ),
    Number(
        name="timeout",
        label="Statement time-out",
        help="A batch that takes longer is undone and tried again.",
        default=DEFAULT_TIMEOUT_S,
        minimum=5,
        maximum=3600,
        unit="seconds",
        group="Load",
    ),
)

_REMOVALS = (Removal.NOTHING, Removal.CLEAR, Removal.DELETE)

DEFINITION = DestinationDefinition(
    key="postgres",
    name="PostgreSQL",
    category="Databases",
    summary="Keep a table of your application or tool in step with a model.",
    docs_url="docs/destinations/postgres.md",
    fields=FIELDS,
    verification=Verification.SERVER,
    sync_types=(
        SyncType(
            key="table",
            name="Table rows",
            description="Rows of a model become rows of a table.",
            settings=SETTINGS,
            matching_templates=True,
            limits=Limits(batch_rows=DEFAULT_BATCH, batch_bytes=64_000_000, timeout_s=DEFAULT_TIMEOUT_S),
            first_run=(FirstRun.BACKFILL, FirstRun.SKIP),
            modes=(
                ModeSpec(
                    mode=Mode.UPSERT,
                    rows=RowSet.CHANGES,
                    description="Update the row that matches, or add it where there is none.",
                    removals=_REMOVALS,
                ),
                ModeSpec(
                    mode=Mode.UPDATE,
                    rows=RowSet.CHANGES,
                    description="Update the row that matches; never add one.",
                    removals=_REMOVALS,
                ),
                ModeSpec(
                    mode=Mode.INSERT,
                    rows=RowSet.ADDED,
                    description="Add each new row once and never touch it again. The fastest way in.",
                    idempotent=False,
                    matching=False,
                ),
            ),
        ),
    ),
)
