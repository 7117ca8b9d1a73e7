"""What a person sets for Amplitude, and what it can do."""

from __future__ import annotations

from connectors.sdk.destination import DestinationDefinition, Limits, Rate, Removal, SyncType
from connectors.sdk.fields import SPLIT_RETRY, Field, Number, Select, Text, When
from connectors.sdk.modes import insert, members, upsert
from connectors.sdk.rest import Basic, PerRow, field, fields
from connectors.sdk.types import Choice, Verification

# Where events and properties go, and where cohorts are.
INGEST = {"us": "https://api2.amplitude.com", "eu": "https://api.eu.amplitude.com"}
ANALYTICS = {"us": "https://amplitude.com", "eu": "https://analytics.eu.amplitude.com"}
PERSON = (
    field("user_id", "User ID", identifier=True, description="At least 5 characters. This or a device ID is needed."),
    field("device_id", "Device ID", identifier=True),
)
GROUP = (field("group_value", "Group value", identifier=True, required=True),)
EVENT = (
    *PERSON,
    field("time", "Time", "moment", description="Left out, it is when the row is sent."),
    field("insert_id", "Insert ID", description="An event with the same one is counted once, for 7 days."),
    *fields("groups:object", "user_properties:object", "revenue:number", "price:number", "quantity:number"),
    *fields("productId", "revenueType", "platform", "os_name", "country", "region", "city", "language", "ip"),
)
MEMBER = (
    field("user_id", "User ID", identifier=True),
    field("amplitude_id", "Amplitude ID", identifier=True),
)
NEW_COHORT = When(field="cohort_from", values=("new",))
# What Amplitude asks of whoever makes a cohort.
COHORT_SETTINGS = (
    Number(
        name="app_id",
        label="Project ID",
        help="Settings → Projects → General, in Amplitude.",
        minimum=1,
        when=NEW_COHORT,
    ),
    Text(name="owner", label="Owner", help="The login e-mail address of the cohort's owner.", when=NEW_COHORT),
    Text(
        name="seed",
        label="A user ID to begin with",
        help="Amplitude makes no empty cohort: any user that it knows. Taken out again before the first row.",
        when=NEW_COHORT,
    ),
)
EVENT_NAMES = PerRow(name="event", label="Event name", field=field("event_type", "Event name", required=True))
SIGN_IN = Basic(
    user=Text(name="api_key", label="API key", help="Settings → Projects → General.", secret=True),
    password=Text(name="secret_key", label="Secret key", help="Of the same project.", secret=True),
)


def definition(cohort_settings: tuple[Field, ...]) -> DestinationDefinition:
    """The declarations; ``cohort_settings`` choose or name a cohort."""
    return DestinationDefinition(
        key="amplitude",
        name="Amplitude",
        category="Analytics",
        summary="Properties of users and groups, events and cohorts.",
        docs_url="docs/destinations/amplitude.md",
        fields=(
            Select(
                name="region",
                label="Data residency",
                default="us",
                choices=(Choice("us", "Standard"), Choice("eu", "European Union")),
            ),
            *SIGN_IN.fields,
        ),
        verification=Verification.DOCS,
        sync_types=(
            SyncType(
                key="users",
                name="Users",
                description="Properties of users; they show on what users do from then on.",
                modes=(upsert(Removal.CLEAR, noun="users"),),
                settings=(SPLIT_RETRY,),
                limits=Limits(batch_rows=500, concurrency=2, rates=(Rate(requests=10, seconds=1),)),
                custom_fields=True,
                split_retry=True,
            ),
            SyncType(
                key="groups",
                name="Groups",
                description="Properties of groups, such as companies.",
                modes=(upsert(Removal.CLEAR, noun="groups"),),
                settings=(
                    Text(name="group_type", label="Group type", help="As in Amplitude, such as company."),
                    SPLIT_RETRY,
                ),
                limits=Limits(batch_rows=500, concurrency=2, rates=(Rate(requests=10, seconds=1),)),
                custom_fields=True,
                split_retry=True,
            ),
            SyncType(
                key="events",
                name="Events",
                description="What users did, once a row.",
                modes=(insert("events"),),
                settings=(*EVENT_NAMES.settings, SPLIT_RETRY),
                limits=Limits(batch_rows=1_000, batch_bytes=15_000_000, concurrency=4, timeout_s=60),
                custom_fields=True,
                split_retry=True,
            ),
            SyncType(
                key="cohort",
                name="Cohort",
                description="Members of a cohort that was uploaded to Amplitude, or is made by the first run.",
                modes=members("cohort"),
                settings=(*cohort_settings, *COHORT_SETTINGS),
                limits=Limits(batch_rows=10_000, rates=(Rate(requests=1, seconds=1),), timeout_s=120),
            ),
        ),
    )
