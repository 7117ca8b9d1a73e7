"""What a person sets for Klaviyo, and what it can do."""

from __future__ import annotations

from connectors.sdk.destination import DestinationDefinition, Limits, Rate, SyncType
from connectors.sdk.fields import SPLIT_RETRY, Field, Select, Text
from connectors.sdk.modes import insert, members, upsert
from connectors.sdk.rest import Either, KeyHeader, OAuthApp, field, fields
from connectors.sdk.types import Choice, Verification

VERSION = "2026-07-15"
BULK = Limits(
    batch_rows=10_000,
    batch_bytes=4_500_000,
    concurrency=4,
    rates=(Rate(requests=10, seconds=1), Rate(requests=150, seconds=60)),
    timeout_s=60,
    batch_s=1_800,
)
MATCHED = fields(
    field("email", identifier=True),
    field("phone_number", identifier=True, description="E.164, such as +12345678901"),
)
PLAIN = ("external_id", "first_name", "last_name", "organization", "locale", "title", "image")
LOCATION = ("address1", "address2", "city", "country", "latitude", "longitude", "region", "zip", "timezone", "ip")
PROFILE = (
    field("id", "Klaviyo profile ID", identifier=True, description="Made by Klaviyo; no other ID fits here."),
    *MATCHED,
    *fields(*PLAIN),
    *(field(f"location.{name}", f"Location: {name}") for name in LOCATION),
)
EVENT = (
    *MATCHED,
    field("id", "Klaviyo profile ID", identifier=True),
    field("time", "Time of the event", "moment"),
    field("value", "Value", "number", description="An amount of money, summed up in reports."),
    field("unique_id", "Unique ID", description="An event with the same one is not counted twice."),
)

SIGN_IN = Either(
    ways={
        "key": (
            Choice("key", "Private API key", "Made under Settings → API keys, with full access to what is synced."),
            KeyHeader(
                key=Text(name="api_key", label="Private API key", secret=True),
                prefix="Klaviyo-API-Key ",
            ),
        ),
        "oauth": (
            Choice("oauth", "Your own OAuth app", "A person signs in on Klaviyo's page."),
            OAuthApp(
                page="https://www.klaviyo.com/oauth/authorize",
                tokens="https://a.klaviyo.com/oauth/token",
                scopes=(
                    "accounts:read",
                    "events:write",
                    "lists:read",
                    "lists:write",
                    "profiles:read",
                    "profiles:write",
                    "subscriptions:write",
                ),
                app="Integrations → Manage apps",
                in_header=True,
            ),
        ),
    }
)


def definition(list_settings: tuple[Field, ...]) -> DestinationDefinition:
    """The declarations; ``list_settings`` choose or name a list."""
    return DestinationDefinition(
        key="klaviyo",
        name="Klaviyo",
        category="E-mail & lifecycle",
        summary="Profiles, events, lists and marketing consent.",
        docs_url="docs/destinations/klaviyo.md",
        status_page="https://status.klaviyo.com",
        fields=SIGN_IN.fields,
        connects=SIGN_IN.connects,
        verification=Verification.SPEC,
        sync_types=(
            SyncType(
                key="profiles",
                name="Profiles",
                description="People, with custom properties.",
                modes=(upsert(noun="profiles"),),
                limits=BULK,
                custom_fields=True,
            ),
            SyncType(
                key="events",
                name="Events",
                description="What people did, once a row.",
                modes=(insert("events"),),
                settings=(
                    Text(name="event", label="Event name", help="As it shows in Klaviyo, such as Ordered product."),
                    SPLIT_RETRY,
                ),
                limits=Limits(batch_rows=1_000, batch_bytes=4_500_000, rates=BULK.rates, concurrency=4, timeout_s=60),
                custom_fields=True,
                split_retry=True,
            ),
            SyncType(
                key="list",
                name="List",
                description="Members of a list, without consent to marketing. Profiles that are missing are made.",
                modes=members("list"),
                settings=list_settings,
                limits=BULK,
            ),
            SyncType(
                key="subscriptions",
                name="Subscription list",
                description="Consent to marketing by e-mail, SMS or both.",
                modes=members("list", into="Subscribes rows.", out="Unsubscribes rows."),
                settings=(
                    *list_settings,
                    Select(
                        name="channels",
                        label="Consent to",
                        default="email",
                        choices=(Choice("email", "E-mail"), Choice("sms", "SMS"), Choice("both", "E-mail and SMS")),
                    ),
                    Text(name="source", label="Source", required=False, help="Shown in Klaviyo beside the consent."),
                    SPLIT_RETRY,
                ),
                limits=Limits(batch_rows=1_000, rates=BULK.rates, concurrency=2, timeout_s=60),
                split_retry=True,
            ),
        ),
    )
