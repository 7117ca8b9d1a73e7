"""What a person sets for Customer.io, and what it can do.

Two interfaces with a sign-in each: the Track API takes data in, the App API knows what there is. Limits and
actions: docs.customer.io/integrations/api/track and …/app.
"""

from __future__ import annotations

from connectors.sdk.destination import DestinationDefinition, Limits, Rate, Removal, SyncType
from connectors.sdk.fields import SPLIT_RETRY, Field, Select, Text
from connectors.sdk.modes import insert, members, update, upsert
from connectors.sdk.rest import Api, Basic, KeyHeader, PerRow, field
from connectors.sdk.types import Choice, Verification

REGIONS = {"us": "", "eu": "-eu"}
PERSON = (
    field("id", "External ID", identifier=True),
    field("email", "E-mail", identifier=True),
    field("cio_id", "CIO ID", identifier=True, description="Made by Customer.io."),
)
PEOPLE = tuple(each.name for each in PERSON)
RELATED = tuple(
    field(f"relationships.{each.name}", f"Relationships: {each.label}", "reference", description="One, or a list.")
    for each in PERSON
)
OBJECT = (field("object_id", "Object ID", identifier=True, required=True), *RELATED)
HAPPENED = (
    field("id", "External ID", description="This, another ID or an anonymous ID is needed."),
    field("email", "E-mail"),
    field("cio_id", "CIO ID"),
    field("anonymous_id", "Anonymous ID", description="Of somebody who is not known yet."),
    field("event_id", "Event ID", description="An event that has the same one is counted once."),
    field("timestamp", "Time", "moment", description="Left out, it is when the event arrives."),
)
NAMES = PerRow(
    name="event",
    label="Event",
    field=field("name", "Name", required=True),
    help="The event's name, or the address of the page or the name of the screen.",
)
OWN = (*HAPPENED, NAMES.field)
# A batch has up to 500 kB, each part 32 kB. Customer.io asks for no more than 100 batches a second.
BATCHES = Limits(batch_rows=500, batch_bytes=450_000, concurrency=4, rates=(Rate(requests=90, seconds=1),))
LOOKING = Limits(batch_rows=100, concurrency=2, rates=(Rate(requests=9, seconds=1),), batch_s=600)
SIGN_IN = Basic(
    user=Text(name="site_id", label="Site ID", help="API credentials → Tracking API keys."),
    password=Text(name="api_key", label="Tracking API key", help="Beside the site ID.", secret=True),
)
APP = Api(
    base=lambda config: f"https://api{REGIONS[config.get('region') or 'us']}.customer.io",
    sign_in=KeyHeader(
        key=Text(name="app_api_key", label="App API key", help="API credentials → App API keys.", secret=True)
    ),
)
REGION = Select(
    name="region",
    label="Region",
    default="us",
    choices=(Choice("us", "United States"), Choice("eu", "Europe")),
)
KIND = Select(
    name="kind",
    label="What is sent",
    style="cards",
    default="event",
    choices=(
        Choice("event", "Events"),
        Choice("page", "Page views", "Their name is the page's address."),
        Choice("screen", "Screen views", "Of a mobile app."),
    ),
)
PEOPLE_TYPE = SyncType(
    key="people",
    name="Customers",
    description="People and their attributes; attributes that are new are made.",
    modes=(upsert(Removal.CLEAR, Removal.DELETE, noun="people"), update(Removal.CLEAR, noun="people")),
    settings=(SPLIT_RETRY,),
    limits=BATCHES,
    custom_fields=True,
    split_retry=True,
)
EVENTS_TYPE = SyncType(
    key="events",
    name="Events",
    description="What people did, once a row.",
    modes=(insert("events", idempotent=True),),
    settings=(KIND, *NAMES.settings, SPLIT_RETRY),
    limits=BATCHES,
    custom_fields=True,
    split_retry=True,
)
OBJECTS_TYPE = SyncType(
    key="objects",
    name="Objects",
    description="Objects that people belong to, such as companies, with their attributes.",
    modes=(upsert(Removal.DELETE, noun="objects"), update(Removal.DELETE, noun="objects")),
    settings=(Select(name="object_type", label="Object type", discover="object_types"), SPLIT_RETRY),
    limits=BATCHES,
    custom_fields=True,
    split_retry=True,
)


def segment(place_settings: tuple[Field, ...]) -> SyncType:
    """People of a manual segment."""
    return SyncType(
        key="segment",
        name="Segments",
        description="People in a manual segment. They must be there already.",
        modes=members("segment"),
        settings=(*place_settings, SPLIT_RETRY),
        limits=Limits(batch_rows=1_000, concurrency=2, rates=BATCHES.rates),
        split_retry=True,
    )


def definition(place_settings: tuple[Field, ...]) -> DestinationDefinition:
    """The declarations; ``place_settings`` choose or name a segment."""
    return DestinationDefinition(
        key="customerio",
        name="Customer.io",
        category="E-mail & lifecycle",
        summary="People, events, manual segments and objects.",
        docs_url="docs/destinations/customerio.md",
        status_page="https://status.customer.io",
        fields=(REGION, *SIGN_IN.fields, *APP.sign_in.fields),
        verification=Verification.DOCS,
        sync_types=(PEOPLE_TYPE, EVENTS_TYPE, segment(place_settings), OBJECTS_TYPE),
    )
