"""Airtable: records of any table, upserted by its own merge, inserted, updated or deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from connectors.sdk.destination import (
    ACCEPTED,
    DestinationDefinition,
    DestinationField,
    Limits,
    Rate,
    SyncType,
    rejected,
)
from connectors.sdk.errors import ConfigError, InternalError
from connectors.sdk.fields import SPLIT_RETRY, Select, Text, Toggle
from connectors.sdk.modes import insert, update, upsert
from connectors.sdk.rest import Api, KeyHeader, Record, RestDestination, Results, Work, field
from connectors.sdk.rest.work import text
from connectors.sdk.types import Choice, Verification

MOST = 10  # records of a request
RATE = Rate(requests=5, seconds=1)
TYPES = {
    "number": "number",
    "currency": "number",
    "percent": "number",
    "duration": "number",
    "rating": "number",
    "checkbox": "boolean",
    "date": "date",
    "dateTime": "moment",
    "multipleSelects": "any",
    "multipleRecordLinks": "any",
    "multipleAttachments": "any",
    "multipleCollaborators": "any",
    "singleCollaborator": "any",
    "barcode": "object",
}
CALCULATED = frozenset(
    {
        "formula", "rollup", "count", "multipleLookupValues", "lookup", "autoNumber", "createdTime", "lastModifiedTime",
        "createdBy", "lastModifiedBy", "button", "externalSyncSource", "aiText",
    }
)  # fmt: skip
MERGED = frozenset({"singleLineText", "multilineText", "email", "phoneNumber", "url", "number", "singleSelect"})


def table_of(work: Work) -> str:
    """The path of the table that the sync writes to."""
    return f"{work.settings['base']}/{work.settings['table']}"


def body_of(work: Work, records: Sequence[Mapping[str, Any]]) -> Record:
    """A request for these records."""
    told: Record = {"records": list(records)}
    return {**told, "typecast": True} if work.settings.get("typecast") else told


async def insert_records(work: Work) -> Results:
    """Ten new records, or none of them."""
    records = [{"fields": record} for record in work.records]
    await sent(work, "POST", body_of(work, records))
    return [ACCEPTED] * len(work)


async def sent(work: Work, method: str, body: Record) -> None:
    """Send records; as many come back."""
    answer = (await work.line.send(method, table_of(work), json=body)).json()
    if len(answer["records"]) != len(body["records"]):
        raise InternalError("Airtable answers with another number of records than it was sent.")


async def write_records(work: Work) -> Results:
    """Airtable's own merge for upserts; for updates, the ids of records are looked up first."""
    if work.job.mode == "insert":
        return await insert_records(work)
    if work.job.mode == "upsert":
        return await merge(work)
    found = await work.look_up(lambda values: known(work, values), chunk=MOST)
    return await work.by_match(found, update=change)


async def merge(work: Work) -> Results:
    """Create or update by the match field; of rows with the same value the last one counts."""
    last: dict[str, int] = {}
    results = [ACCEPTED] * len(work)
    for place, record in enumerate(work.records):
        if record.get(work.match) in (None, ""):
            results[place] = rejected(f"{work.match} is empty, so no record can be matched.", field=work.match)
        else:
            last[text(record[work.match])] = place
    if last:
        chosen = [{"fields": work.records[place]} for place in last.values()]
        body = {"performUpsert": {"fieldsToMergeOn": [work.match]}, **body_of(work, chosen)}
        await sent(work, "PATCH", body)
    return results


async def change(part: Work, ids: Sequence[str]) -> Results:
    """Update records that were found."""
    records = [{"id": key, "fields": record} for key, record in zip(ids, part.records, strict=True)]
    await sent(part, "PATCH", body_of(part, records))
    return [ACCEPTED] * len(part)


async def known(work: Work, values: Sequence[str]) -> list[tuple[Any, str]]:
    """Records whose match field has one of these values, compared as text."""
    name = (await name_of(work)).replace("}", "\\}")
    tests = ",".join(f"{{{name}}}&''={quoted(value)}" for value in values)
    query = {"filterByFormula": f"OR({tests})", "fields[]": work.match, "returnFieldsByFieldId": "true"}
    pages = work.line.pages(table_of(work), "records", next_page, query)
    return [(record["fields"][work.match], record["id"]) async for record in pages]


async def name_of(work: Work) -> str:
    """The match field's name of today: formulas, unlike all else, do not know fields by their IDs."""
    if "name" not in work.memo:
        tables = (await work.line.get(f"meta/bases/{work.settings['base']}/tables"))["tables"]
        named = {f["id"]: f["name"] for t in tables if t["id"] == work.settings["table"] for f in t["fields"]}
        if work.match not in named:
            raise ConfigError("The field that matches records is no longer in the table.", field="mappings")
        work.memo["name"] = named[work.match]
    return str(work.memo["name"])


def quoted(value: str) -> str:
    """A text of Airtable's formulas."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return "'" + escaped.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + "'"


def next_page(answer: Record) -> dict[str, str] | None:
    """How to ask for the next page."""
    return {"offset": answer["offset"]} if answer.get("offset") else None


def says(answer: Any) -> str:
    """Airtable's own words; its error is an object or a bare code."""
    error = answer["error"]
    return f"{error['message']} ({error['type']})" if isinstance(error, dict) else str(error)


class AirtableDestination(RestDestination):
    """What a personal access token may see."""

    api = Api(
        base="https://api.airtable.com/v0",
        version="v0",
        sign_in=KeyHeader(
            key=Text(
                name="token",
                label="Personal access token",
                help="airtable.com/create/tokens, with the scopes named in the guide and the bases to write to.",
                placeholder="pat…",
                secret=True,
            )
        ),
        test=("GET", "meta/bases"),
        says=says,
    )
    definition = DestinationDefinition(
        key="airtable",
        name="Airtable",
        category="Spreadsheets",
        summary="Records of any table: upserted, inserted or updated.",
        docs_url="docs/destinations/airtable.md",
        status_page="https://status.airtable.com",
        fields=api.sign_in.fields,
        verification=Verification.DOCS,
        sync_types=(
            SyncType(
                key="records",
                name="Records",
                description="Rows of a model become records of a table.",
                modes=(upsert(), insert(), update()),
                settings=(
                    Select(name="base", label="Base", discover="bases"),
                    Select(name="table", label="Table", discover="tables", depends=("base",)),
                    Toggle(
                        name="typecast",
                        label="Convert values",
                        help="Airtable makes of texts what fits: numbers, dates, new choices, linked records.",
                        default=True,
                    ),
                    SPLIT_RETRY,
                ),
                split_retry=True,
                limits=Limits(batch_rows=MOST, concurrency=2, rates=(RATE,)),
            ),
        ),
    )
    writers: ClassVar = {"records": write_records}

    async def bases(self) -> list[Choice]:
        """Bases that the token may write to."""
        async with self.line() as line:
            pages = line.pages("meta/bases", "bases", next_page)
            return [Choice(b["id"], b["name"]) async for b in pages if b.get("permissionLevel") in ("create", "edit")]

    async def tables(self, base: str) -> list[Choice]:
        """The tables of a base."""
        return [Choice(table["id"], table["name"]) for table in await self._tables(base)]

    async def fields(self, sync_type: str, settings: Mapping[str, Any]) -> Sequence[DestinationField]:
        told = await self._tables(str(settings["base"]))
        table = next((t for t in told if t["id"] == settings["table"]), None)
        if table is None:
            raise ConfigError("There is no such table in the base.", field="table")
        return [field_of(each) for each in table["fields"] if each["type"] not in CALCULATED]

    async def _tables(self, base: str) -> list[Record]:
        async with self.line() as line:
            found: list[Record] = (await line.get(f"meta/bases/{base}/tables"))["tables"]
            return found


def field_of(told: Record) -> DestinationField:
    """A field by its id, which stays when it is renamed."""
    native = told["type"]
    return field(
        told["id"], told["name"], TYPES.get(native, "text"), identifier=native in MERGED, native_type=native,
        description=str(told.get("description") or ""),
    )  # fmt: skip
