"""Legacy custom objects, and the relationships that legacy types of them can have with other records.

https://developer.zendesk.com/api-reference/custom-data/custom-objects-api/resources/
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.destinations.zendesk.bulk import listed
from connectors.destinations.zendesk.records import look_up as look_up_standard
from connectors.destinations.zendesk.settings import KINDS, LEGACY, LEGACY_API, MOST
from connectors.sdk.destination import DestinationField, Mode, RowResult, rejected
from connectors.sdk.rest import Found, Line, Record, Results, Work, field, one_by_one
from connectors.sdk.rest.work import text

ATTRIBUTE, LINK = "attributes.", "relationships."
RECORDS = f"{LEGACY_API}/objects/records"
ZENDESK = "zen:"  # before the types of records that are Zendesk's own
MERGE = "application/merge-patch+json"
TYPES = {"string": "text", "integer": "number", "number": "number", "boolean": "boolean"}


async def write_legacy(work: Work) -> Results:
    """Zendesk's own upsert by external ID, or an update of what was found; then the relationships."""
    kind = str(work.settings["object"]).removeprefix(LEGACY)

    async def put(record: Record) -> RowResult | None:
        told = {"type": kind, "external_id": text(record["external_id"]), "attributes": attributes_of(record)}
        answer = (await work.line.send("PUT", RECORDS, json={"data": told})).json()
        return await relate(work, record, str(answer["data"]["id"]))

    async def change(record: Record, key: str) -> RowResult | None:
        told = {"data": {"attributes": attributes_of(record)}}
        await work.line.send("PATCH", f"{RECORDS}/{key}", json=told, content_type=MERGE)
        return await relate(work, record, key)

    async def ask(values: Sequence[str]) -> list[tuple[str, str]]:
        return [(v, v) for v in values] if work.match == "id" else await known(work, kind, values)

    if work.job.mode is Mode.UPSERT:
        return await one_by_one(work, Found({}, str.lower), create=put)
    return await one_by_one(work, await work.look_up(ask, chunk=MOST, fold=str.lower), change=change)


async def known(work: Work, kind: str, values: Sequence[str]) -> list[tuple[str, str]]:
    """The ids of records of a type by their external IDs."""
    answer = await work.line.get(RECORDS, {"type": kind, "external_ids": ",".join(values)})
    return [(each["external_id"], each["id"]) for each in answer["data"]]


def attributes_of(record: Record) -> Record:
    """What the type itself describes."""
    return {name.removeprefix(ATTRIBUTE): value for name, value in record.items() if name.startswith(ATTRIBUTE)}


async def relate(work: Work, record: Record, key: str) -> RowResult | None:
    """Make the relationships that a row names; those that are there are left as they are."""
    for name in (each for each in record if each.startswith(LINK)):
        _, kind, target, by = name.split(".")
        for value in listed(record[name]):
            found = [value] if by == "id" else await _targets(work, target, name, value)
            if len(found) != 1:
                many = "no record" if not found else "more than one record"
                told = f"The record was written, but {many} of {target} has the {by} “{value}”."
                return rejected(told, field=name)
            end = f"{target}:{found[0]}" if target.startswith(ZENDESK) else found[0]
            told_link = {"relationship_type": kind, "source": key, "target": end}
            await work.line.send("POST", f"{LEGACY_API}/relationships/records", json={"data": told_link}, takes=(409,))
    return None


async def _targets(work: Work, target: str, name: str, value: str) -> Sequence[str]:
    asked = f"{name}={value}"
    if asked not in work.memo:
        if target.startswith(ZENDESK):
            only = work.pick([place for place, r in enumerate(work.records) if value in listed(r.get(name))][:1])
            found = await look_up_standard(only, KINDS[f"{target.removeprefix(ZENDESK)}s"], name, "external_id")
            work.memo[asked] = found.of(value)
        else:
            work.memo[asked] = [key for _, key in await known(work, target, [value])]
    told: Sequence[str] = work.memo[asked]
    return told


async def legacy_fields(line: Line, kind: str) -> list[DestinationField]:
    """What the type describes, and the relationships that begin at it."""
    told = (await line.get(f"{LEGACY_API}/objects/types/{kind}"))["data"]["schema"]
    links = (await line.get(f"{LEGACY_API}/relationships/types"))["data"]
    needed = told.get("required") or ()
    own = [
        field(f"{ATTRIBUTE}{name}", name, TYPES.get(each.get("type"), "any"), required=name in needed)
        for name, each in told["properties"].items()
    ]
    return [*own, *(each for link in links if link["source"] == kind for each in _link(link))]


def _link(told: Record) -> list[DestinationField]:
    target = told["target"][0] if isinstance(told["target"], list) else told["target"]
    words = "One value, several between commas, or a list."
    ways = ("id",) if target == f"{ZENDESK}ticket" else ("id", "external_id")
    return [
        field(f"{LINK}{told['key']}.{target}.{by}", f"{told['key']} → {target} {by}", "reference", description=words)
        for by in ways
    ]
