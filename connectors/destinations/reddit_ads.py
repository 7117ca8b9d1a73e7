"""Reddit Ads: people in custom audiences, and conversion events.

https://ads-api.reddit.com/docs/v3/ and https://ads-api.reddit.com/docs/v2/#tag/Conversions
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from connectors.sdk import people
from connectors.sdk.audiences import counted
from connectors.sdk.destination import (
    DestinationDefinition,
    DestinationField,
    Job,
    Limits,
    MatchStats,
    Rate,
    Removal,
    RowResult,
    SyncType,
    rejected,
)
from connectors.sdk.fields import SPLIT_RETRY, Select, Text, Toggle
from connectors.sdk.modes import insert, upsert
from connectors.sdk.people import HASHING, PHONE_COUNTRY, Identifier, Person, sent_together
from connectors.sdk.rest import (
    Api,
    Line,
    OAuthApp,
    Place,
    Record,
    RestDestination,
    Results,
    Work,
    field,
    fields,
    inside,
)
from connectors.sdk.rest.api import at
from connectors.sdk.rest.times import moment
from connectors.sdk.types import Choice, Verification

EVENTS = "https://ads-api.reddit.com/api/v2.0/conversions/events"
OLDEST = timedelta(days=7)
STANDARD = ("PageVisit", "ViewContent", "Search", "AddToCart", "AddToWishlist", "Purchase", "Lead", "SignUp")


def maid(value: str) -> str:
    """Apple's IDs have capital letters, Google's small ones: each is hashed as its system writes it."""
    return value.strip()


MEMBERS = (
    Identifier(name="EMAIL_SHA256", label="E-mail", normal=people.letters_email),
    Identifier(name="MAID_SHA256", label="Mobile advertising ID", normal=maid),
)
HASHED = (
    Identifier(name="user.email", label="E-mail", normal=people.letters_email),
    Identifier(name="user.phone_number", label="Phone", phone=True),
    Identifier(name="user.external_id", label="External ID", normal=str.strip),
    Identifier(name="user.ip_address", label="IP address", normal=str.strip),
    Identifier(name="user.idfa", label="IDFA", normal=lambda value: value.strip().upper()),
    Identifier(name="user.aaid", label="Android advertising ID", normal=people.device),
)
CLEAR = fields(
    field("user.user_agent", "User agent of the browser"),
    field("user.uuid", "Reddit's UUID (_rdt_uuid)"),
    field("user.opt_out", "Opted out", "boolean"),
    field("user.screen_dimensions", "Screen", "object", description="With width and height."),
    field("user.data_processing_options", "Data processing options", "object"),
)
EVENT = fields(
    field("tracking_type", "Event name", description="A standard one, or one of your own."),
    field("event_at", "Time of the event", "moment", description="Left out, it is when the run began."),
    field("click_id", "Click ID (rdt_cid)"),
)
METADATA = fields(
    field("event_metadata.conversion_id", "Conversion ID", description="Reddit counts those with the same one once."),
    field("event_metadata.value_decimal", "Value", "number"),
    field("event_metadata.currency", "Currency", description="Three letters, such as USD."),
    field("event_metadata.item_count", "Number of items", "number"),
    field("event_metadata.products", "Products", "object", description="Each with id, name and category."),
)


async def audiences(line: Line, account: Any) -> AsyncIterator[Record]:
    """The account's audiences made of customer lists."""
    async for each in line.pages(f"ad_accounts/{account}/custom_audiences", "data", next_page, {"page.size": 100}):
        if each.get("type", "CUSTOMER_LIST") == "CUSTOMER_LIST":
            yield each


async def find_audience(line: Line, job: Job, name: str) -> str | None:
    """The id of the audience with this name."""
    async for each in audiences(line, job.settings["account"]):
        if each["name"] == name:
            return str(each["id"])
    return None


async def make_audience(line: Line, job: Job, name: str) -> str:
    """A new audience's id."""
    body = {"data": {"name": name, "type": "CUSTOMER_LIST"}}
    return str((await line.post(f"ad_accounts/{job.settings['account']}/custom_audiences", body))["data"]["id"])


AUDIENCE = Place(
    noun="audience", discover="audience_choices", find=find_audience, make=make_audience, depends=("account",)
)


def next_page(answer: Any) -> str | None:
    """The address of the next page."""
    following = at(answer, "pagination.next_url")
    return str(following) if following else None


async def write_audience(work: Work) -> Results:
    """One request for the batch: a row of hashes for each person, empty where one is not known."""
    schema = [each for each in MEMBERS if any(each.name == mapped.name for mapped in work.job.fields)]

    def make(record: Record, person: Person, made: str) -> list[str] | None:
        return [person.first(each.name) for each in schema] if person.values else None

    async def send(rows: list[list[str]]) -> None:
        action = "REMOVE" if work.leaving else "ADD"
        data = {"action_type": action, "column_order": [each.name for each in schema], "user_data": rows}
        await work.line.send("PATCH", f"custom_audiences/{work.place}/users", json={"data": data})

    return await sent_together(work, schema, make, send)


async def write_events(work: Work) -> Results:
    """Up to 1,000 events a request, taken or refused as a whole."""

    def make(record: Record, person: Person, made: str) -> Record | RowResult | None:
        user: Record = {name.removeprefix("user."): values[0] for name, values in person.values.items()}
        user |= inside(record, CLEAR, "user.")
        return event_of(work, record, user, made) if user or record.get("click_id") else None

    async def send(events: list[Record]) -> None:
        body = {"test_mode": bool(work.settings.get("test_mode")), "events": events}
        await work.line.post(f"{EVENTS}/{work.settings['account']}", body)

    return await sent_together(work, HASHED, make, send)


def event_of(work: Work, record: Record, user: Record, made: str) -> Record | RowResult:
    """An event as Reddit takes it, or why it would refuse it."""
    name = record.get("tracking_type") or work.settings.get("event")
    happened = moment(record.get("event_at") or work.job.started_at, field="event_at")
    if not name:
        return rejected("tracking_type is empty.", field="tracking_type")
    if work.job.started_at - happened > OLDEST:
        return rejected(f"Reddit takes no events older than {OLDEST.days} days.", field="event_at")
    kind = {"tracking_type": name} if name in STANDARD else {"tracking_type": "Custom", "custom_event_name": name}
    about = inside(record, METADATA, "event_metadata.")
    event: Record = {
        "event_at": happened.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "event_type": kind,
        "user": user,
        "event_metadata": {**about, "conversion_id": str(about.get("conversion_id") or made)},
    }
    return {**event, "click_id": str(record["click_id"])} if record.get("click_id") else event


def says(answer: Any) -> str:
    """Reddit's own words."""
    error = answer["error"] if isinstance(answer.get("error"), Mapping) else answer
    places = [f"{each.get('field', '')}: {each.get('message', '')}" for each in error.get("fields") or ()]
    return "; ".join([str(error.get("message") or error["reason"]), *places[:5]])


API = Api(
    base="https://ads-api.reddit.com/api/v3",
    version="v3",
    sign_in=OAuthApp(
        page="https://www.reddit.com/api/v1/authorize",
        tokens="https://www.reddit.com/api/v1/access_token",
        scopes=("adsread", "adsedit", "adsconversions"),
        app="Reddit Ads → Business manager → Developer applications",
        # Without it Reddit hands out no refresh token.
        parameters={"duration": "permanent"},
        in_header=True,
    ),
    test=("GET", "me"),
    says=says,
)
MEMBERSHIP = replace(upsert(Removal.DELETE), description="Puts rows into the audience.")
ACCOUNT = Select(name="account", label="Ad account", discover="accounts")
RATES = (Rate(requests=1, seconds=1),)


class RedditAdsDestination(RestDestination):
    """The ad accounts that a person at Reddit reaches."""

    api = API
    definition = DestinationDefinition(
        key="reddit_ads",
        name="Reddit Ads",
        category="Advertising",
        summary="People in custom audiences, and conversion events.",
        docs_url="docs/destinations/reddit_ads.md",
        fields=API.sign_in.fields,
        connects=API.sign_in.connects,
        verification=Verification.DOCS,
        safe_to_resync=False,
        sync_types=(
            SyncType(
                key="events",
                name="Conversion events",
                description="What people did on your website or in your app, once a row.",
                modes=(insert("events", idempotent=True),),
                settings=(
                    ACCOUNT,
                    Text(
                        name="event",
                        label="Event name",
                        required=False,
                        help="Such as Purchase or Lead; used where no event name is mapped.",
                    ),
                    Toggle(name="test_mode", label="Test events", help="Reddit checks events and counts none."),
                    HASHING,
                    PHONE_COUNTRY,
                    SPLIT_RETRY,
                ),
                limits=Limits(batch_rows=1_000, batch_bytes=5_000_000, concurrency=2, timeout_s=60),
                split_retry=True,
            ),
            SyncType(
                key="audience",
                name="Audience",
                description="Members of a custom audience.",
                modes=(MEMBERSHIP,),
                settings=(ACCOUNT, *AUDIENCE.settings, HASHING, SPLIT_RETRY),
                # Reddit takes 2,500 people a request.
                limits=Limits(batch_rows=2_500, batch_bytes=2_000_000, concurrency=1, rates=RATES, timeout_s=60),
                split_retry=True,
                match_stats=True,
            ),
        ),
    )
    writers: ClassVar = {"audience": write_audience, "events": write_events}
    places: ClassVar = {"audience": AUDIENCE}

    async def fields(self, sync_type: str, settings: Mapping[str, Any]) -> Sequence[DestinationField]:
        if sync_type == "audience":
            return tuple(each.member for each in MEMBERS)
        return (*EVENT, *METADATA, *(each.field for each in HASHED), *CLEAR)

    async def accounts(self) -> list[Choice]:
        """The ad accounts of the businesses that the person belongs to."""
        async with self.line() as line:
            found: list[Choice] = []
            async for business in line.pages("me/businesses", "data", next_page):
                pages = line.pages(f"businesses/{business['id']}/ad_accounts", "data", next_page)
                found += [Choice(str(each["id"]), each["name"]) async for each in pages]
            return found

    async def audience_choices(self, account: str) -> list[Choice]:
        """The account's audiences made of customer lists."""
        async with self.line() as line:
            return [Choice(str(each["id"]), each["name"]) async for each in audiences(line, account)]

    async def match_stats(self, job: Job) -> MatchStats | None:
        """Reddit tells a range of sizes, and counts IDs rather than people: the upper end may exceed those sent."""
        async with self.line() as line:
            told = (await line.get(f"custom_audiences/{AUDIENCE.id_for(job)}"))["data"]
        low, high = counted(told.get("size_range_lower")), counted(told.get("size_range_upper"))
        if low is None:
            return None
        status = str(told.get("status") or "").replace("_", " ").capitalize()
        return MatchStats(matched=low, status=f"{status} ({low} to {high})" if high is not None else status)
