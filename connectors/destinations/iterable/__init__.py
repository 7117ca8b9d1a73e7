"""Iterable: users and what they do, carts, catalogs, lists and subscriptions, and what rows start."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote

from connectors.destinations.iterable import sends, users
from connectors.destinations.iterable.settings import (
    CAMPAIGNS,
    CATALOG,
    DEVICE,
    EACH,
    EVENT_NAMES,
    HAPPENING,
    HOSTS,
    ITEM,
    ITEMS,
    MERGED,
    NAMED,
    NEW_EMAIL,
    PERSON,
    SEND_AT,
    SIGN_IN,
    TEMPLATES,
    TOTAL,
    TRIGGERS,
    definition,
)
from connectors.sdk.destination import DestinationField, Job, Limits, Mode
from connectors.sdk.errors import ConfigError
from connectors.sdk.rest import Api, Line, Place, Record, RestDestination, field
from connectors.sdk.types import Choice, Operation

KINDS = {"boolean": "boolean", "date": "moment", "long": "number", "double": "number", "object": "object"}
ADDED = frozenset({Operation.ADDED})


async def find_list(line: Line, job: Job, name: str) -> str | None:
    """The id of the static list with this name."""
    return next((each.value for each in await lists_of(line) if each.label == name), None)


async def make_list(line: Line, job: Job, name: str) -> str:
    """A new static list's id."""
    return str((await line.post("api/lists", {"name": name}))["listId"])


async def lists_of(line: Line) -> list[Choice]:
    """The static lists."""
    found = (await line.get("api/lists"))["lists"]
    return [Choice(str(each["id"]), each["name"]) for each in found if each["listType"] == "Standard"]


def paged(line: Line, path: str, items: str, size: int) -> AsyncIterator[Record]:
    """A list that comes in pages, each with the address of the next."""

    def following(answer: Any) -> str | None:
        following: str | None = (answer.get("params") or answer).get("nextPageUrl")
        return following

    return line.pages(path, items, following, {"page": 1, "pageSize": size})


def says(answer: Any) -> str:
    """Iterable's own words."""
    return str(answer["msg"])


LIST = Place(noun="list", discover="lists", find=find_list, make=make_list)


class IterableDestination(RestDestination):
    """A project of Iterable."""

    api = Api(base=lambda config: HOSTS[config.get("region") or "us"], sign_in=SIGN_IN, says=says)
    definition = definition(LIST)
    writers: ClassVar = {
        "users": users.write_users,
        "events": sends.write_events,
        "cart": sends.write_cart,
        "catalog": sends.write_catalog,
        "list": users.write_list,
        "email": users.write_emails,
        "actions": users.write_actions,
        "subscriptions": users.write_subscriptions,
        "trigger_email": sends.write_message,
        "trigger_push": sends.write_message,
        "journey": sends.write_journey,
        "merge": users.write_merges,
        "devices": sends.write_devices,
    }
    places: ClassVar = {"list": LIST, "catalog": CATALOG}

    async def check(self) -> None:
        """Lists, or with a mobile key, which may not see them, the messages of nobody."""
        async with self.line() as line:
            if self.config.get("key_kind") == "mobile":
                await line.send("GET", "api/inApp/getMessages", query={"email": "", "count": 1}, takes=(400, 404))
            else:
                await line.get("api/lists")

    def limits(self, job: Job, operation: Operation | None = None) -> Limits:
        limits = super().limits(job, operation)
        if job.sync_type == "actions" and job.settings.get("action") == "delete":
            return EACH
        if job.sync_type != "users" or not users.looks(job, self.config):
            return limits
        single = operation in (None, Operation.REMOVED) or job.mode is Mode.UPDATE
        return replace(EACH, batch_rows=EACH.batch_rows if single else limits.batch_rows)

    def wanted(self, job: Job) -> frozenset[Operation]:
        """An e-mail address that was changed is no longer there to be matched."""
        return ADDED if job.sync_type == "email" and job.identifiers[:1] == ("currentEmail",) else super().wanted(job)

    def validate(self, job: Job) -> None:
        if self.config.get("key_kind") == "mobile" and job.sync_type != "devices":
            raise ConfigError("A mobile key is for device tokens alone.", hint="Use a server-side key for this sync.")

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        if sync_type in ("users", "list"):
            return [*PERSON, *await self._user_fields()]
        if sync_type == "catalog":
            return [ITEM, *await self._item_fields(settings)]
        if sync_type in TRIGGERS:
            at = () if sync_type == "journey" else (SEND_AT,)
            return [*NAMED, *TRIGGERS[sync_type].fields(settings), *at]
        if sync_type == "events":
            bought = (ITEMS, TOTAL) if settings.get("kind") == "purchase" else EVENT_NAMES.fields(settings)
            return [*NAMED, *bought, *HAPPENING, *CAMPAIGNS.fields(settings), *TEMPLATES.fields(settings)]
        own: dict[str, Sequence[DestinationField]] = {
            "cart": (*NAMED, ITEMS),
            "email": NEW_EMAIL,
            "actions": NAMED,
            "subscriptions": PERSON,
            "merge": MERGED,
            "devices": (*NAMED, *DEVICE),
        }
        return own[sync_type]

    async def lists(self) -> list[Choice]:
        """The project's static lists."""
        async with self.line() as line:
            return await lists_of(line)

    async def catalogs(self) -> list[Choice]:
        """The project's catalogs."""
        async with self.line() as line:
            found = paged(line, "api/catalogs", "params.catalogNames", 100)
            return [Choice(each["name"], each["name"]) async for each in found]

    async def email_campaigns(self) -> list[Choice]:
        """Triggered campaigns of e-mails."""
        return await self._campaigns("Email")

    async def push_campaigns(self) -> list[Choice]:
        """Triggered campaigns of push notifications."""
        return await self._campaigns("Push")

    async def journeys(self) -> list[Choice]:
        """Journeys that users can enter."""
        async with self.line() as line:
            found = paged(line, "api/journeys", "journeys", 50)
            return [Choice(str(each["id"]), each["name"]) async for each in found if each["enabled"]]

    async def groups(self, group_kind: str) -> list[Choice]:
        """Lists, message types or channels."""
        async with self.line() as line:
            if group_kind == "emailList":
                return await lists_of(line)
            name = f"{group_kind}s" if group_kind == "messageType" else "channels"
            return [Choice(str(each["id"]), each["name"]) for each in (await line.get(f"api/{name}"))[name]]

    async def _campaigns(self, medium: str) -> list[Choice]:
        async with self.line() as line:
            found = [each async for each in paged(line, "api/campaigns", "campaigns", 1_000)]
        return [
            Choice(str(each["id"]), each["name"])
            for each in found
            if each["messageMedium"] == medium and each["type"] == "Triggered" and each["campaignState"] != "Archived"
        ]

    async def _user_fields(self) -> list[DestinationField]:
        own = {each.name for each in PERSON}
        async with self.line() as line:
            told = (await line.get("api/users/getFields"))["fields"]
        return [typed(name, kind) for name, kind in sorted(told.items()) if name not in own]

    async def _item_fields(self, settings: Any) -> list[DestinationField]:
        if not settings.get("catalog"):
            return []
        async with self.line() as line:
            answer = await line.get(f"api/catalogs/{quote(settings['catalog'], safe='')}/fieldMappings")
        told = answer["params"]
        return [
            *(typed(name, kind) for name, kind in sorted(told["definedMappings"].items())),
            *(field(name, name, "any") for name in sorted(told["undefinedFields"])),
        ]


def typed(name: str, kind: str) -> DestinationField:
    """A field of users or items."""
    return field(name, name, KINDS.get(kind, "text"), native_type=kind)
