"""What a person sets: once for the service (address, headers, certificates, sign-in), and per sync."""

from __future__ import annotations

from connectors.destinations.http_request.sign_in import CONNECTS, OAUTH
from connectors.sdk.destination import (
    DestinationDefinition,
    FirstRun,
    Limits,
    Mode,
    ModeSpec,
    Rate,
    Removal,
    RowSet,
    SyncType,
)
from connectors.sdk.fields import SPLIT_RETRY, TUNNEL, Field, FileUpload, KeyValues, Number, Section, Select, Text, When
from connectors.sdk.pace_settings import pace_settings
from connectors.sdk.payload_settings import payload_settings
from connectors.sdk.types import Choice, Operation, Verification

DEFAULT_BATCH = 100

FIELDS: tuple[Field, ...] = (
    Text(
        name="base_url",
        label="Base URL",
        help="The part of the address that all requests share; each sync adds its own path.",
        placeholder="https://api.example.com",
        pattern=r"https?://[^\s/?#@]+(?:/[^\s?#]*)?",
        pattern_hint="Begin with https:// and leave out the query, user names and passwords.",
    ),
    KeyValues(
        name="headers",
        label="Headers",
        help="Sent with every request. Secret values are encrypted and never shown again.",
        secret_rows=True,
    ),
    OAUTH,
    FileUpload(
        name="ca_certificate",
        label="CA certificate",
        help="PEM file of the authority that signed the server's certificate, if it is not a public one.",
        required=False,
        accept=".pem,.crt,.cer",
        group="Certificates",
    ),
    FileUpload(
        name="client_certificate",
        label="Client certificate",
        help="PEM file that identifies Headrace to the server (mutual TLS).",
        required=False,
        accept=".pem,.crt,.cer",
        group="Certificates",
    ),
    FileUpload(
        name="client_key",
        label="Client key",
        help="The certificate's private key, PEM, without a pass phrase.",
        required=False,
        secret=True,
        accept=".pem,.key",
        group="Certificates",
    ),
    TUNNEL,
)


def _trigger(operation: Operation, label: str, text: str, method: str) -> Section:
    return Section(
        name=operation.value,
        label=label,
        help=text,
        group="Triggers",
        fields=(
            Select(
                name="batching",
                label="Rows in a request",
                style="cards",
                default="row",
                choices=(
                    Choice("row", "One row", "Each row is its own request, and is accepted or refused by itself."),
                    Choice("batch", "Several rows", "Rows share a request, and are accepted or refused together."),
                ),
            ),
            Number(
                name="batch_size",
                label="Rows in a batch",
                default=DEFAULT_BATCH,
                minimum=1,
                maximum=10_000,
                unit="rows",
                when=When(field="batching", values=("batch",)),
            ),
            Select(
                name="method",
                label="Method",
                default=method,
                choices=tuple(Choice(m, m) for m in ("GET", "POST", "PUT", "PATCH", "DELETE")),
            ),
            Text(
                name="endpoint",
                label="Endpoint",
                help="The path after the base URL. Liquid may use the row: /customers/{{ row.id }}",
                placeholder="/v1/customers",
                required=False,
                default="",
                template=True,
                syntax="liquid",
            ),
            *payload_settings(),
        ),
    )


SETTINGS: tuple[Field, ...] = (
    _trigger(Operation.ADDED, "Rows added", "Send a request for rows that are new in the model.", "POST"),
    _trigger(Operation.CHANGED, "Rows changed", "Send a request for rows of which any column changed.", "PUT"),
    _trigger(Operation.REMOVED, "Rows removed", "Send a request for rows that left the model.", "DELETE"),
    *pace_settings(),
    SPLIT_RETRY,
)

DEFINITION = DestinationDefinition(
    key="http_request",
    name="HTTP Request",
    category="Custom",
    summary="Call any web service when rows are added, changed or removed.",
    docs_url="docs/destinations/http_request.md",
    fields=FIELDS,
    verification=Verification.SERVER,
    safe_to_resync=False,
    connects=CONNECTS,
    sync_types=(
        SyncType(
            key="requests",
            name="Requests",
            description="Requests you design, for rows that are added, changed or removed.",
            settings=SETTINGS,
            limits=Limits(batch_rows=1, concurrency=100, rates=(Rate(requests=950, seconds=1.0),), attempts=5),
            all_columns=True,
            mapping=False,
            split_retry=True,
            first_run=(FirstRun.BACKFILL, FirstRun.SKIP),
            modes=(
                ModeSpec(
                    mode=Mode.CUSTOM,
                    rows=RowSet.CHANGES,
                    description="Your triggers decide what is sent. A request without an answer is sent again.",
                    removals=(Removal.NOTHING,),
                    matching=False,
                ),
            ),
        ),
    ),
)
