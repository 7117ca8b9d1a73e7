"""Zendesk: users, organizations, tickets, records of custom objects, and memberships.

https://developer.zendesk.com/api-reference/ticketing/introduction/
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from connectors.destinations.zendesk.legacy import legacy_fields, write_legacy
from connectors.destinations.zendesk.records import next_page, write_custom, write_memberships, write_standard
from connectors.destinations.zendesk.settings import (
    API,
    CUSTOM,
    DEFINITION,
    KINDS,
    LEGACY,
    LEGACY_API,
    MEMBERSHIP,
    MOST,
    RECORD,
    SIGN_IN,
)
from connectors.sdk.destination import DestinationField, Job, Limits, Mode
from connectors.sdk.errors import ConfigError
from connectors.sdk.rest import Api, Line, Record, RestDestination, Results, Work, field
from connectors.sdk.types import Choice, Operation

TYPES = {"checkbox": "boolean", "integer": "number", "decimal": "number", "date": "date", "multiselect": "any"}
MATCHED = frozenset({"text", "integer", "regexp"})


async def write_objects(work: Work) -> Results:
    """Each kind of object its own way."""
    chosen = str(work.settings["object"])
    if chosen.startswith(LEGACY):
        return await write_legacy(work)
    return await (write_custom(work) if chosen.startswith(CUSTOM) else write_standard(work))


def says(answer: Any) -> str:
    """Zendesk's own words: an error with details by field, or with a title and a message."""
    error = answer.get("error") or (answer.get("errors") or [{}])[0]
    if isinstance(error, dict):
        return str(error.get("message") or error.get("detail") or error["title"])
    details = [each["description"] for many in (answer.get("details") or {}).values() for each in many]
    return f"{'; '.join(details) or answer.get('description') or 'refused'} ({error})"


class ZendeskDestination(RestDestination):
    """A Zendesk account."""

    api = Api(
        base=lambda config: str(config["url"]).rstrip("/"),
        version="v2",
        sign_in=SIGN_IN,
        test=("GET", f"{API}/users/me.json"),
        says=says,
        errors={
            414: lambda response, message: ConfigError(
                "A search is too long for Zendesk.", field="search_batch", hint="Choose fewer values in a search."
            )
        },
    )
    definition = DEFINITION
    writers: ClassVar = {"objects": write_objects, "memberships": write_memberships}

    def limits(self, job: Job, operation: Operation | None = None) -> Limits:
        limits = super().limits(job, operation)
        # A batch is as long as a search, and sent in several jobs; inserts keep to one, whose receipt counts.
        rows = max(MOST, int(job.settings["search_batch"]))
        return limits if job.mode is Mode.INSERT else replace(limits, batch_rows=rows)

    async def objects(self) -> list[Choice]:
        """Standard objects, and those that the account defines, where its plan has them."""
        async with self.line() as line:
            custom = await line.send("GET", f"{API}/custom_objects.json", takes=(403, 404))
            legacy = await line.send("GET", f"{LEGACY_API}/objects/types", takes=(403, 404))
        return [
            *(Choice(key, key.capitalize()) for key in KINDS),
            *(
                Choice(f"{CUSTOM}{each['key']}", f"(Custom) {each['title_pluralized']}")
                for each in (custom.json()["custom_objects"] if custom.ok else ())
            ),
            *(
                Choice(f"{LEGACY}{each['key']}", f"(Legacy custom) {each['key']}")
                for each in (legacy.json()["data"] if legacy.ok else ())
            ),
        ]

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        if sync_type == "memberships":
            return MEMBERSHIP
        chosen = str(settings.get("object") or "")
        if not chosen:
            return ()
        async with self.line() as line:
            if chosen.startswith(LEGACY):
                return [*RECORD[1:], *await legacy_fields(line, chosen.removeprefix(LEGACY))]
            if chosen.startswith(CUSTOM):
                path = f"custom_objects/{chosen.removeprefix(CUSTOM)}/fields"
                return [*RECORD, *await described(line, path, "custom_object_fields", "custom_object_fields.")]
            kind = KINDS[chosen]
            return [*kind.fields, *await described(line, kind.described, kind.described, kind.custom)]


async def described(line: Line, path: str, items: str, prefix: str) -> list[DestinationField]:
    """The custom fields of an object. Those of tickets go by their numbers, and stand beside Zendesk's own."""
    pages = line.pages(f"{API}/{path}.json", items, next_page, {"page[size]": MOST})
    told = [each async for each in pages]
    tickets = items == "ticket_fields"
    shown = [each for each in told if each.get("active", True) and (each.get("removable", True) or not tickets)]
    return [field_of(each, prefix, str(each["id"] if tickets else each["key"])) for each in shown]


def field_of(told: Record, prefix: str, key: str) -> DestinationField:
    """A custom field."""
    choices = ", ".join(each["value"] for each in (told.get("custom_field_options") or [])[:20])
    return field(
        f"{prefix}{key}",
        told["title"],
        "reference" if told["type"] == "lookup" else TYPES.get(told["type"], "text"),
        identifier=told["type"] in MATCHED,
        native_type=told["type"],
        description=f"One of {choices}" if choices else "",
    )
