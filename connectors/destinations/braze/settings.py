"""What a person sets for Braze, and what it can do."""

from __future__ import annotations

from connectors.sdk.destination import DestinationDefinition, Limits, Rate, Removal, SyncType
from connectors.sdk.fields import SPLIT_RETRY, Field, KeyValues, Select, Text, Toggle, When
from connectors.sdk.modes import insert, update, upsert
from connectors.sdk.rest import KeyHeader, PerRow, field, fields
from connectors.sdk.types import Choice, Verification

HOSTS = {
    **{f"iad-0{n}": f"https://rest.iad-0{n}.braze.com" for n in range(1, 9)},
    "us-10": "https://rest.us-10.braze.com",
    **{f"fra-0{n}": f"https://rest.fra-0{n}.braze.eu" for n in (1, 2)},
    **{name: f"https://rest.{name}.braze.com" for name in ("au-01", "id-01", "jp-01")},
}
ALIAS = "alias."
ATTRIBUTES = "attributes."
CATALOG_TYPES = ("string", "number", "boolean", "time", "object", "array")

EXTERNAL = field("external_id", "External user ID", identifier=True)
BRAZE_ID = field("braze_id", "Braze ID", identifier=True, description="Made by Braze.")
USER_ALIAS = field(
    "user_alias", "User alias", "object", identifier=True, description="With alias_name and alias_label."
)
PROFILE = fields(
    *("first_name", "last_name", "email", "phone", "country", "home_city", "language", "gender"),
    field("dob", "Date of birth", "date"),
    *("time_zone", "email_subscribe", "push_subscribe", "current_location:object", "image_url"),
    *("date_of_first_session:moment", "date_of_last_session:moment"),
    *("email_open_tracking_disabled:boolean", "email_click_tracking_disabled:boolean"),
)
EVENT = fields(
    field("time", "Time", "moment", description="Left out, it is when the run began."),
    field("app_id", "App ID", description="The API key of the app it happened in."),
    field("properties", "Properties", "object", description="All of them as one object; mapped ones are added."),
)
NAMED = field("name", "Event name", required=True)
PURCHASE = fields(
    field("product_id", "Product ID", required=True),
    field("currency", "Currency", required=True, description="Three letters, such as EUR."),
    field("price", "Price", "number", required=True),
    field("quantity", "Quantity", "number"),
)
SUBSCRIBER = fields(EXTERNAL, field("email", "E-mail", identifier=True), field("phone", "Phone", identifier=True))
STATE = field("subscription_state", "State", description="subscribed or unsubscribed; left out, rows are subscribed.")
GROUP = field("subscription_group_id", "Subscription group ID", required=True)
IDENTITY = fields(
    field("external_id", "External user ID", required=True),
    field("user_aliases", "User aliases", "object", required=True, description="One alias, or a list of them."),
)
ITEM = field("id", "Item ID", identifier=True, required=True)
RECIPIENT = field("external_user_id", "External user ID", required=True)

TRACK = (Rate(requests=2_500, seconds=3),)
# /users/export/ids has the lowest of Braze's limits: 250 requests a minute.
READING = Limits(batch_rows=50, concurrency=2, rates=(Rate(requests=230, seconds=60),), batch_s=600)
USERS = Limits(batch_rows=75, concurrency=8, rates=TRACK, batch_s=600)
SENDS = Limits(batch_rows=50, concurrency=4, rates=(Rate(requests=4_000, seconds=60),))
READ_FIRST = Toggle(
    name="read_first",
    label="Save data points",
    help="Reads users first and sends only attributes that differ. Slower: Braze answers 250 such requests a minute.",
    default=True,
)
EXISTING_ONLY = Toggle(
    name="existing_only",
    label="Send to existing users only",
    help="Otherwise users that are missing are made, with the attributes that are mapped.",
    default=True,
)


GROUPS = PerRow(name="group", label="Subscription group", field=GROUP, help="Its ID: Audience → Subscriptions.")
EVENT_NAMES = PerRow(
    name="event",
    label="Event",
    field=NAMED,
    help="Its name, such as ordered.",
    when=When(field="kind", values=("event",)),
)
EVENTS = (
    Select(
        name="kind",
        label="What is sent",
        style="cards",
        default="event",
        choices=(
            Choice("event", "Custom events", "With a name and properties."),
            Choice("purchase", "Purchases", "Of a product, at a price."),
        ),
    ),
    *EVENT_NAMES.settings,
    Select(
        name="missing_users",
        label="Users that are not there",
        default="create",
        choices=(
            Choice("create", "Make them", "Matched by external user ID or alias."),
            Choice("skip", "Skip the event", "Braze drops it."),
            Choice("retry", "Wait for them", "The row is refused, and sent by a later run when the user is there."),
        ),
    ),
)
SIGN_IN = KeyHeader(
    key=Text(name="api_key", label="REST API key", help="Settings → APIs and identifiers.", secret=True)
)


REGION = Select(
    name="region",
    label="REST endpoint",
    help="Settings → APIs and identifiers. dashboard-03.braze.com is iad-03, dashboard-01.braze.eu fra-01.",
    default="iad-01",
    choices=tuple(Choice(key, host.removeprefix("https://")) for key, host in HOSTS.items()),
)
PEOPLE = (
    SyncType(
        key="users",
        name="Users",
        description="User profiles with custom attributes and aliases.",
        modes=(
            upsert(Removal.CLEAR, Removal.DELETE, noun="users"),
            update(Removal.CLEAR, Removal.DELETE, noun="users"),
        ),
        settings=(READ_FIRST,),
        limits=USERS,
        custom_fields=True,
    ),
    SyncType(
        key="events",
        name="Events",
        description="What users did or bought, once a row.",
        modes=(insert("events"),),
        settings=EVENTS,
        limits=USERS,
        custom_fields=True,
    ),
    SyncType(
        key="subscriptions",
        name="Subscription status",
        description="Users of e-mail and SMS subscription groups.",
        modes=(upsert(Removal.DELETE, noun="subscriptions"),),
        settings=(
            *GROUPS.settings,
            SPLIT_RETRY,
        ),
        limits=SENDS,
        custom_fields=True,
        split_retry=True,
    ),
    SyncType(
        key="identities",
        name="User identity",
        description="Merges users known by an alias only into users with an external ID.",
        modes=(insert("identities"),),
        settings=(SPLIT_RETRY,),
        limits=SENDS,
        split_retry=True,
    ),
)
CATALOG_KINDS = KeyValues(
    name="catalog_types",
    label="Fields of the new catalog that are not text",
    help="Name of the field, and its type: number, boolean, time, object or array.",
    when=When(field="catalog_from", values=("new",)),
)


def definition(catalog_settings: tuple[Field, ...]) -> DestinationDefinition:
    """The declarations; ``catalog_settings`` choose or name a catalog."""
    return DestinationDefinition(
        key="braze",
        name="Braze",
        category="E-mail & lifecycle",
        summary="Users, events, purchases, subscriptions and catalogs; starts campaigns and Canvases.",
        docs_url="docs/destinations/braze.md",
        status_page="https://braze.statuspage.io",
        fields=(REGION, *SIGN_IN.fields),
        verification=Verification.SPEC,
        sync_types=(
            *PEOPLE,
            catalog(catalog_settings),
            *(trigger(key, name) for key, name in (("campaign", "Campaign"), ("canvas", "Canvas"))),
        ),
    )


def catalog(catalog_settings: tuple[Field, ...]) -> SyncType:
    """Items of a catalog."""
    return SyncType(
        key="catalog",
        name="Catalog items",
        description="Items of a catalog: what is there is replaced by upsert, changed by update.",
        modes=(upsert(Removal.DELETE, noun="items"), update(Removal.DELETE, noun="items")),
        settings=(*catalog_settings, CATALOG_KINDS, SPLIT_RETRY),
        limits=SENDS,
        custom_fields=True,
        split_retry=True,
    )


def trigger(key: str, name: str) -> SyncType:
    """Messages that rows start."""
    return SyncType(
        key=key,
        name=f"{name} triggers",
        description=f"Starts an API-triggered {name} for new rows.",
        modes=(insert("triggers"),),
        settings=(Select(name=key, label=name, discover=f"{key}_choices"), EXISTING_ONLY),
        limits=SENDS,
        custom_fields=True,
    )
