"""Salesforce: records of objects, platform events, and values of picklists."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from connectors.destinations.salesforce.merging import merges
from connectors.destinations.salesforce.picklists import VALUE, replace_values
from connectors.destinations.salesforce.records import converted_to, nested, value_of, write_records
from connectors.destinations.salesforce.settings import COLLECTION, DEFINITION, SIGN_IN, VERSION, instance
from connectors.sdk.destination import ACCEPTED, DestinationField, Job, Limits, Mode, RowStreams
from connectors.sdk.errors import ConfigError, RateLimited, Unavailable
from connectors.sdk.rest import Api, Line, Record, RestDestination, Results, Work, field
from connectors.sdk.rest.codes import ErrorCodes
from connectors.sdk.rest.destination import as_documented
from connectors.sdk.rest.work import side_by_side
from connectors.sdk.types import Choice, Operation

TYPES = {
    "boolean": "boolean",
    "int": "number",
    "double": "number",
    "currency": "number",
    "percent": "number",
    "long": "number",
    "date": "date",
    "datetime": "moment",
    "reference": "reference",
}
MAKING = (Mode.UPSERT, Mode.INSERT)


async def write_event(work: Work) -> Results:
    """One event, published once."""
    kind = str(work.settings["event"])
    told = nested(kind, {name: value_of(value) for name, value in work.records[0].items()})
    del told["attributes"]
    await work.line.post(f"sobjects/{kind}", told)
    return [ACCEPTED]


def says(answer: Any) -> str:
    """Salesforce's own words."""
    return "; ".join(f"{error['errorCode']}: {error['message']}" for error in answer)


class SalesforceDestination(RestDestination):
    """A Salesforce organization."""

    api = Api(
        base=lambda config: f"{instance(config)}/services/data/{VERSION}",
        version=VERSION,
        sign_in=SIGN_IN,
        test=("GET", "limits"),
        says=says,
        codes=ErrorCodes(
            find=lambda answer: answer[0]["errorCode"],
            meanings={
                "REQUEST_LIMIT_EXCEEDED": RateLimited,
                "SERVER_UNAVAILABLE": Unavailable,
                "UNABLE_TO_LOCK_ROW": Unavailable,
            },
        ),
        answer_bytes=64_000_000,
    )
    definition = DEFINITION
    writers: ClassVar = {"objects": write_records, "events": write_event}

    def limits(self, job: Job, operation: Operation | None = None) -> Limits:
        limits = super().limits(job, operation)
        if job.sync_type != "objects":
            return limits
        # What a cut line leaves in doubt cannot be sent again: one request, or one job with its receipt.
        single = job.mode is Mode.INSERT and job.settings["engine"] != "bulk"
        rows = min(limits.batch_rows, COLLECTION) if single else limits.batch_rows
        parallel = 1 if merges(job.settings) else int(job.settings["parallel"])
        return replace(limits, batch_rows=rows, concurrency=parallel)

    def validate(self, job: Job) -> None:
        """What tells which records are the same has to be written first."""
        if job.sync_type != "objects" or not merges(job.settings):
            return
        mapped = {each.name for each in job.fields}
        for name in ("merge_shared", "merge_child"):
            if job.settings[name] not in mapped:
                raise ConfigError(f"Map {job.settings[name]}, by which records are merged.", field=name)

    async def fields(self, sync_type: str, settings: Any) -> Sequence[DestinationField]:
        if sync_type == "picklist":
            return VALUE
        chosen = settings.get("object" if sync_type == "objects" else "event")
        if not chosen:
            return ()
        async with self.line(4) as line:
            told = (await line.get(f"sobjects/{chosen}/describe"))["fields"]
            if sync_type == "events":
                return [field_of(each) for each in told if each["createable"]]
            relations = [each for each in told if each.get("relationshipName") and len(each["referenceTo"]) == 1]
            related = await self._external_ids(line, {each["referenceTo"][0] for each in relations})
            either = await self._shared(line, settings)
        told = [each for each in told if either is None or each["name"] in either]
        relations = [each for each in relations if each in told]
        own = [field_of(each) for each in told if is_offered(each)]
        return [*own, *(link for each in relations if is_offered(each) for link in links_of(each, related))]

    async def _shared(self, line: Line, settings: Any) -> set[str] | None:
        """The names that the object has in common with the one its records may have become; nothing: all count."""
        if (other := converted_to(settings)) is None:
            return None
        told = (await line.get(f"sobjects/{other}/describe"))["fields"]
        return {each["name"] for each in told if each["name"] != "Id"}

    async def merge_fields(self, object: str) -> list[Choice]:
        """The fields of an object that can be written and asked for."""
        async with self.line() as line:
            told = (await line.get(f"sobjects/{object}/describe"))["fields"]
        return [Choice(e["name"], e["label"], e["name"]) for e in told if e["createable"] and e.get("filterable")]

    async def picklists(self, object: str) -> list[Choice]:
        """The custom picklists of an object."""
        async with self.line() as line:
            told = (await line.get(f"sobjects/{object}/describe"))["fields"]
        kinds = ("picklist", "multipicklist")
        return [Choice(e["name"], e["label"], e["name"]) for e in told if e["type"] in kinds and e["custom"]]

    async def write(self, job: Job, rows: RowStreams) -> None:
        """The values of a picklist, all at once."""
        async with self.line(timeout_s=self.limits(job).timeout_s) as line:
            with as_documented():
                await replace_values(line, job, rows)

    async def objects(self) -> list[Choice]:
        """Objects whose records can be written."""
        return [each for each in await self._objects() if not each.value.endswith("__e")]

    async def events(self) -> list[Choice]:
        """Platform events; they are made in Salesforce."""
        return [each for each in await self._objects() if each.value.endswith("__e")]

    async def _objects(self) -> list[Choice]:
        async with self.line() as line:
            found = (await line.get("sobjects"))["sobjects"]
        shown = [o for o in found if (o["createable"] or o["updateable"]) and not o.get("deprecatedAndHidden")]
        return [Choice(each["name"], each["label"], each["name"]) for each in shown]

    async def _external_ids(self, line: Line, kinds: set[str]) -> dict[str, list[Record]]:
        """What names one record of each related object; those that may not be read are left out."""
        limit = asyncio.Semaphore(4)

        async def ask(kind: str) -> list[Record]:
            async with limit:
                answer = await line.send("GET", f"sobjects/{kind}/describe", takes=(403, 404))
            return [each for each in answer.json()["fields"] if is_key(each)] if answer.ok else []

        ordered = sorted(kinds)
        return dict(zip(ordered, await side_by_side(*map(ask, ordered)), strict=True))


def is_offered(told: Record) -> bool:
    """Whether a field can be written, or names the record."""
    return bool(told["createable"] or told["updateable"] or told["name"] == "Id")


def is_key(told: Record) -> bool:
    """Whether Salesforce finds a record by it."""
    return bool(told.get("externalId") or told.get("idLookup")) and told["name"] != "Id"


def field_of(told: Record) -> DestinationField:
    """A described field."""
    named = told["name"] == "Id"
    modes = MAKING if told["createable"] and not told["updateable"] else ()
    if named or (told["updateable"] and not told["createable"]):
        modes = (Mode.UPDATE, Mode.ARCHIVE)
    return field(
        told["name"],
        told["label"],
        TYPES.get(told["type"], "text"),
        identifier=named or is_key(told),
        recommended=bool(told.get("externalId")),
        required=bool(told["createable"] and not told["nillable"] and not told["defaultedOnCreate"]),
        native_type=told["type"],
        modes=modes,
    )


def links_of(told: Record, related: dict[str, list[Record]]) -> list[DestinationField]:
    """The fields that find the related record by a value instead of its Salesforce ID."""
    name = told["relationshipName"]
    return [
        field(f"{name}.{key['name']}", f"{told['label']} → {key['label']}", "reference")
        for key in related.get(told["referenceTo"][0], [])
    ]
