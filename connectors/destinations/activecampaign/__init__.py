"""ActiveCampaign: contacts, lists, tags and events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from connectors.destinations.activecampaign import sends
from connectors.destinations.activecampaign.settings import (
    CONTACT,
    CUSTOM,
    EVENT,
    EVENT_KEY,
    IMPORTS,
    KINDS,
    NAMES,
    PAGE,
    RATES,
    SINGLE,
    TOO_MANY,
)
from connectors.sdk.destination import DestinationDefinition, DestinationField, Job, Limits, Mode, Removal, SyncType
from connectors.sdk.errors import ConfigError, RateLimited
from connectors.sdk.fields import SPLIT_RETRY, Text
from connectors.sdk.modes import insert, members, update, upsert
from connectors.sdk.rest import Api, ErrorCodes, KeyHeader, Line, Place, Record, RestDestination, field
from connectors.sdk.types import Choice, Operation, Verification


async def make_tag(line: Line, job: Job, name: str) -> str:
    """A new tag's id."""
    told = await line.post("tags", {"tag": {"tag": name, "tagType": "contact", "description": ""}})
    return str(told["tag"]["id"])


async def find_tag(line: Line, job: Job, name: str) -> str | None:
    """The id of the tag with this name."""
    return next((each.value for each in await tags_of(line) if each.label == name), None)


async def tags_of(line: Line) -> list[Choice]:
    """The tags of contacts."""
    told = await paged(line, "tags", "tags")
    return [Choice(str(each["id"]), each["tag"]) for each in told if each["tagType"] == "contact"]


async def paged(line: Line, path: str, items: str) -> list[Record]:
    """A list of ActiveCampaign's, a hundred at a time."""
    seen = 0

    def following(answer: Any) -> Record | None:
        nonlocal seen
        seen += len(answer[items])
        return {"offset": seen} if answer[items] and seen < int(answer["meta"]["total"]) else None

    return [each async for each in line.pages(path, items, following, {"limit": PAGE})]


def says(answer: Any) -> str:
    """ActiveCampaign's own words, which its interfaces have in different places."""
    if "errors" in answer:
        return "; ".join(str(each.get("detail") or each["title"]) for each in answer["errors"])
    reasons = [e["failureReason"] if isinstance(e, dict) else str(e) for e in answer.get("failureReasons") or ()]
    return " ".join([str(answer["message"]), *reasons])


LIST = Place(noun="list", discover="lists")
TAG = Place(noun="tag", discover="tags", find=find_tag, make=make_tag)


class ActivecampaignDestination(RestDestination):
    """An ActiveCampaign account."""

    api = Api(
        base=lambda config: f"{str(config['url']).rstrip('/')}/api/3",
        version="3",
        sign_in=KeyHeader(
            key=Text(name="api_key", label="API key", help="Settings → Developer.", secret=True),
            header="Api-Token",
            prefix="",
        ),
        test=("GET", "users/me"),
        codes=ErrorCodes(
            find=lambda answer: TOO_MANY if answer.get("message") == TOO_MANY else None,
            meanings={TOO_MANY: RateLimited},
        ),
        says=says,
    )
    definition = DestinationDefinition(
        key="activecampaign",
        name="ActiveCampaign",
        category="E-mail & lifecycle",
        summary="Contacts with their custom fields, lists, tags and events.",
        docs_url="docs/destinations/activecampaign.md",
        fields=(
            Text(
                name="url",
                label="API URL",
                help="Settings → Developer.",
                placeholder="https://example.api-us1.com",
                pattern=r"https://[\w-]+(\.[\w-]+)+/?",
                pattern_hint="Begin with https:// and leave out paths.",
            ),
            *api.sign_in.fields,
            Text(name="event_account", label="Account ID for events", help="Beside the event key.", required=False),
            EVENT_KEY,
        ),
        verification=Verification.DOCS,
        safe_to_resync=False,
        sync_types=(
            SyncType(
                key="contacts",
                name="Contacts",
                description="Contacts with their custom fields.",
                modes=(
                    upsert(Removal.CLEAR, Removal.DELETE, noun="contacts"),
                    update(Removal.CLEAR, Removal.DELETE, noun="contacts"),
                ),
                settings=(SPLIT_RETRY,),
                limits=IMPORTS,
                split_retry=True,
            ),
            SyncType(
                key="list",
                name="List",
                description="Contacts that are subscribed to a list.",
                modes=members("list", out="Unsubscribes rows from the list."),
                settings=(*LIST.settings, SPLIT_RETRY),
                limits=IMPORTS,
                split_retry=True,
            ),
            SyncType(
                key="tag",
                name="Tag",
                description="Contacts that have a tag.",
                modes=members("tag", into="Gives rows the tag.", out="Takes the tag from rows."),
                settings=(*TAG.settings, SPLIT_RETRY),
                limits=IMPORTS,
                split_retry=True,
            ),
            SyncType(
                key="events",
                name="Events",
                description="What contacts did, once a row.",
                modes=(insert("events"),),
                settings=NAMES.settings,
                limits=Limits(batch_rows=1, concurrency=2, rates=RATES),
            ),
        ),
    )
    writers: ClassVar = {
        "contacts": sends.write_contacts,
        "list": sends.write_list,
        "tag": sends.write_tag,
        "events": sends.write_event,
    }
    places: ClassVar = {"list": LIST, "tag": TAG}

    def limits(self, job: Job, operation: Operation | None = None) -> Limits:
        if job.sync_type == "events":
            return super().limits(job, operation)
        looks = job.mode in (Mode.UPDATE, Mode.REMOVE) or operation in (None, Operation.REMOVED)
        return SINGLE if looks else IMPORTS

    def validate(self, job: Job) -> None:
        if job.sync_type == "events" and not (self.config.get("event_account") and self.config.get("event_key")):
            raise ConfigError("Events need the account ID and the event key of the connection.")

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        if sync_type == "events":
            return [*EVENT, *NAMES.fields(settings)]
        async with self.line() as line:
            return [*CONTACT, *(custom_field(each) for each in await paged(line, "fields", "fields"))]

    async def lists(self) -> list[Choice]:
        """The account's lists."""
        async with self.line() as line:
            return [Choice(str(each["id"]), each["name"]) for each in await paged(line, "lists", "lists")]

    async def tags(self) -> list[Choice]:
        """The tags of contacts."""
        async with self.line() as line:
            return await tags_of(line)

    async def event_names(self) -> list[Choice]:
        """The events that ActiveCampaign knows."""
        async with self.line() as line:
            told = (await line.get("eventTrackingEvents"))["eventTrackingEvents"]
            return [Choice(each["name"], each["name"]) for each in told if not each["name"].startswith("__")]


def custom_field(told: Record) -> DestinationField:
    """A custom field, which ActiveCampaign knows by its ID."""
    kind = told.get("type") or "text"
    return field(f"{CUSTOM}{told['id']}", told["title"], KINDS.get(kind, "text"), native_type=kind)
