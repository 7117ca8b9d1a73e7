"""What a person sets for Iterable, and what it can do.

Limits, names of fields and error codes: Iterable's API documentation (api.iterable.com/api/docs).
"""

from __future__ import annotations

from dataclasses import replace

from connectors.sdk.destination import DestinationDefinition, FirstRun, Limits, Rate, Removal, SyncType
from connectors.sdk.fields import SPLIT_RETRY, Select, Text, Toggle, When, batch_rows
from connectors.sdk.modes import insert, members, update, upsert
from connectors.sdk.rest import KeyHeader, PerRow, Place, field, fields
from connectors.sdk.types import Choice, Verification

HOSTS = {"us": "https://api.iterable.com", "eu": "https://api.eu.iterable.com"}
PERSON = (field("email", "E-mail", identifier=True), field("userId", "User ID", identifier=True))
NAMED = (field("email", "E-mail", description="This or a user ID is needed."), field("userId", "User ID"))
ITEMS = field("items", "Items", "object", required=True, description="A list; each has id, name, price and quantity.")
HAPPENING = (
    field("id", "Event ID", identifier=True, description="An event that has it is changed. Left out, one is made."),
    field("createdAt", "Time", "moment", description="Left out, it is when the event arrives."),
)
TOTAL = field("total", "Total", "number", required=True, description="Of the order, as an amount of money.")
ITEM = field("id", "Unique product ID", identifier=True, required=True, description="Letters, digits and dashes.")
NEW_EMAIL = (
    field("currentEmail", "Current e-mail", identifier=True),
    field("currentUserId", "User ID", identifier=True),
    field("newEmail", "New e-mail", required=True),
)
MERGED = (
    field("sourceEmail", "Source: e-mail", description="The user that goes. This or its user ID is needed."),
    field("sourceUserId", "Source: user ID"),
    field("destinationEmail", "Destination: e-mail", description="The user that stays. This or its user ID is needed."),
    field("destinationUserId", "Destination: user ID"),
)
DEVICE = fields(
    field("token", "Token", required=True),
    field("platform", "Platform", required=True, description="APNS, APNS_SANDBOX or GCM."),
    field("applicationName", "Application name", required=True, description="The push integration's name in Iterable."),
)
SEND_AT = field("sendAt", "Send at", "moment", description="Up to a year ahead. Left out, it is sent at once.")

EVENT_NAMES = PerRow(
    name="event",
    label="Event",
    field=field("eventName", "Event name", required=True),
    when=When(field="kind", values=("event",)),
)
CAMPAIGNS = PerRow(
    name="campaign",
    label="Campaign ID",
    field=field("campaignId", "Campaign ID"),
    help="The campaign that the event is due to.",
    required=False,
)
TEMPLATES = PerRow(name="template", label="Template ID", field=field("templateId", "Template ID"), required=False)
CATALOG = Place(noun="catalog", discover="catalogs")

# Bulk requests: 4 MB, and 5 a second; others are 100 a second or more.
BULK = Limits(batch_rows=1_000, batch_bytes=3_500_000, rates=(Rate(requests=5, seconds=1),), timeout_s=60)
EVENTS = replace(BULK, concurrency=2, rates=(Rate(requests=10, seconds=1),))
EACH = Limits(batch_rows=100, concurrency=2, rates=(Rate(requests=90, seconds=1),), batch_s=600)
ONCE = Limits(batch_rows=1, concurrency=8, rates=(Rate(requests=50, seconds=1),))
FORGET = Limits(batch_rows=20, rates=(Rate(requests=3, seconds=1),))
FIRST = (FirstRun.BACKFILL, FirstRun.SKIP)

NEW_FIELDS = Toggle(
    name="new_fields",
    label="Make fields that are missing",
    help="Iterable takes the type from the first value it sees, and never changes it.",
    default=True,
)
MERGE_OBJECTS = Toggle(
    name="merge_objects",
    label="Merge objects",
    help="Properties of an object that are not sent stay. Otherwise the object is replaced.",
)
REPEAT = Toggle(
    name="repeat",
    label="Send again to people who had the campaign",
    help="Holds for marketing campaigns.",
    default=True,
)
KIND = Select(
    name="kind",
    label="What is sent",
    style="cards",
    default="event",
    choices=(
        Choice("event", "Custom events", "With a name and properties. 1,000 a request."),
        Choice("purchase", "Purchases", "With items and a total. They empty the shopping cart. One a request."),
    ),
)
ACTION = Select(
    name="action",
    label="Action",
    style="cards",
    choices=(
        Choice("delete", "Delete", "The user goes, and may come back with new data."),
        Choice("forget", "Forget", "The user goes, and Iterable takes no data about them any more."),
        Choice("unforget", "Unforget", "Iterable takes data about the user again."),
    ),
)
GROUP_KIND = Select(
    name="group_kind",
    label="Subscribe to",
    default="messageType",
    choices=(
        Choice("messageType", "A message type"),
        Choice("messageChannel", "A message channel"),
        Choice("emailList", "A list"),
    ),
)
GROUP = Select(name="group", label="Which one", discover="groups", depends=("group_kind",))
EXISTING_ONLY = Toggle(
    name="existing_only",
    label="Add existing users only",
    help="Otherwise users that are missing are made. Iterable ignores this in projects that know users by e-mail.",
)
SIGN_IN = KeyHeader(
    key=Text(name="api_key", label="API key", help="Integrations → API keys.", secret=True),
    header="Api-Key",
    prefix="",
)
CONNECTION = (
    Select(
        name="region",
        label="Data center",
        default="us",
        choices=(Choice("us", "United States"), Choice("eu", "Europe")),
    ),
    *SIGN_IN.fields,
    Select(
        name="key_kind",
        label="Type of the key",
        style="cards",
        default="server",
        choices=(
            Choice("server", "Server-side", "For everything."),
            Choice("mobile", "Mobile", "Without JWT: for device tokens alone."),
        ),
    ),
    Select(
        name="project",
        label="Users are known by",
        help="Settings → Project settings.",
        style="cards",
        default="email",
        choices=(
            Choice("email", "E-mail", "An e-mail-based project."),
            Choice("userId", "User ID", "A project based on user IDs."),
            Choice("hybrid", "User ID or e-mail", "A hybrid project."),
        ),
    ),
)

USERS = SyncType(
    key="users",
    name="Users",
    description="User profiles with their fields, also nested ones.",
    modes=(
        upsert(Removal.CLEAR, Removal.DELETE, noun="users"),
        update(Removal.CLEAR, Removal.DELETE, noun="users"),
    ),
    settings=(NEW_FIELDS, MERGE_OBJECTS, batch_rows(BULK.batch_rows), SPLIT_RETRY),
    limits=BULK,
    custom_fields=True,
    split_retry=True,
)
HAPPENINGS = SyncType(
    key="events",
    name="Events",
    description="What users did or bought.",
    modes=(insert("events", idempotent=True), upsert(noun="events")),
    settings=(
        KIND,
        *EVENT_NAMES.settings,
        *CAMPAIGNS.settings,
        *TEMPLATES.settings,
        NEW_FIELDS,
        batch_rows(EVENTS.batch_rows),
        SPLIT_RETRY,
    ),
    limits=EVENTS,
    custom_fields=True,
    split_retry=True,
)
CART = SyncType(
    key="cart",
    name="Shopping cart items",
    description="What is in a user's shopping cart, as an event and in the profile.",
    modes=(insert("carts"),),
    limits=ONCE,
    custom_fields=True,
    first_run=FIRST,
)
CATALOG_ITEMS = SyncType(
    key="catalog",
    name="Catalog items",
    description="Items of a catalog. Fields that are not mapped stay.",
    modes=(upsert(Removal.DELETE, noun="items"),),
    settings=(*CATALOG.settings, batch_rows(1_000), SPLIT_RETRY),
    limits=replace(BULK, concurrency=4, rates=(Rate(requests=90, seconds=1),)),
    custom_fields=True,
    split_retry=True,
)
SUBSCRIPTIONS = SyncType(
    key="subscriptions",
    name="Subscriptions",
    description="Users of a list, message type or message channel. Iterable has to enable this for the project.",
    modes=(upsert(Removal.DELETE, noun="subscriptions"), members("group", out="Unsubscribes rows.")[1]),
    settings=(GROUP_KIND, GROUP, SPLIT_RETRY),
    limits=BULK,
    split_retry=True,
)
EMAILS = SyncType(
    key="email",
    name="E-mail addresses",
    description="New e-mail addresses of users, in projects that know users by e-mail.",
    modes=(update(noun="e-mail addresses"),),
    limits=replace(EACH, batch_rows=20),
)
ACTIONS = SyncType(
    key="actions",
    name="User actions",
    description="Deletes, forgets or unforgets a user for each new row. What is deleted never comes back.",
    modes=(insert("actions", idempotent=True),),
    settings=(ACTION,),
    limits=FORGET,
    first_run=FIRST,
)
MERGES = SyncType(
    key="merge",
    name="Merge users",
    description="Merges a user into another one for each new row. This cannot be undone.",
    modes=(insert("merges"),),
    limits=ONCE,
    first_run=FIRST,
)
DEVICES = SyncType(
    key="devices",
    name="Device tokens",
    description="Devices that users get push notifications on.",
    modes=(insert("devices", idempotent=True),),
    limits=replace(EACH, rates=(Rate(requests=400, seconds=1),)),
    custom_fields=True,
)


def listed(place: Place) -> SyncType:
    """Members of a static list."""
    return SyncType(
        key="list",
        name="Static list",
        description="Members of a static list, with their fields.",
        modes=members("list"),
        settings=(*place.settings, EXISTING_ONLY, MERGE_OBJECTS, batch_rows(BULK.batch_rows), SPLIT_RETRY),
        limits=BULK,
        custom_fields=True,
        split_retry=True,
    )


def sent(key: str, name: str, per_row: PerRow) -> SyncType:
    """Messages or journeys that new rows start."""
    return SyncType(
        key=key,
        name=name,
        description=f"{name} for each new row.",
        modes=(insert("triggers"),),
        settings=(*per_row.settings, *(() if key == "journey" else (REPEAT,))),
        limits=ONCE,
        custom_fields=True,
        first_run=FIRST,
    )


TRIGGERS = {
    "trigger_email": PerRow(
        name="campaign",
        label="Campaign",
        field=field("campaignId", "Campaign ID", required=True),
        help="A triggered e-mail campaign that is running.",
        discover="email_campaigns",
    ),
    "trigger_push": PerRow(
        name="campaign",
        label="Campaign",
        field=field("campaignId", "Campaign ID", required=True),
        help="A triggered push campaign that is running.",
        discover="push_campaigns",
    ),
    "journey": PerRow(
        name="journey",
        label="Journey",
        field=field("workflowId", "Journey ID", required=True),
        help="A journey that begins by an API call.",
        discover="journeys",
    ),
}


def definition(place: Place) -> DestinationDefinition:
    """The declarations; ``place`` is the list that rows go into."""
    return DestinationDefinition(
        key="iterable",
        name="Iterable",
        category="E-mail & lifecycle",
        summary="Users, events, carts, catalogs, lists and subscriptions; starts campaigns and journeys.",
        docs_url="docs/destinations/iterable.md",
        fields=CONNECTION,
        verification=Verification.DOCS,
        safe_to_resync=False,
        sync_types=(
            USERS,
            HAPPENINGS,
            CART,
            CATALOG_ITEMS,
            listed(place),
            EMAILS,
            ACTIONS,
            SUBSCRIPTIONS,
            sent("trigger_email", "Trigger e-mail", TRIGGERS["trigger_email"]),
            sent("trigger_push", "Trigger push", TRIGGERS["trigger_push"]),
            sent("journey", "Trigger journey", TRIGGERS["journey"]),
            MERGES,
            DEVICES,
        ),
    )
