"""Marketo: objects, custom activities, static lists and campaigns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from connectors.destinations.marketo import sends
from connectors.destinations.marketo.leads import ID
from connectors.destinations.marketo.settings import (
    ACTIVITY,
    CODES,
    LEAD,
    PRIMARY,
    SIGN_IN,
    UPDATES,
    definition,
    says,
)
from connectors.sdk.destination import DestinationField, Job
from connectors.sdk.errors import ConfigError
from connectors.sdk.rest import Api, Line, Place, Record, RestDestination, field
from connectors.sdk.types import Choice

NUMBERS = ("integer", "float", "currency", "percent", "score")
KINDS = {**dict.fromkeys(NUMBERS, "number"), "boolean": "boolean", "date": "date", "datetime": "moment"}
STANDARD = (Choice("leads", "Leads"), Choice("companies", "Companies"), Choice("opportunities", "Opportunities"))
# Where Marketo lets static lists be made.
HOLDERS = ("Email Batch Program", "Marketing Program", "Nurture Program", "List")
PAGE = 200


async def find_list(line: Line, job: Job, name: str) -> str | None:
    """The id of the static list with this name in the folder."""
    query = {"name": name, "folder": folder_of(job)}
    told = (await line.get("asset/v1/staticList/byName.json", query)).get("result") or ()
    return str(told[0]["id"]) if told else None


async def make_list(line: Line, job: Job, name: str) -> str:
    """A new static list's id."""
    form = {"name": name, "folder": folder_of(job), "description": job.settings.get("description") or ""}
    return str((await line.send("POST", "asset/v1/staticLists.json", form=form)).json()["result"][0]["id"])


def folder_of(job: Job) -> str:
    """The folder or program as Marketo wants it named."""
    kind, _, key = str(job.settings.get("folder") or "").partition("/")
    if not key:
        raise ConfigError("No folder is chosen for the new list.", field="folder")
    return json.dumps({"id": int(key), "type": kind}, separators=(",", ":"))


async def assets(line: Line, path: str, query: Record) -> list[Record]:
    """A list of Marketo's assets, which ends with a page that is not full."""
    found: list[Record] = []
    while True:
        told = (await line.get(path, {**query, "maxReturn": PAGE, "offset": len(found)})).get("result") or []
        found += told
        if len(told) < PAGE:
            return found


def following(answer: Any) -> Record | None:
    """How to ask for the next page."""
    return {"nextPageToken": answer["nextPageToken"]} if answer.get("nextPageToken") else None


LIST = Place(noun="list", discover="lists", find=find_list, make=make_list)


class MarketoDestination(RestDestination):
    """A Marketo instance."""

    api = Api(
        base=lambda config: f"https://{config['host']}/rest",
        version="v1",
        sign_in=SIGN_IN,
        test=("GET", "v1/leads/describe2.json"),
        codes=CODES,
        says=says,
    )
    definition = definition(LIST.settings)
    writers: ClassVar = {
        "objects": sends.write_objects,
        "activities": sends.write_activities,
        "list": sends.write_list,
        "campaigns": sends.write_campaign,
    }
    places: ClassVar = {"list": LIST}

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        if sync_type == "campaigns":
            return LEAD
        async with self.line() as line:
            if sync_type == "activities":
                return await activity_fields(line, settings.get("activity"))
            if sync_type == "list":
                return [each for each in await lead_fields(line, own="") if each.identifier]
            kind = settings.get("object")
            return await (lead_fields(line) if kind == "leads" else object_fields(line, kind)) if kind else ()

    async def objects(self) -> list[Choice]:
        """Standard objects, and the custom ones that are approved."""
        async with self.line() as line:
            told = (await line.get("v1/customobjects.json")).get("result") or ()
        own = [each for each in told if each.get("state", "approved") != "draft"]
        return [*STANDARD, *(Choice(sends.CUSTOM + each["name"], each["displayName"]) for each in own)]

    async def activities(self) -> list[Choice]:
        """The custom activities that are approved."""
        async with self.line() as line:
            told = (await line.get("v1/activities/external/types.json")).get("result") or ()
        live = [each for each in told if str(each["status"]).startswith("approved")]
        return [Choice(f"{each['id']}/{each['apiName']}", each["name"]) for each in live]

    async def campaigns(self) -> list[Choice]:
        """The campaigns that can be requested."""
        query = {"isTriggerable": 1, "batchSize": 300}
        async with self.line() as line:
            pages = line.pages("v1/campaigns.json", "result", following, query)
            return [Choice(str(c["id"]), c["name"], c.get("programName") or "") async for c in pages]

    async def lists(self) -> list[Choice]:
        """The static lists."""
        async with self.line() as line:
            found = await assets(line, "asset/v1/staticLists.json", {})
        return [Choice(str(each["id"]), each["name"]) for each in found]

    async def folders(self) -> list[Choice]:
        """The folders and programs of the marketing activities that may hold static lists."""
        async with self.line() as line:
            top = (await line.get("asset/v1/folder/byName.json", {"name": "Marketing Activities"}))["result"][0]
            root = json.dumps(top["folderId"], separators=(",", ":"))
            found = await assets(line, "asset/v1/folders.json", {"root": root, "maxDepth": 20})
        held = [each for each in found if each["folderType"] in HOLDERS]
        return [Choice(f"{f['folderId']['type']}/{f['folderId']['id']}", f["name"], f.get("path") or "") for f in held]


async def lead_fields(line: Line, own: str = ID) -> list[DestinationField]:
    """The fields of leads; ``own`` can only be mapped to update."""
    told = (await line.get("v1/leads/describe2.json"))["result"][0]
    searched = {each["name"] for each in told["searchableFields"]}
    return [described(each, identifier=each["name"] in searched, own=own) for each in told["fields"]]


async def object_fields(line: Line, kind: str) -> list[DestinationField]:
    """The fields of companies, opportunities or a custom object."""
    name = kind.removeprefix(sends.CUSTOM)
    path = f"v1/{sends.CUSTOM}{name}/describe.json" if kind.startswith(sends.CUSTOM) else f"v1/{kind}/describe.json"
    told = (await line.get(path))["result"][0]
    own = told.get("idField") or sends.id_field(kind)
    keys = {*told["dedupeFields"], own}
    return [described(each, identifier=each["name"] in keys, own=own) for each in told["fields"]]


def described(told: Record, *, identifier: bool, own: str) -> DestinationField:
    """A field; the ID that Marketo gives can only be mapped to update."""
    return field(
        told["name"],
        told.get("displayName") or told["name"],
        KINDS.get(told["dataType"], "text"),
        identifier=identifier,
        native_type=told["dataType"],
        read_only=not told.get("updateable", True) and not identifier,
        modes=UPDATES if told["name"] == own else (),
    )


async def activity_fields(line: Line, activity: str | None) -> list[DestinationField]:
    """The attributes of an activity."""
    if not activity:
        return list(ACTIVITY)
    told = (await line.get(f"v1/activities/external/type/{activity.partition('/')[2]}/describe.json"))["result"][0]
    first = told["primaryAttribute"]
    primary = field(
        PRIMARY, first["name"], KINDS.get(first["dataType"], "text"), required=True, native_type=first["dataType"]
    )
    others = [
        field(sends.ATTRIBUTES + e["apiName"], e["name"], KINDS.get(e["dataType"], "text"), native_type=e["dataType"])
        for e in told.get("attributes") or ()
    ]
    return [*ACTIVITY, primary, *others]
