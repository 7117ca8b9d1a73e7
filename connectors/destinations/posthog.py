"""PostHog: people and events, in its cloud or on a host of one's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from connectors.sdk.destination import DestinationDefinition, DestinationField, Limits, RowResult, SyncType
from connectors.sdk.fields import SPLIT_RETRY, TUNNEL, Select, Text, When
from connectors.sdk.modes import insert, upsert
from connectors.sdk.rest import Api, KeyInBody, PerRow, Record, RestDestination, Results, Work, besides, field, missing
from connectors.sdk.types import Choice, Verification

HOSTS = {"us": "https://us.i.posthog.com", "eu": "https://eu.i.posthog.com"}
PERSON = field("distinct_id", "Distinct ID", identifier=True, required=True)
EVENT = (
    PERSON,
    field("timestamp", "Timestamp", "moment", description="Left out, it is when the row is sent."),
    field("uuid", "Event ID", description="A UUID; an event with the same one is counted once."),
)
NAMES = PerRow(
    name="event",
    label="Event name",
    field=field("event", "Event name", required=True),
    help="Upper and lower case count.",
)
LIMITS = Limits(batch_rows=500, batch_bytes=10_000_000, concurrency=4, timeout_s=60)
KEY = Text(
    name="project_key",
    label="Project API key",
    help="Settings → Project → General; it begins with phc_. A personal API key does not fit.",
    secret=True,
)
API = Api(
    base=lambda config: str(config.get("url") or HOSTS.get(config.get("cloud") or "us", "")),
    sign_in=KeyInBody(key=KEY),
)


async def write_people(work: Work) -> Results:
    """Events that set the person's properties."""
    return await send(work, lambda record: {"event": "$set", "properties": {"$set": besides(record, (PERSON,))}})


async def write_events(work: Work) -> Results:
    """Events of one name, or of each row's own."""
    own = (*EVENT, *NAMES.fields(work.settings))

    def event(record: Record) -> Record | RowResult:
        if refusal := NAMES.refusal(work.settings, record):
            return refusal
        when = {"timestamp": record["timestamp"]} if record.get("timestamp") else {}
        return {"event": NAMES.of(work.settings, record), "properties": besides(record, own), **when}

    return await send(work, event)


async def send(work: Work, event: Callable[[Record], Record | RowResult]) -> Results:
    """One request for the batch, taken or refused as a whole; rows without a person are refused before."""

    def make(record: Record, made: str) -> Record | RowResult:
        person = {"distinct_id": str(record.get("distinct_id")), "uuid": record.get("uuid") or made}
        told = missing(record, "distinct_id") or event(record)
        return told if isinstance(told, RowResult) else {**told, **person}

    async def post(batch: list[Record]) -> None:
        await work.line.send("POST", "batch/", json={"api_key": work.config[KEY.name], "batch": batch})

    return await work.together(make, post)


class PosthogDestination(RestDestination):
    """A project of PostHog."""

    api = API
    definition = DestinationDefinition(
        key="posthog",
        name="PostHog",
        category="Analytics",
        summary="People's properties and events.",
        docs_url="docs/destinations/posthog.md",
        fields=(
            Select(
                name="cloud",
                label="Where PostHog runs",
                default="us",
                choices=(
                    Choice("us", "PostHog Cloud, United States"),
                    Choice("eu", "PostHog Cloud, European Union"),
                    Choice("own", "A host of your own"),
                ),
            ),
            Text(
                name="url",
                label="Address",
                placeholder="https://posthog.example.com",
                pattern=r"https?://[^\s/?#@]+",
                pattern_hint="Begin with https:// and leave out paths.",
                when=When(field="cloud", values=("own",)),
            ),
            *API.sign_in.fields,
            replace(TUNNEL, when=When(field="cloud", values=("own",))),
        ),
        verification=Verification.DOCS,
        sync_types=(
            SyncType(
                key="people",
                name="People",
                description="Properties of people.",
                modes=(upsert(noun="people"),),
                settings=(SPLIT_RETRY,),
                limits=LIMITS,
                custom_fields=True,
                split_retry=True,
            ),
            SyncType(
                key="events",
                name="Events",
                description="What people did, once a row.",
                modes=(insert("events"),),
                settings=(*NAMES.settings, SPLIT_RETRY),
                limits=LIMITS,
                custom_fields=True,
                split_retry=True,
            ),
        ),
    )
    writers: ClassVar = {"people": write_people, "events": write_events}

    async def check(self) -> None:
        """Asks for the project's feature flags, which PostHog answers to a valid project key only."""
        async with self.line() as line:
            body = {"api_key": self.config[KEY.name], "distinct_id": "headrace-connection-test"}
            await line.send("POST", "flags", json=body, query={"v": 2})

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        return (PERSON,) if sync_type == "people" else (*EVENT, *NAMES.fields(settings))
