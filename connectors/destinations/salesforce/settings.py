"""What a person sets for Salesforce, and what it can do."""

from __future__ import annotations

from typing import Any

from connectors.sdk.destination import DestinationDefinition, Limits, Mode, ModeSpec, Removal, RowSet, SyncType
from connectors.sdk.fields import SPLIT_RETRY, Number, Select, Text, Toggle, When
from connectors.sdk.modes import insert, update, upsert
from connectors.sdk.rest import ClientCredentials, Either, OAuthApp
from connectors.sdk.types import Choice, Verification

VERSION = "v66.0"
COLLECTION = 200  # records of one REST request
BULK_FROM = 1_000  # rows of a batch that go as a job, where the sync leaves the choice
INSTANCE = Text(
    name="instance",
    label="My Domain address",
    help="Setup → My Domain, such as https://acme.my.salesforce.com; of a sandbox its own.",
    placeholder="https://acme.my.salesforce.com",
    pattern=r"https://[A-Za-z0-9.-]+\.salesforce\.(com|mil)",
    pattern_hint="Begin with https://, end with .salesforce.com, and leave out paths.",
)


def instance(config: Any) -> str:
    """The organization's address."""
    return str(config["instance"]).rstrip("/")


def tokens(config: Any) -> str:
    """Where tokens are given out."""
    return f"{instance(config)}/services/oauth2/token"


SIGN_IN = Either(
    ways={
        "oauth": (
            Choice("oauth", "Sign in as a user", "Through your own app; best a user made for integrations."),
            OAuthApp(
                page=lambda config: f"{instance(config)}/services/oauth2/authorize",
                tokens=tokens,
                scopes=("api", "refresh_token"),
                app="Setup → External Client App Manager",
            ),
        ),
        "app": (
            Choice("app", "As the app itself", "With the client credentials flow, as the user that the app runs as."),
            ClientCredentials(
                tokens=tokens,
                client_id=Text(name="app_id", label="Consumer key", help="Of the app, under Settings → OAuth."),
                client_secret=Text(name="app_secret", label="Consumer secret", secret=True),
                in_header=False,
            ),
        ),
    }
)
ARCHIVE = ModeSpec(
    mode=Mode.ARCHIVE,
    rows=RowSet.ADDED,
    description="Deletes the records of all rows of the model; they stay in the recycle bin for 15 days.",
)
ADVANCED = (
    Select(
        name="engine",
        label="Interface",
        default="auto",
        choices=(
            Choice("auto", "By size", f"Bulk API 2.0 for batches of {BULK_FROM:,} rows and more, else REST."),
            Choice("bulk", "Bulk API 2.0", "One job a batch; counts records, not requests."),
            Choice("rest", "REST", f"{COLLECTION} records a request; counts requests."),
        ),
        group="Speed",
    ),
    Number(
        name="batch_rows",
        label="Rows a batch",
        help="Smaller batches are gentler on triggers and flows.",
        default=10_000,
        minimum=1,
        maximum=10_000,
        group="Speed",
    ),
    Number(
        name="parallel",
        label="Batches side by side",
        help="One at a time avoids that rows of the same parent record lock each other out.",
        default=4,
        minimum=1,
        maximum=25,
        group="Speed",
    ),
)
CONVERTED = Select(
    name="converted",
    label="Leads that were converted",
    help="Rows whose match is in the other object are written there; fields that both have can be mapped.",
    default="none",
    choices=(
        Choice("none", "Are not looked for"),
        Choice("Contact", "Are looked for among contacts first"),
        Choice("Account", "Are looked for among accounts first"),
    ),
    when=When(field="object", values=("Lead",)),
)
MERGED_OBJECTS = ("Account", "Contact", "Individual", "Lead")
MERGING = (
    Toggle(
        name="merge",
        label="Merge records",
        help="Of records that share an ID, the children are merged into the one that is none. Cannot be undone.",
        when=When(field="object", values=MERGED_OBJECTS),
    ),
    Select(
        name="merge_shared",
        label="Shared ID",
        help="A mapped field. Records with the same value are the same.",
        discover="merge_fields",
        depends=("object",),
        when=When(field="merge", values=(True,)),
    ),
    Select(
        name="merge_child",
        label="Is a child, or merge ID",
        help="A mapped field: whatever has it ticked or filled is merged into the record that has not.",
        discover="merge_fields",
        depends=("object",),
        when=When(field="merge", values=(True,)),
    ),
)
PICKLIST_VALUES = 1_000
REPLACED = ModeSpec(
    mode=Mode.ALL,
    rows=RowSet.FULL,
    description="Replaces the values of the picklist by those of all rows.",
    matching=False,
)
DEFINITION = DestinationDefinition(
    key="salesforce",
    name="Salesforce",
    category="CRM",
    summary="Records of objects by REST or Bulk API 2.0, platform events, and values of picklists.",
    docs_url="docs/destinations/salesforce.md",
    status_page="https://status.salesforce.com",
    fields=(INSTANCE, *SIGN_IN.fields),
    connects=SIGN_IN.connects,
    verification=Verification.DOCS,
    sync_types=(
        SyncType(
            key="objects",
            name="Objects",
            description="Records of standard and custom objects, matched by an external ID.",
            modes=(upsert(Removal.CLEAR, Removal.DELETE), update(Removal.CLEAR), insert(), ARCHIVE),
            settings=(
                Select(name="object", label="Object", discover="objects"),
                CONVERTED,
                *MERGING,
                *ADVANCED,
                SPLIT_RETRY,
            ),
            limits=Limits(batch_rows=10_000, batch_bytes=50_000_000, concurrency=4, timeout_s=120, batch_s=3_600),
            split_retry=True,
        ),
        SyncType(
            key="events",
            name="Platform events",
            description="An event for each new row.",
            modes=(insert("events"),),
            settings=(Select(name="event", label="Platform event", discover="events"),),
            limits=Limits(batch_rows=1, concurrency=8),
        ),
        SyncType(
            key="picklist",
            name="Picklist values",
            description="The values of a custom picklist, each run anew.",
            modes=(REPLACED,),
            settings=(
                Select(name="object", label="Object", discover="objects"),
                Select(name="picklist", label="Picklist", discover="picklists", depends=("object",)),
            ),
            limits=Limits(timeout_s=120),
            single_writer=True,
        ),
    ),
)
