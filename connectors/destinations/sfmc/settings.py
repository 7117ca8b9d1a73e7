"""What a person sets for Marketing Cloud, and what it can do.

Limits: developer.salesforce.com/docs/marketing/marketing-cloud (50 contacts a request that takes them out of journeys).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.sdk.destination import DestinationDefinition, Limits, Mode, ModeSpec, Rate, Removal, RowSet, SyncType
from connectors.sdk.fields import SPLIT_RETRY, Field, Number, Select, Text, Toggle, When, batch_rows
from connectors.sdk.modes import insert, upsert
from connectors.sdk.rest import ClientCredentials, field, fields
from connectors.sdk.types import Choice, Verification

RATES = (Rate(requests=20, seconds=1),)
ROWS = Limits(batch_rows=500, batch_bytes=3_000_000, concurrency=2, rates=RATES, timeout_s=120, batch_s=600)
SINGLE = Limits(batch_rows=100, concurrency=2, rates=RATES, batch_s=600)
ONE = Limits(batch_rows=1, concurrency=8, rates=RATES)
LEAVING = Limits(batch_rows=50, concurrency=2, rates=RATES)
KEY = field("contactKey", "Contact key", identifier=True, required=True)
CONTACT = (
    KEY,
    *fields(
        *("Email Addresses.Email Address", "Email Addresses.HTML Enabled:boolean"),
        *("Email Demographics.First Name", "Email Demographics.Last Name", "MobileConnect Demographics.Mobile Number"),
    ),
)
ENTRY = (KEY,)
MESSAGE = (
    field("contactKey", "Subscriber key", required=True),
    field("to", "To", required=True, description="E-mail address, or phone number with the country's code."),
)
SUBDOMAIN = Text(
    name="subdomain",
    label="Subdomain",
    help="The part of the authentication base URI between https:// and .auth.marketingcloudapis.com.",
    pattern=r"[a-z0-9-]+",
    pattern_hint="Lower-case letters, digits and hyphens, such as mc6vgk-yfjd8879pq4v.",
)


def tokens(config: Mapping[str, Any]) -> str:
    """Where tokens come from."""
    return f"https://{config['subdomain']}.auth.marketingcloudapis.com/v2/token"


def unit(config: Mapping[str, Any]) -> Mapping[str, str]:
    """The business unit that tokens are for."""
    return {"account_id": str(config["account_id"])} if config.get("account_id") else {}


SIGN_IN = ClientCredentials(
    tokens=tokens,
    client_id=Text(name="client_id", label="Client ID", help="Setup → Apps → Installed packages → API integration."),
    client_secret=Text(name="client_secret", label="Client secret", help="Beside the client ID.", secret=True),
    scope=lambda config: str(config.get("scopes") or ""),
    in_header=False,
    as_json=True,
    more=unit,
)
UNIT = Text(
    name="account_id",
    label="Business unit",
    help="Its MID, where it is not the one of the package. One connection for each.",
    required=False,
    pattern=r"\d{3,12}",
    pattern_hint="Digits.",
)
SCOPES = Text(
    name="scopes",
    label="Scopes",
    help="With spaces between them, where not all of the package's are wanted.",
    required=False,
)
NEW = When(field="extension_from", values=("new",))
MAKING = (
    Select(name="folder", label="Folder", discover="folders", required=False, when=NEW),
    Text(
        name="sendable_field",
        label="Field with the subscriber key",
        help="Makes the data extension sendable. One of the mapped fields.",
        required=False,
        when=NEW,
    ),
    Toggle(name="testable", label="For test messages, too", when=NEW),
    Select(
        name="retention",
        label="Retention",
        default="keep",
        required=False,
        choices=(
            Choice("keep", "Keep everything"),
            Choice("row", "Delete single rows at their age"),
            Choice("rows", "Delete all rows"),
            Choice("all", "Delete all rows and the data extension"),
        ),
        when=NEW,
    ),
    Number(name="retention_days", label="After", default=180, minimum=1, maximum=36_500, unit="days", when=NEW),
    Toggle(name="retention_reset", label="Begin anew with each import", when=NEW),
)
CONTACTS_TYPE = SyncType(
    key="contacts",
    name="Contacts",
    description="Contacts and their attributes.",
    modes=(upsert(noun="contacts"),),
    limits=SINGLE,
    custom_fields=True,
)
JOURNEY_TYPE = SyncType(
    key="journey",
    name="Journeys",
    description="Contacts that enter a journey, and leave it.",
    modes=(
        ModeSpec(
            mode=Mode.ADD,
            rows=RowSet.CHANGES,
            description="Lets new rows enter the journey.",
            removals=(Removal.NOTHING, Removal.DELETE),
            idempotent=False,
        ),
        ModeSpec(mode=Mode.REMOVE, rows=RowSet.ADDED, description="Takes rows out of the journey."),
    ),
    settings=(Select(name="journey", label="Journey", discover="journeys"),),
    limits=ONE,
    custom_fields=True,
)
MESSAGE_TYPE = SyncType(
    key="message",
    name="Triggered sends",
    description="One e-mail or SMS for each new row.",
    modes=(insert("messages"),),
    settings=(
        Select(
            name="channel",
            label="Channel",
            style="cards",
            default="email",
            choices=(Choice("email", "E-mail"), Choice("sms", "SMS")),
        ),
        Select(name="message", label="Send definition", discover="messages", depends=("channel",)),
    ),
    limits=ONE,
    custom_fields=True,
)


def rows_type(place_settings: tuple[Field, ...]) -> SyncType:
    """Rows of a data extension."""
    return SyncType(
        key="rows",
        name="Data extensions",
        description="Rows of a data extension, by its primary key.",
        modes=(upsert(Removal.DELETE, noun="rows"),),
        settings=(*place_settings, *MAKING, batch_rows(500), SPLIT_RETRY),
        limits=ROWS,
        custom_fields=True,
        split_retry=True,
        clears="the data extension",
    )


def definition(place_settings: tuple[Field, ...]) -> DestinationDefinition:
    """The declarations; ``place_settings`` choose or name a data extension."""
    return DestinationDefinition(
        key="sfmc",
        name="Salesforce Marketing Cloud",
        category="E-mail & lifecycle",
        summary="Rows of data extensions, contacts, journeys and messages.",
        docs_url="docs/destinations/sfmc.md",
        fields=(SUBDOMAIN, *SIGN_IN.fields, UNIT, SCOPES),
        verification=Verification.DOCS,
        safe_to_resync=False,
        sync_types=(rows_type(place_settings), CONTACTS_TYPE, JOURNEY_TYPE, MESSAGE_TYPE),
    )
