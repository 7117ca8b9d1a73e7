"""Snapchat: people in audience segments, and conversion events.

https://developers.snap.com/api/marketing-api/Ads-API/customer-lists and
https://developers.snap.com/api/marketing-api/Conversions-API/Parameters
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from connectors.destinations.snapchat.settings import (
    API,
    APP,
    CLEAR,
    CONVERSIONS,
    CUSTOM,
    EVENT,
    HASHED,
    LIFETIME_DAYS,
    LISTED,
    MEMBERS,
    MORE,
    NOT_CUSTOM,
    RATES,
    SOURCES,
    STRONG,
    USER,
)
from connectors.sdk.audiences import AudienceThere, counted
from connectors.sdk.destination import (
    DestinationDefinition,
    DestinationField,
    Job,
    Limits,
    MatchStats,
    RowResult,
    SyncType,
    rejected,
)
from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import SPLIT_RETRY, Number, Select, Text
from connectors.sdk.modes import insert, members
from connectors.sdk.people import HASHING, PHONE_COUNTRY, Person, sent_together
from connectors.sdk.rest import (
    Line,
    Place,
    Record,
    RestDestination,
    Results,
    Work,
    besides,
    inside,
)
from connectors.sdk.rest.api import at
from connectors.sdk.rest.times import unix_s
from connectors.sdk.types import Choice, Verification


async def segments(line: Line, account: Any) -> AsyncIterator[Record]:
    """The account's segments of customers."""
    async for each in every_segment(line, account):
        if each["source_type"] == "FIRST_PARTY":
            yield each


async def every_segment(line: Line, account: Any) -> AsyncIterator[Record]:
    """The account's segments of any kind."""
    async for each in line.pages(f"adaccounts/{account}/segments", "segments", next_page, {"limit": 1_000}):
        yield each["segment"]


async def organizations_of(line: Line) -> AsyncIterator[Record]:
    """The organizations of the person."""
    async for each in line.pages("me/organizations", "organizations", next_page, {"limit": 1_000}):
        yield each["organization"]


async def accounts_of(line: Line, organization: Any) -> AsyncIterator[Record]:
    """An organization's ad accounts."""
    path = f"organizations/{organization}/adaccounts"
    async for each in line.pages(path, "adaccounts", next_page, {"limit": 1_000}):
        yield each["adaccount"]


async def find_segment(line: Line, job: Job, name: str) -> str | None:
    """The id of the segment with this name."""
    async for each in segments(line, job.settings["ad_account"]):
        if each["name"] == name:
            return str(each["id"])
    return None


async def make_segment(line: Line, job: Job, name: str) -> str:
    """A new segment's id."""
    account = job.settings["ad_account"]
    new = {
        "name": name,
        "ad_account_id": account,
        "source_type": "FIRST_PARTY",
        "retention_in_days": int(job.settings["retention_days"]),
    }
    answer = await line.post(f"adaccounts/{account}/segments", {"segments": [new]})
    return str(answer["segments"][0]["segment"]["id"])


SEGMENT = Place(
    noun="segment",
    discover="segment_choices",
    find=find_segment,
    make=make_segment,
    depends=("organization", "ad_account"),
)


def next_page(answer: Any) -> str | None:
    """The address of the next page."""
    following = at(answer, "paging.next_link")
    return str(following) if following else None


async def write_segment(work: Work) -> Results:
    """One request for the batch, with a list for each kind of ID."""
    schema = [each for each in MEMBERS if any(each.name == mapped.name for mapped in work.job.fields)]

    def make(record: Record, person: Person, made: str) -> Person | None:
        return person if person.values else None

    async def send(persons: list[Person]) -> None:
        ids = {each.name: [[v] for person in persons for v in person.values.get(each.name, ())] for each in schema}
        users = [{"schema": [name], "data": data} for name, data in ids.items() if data]
        method = "DELETE" if work.leaving else "POST"
        (await work.line.send(method, f"segments/{work.place}/users", json={"users": users})).json()

    return await sent_together(work, schema, make, send)


async def write_events(work: Work) -> Results:
    """Up to 2,000 events a request, taken or refused as a whole."""

    def make(record: Record, person: Person, made: str) -> Record | RowResult | None:
        user = user_of(record, person)
        if not STRONG & user.keys() and not {"client_ip_address", "client_user_agent"} <= user.keys():
            return None
        return event_of(work, record, user, made)

    async def send(events: list[Record]) -> None:
        path = f"{CONVERSIONS}/{work.settings['source_id']}/events"
        await work.line.post(path, {"data": events}, {"access_token": work.config["conversion_token"]})

    return await sent_together(work, HASHED, make, send)


def user_of(record: Record, person: Person) -> Record:
    """What identifies a person of an event."""
    known = {name.removeprefix(USER): list(v) if name in LISTED else v[0] for name, v in person.values.items()}
    return known | inside(record, CLEAR, USER)


def event_of(work: Work, record: Record, user: Record, made: str) -> Record | RowResult:
    """An event as Snapchat takes it, or why it would refuse it."""
    name = record.get("event_name") or work.settings.get("event")
    source = str(record.get("action_source") or work.settings["action_source"])
    if not name:
        return rejected("event_name is empty.", field="event_name")
    if source not in SOURCES:
        return rejected(f"“{source[:50]}” is none of {', '.join(SOURCES)}.", field="action_source")
    if not record.get("event_tag"):
        return rejected("event_tag is empty.", field="event_tag")
    event: Record = {
        "event_name": name,
        "action_source": source,
        "event_time": unix_s(record.get("event_time") or work.job.started_at, field="event_time"),
        "event_id": str(record.get("event_id") or made),
        **inside(record, MORE),
        "user_data": user,
        "custom_data": {key: value for key, value in besides(record, NOT_CUSTOM).items() if value is not None},
    }
    if app := inside(record, APP, "app_data."):
        event["app_data"] = app
    return event


def _choices(found: Iterable[Record]) -> list[Choice]:
    return [Choice(each["id"], each["name"]) for each in found]


class SnapchatDestination(RestDestination):
    """The organizations that a person at Snapchat belongs to."""

    api = API
    definition = DestinationDefinition(
        key="snapchat",
        name="Snapchat",
        category="Advertising",
        summary="People in audience segments, and conversion events.",
        docs_url="docs/destinations/snapchat.md",
        fields=(
            *API.sign_in.fields,
            Text(
                name="conversion_token",
                label="Conversions API token",
                help="Business manager → Business details → Conversions API tokens. Only for conversion events.",
                required=False,
                secret=True,
            ),
        ),
        connects=API.sign_in.connects,
        verification=Verification.DOCS,
        safe_to_resync=False,
        lists_audiences=True,
        sync_types=(
            SyncType(
                key="segment",
                name="Segment",
                description="Members of an audience segment.",
                modes=members("segment", by_values=True),
                settings=(
                    Select(name="organization", label="Organization", discover="organizations"),
                    Select(name="ad_account", label="Ad account", discover="ad_accounts", depends=("organization",)),
                    *SEGMENT.settings,
                    Number(
                        name="retention_days",
                        label="Members stay for",
                        unit="days",
                        default=LIFETIME_DAYS,
                        minimum=1,
                        maximum=LIFETIME_DAYS,
                        help="Of a new segment; 9,999 days are for ever.",
                    ),
                    HASHING,
                    PHONE_COUNTRY,
                    SPLIT_RETRY,
                ),
                # Snapchat takes 100,000 IDs a request.
                limits=Limits(batch_rows=30_000, batch_bytes=10_000_000, concurrency=2, rates=RATES, timeout_s=120),
                split_retry=True,
                clears="the segment",
                match_stats=True,
            ),
            SyncType(
                key="events",
                name="Conversion events",
                description="What people did on your website, in your app or elsewhere, once a row.",
                modes=(insert("events", idempotent=True),),
                settings=(
                    Text(name="source_id", label="Pixel or app ID", help="Events Manager; for apps the Snap app ID."),
                    Text(
                        name="event",
                        label="Event name",
                        required=False,
                        help="Such as PURCHASE or SIGN_UP; used where no event name is mapped.",
                    ),
                    Select(
                        name="action_source",
                        label="Conversion type",
                        default="WEB",
                        help="Used where no conversion type is mapped.",
                        choices=tuple(Choice(key, words) for key, words in SOURCES.items()),
                    ),
                    HASHING,
                    PHONE_COUNTRY,
                    SPLIT_RETRY,
                ),
                limits=Limits(batch_rows=2_000, batch_bytes=5_000_000, concurrency=4, timeout_s=60),
                custom_fields=True,
                split_retry=True,
            ),
        ),
    )
    writers: ClassVar = {"segment": write_segment, "events": write_events}
    places: ClassVar = {"segment": SEGMENT}

    def validate(self, job: Job) -> None:
        """Events go with a token of their own."""
        if job.sync_type == "events" and not self.config.get("conversion_token"):
            raise ConfigError(
                "Conversion events need the Conversions API token.", hint="Enter it in the connection's settings."
            )

    async def fields(self, sync_type: str, settings: Mapping[str, Any]) -> Sequence[DestinationField]:
        if sync_type == "segment":
            return tuple(each.field for each in MEMBERS)
        return (*EVENT, *CUSTOM, *(each.field for each in HASHED), *CLEAR, *APP)

    async def clear(self, job: Job) -> None:
        """Take everybody out of the segment."""
        async with self.line() as line:
            await line.send("DELETE", f"segments/{SEGMENT.id_for(job)}/all_users")

    async def organizations(self) -> list[Choice]:
        """The organizations of the person."""
        async with self.line() as line:
            return _choices([each async for each in organizations_of(line)])

    async def ad_accounts(self, organization: str) -> list[Choice]:
        """The organization's ad accounts."""
        async with self.line() as line:
            return _choices([each async for each in accounts_of(line, organization)])

    async def segment_choices(self, organization: str, ad_account: str) -> list[Choice]:
        """The account's segments of customers."""
        async with self.line() as line:
            return [Choice(str(each["id"]), each["name"]) async for each in segments(line, ad_account)]

    async def audiences_there(self) -> AsyncIterator[AudienceThere]:
        """The segments of every active ad account of the person's organizations."""
        async with self.line() as line:
            organizations = [each["id"] async for each in organizations_of(line)]
            accounts = [each for of in organizations async for each in accounts_of(line, of)]
            for account in (each["id"] for each in accounts if each.get("status") == "ACTIVE"):
                async for each in every_segment(line, account):
                    yield AudienceThere(
                        account=account,
                        id=str(each["id"]),
                        name=each["name"],
                        size=counted(each.get("approximate_number_users")),
                        told=each,
                    )

    async def match_stats(self, job: Job) -> MatchStats | None:
        """How many people Snapchat counts in the segment, roughly."""
        async with self.line() as line:
            told = (await line.get(f"segments/{SEGMENT.id_for(job)}"))["segments"][0]["segment"]
        count, status = counted(told.get("approximate_number_users")), str(told.get("targetable_status") or "")
        if not count:  # Snapchat has not counted yet
            return None
        return MatchStats(matched=count, status=status.replace("_", " ").capitalize())
