"""TikTok: people in custom audiences, and events of the web, of apps and of shops."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from connectors.destinations._tiktok_api import API, SIGN_IN
from connectors.sdk import people
from connectors.sdk.audiences import AudienceThere, counted
from connectors.sdk.destination import (
    DestinationDefinition,
    DestinationField,
    Job,
    Limits,
    MatchStats,
    Rate,
    RowResult,
    SyncType,
)
from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import SPLIT_RETRY, Text
from connectors.sdk.modes import insert, members
from connectors.sdk.people import HASHING, PHONE_COUNTRY, Identifier, Person, sent_together
from connectors.sdk.rest import (
    Line,
    Place,
    Record,
    RestDestination,
    Results,
    Work,
    besides,
    field,
    fields,
    inside,
    missing,
)
from connectors.sdk.rest.api import MAX_PAGES
from connectors.sdk.rest.times import unix_s
from connectors.sdk.types import Choice, Verification

MEMBERS = (
    Identifier(name="EMAIL_SHA256", label="E-mail", normal=people.email),
    Identifier(name="PHONE_SHA256", label="Phone", phone=True),
    Identifier(name="IDFA_SHA256", label="IDFA (SHA-256)", normal=people.device),
    Identifier(name="IDFA_MD5", label="IDFA (MD5)", normal=people.device, hashed="md5"),
    Identifier(name="GAID_SHA256", label="Google advertising ID (SHA-256)", normal=people.device),
    Identifier(name="GAID_MD5", label="Google advertising ID (MD5)", normal=people.device, hashed="md5"),
)
HASHED = (
    Identifier(name="user.email", label="E-mail", normal=people.email, many=True),
    Identifier(name="user.phone", label="Phone", phone=True, many=True),
    Identifier(name="user.external_id", label="External ID", normal=str.strip, many=True),
)
USER = fields(
    field("user.ttclid", "Click ID (ttclid)"),
    field("user.ttp", "Cookie ID (_ttp)"),
    field("user.ip", "IP address"),
    field("user.user_agent", "User agent"),
    field("user.locale", "Language"),
    field("user.idfa", "IDFA"),
    field("user.idfv", "IDFV"),
    field("user.gaid", "Google advertising ID"),
    field("user.att_status", "App tracking transparency"),
)
PAGE = fields(field("page.url", "Address of the page"), field("page.referrer", "Address of the referring page"))
APP = fields(
    field("app.app_id", "App: ID in the store"),
    field("app.app_name", "App: name"),
    field("app.app_version", "App: version"),
)
EVENT = fields(
    field("event", "Event name", description="Left out, it is the name in the settings."),
    field("event_time", "Time of the event", "moment", description="Left out, it is when the run began."),
    field("event_id", "Event ID", description="TikTok counts events with the same ID and name once."),
    field("limited_data_use", "Limited data use", "boolean"),
)
PROPERTIES = fields(
    "value:number",
    field("currency", "Currency", description="Three letters, such as USD."),
    "contents:objects",
    "content_type",
    "order_id",
    "shop_id",
    "query",
    "description",
    "status",
    "num_items:number",
)
KNOWN = (*EVENT, *USER, *PAGE, *APP, *(each.field for each in HASHED))
SOURCES = {"web_events": "web", "app_events": "app", "offline_events": "offline"}


async def audiences_in(line: Line) -> AsyncIterator[Record]:
    """The advertiser's custom audiences."""
    for page in range(1, MAX_PAGES):
        query = {"advertiser_id": line.config["advertiser_id"], "page": page, "page_size": 100}
        told = (await line.get("dmp/custom_audience/list/", query))["data"]
        for each in told["list"]:
            yield each
        if page >= int((told.get("page_info") or {}).get("total_page") or 1):
            return


async def find_audience(line: Line, job: Job, name: str) -> str | None:
    """The id of the audience with this name."""
    async for each in audiences_in(line):
        if each["name"] == name:
            return str(each["audience_id"])
    return None


async def make_audience(line: Line, job: Job, name: str) -> str:
    """A new audience's id."""
    body = {"custom_audience_name": name, "advertiser_id": line.config["advertiser_id"], "action": "create"}
    return str((await line.post("segment/audience/", body))["data"]["audience_id"])


AUDIENCE = Place(noun="audience", discover="audiences", find=find_audience, make=make_audience)


async def write_audience(work: Work) -> Results:
    """One request for the batch: by person, an id for each mapped field, or nothing."""
    mapped = {each.name for each in work.job.fields}
    schema = [each for each in MEMBERS if each.name in mapped]

    def make(record: Record, person: Person, made: str) -> list[Record] | None:
        ids = [person.first(each.name) for each in schema]
        return [{"id": each, "audience_ids": [work.place]} if each else {} for each in ids] if any(ids) else None

    async def send(data: list[list[Record]]) -> None:
        body = {
            "advertiser_ids": [work.config["advertiser_id"]],
            "action": "delete" if work.leaving else "add",
            "id_schema": [each.name for each in schema],
            "batch_data": data,
        }
        await work.line.post("segment/mapping/", body)

    return await sent_together(work, schema, make, send)


async def write_events(work: Work) -> Results:
    """One request for the batch, which TikTok takes or refuses as a whole."""

    def make(record: Record, person: Person, made: str) -> Record | RowResult | None:
        named = {**record, "event": record.get("event") or work.settings.get("event")}
        user = {
            name.removeprefix("user."): values[0] if len(values) == 1 else values
            for name, values in person.values.items()
        }
        user |= inside(record, USER, "user.")
        return missing(named, "event") or (event_of(work, named, user, made) if user else None)

    async def send(events: list[Record]) -> None:
        body: Record = {"event_source": SOURCES[work.job.sync_type], "event_source_id": work.settings["source_id"]}
        if code := work.settings.get("test_event_code"):
            body["test_event_code"] = code
        await work.line.post("event/track/", {**body, "data": events})

    return await sent_together(work, HASHED, make, send)


def event_of(work: Work, record: Record, user: Record, made: str) -> Record:
    """An event as TikTok takes it; what it does not know by name is a property."""
    event: Record = {
        "event": record["event"],
        "event_time": unix_s(record.get("event_time") or work.job.started_at, field="event_time"),
        "event_id": str(record.get("event_id") or made),
        "user": user,
    }
    properties = {name: value for name, value in besides(record, KNOWN).items() if value is not None}
    parts = {"properties": properties, "page": inside(record, PAGE, "page."), "app": inside(record, APP, "app.")}
    event |= {name: part for name, part in parts.items() if part}
    if record.get("limited_data_use") is not None:
        event["limited_data_use"] = record["limited_data_use"]
    return event


PACE = Limits(
    batch_rows=1_000, batch_bytes=2_000_000, concurrency=4, rates=(Rate(requests=10, seconds=1),), timeout_s=60
)
EVENTS = SyncType(
    key="web_events",
    name="Web events",
    description="What people did on your website, once a row.",
    modes=(insert("events", idempotent=True),),
    settings=(
        Text(name="source_id", label="Pixel code", help="Events Manager → Web events."),
        Text(
            name="event",
            label="Event name",
            required=False,
            help="Such as CompletePayment; used where no event name is mapped.",
        ),
        Text(name="test_event_code", label="Test event code", required=False, help="Remove it when you are done."),
        HASHING,
        PHONE_COUNTRY,
        SPLIT_RETRY,
    ),
    limits=PACE,
    custom_fields=True,
    split_retry=True,
)


def events(key: str, name: str, description: str, source: Text) -> SyncType:
    """Events of another kind, which come in smaller batches."""
    limits, settings = replace(PACE, batch_rows=100), (source, *EVENTS.settings[1:])
    return replace(EVENTS, key=key, name=name, description=description, settings=settings, limits=limits)


class TiktokDestination(RestDestination):
    """One advertiser at TikTok."""

    api = API
    definition = DestinationDefinition(
        key="tiktok",
        name="TikTok",
        category="Advertising",
        summary="People in custom audiences, and events of the web, apps and shops.",
        docs_url="docs/destinations/tiktok.md",
        fields=(
            *API.sign_in.fields,
            Text(
                name="advertiser_id",
                label="Advertiser ID",
                help="TikTok Ads Manager → Account setup.",
                pattern=r"[0-9]+",
                discover="advertisers",
            ),
        ),
        verification=Verification.DOCS,
        connects=SIGN_IN.connects,
        safe_to_resync=False,
        lists_audiences=True,
        sync_types=(
            EVENTS,
            events(
                "app_events",
                "App events",
                "What people did in your app, once a row.",
                Text(name="source_id", label="TikTok app ID"),
            ),
            events(
                "offline_events",
                "Offline events",
                "What people did in shops or on the phone, once a row.",
                Text(name="source_id", label="Event set ID", help="Events Manager → Offline events."),
            ),
            SyncType(
                key="audience",
                name="Custom audience",
                description="Members of a custom audience.",
                modes=members("audience", by_values=True),
                settings=(*AUDIENCE.settings, HASHING, PHONE_COUNTRY, SPLIT_RETRY),
                limits=replace(PACE, batch_rows=5_000),
                split_retry=True,
                match_stats=True,
            ),
        ),
    )
    writers: ClassVar = {**dict.fromkeys(SOURCES, write_events), "audience": write_audience}
    places: ClassVar = {"audience": AUDIENCE}

    async def check(self) -> None:
        async with self.line() as line:
            told = await line.get("advertiser/info/", {"advertiser_ids": json.dumps([self.config["advertiser_id"]])})
        if not told["data"]["list"]:
            raise ConfigError("The token does not reach this advertiser.", field="advertiser_id")

    async def fields(self, sync_type: str, settings: Mapping[str, Any]) -> Sequence[DestinationField]:
        if sync_type == "audience":
            return tuple(each.member for each in MEMBERS)
        where = APP if sync_type == "app_events" else PAGE
        return (*EVENT, *(each.field for each in HASHED), *USER, *where, *PROPERTIES)

    async def advertisers(self) -> list[Choice]:
        """The advertisers that authorised the operator's own app; with a pasted token TikTok tells none."""
        if self.config.get("sign_in") != "oauth" or self.environment.vault is None:
            return []
        async with self.line() as line:
            query = {"app_id": self.config["client_id"], "secret": self.config["client_secret"]}
            told = await line.get("oauth2/advertiser/get/", query)
            return [Choice(str(each["advertiser_id"]), each["advertiser_name"]) for each in told["data"]["list"]]

    async def audiences(self) -> list[Choice]:
        """The advertiser's custom audiences."""
        async with self.line() as line:
            return [Choice(str(each["audience_id"]), each["name"]) async for each in audiences_in(line)]

    async def audiences_there(self) -> AsyncIterator[AudienceThere]:
        """Those of the advertiser of the settings."""
        async with self.line() as line:
            async for each in audiences_in(line):
                yield AudienceThere(
                    account=self.config["advertiser_id"],
                    id=str(each["audience_id"]),
                    name=each["name"],
                    size=counted(each.get("cover_num")),
                    told=each,
                )

    async def match_stats(self, job: Job) -> MatchStats | None:
        """How many people TikTok recognised, as it counts them in its own time."""
        ids = json.dumps([AUDIENCE.id_for(job)])
        async with self.line() as line:
            query = {"advertiser_id": self.config["advertiser_id"], "custom_audience_ids": ids}
            told = (await line.get("dmp/custom_audience/get/", query))["data"]["list"]
        details = (told[0].get("audience_details") or {}) if told else {}
        count = counted(details.get("cover_num"))
        return None if count is None else MatchStats(matched=count)
