"""Pinterest Ads: people in customer list audiences, and conversion events.

https://developers.pinterest.com/docs/api/v5/customer_lists-update, …/audiences-create and …/events-create
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, ClassVar

from connectors.destinations.pinterest_ads.settings import (
    ACCOUNT,
    API,
    CLEAR,
    CONVERSION_TOKEN,
    CUSTOM,
    EVENT,
    HASHED,
    MEMBERS,
    PHONE,
    SOURCES,
    UNCLEANED,
    USER,
)
from connectors.sdk.audiences import counted
from connectors.sdk.destination import (
    ACCEPTED,
    DestinationDefinition,
    DestinationField,
    Job,
    Limits,
    MatchStats,
    Rate,
    RowResult,
    SyncType,
    rejected,
)
from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import SPLIT_RETRY, Select, Text, Toggle
from connectors.sdk.modes import insert, members
from connectors.sdk.people import HASHING, PHONE_COUNTRY, Person, listed, sent_together
from connectors.sdk.rest import Line, Place, Record, RestDestination, Results, Work, inside, missing
from connectors.sdk.rest.api import at
from connectors.sdk.rest.times import unix_s
from connectors.sdk.rest.work import text
from connectors.sdk.types import Choice, Verification

BETWEEN = ":"  # the id of a list and of its audience, which are chosen and kept as one
PAGE = {"page_size": 250}


def account(config: Mapping[str, Any]) -> str:
    """The path of the ad account."""
    return f"ad_accounts/{config['ad_account']}"


def next_page(answer: Any) -> dict[str, str] | None:
    """The bookmark of the next page."""
    return {"bookmark": answer["bookmark"]} if answer.get("bookmark") else None


async def audiences(line: Line) -> AsyncIterator[tuple[str, str, str]]:
    """The audiences made of customer lists: the list's id, the audience's id, the name."""
    pages = line.pages(f"{account(line.config)}/audiences", "items", next_page, PAGE)
    async for each in pages:
        if each["audience_type"] == "CUSTOMER_LIST" and (made_of := at(each, "rule.customer_list_id")):
            yield str(made_of), str(each["id"]), each["name"]


async def find_audience(line: Line, job: Job, name: str) -> str | None:
    """The ids of the list and the audience with this name."""
    async for made_of, key, found in audiences(line):
        if found == f"audience-{name}":
            return f"{made_of}{BETWEEN}{key}"
    return None


async def find_list(line: Line, name: str) -> str | None:
    """The id of the list with this name: made before a crash, perhaps, and without an audience."""
    async for each in line.pages(f"{account(line.config)}/customer_lists", "items", next_page, PAGE):
        if each["name"] == name:
            return str(each["id"])
    return None


async def make_audience(line: Line, job: Job, name: str) -> str:
    """The ids of a new list and of the audience that is made of it."""
    list_name, where = f"customer list-{name}", account(line.config)
    key = await find_list(line, list_name)
    if key is None:
        # Pinterest makes no list without a record. Nobody has this address: the name is reserved (RFC 2606).
        body = {"name": list_name, "list_type": job.settings["list_type"], "records": "nobody@example.invalid"}
        if body["list_type"] != "EMAIL":
            body["records"] = "0" * 64
        key = str((await line.post(f"{where}/customer_lists", body))["id"])
    made = {"name": f"audience-{name}", "audience_type": "CUSTOMER_LIST", "rule": {"customer_list_id": key}}
    return f"{key}{BETWEEN}{(await line.post(f'{where}/audiences', made))['id']}"


AUDIENCE = Place(noun="audience", discover="audience_choices", find=find_audience, make=make_audience)


async def write_audience(work: Work) -> Results:
    """One request for the batch; Pinterest looks for the people in its own time."""
    known = [each for each in MEMBERS if each.name == work.settings["list_type"]]

    def make(record: Record, person: Person, made: str) -> str | None:
        return person.first(known[0].name) or None

    async def send(records: list[str]) -> None:
        body = {"operation_type": "REMOVE" if work.leaving else "ADD", "records": ",".join(records)}
        path = f"{account(work.config)}/customer_lists/{work.place.partition(BETWEEN)[0]}"
        (await work.line.send("PATCH", path, json=body)).json()

    return await sent_together(work, known, make, send)


async def write_events(work: Work) -> Results:
    """Up to 1,000 events a request; Pinterest answers for each."""
    known = (*HASHED, PHONE if work.settings["clean_phones"] else UNCLEANED)

    def make(record: Record, person: Person, made: str) -> Record | RowResult | None:
        user: Record = {name.removeprefix(USER): list(values) for name, values in person.values.items()}
        user |= inside(record, CLEAR, USER)
        addressed = {"client_ip_address", "client_user_agent"} <= user.keys()
        if not (addressed or user.keys() & {"em", "hashed_maids"}):
            return None
        return refused(work, record) or event_of(work, record, user)

    async def send(events: list[Record]) -> Results:
        query = {"test": "true"} if work.settings.get("test") else None
        headers = {"Authorization": f"Bearer {work.config['conversion_token']}"}
        path = f"{account(work.config)}/events"
        answer = await work.line.send("POST", path, json={"data": events}, query=query, headers=headers, takes=(422,))
        return [result(each) for each in answer.json()["events"]]

    return await sent_together(work, known, make, send)


def refused(work: Work, record: Record) -> RowResult | None:
    """What Pinterest would refuse the event for."""
    if refusal := missing(record, "event_id") or missing(record, "action_source"):
        return refusal
    if record["action_source"] not in SOURCES:
        told = str(record["action_source"])[:50]
        return rejected(f"“{told}” is none of {', '.join(SOURCES)}.", field="action_source")
    return None if record.get("event_name") or work.settings.get("event") else missing(record, "event_name")


def event_of(work: Work, record: Record, user: Record) -> Record:
    """An event as Pinterest takes it: amounts are text, IDs of contents a list."""
    custom = inside(record, CUSTOM, "custom_data.")
    custom |= {name: text(custom[name]) for name in ("value", "predicted_ltv") if name in custom}
    if "content_ids" in custom:
        custom["content_ids"] = [text(each) for each in listed(custom["content_ids"])]
    if "contents" in custom:
        custom["contents"] = listed(custom["contents"])
    return {
        **inside(record, EVENT),
        "event_id": text(record["event_id"]),
        "event_name": record.get("event_name") or work.settings["event"],
        "event_time": unix_s(record.get("event_time") or work.job.started_at, field="event_time"),
        "user_data": user,
        **({"custom_data": custom} if custom else {}),
    }


def result(told: Record) -> RowResult:
    """What became of one event."""
    if told["status"] == "processed":
        return (
            RowResult(True, str(told["warning_message"])[:500], "warning") if told.get("warning_message") else ACCEPTED
        )
    return rejected(str(told.get("error_message") or "Pinterest did not process it.")[:500])


class PinterestAdsDestination(RestDestination):
    """One ad account at Pinterest."""

    api = API
    definition = DestinationDefinition(
        key="pinterest_ads",
        name="Pinterest Ads",
        category="Advertising",
        summary="People in customer list audiences, and conversion events.",
        docs_url="docs/destinations/pinterest_ads.md",
        fields=(*API.sign_in.fields, ACCOUNT, CONVERSION_TOKEN),
        connects=API.sign_in.connects,
        verification=Verification.DOCS,
        safe_to_resync=False,
        sync_types=(
            SyncType(
                key="events",
                name="Conversion events",
                description="What people did on your website, in your app or in shops, once a row.",
                modes=(insert("events", idempotent=True),),
                settings=(
                    Text(
                        name="event",
                        label="Event name",
                        required=False,
                        help="Such as checkout or lead; used where no event name is mapped.",
                    ),
                    HASHING,
                    Toggle(
                        name="clean_phones",
                        label="Clean phone numbers",
                        help="Makes them digits with the country code. Otherwise they are hashed as they are.",
                    ),
                    PHONE_COUNTRY,
                    Toggle(name="test", label="Test events", help="Pinterest checks events and counts none."),
                    SPLIT_RETRY,
                ),
                limits=Limits(
                    batch_rows=1_000,
                    batch_bytes=5_000_000,
                    concurrency=4,
                    rates=(Rate(requests=5_000, seconds=60),),
                    timeout_s=60,
                ),
                split_retry=True,
            ),
            SyncType(
                key="audience",
                name="Customer list audience",
                description="Members of an audience made of a customer list.",
                modes=members("audience", by_values=True),
                settings=(
                    Select(
                        name="list_type",
                        label="Members are known by",
                        default="EMAIL",
                        choices=tuple(Choice(each.name, each.label) for each in MEMBERS),
                    ),
                    *AUDIENCE.settings,
                    HASHING,
                    SPLIT_RETRY,
                ),
                limits=Limits(
                    batch_rows=50_000,
                    batch_bytes=5_000_000,
                    concurrency=1,
                    rates=(Rate(requests=300, seconds=60),),
                    timeout_s=120,
                ),
                split_retry=True,
                match_stats=True,
            ),
        ),
    )
    writers: ClassVar = {"audience": write_audience, "events": write_events}
    places: ClassVar = {"audience": AUDIENCE}

    async def check(self) -> None:
        async with self.line() as line:
            await line.get(account(self.config))

    def validate(self, job: Job) -> None:
        """Events go with a token of their own; a list takes the kind of ID that it is for."""
        if job.sync_type == "events" and not self.config.get("conversion_token"):
            raise ConfigError(
                "Conversion events need the conversion access token.", hint="Enter it in the connection's settings."
            )
        wanted = job.settings.get("list_type")
        if job.sync_type == "audience" and all(each.name != wanted for each in job.fields):
            raise ConfigError(f"Map {wanted}, which members are known by.", field="mappings")

    async def fields(self, sync_type: str, settings: Mapping[str, Any]) -> Sequence[DestinationField]:
        if sync_type == "audience":
            return [each.member for each in MEMBERS if each.name == (settings.get("list_type") or "EMAIL")]
        return (*EVENT, *(each.field for each in (*HASHED, PHONE)), *CLEAR, *CUSTOM)

    async def audience_choices(self) -> list[Choice]:
        """The account's audiences that are made of customer lists."""
        async with self.line() as line:
            return [Choice(f"{made_of}{BETWEEN}{key}", name) async for made_of, key, name in audiences(line)]

    async def match_stats(self, job: Job) -> MatchStats | None:
        """How many people Pinterest counts in the audience."""
        key = AUDIENCE.id_for(job).rpartition(BETWEEN)[2]
        async with self.line() as line:
            told = await line.get(f"{account(self.config)}/audiences/{key}")
        size, status = counted(told.get("size")), str(told.get("status") or "").replace("_", " ").capitalize()
        return MatchStats(matched=size, status=status) if size is not None else None
