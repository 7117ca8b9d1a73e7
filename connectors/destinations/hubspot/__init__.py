"""HubSpot: records of objects with their associations, contact lists and custom events."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from connectors.destinations.hubspot.associations import PREFIX
from connectors.destinations.hubspot.records import find, write_records
from connectors.destinations.hubspot.settings import (
    CONTACT,
    EVENT,
    EVENT_NAMES,
    ID,
    NAMING,
    PERSON,
    SIGN_IN,
    STANDARD,
    UNIQUE,
    VERSION,
    definition,
)
from connectors.sdk.destination import ACCEPTED, DestinationField, Job, Mode, RowResult, rejected
from connectors.sdk.errors import ConfigError
from connectors.sdk.rest import Api, Line, Place, Record, RestDestination, Results, Work, besides, field, missing
from connectors.sdk.rest.work import side_by_side, text
from connectors.sdk.types import Choice

TYPES = {"bool": "boolean", "number": "number", "date": "date", "datetime": "moment"}
LISTS = f"crm/lists/{VERSION}"


async def find_list(line: Line, job: Job, name: str) -> str | None:
    """The id of the contact list with this name; one that fills itself is no place for rows."""
    path = f"{LISTS}/object-type-id/{CONTACT}/name/{quote(name, safe='')}"
    answer = await line.send("GET", path, takes=(404,))
    if answer.status == 404:
        return None
    found = answer.json()["list"]
    if found["processingType"] == "DYNAMIC":
        raise ConfigError(f"“{name}” is an active list: HubSpot fills it by itself.", field="list_name")
    return str(found["listId"])


async def make_list(line: Line, job: Job, name: str) -> str:
    """A new static list's id."""
    body = {"name": name, "objectTypeId": CONTACT, "processingType": "MANUAL"}
    return str((await line.post(LISTS, body))["list"]["listId"])


LIST = Place(noun="list", discover="lists", find=find_list, make=make_list)


async def write_list(work: Work) -> Results:
    """Contacts are looked up; those that are missing cannot become members."""

    async def ask(values: Sequence[str]) -> Sequence[tuple[str, str]]:
        return await find(work, "contacts", work.match, values, unique=True)

    async def move(part: Work, ids: Sequence[str]) -> Results:
        action = "remove" if work.leaving else "add"
        answer = await part.line.send("PUT", f"{LISTS}/{work.place}/memberships/{action}", json=list(ids))
        gone = {str(each) for each in answer.json().get("recordIdsMissing") or ()}
        return [rejected("HubSpot no longer has this contact.") if each in gone else ACCEPTED for each in ids]

    async def unknown(part: Work) -> Results:
        if work.leaving:
            return [ACCEPTED] * len(part)
        return [rejected(f"No contact has this {work.match}.", field=work.match)] * len(part)

    found = await work.look_up(ask, fold=str.lower)
    return await work.by_match(found, create=unknown, update=move, remove=move)


async def write_events(work: Work) -> Results:
    """One request for the batch, taken or refused as a whole."""

    def make(record: Record, made: str) -> Record | RowResult:
        own = {each.name for each in EVENT}
        told = {name: text(value) for name, value in record.items() if name in own and value is not None}
        rest = besides(record, (*EVENT, EVENT_NAMES.field))
        properties = {name: text(value) for name, value in rest.items() if value is not None}
        named = EVENT_NAMES.of(work.settings, record)
        event = {"eventName": named, "uuid": made, **told, "properties": properties}
        refusal = EVENT_NAMES.refusal(work.settings, record) or missing(record, "email", "objectId", "utk")
        return refusal or event

    async def send(inputs: list[Record]) -> None:
        await work.line.send("POST", f"events/{VERSION}/send/batch", json={"inputs": inputs})

    return await work.together(make, send)


class HubspotDestination(RestDestination):
    """A HubSpot account."""

    api = Api(
        base="https://api.hubapi.com",
        version=VERSION,
        sign_in=SIGN_IN,
        test=("GET", f"account-info/{VERSION}/details"),
        answer_bytes=16_000_000,
    )
    definition = definition(LIST.settings)
    writers: ClassVar = {"objects": write_records, "list": write_list, "events": write_events}
    places: ClassVar = {"list": LIST}

    def wants_old(self, job: Job) -> bool:
        return bool(job.settings.get("associations") == "difference")

    def validate(self, job: Job) -> None:
        """Only contacts can be erased."""
        if job.settings.get("removal") == "erase" and job.settings.get("object") != "contacts":
            raise ConfigError("HubSpot erases contacts only; choose to archive.", field="removal")

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        if sync_type == "list":
            return PERSON
        if sync_type == "events":
            return (*EVENT, *EVENT_NAMES.fields(settings))
        chosen = settings.get("object")
        return await self._object_fields(str(chosen)) if chosen else ()

    async def objects(self) -> list[Choice]:
        """Standard objects, and those that the account defines."""
        async with self.line() as line:
            answer = await line.send("GET", f"crm-object-schemas/{VERSION}/schemas", takes=(403,))
        own = answer.json().get("results") or () if answer.status != 403 else ()
        custom = [Choice(each["objectTypeId"], each["labels"]["plural"], "Custom object") for each in own]
        return [*(Choice(name, label) for name, label in STANDARD.items()), *custom]

    async def lists(self) -> list[Choice]:
        """The account's static contact lists."""
        found: list[Choice] = []
        kinds = {"processingTypes": ["MANUAL", "SNAPSHOT"], "additionalProperties": [], "listIds": []}
        async with self.line() as line:
            more = True
            while more:
                body = {**kinds, "objectTypeId": CONTACT, "offset": len(found), "count": 500}
                answer = await line.post(f"{LISTS}/search", body)
                found += [Choice(each["listId"], each["name"]) for each in answer["lists"]]
                more = bool(answer["hasMore"] and answer["lists"])
        return found

    async def events(self) -> list[Choice]:
        """The account's custom events."""
        async with self.line() as line:
            pages = line.pages(f"events/{VERSION}/event-definitions", "results", next_page, {"limit": 100})
            return [Choice(each["fullyQualifiedName"], each["labels"]["singular"]) async for each in pages]

    async def _object_fields(self, chosen: str) -> list[DestinationField]:
        """The object's properties, its id to update by, and what its records can be associated with."""
        others = [choice for choice in await self.objects() if choice.value != chosen]
        limit = asyncio.Semaphore(4)

        async def properties(line: Line, kind: str) -> list[Record]:
            async with limit:
                # Objects that the sign-in may not read are left out of the associations.
                answer = await line.send("GET", f"crm/properties/{VERSION}/{kind}", takes=(400, 403, 404))
            return list(answer.json()["results"]) if answer.ok else []

        async with self.line(4) as line:
            own = (await line.get(f"crm/properties/{VERSION}/{chosen}"))["results"]
            looked_up = [other for other in others if other.value in NAMING or other.description]
            found = await side_by_side(*(properties(line, other.value) for other in looked_up))
        named = {other.value: props for other, props in zip(looked_up, found, strict=True)}
        links = [link for other in others for link in links_to(other, named.get(other.value, []))]
        key = field(ID, "Record ID", identifier=True, modes=(Mode.UPDATE,))
        return [key, *(property_field(each, chosen) for each in own if is_writable(each)), *links]


def is_writable(told: Record) -> bool:
    """Whether a property can be set."""
    return not (told.get("modificationMetadata") or {}).get("readOnlyValue") and not told.get("calculated")


def property_field(told: Record, kind: str) -> DestinationField:
    """A property as a field. Any may match; one that HubSpot keeps unique needs no search and is recommended."""
    unique = bool(told.get("hasUniqueValue")) or told["name"] in UNIQUE.get(kind, ())
    choices = ", ".join(option["value"] for option in (told.get("options") or [])[:20])
    return field(
        told["name"],
        told["label"],
        TYPES.get(told["type"], "text"),
        identifier=told["type"] in ("string", "number", "phone_number") or unique,
        recommended=unique,
        native_type=told["type"],
        description=f"One of {choices}" if choices and told["type"] == "enumeration" else told.get("description") or "",
    )


def links_to(other: Choice, properties: Sequence[Record]) -> list[DestinationField]:
    """The fields that associate with another object: by the id of its record, or by what names one."""
    names = [p["name"] for p in properties if p.get("hasUniqueValue") or p["name"] in NAMING.get(other.value, ())]
    words = "One value, several between commas, a list, or objects with value and label."
    return [
        field(f"{PREFIX}{other.value}.{by}", f"{other.label} → {by}", "reference", description=words)
        for by in dict.fromkeys(("id", *names))
    ]


def next_page(answer: Record) -> dict[str, str] | None:
    """How to ask for the next page."""
    following = ((answer.get("paging") or {}).get("next") or {}).get("after")
    return {"after": following} if following else None
