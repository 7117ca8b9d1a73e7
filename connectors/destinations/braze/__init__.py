"""Braze: users, events, subscriptions, identities, catalogs, and messages that rows start."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from connectors.destinations.braze import sends
from connectors.destinations.braze.settings import (
    ALIAS,
    ATTRIBUTES,
    BRAZE_ID,
    CATALOG_TYPES,
    EVENT,
    EVENT_NAMES,
    EXTERNAL,
    GROUPS,
    HOSTS,
    IDENTITY,
    ITEM,
    PROFILE,
    PURCHASE,
    READING,
    RECIPIENT,
    SIGN_IN,
    STATE,
    SUBSCRIBER,
    USER_ALIAS,
    definition,
)
from connectors.destinations.braze.users import reads, words, write_users
from connectors.sdk.destination import DestinationField, Job, Limits, Mode
from connectors.sdk.errors import ConfigError
from connectors.sdk.rest import Api, Line, Record, RestDestination, field
from connectors.sdk.types import Choice, Operation

KINDS = {
    "number": "number",
    "boolean": "boolean",
    "time": "moment",
    "date": "moment",
    "object": "object",
    "array": "list",
}
TEMPLATED = {"campaign": "api_trigger_properties", "canvas": "canvas_entry_properties"}
LISTS = {"campaign": ("campaigns", "campaigns"), "canvas": ("canvas", "canvases")}
MAX_PAGES = 100
USER_IDS = (EXTERNAL, BRAZE_ID, USER_ALIAS)


def says(answer: Any) -> str:
    """Braze's own words: the message, and what is wrong with what was sent."""
    return "; ".join([str(answer["message"]), *(words(error) for error in answer.get("errors") or ())])


class BrazeDestination(RestDestination):
    """A Braze workspace."""

    api = Api(
        base=lambda config: HOSTS[config.get("region") or "iad-01"],
        sign_in=SIGN_IN,
        test=("GET", "custom_attributes"),
        says=says,
    )
    definition = definition(sends.CATALOG.settings)
    writers: ClassVar = {
        "users": write_users,
        "events": sends.write_events,
        "subscriptions": sends.write_subscriptions,
        "identities": sends.write_identities,
        "catalog": sends.write_catalog,
        "campaign": sends.write_campaign,
        "canvas": sends.write_canvas,
    }
    places: ClassVar = {"catalog": sends.CATALOG}

    def limits(self, job: Job, operation: Operation | None = None) -> Limits:
        waits = job.sync_type == "events" and job.settings.get("missing_users") == "retry"
        reading = job.sync_type == "users" and reads(job.settings, job.fields)
        return READING if waits or reading else super().limits(job, operation)

    def validate(self, job: Job) -> None:
        mapped = [each.name for each in job.fields]
        if (
            job.sync_type == "users"
            and any(n.startswith(ALIAS) for n in mapped)
            and "external_id" not in job.identifiers
        ):
            raise ConfigError("Aliases are written to users that are matched by external user ID.", field="mappings")
        making = job.sync_type in TEMPLATED and not job.settings.get("existing_only", True)
        if making and not any(name.startswith(ATTRIBUTES) for name in mapped):
            raise ConfigError("Map an attribute for the users that are made: attributes.email, say.", field="mappings")
        for each in job.settings.get("catalog_types") or ():
            if each["value"] not in CATALOG_TYPES:
                told = ", ".join(CATALOG_TYPES)
                raise ConfigError(f"“{each['value']}” is no type of a catalog's field: {told}.", field="catalog_types")

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        if sync_type == "users":
            matched = [EXTERNAL, *(replace(known, modes=(Mode.UPDATE,)) for known in (BRAZE_ID, USER_ALIAS))]
            return [*matched, *PROFILE, *await self._custom()]
        if sync_type == "events":
            known = (EXTERNAL, USER_ALIAS) if settings.get("missing_users", "create") == "create" else USER_IDS
            return [*known, *(PURCHASE if settings.get("kind") == "purchase" else EVENT_NAMES.fields(settings)), *EVENT]
        if sync_type == "subscriptions":
            return [
                *SUBSCRIBER,
                *GROUPS.fields(settings),
                STATE,
                *(each for each in PROFILE if each.name not in ("email", "phone")),
            ]
        if sync_type == "catalog":
            return [ITEM, *await self._items(settings)]
        return IDENTITY if sync_type == "identities" else [RECIPIENT, *await self._properties(sync_type, settings)]

    async def catalogs(self) -> list[Choice]:
        """The catalogs there are."""
        async with self.line() as line:
            return [Choice(each["name"], each["name"]) for each in (await line.get("catalogs"))["catalogs"]]

    async def campaign_choices(self) -> list[Choice]:
        """Campaigns that are not archived."""
        return await self._messages("campaign")

    async def canvas_choices(self) -> list[Choice]:
        """Canvases that are not archived."""
        return await self._messages("canvas")

    async def _messages(self, kind: str) -> list[Choice]:
        path, name = LISTS[kind]
        found: list[Choice] = []
        async with self.line() as line:
            for page in range(MAX_PAGES):
                listed = (await line.get(f"{path}/list", {"page": page}))[name]
                found += [Choice(each["id"], each["name"]) for each in listed if not each.get("is_api_campaign")]
                if len(listed) < 100:
                    break
        return found

    async def _properties(self, kind: str, settings: Any) -> list[DestinationField]:
        """The properties that the message's templates name, and attributes where users may be made."""
        own = [] if settings.get("existing_only", True) else [renamed(each) for each in PROFILE]
        if not settings.get(kind):
            return own
        async with self.line() as line:
            told = await line.get(f"{LISTS[kind][0]}/details", {f"{kind}_id": settings[kind]})
        named = re.findall(TEMPLATED[kind] + r"\.\$\{([^}|]+)\}", json.dumps(told, ensure_ascii=False))
        return [*(field(name, kind="any") for name in dict.fromkeys(each.strip() for each in named)), *own]

    async def _items(self, settings: Any) -> list[DestinationField]:
        if settings.get("catalog_from") != "existing" or not settings.get("catalog"):
            return []
        async with self.line() as line:
            listed = (await line.get("catalogs"))["catalogs"]
        chosen: Sequence[Record] = next((each["fields"] for each in listed if each["name"] == settings["catalog"]), [])
        return [typed(each["name"], each["type"]) for each in chosen if each["name"] != ITEM.name]

    async def _custom(self) -> list[DestinationField]:
        async with self.line() as line:
            return [
                typed(each["name"], each["data_type"] or "")
                async for each in attributes(line)
                if each.get("status") != "Blocklisted"
            ]


async def attributes(line: Line) -> AsyncIterator[Record]:
    """Custom attributes, 50 a page; a header says where the next page is."""
    cursor = None
    for _ in range(MAX_PAGES):
        answer = await line.send("GET", "custom_attributes", query={"cursor": cursor})
        for each in answer.json()["attributes"]:
            yield each
        following = re.search(r'<([^>]+)>\s*;\s*rel="?next"?', answer.headers.get("link", ""))
        cursor = dict(parse_qsl(urlsplit(following[1]).query)).get("cursor") if following else None
        if cursor is None:
            return


def typed(name: str, told: str) -> DestinationField:
    """A field of Braze's, which calls types “Number (Automatically Detected)” or “number”."""
    return field(name, name, KINDS.get(told.lower().partition(" ")[0], "text"), native_type=told)


def renamed(known: DestinationField) -> DestinationField:
    """A profile's field as an attribute of a recipient."""
    return DestinationField(name=ATTRIBUTES + known.name, label=f"User: {known.label}", type=known.type)
