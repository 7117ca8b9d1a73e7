"""Records of Salesforce's objects: by REST in collections of 200, or as jobs of Bulk API 2.0."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.destinations.salesforce.bulk import run_job
from connectors.destinations.salesforce.merging import merge_written
from connectors.destinations.salesforce.settings import BULK_FROM, COLLECTION
from connectors.destinations.salesforce.soql import next_page, quoted
from connectors.sdk.destination import ACCEPTED, Mode, RowResult, rejected
from connectors.sdk.rest import Found, Record, Results, Work
from connectors.sdk.rest.work import text
from connectors.sdk.rows import dumps
from connectors.sdk.types import Operation

LOCKED = frozenset({"UNABLE_TO_LOCK_ROW"})  # somebody else writes to the record just now
GONE = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"})  # what removing a record again is told


async def write_records(work: Work) -> Results:
    """The records, then the merges that they make necessary."""
    return await merge_written(work, await write_unmerged(work))


async def write_unmerged(work: Work) -> Results:
    """Salesforce's own upsert where it serves; else records are found first, then written by their ids."""
    if work.job.mode is Mode.INSERT:
        return await create(work)
    if (other := converted_to(work.settings)) is not None:
        return await write_either(work, other)
    leaving = work.removing or work.job.mode is Mode.ARCHIVE
    native = work.job.mode is Mode.UPSERT and work.operation is not Operation.REMOVED and not fixed_fields(work)
    if native:
        return await work.by_match(Found({}), create=upsert)
    found = await look_up(work)
    if leaving:
        return await work.by_match(found, create=nothing, update=remove, remove=remove)
    return await work.by_match(found, create=create, update=change)


def converted_to(settings: Mapping[str, Any]) -> str | None:
    """The object whose records the chosen one's may have become: leads that were converted."""
    chosen = str(settings.get("converted") or "none")
    return chosen if settings.get("object") == "Lead" and chosen != "none" else None


async def write_either(work: Work, other: str) -> Results:
    """Rows whose match is in the other object are written there, all others where they belong."""

    def within(kind: str) -> Callable[[Work], Awaitable[Results]]:
        settings = {**work.settings, "object": kind, "converted": "none"}
        job = replace(work.job, settings=settings)
        return lambda part: write_unmerged(replace(part, job=job))

    job = replace(work.job, settings={**work.settings, "object": other})
    found = await look_up(replace(work, job=job))
    there = [place for place, record in enumerate(work.records) if found.of(record.get(work.match))]
    rest = [place for place in range(len(work)) if place not in set(there)]
    return await work.in_groups((there, within(other)), (rest, within(str(work.settings["object"]))))


def fixed_fields(work: Work) -> set[str]:
    """Fields that can be set when a record is made, and never after."""
    return {each.name for each in work.job.fields if each.modes and not each.fits(Mode.UPDATE)}


async def look_up(work: Work) -> Found:
    """The ids of the records; an id needs no question."""
    if work.match == "Id":
        return await work.look_up(_as_ids)

    async def ask(values: Sequence[str]) -> list[tuple[str, str]]:
        listed = ",".join(quoted(value) for value in values)
        asked = f"SELECT Id, {work.match} FROM {work.settings['object']} WHERE {work.match} IN ({listed})"  # noqa: S608  # names are Salesforce's own, values are quoted
        pages = work.line.pages("query", "records", next_page, {"q": asked})
        return [(record[work.match], record["Id"]) async for record in pages]

    return await work.look_up(ask, fold=str.lower)


async def create(work: Work) -> Results:
    """New records."""
    return await _send(work, "insert", [fields_of(work, record) for record in work.records])


async def upsert(work: Work) -> Results:
    """Made or changed, as Salesforce finds out by the external ID."""
    return await _send(work, "upsert", [fields_of(work, record) for record in work.records])


async def change(work: Work, ids: Sequence[str]) -> Results:
    """Records that are there."""
    own = {*fixed_fields(work), work.match}
    told = [{k: v for k, v in fields_of(work, record).items() if k not in own} for record in work.records]
    return await _send(work, "update", [{"Id": key, **each} for key, each in zip(ids, told, strict=True)])


async def remove(work: Work, ids: Sequence[str]) -> Results:
    """Into the recycle bin."""
    return await _send(work, "delete", [{"Id": key} for key in ids])


async def nothing(work: Work) -> Results:
    """Records that are not there need no deleting."""
    return [ACCEPTED] * len(work)


def fields_of(work: Work, record: Record) -> Record:
    """A row as Salesforce takes it: several choices between semicolons, objects as text."""
    return {name: value_of(value) for name, value in record.items()}


def value_of(value: Any) -> Any:
    """A value of a field."""
    if isinstance(value, list) and not any(isinstance(each, list | dict) for each in value):
        return ";".join(text(each) for each in value if each is not None)
    return dumps(value).decode() if isinstance(value, list | dict) else value


async def _send(work: Work, operation: str, records: Sequence[Record]) -> Results:
    engine = work.settings["engine"]
    if engine == "bulk" or (engine == "auto" and len(records) >= BULK_FROM):
        key = {"insert": "", "upsert": work.match if operation == "upsert" else ""}.get(operation, "Id")
        return await run_job(work, operation, key, records)
    results: list[RowResult] = []
    for start in range(0, len(records), COLLECTION):
        results += await _collection(work, operation, records[start : start + COLLECTION])
    return results


async def _collection(work: Work, operation: str, records: Sequence[Record]) -> Results:
    """One request of up to 200 records; the answers come in their order."""
    kind, path = str(work.settings["object"]), "composite/sobjects"
    if operation == "delete":
        query = {"ids": ",".join(record["Id"] for record in records), "allOrNone": "false"}
        answers = (await work.line.send("DELETE", path, query=query)).json()
    else:
        body = {"allOrNone": False, "records": [nested(kind, record) for record in records]}
        address = f"{path}/{kind}/{work.match}" if operation == "upsert" else path
        answers = (await work.line.send("POST" if operation == "insert" else "PATCH", address, json=body)).json()
    return [result_of(answer, operation) for answer, _ in zip(answers, records, strict=True)]


def nested(kind: str, record: Record) -> Record:
    """A record as JSON: ``Account.Number__c`` finds the account by its external ID; an empty one changes nothing."""
    told: Record = {"attributes": {"type": kind}}
    for name, value in record.items():
        relation, _, by = name.partition(".")
        if not by:
            told["id" if name == "Id" else name] = value
        elif value is not None:
            told[relation] = {by: value}
    return told


def result_of(answer: Mapping[str, Any], operation: str) -> RowResult:
    """What became of one record."""
    if answer["success"]:
        return ACCEPTED
    errors = answer["errors"]
    if operation == "delete" and all(error["statusCode"] in GONE for error in errors):
        return ACCEPTED
    passing = all(error["statusCode"] in LOCKED for error in errors)
    return rejected("; ".join(f"{error['statusCode']}: {error['message']}" for error in errors), passing=passing)


async def _as_ids(values: Sequence[str]) -> list[tuple[str, str]]:
    return [(value, value) for value in values]
