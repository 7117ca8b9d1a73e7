"""Records of HubSpot's objects: batches of 100, told apart in the answer by an id that we give each row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connectors.destinations.hubspot.associations import associate
from connectors.destinations.hubspot.settings import ID, UNIQUE, VERSION
from connectors.sdk.destination import ACCEPTED, DestinationField, Mode, RowResult, rejected
from connectors.sdk.errors import BatchRejected
from connectors.sdk.rest import Found, Record, Results, Work
from connectors.sdk.rest.times import moment
from connectors.sdk.rest.work import text
from connectors.sdk.rows import dumps
from connectors.sdk.types import Operation

Asked = Sequence[tuple[str, str]]
PAGE = 200  # results of a search


async def write_records(work: Work) -> Results:
    """Straight to the upsert where HubSpot keeps the matching property unique; else found first, then written."""
    if work.job.mode is Mode.INSERT:
        return await create(work)
    if work.job.mode is Mode.UPSERT and work.operation is not Operation.REMOVED and is_unique(work):
        return await work.by_match(Found({}), create=upsert)
    return await work.by_match(await look_up(work), create=create, update=change, remove=remove)


async def create(work: Work) -> Results:
    """New records."""
    inputs = [{**each, "associations": []} for each in inputs_of(work)]
    return await _sent(work, "create", inputs)


async def upsert(work: Work) -> Results:
    """Made or changed, by a property that HubSpot keeps unique."""
    inputs = inputs_of(work, [text(record[work.match]) for record in work.records])
    await leave_filled(work, inputs, by=work.match)
    return await _sent(work, "upsert", [{**each, "idProperty": work.match} for each in inputs])


async def change(work: Work, ids: Sequence[str]) -> Results:
    """Records that are there."""
    inputs = inputs_of(work, ids)
    if work.operation is not Operation.REMOVED:
        await leave_filled(work, inputs)
    return await _sent(work, "update", inputs, ids)


async def remove(work: Work, ids: Sequence[str]) -> Results:
    """Archived, or erased one by one."""
    if work.settings.get("removal") == "erase":
        for each in ids:
            await work.line.send("POST", f"{objects(work)}/gdpr-delete", json={"objectId": each})
    else:
        body = {"inputs": [{"id": each} for each in ids]}
        await work.line.send("POST", f"{objects(work)}/batch/archive", json=body)
    return [ACCEPTED] * len(work)


async def leave_filled(work: Work, inputs: Sequence[Record], *, by: str = ID) -> None:
    """Take out of the inputs what is to be filled only while empty, and is not empty at HubSpot."""
    chosen = {each.strip() for each in str(work.settings.get("fill_empty") or "").split(",")} - {by}
    names = [each.name for each in work.job.fields if each.name in chosen]
    if not names or not inputs:
        return
    asked = {"inputs": [{"id": each["id"]} for each in inputs], "propertiesWithHistory": []}
    named = {} if by == ID else {"idProperty": by}
    told = await work.line.post(f"{objects(work)}/batch/read", {**named, **asked, "properties": [*names, by]})
    there = {str(each["properties"].get(by) or each["id"]).lower(): each["properties"] for each in told["results"]}
    for each in inputs:
        filled = there.get(str(each["id"]).lower(), {})
        each["properties"] = {k: v for k, v in each["properties"].items() if k not in names or not filled.get(k)}


async def look_up(work: Work, name: str = "") -> Found:
    """The ids of records by the property that matches."""
    name = name or work.match

    async def ask(values: Sequence[str]) -> Asked:
        return await find(work, str(work.settings["object"]), name, values, unique=is_unique(work))

    return await work.look_up(ask, name=name, fold=str.lower)


async def find(work: Work, kind: str, name: str, values: Sequence[str], *, unique: bool) -> Asked:
    """The ids of an object's records by the values of a property: read where it is unique or the id, else searched."""
    path = f"crm/objects/{VERSION}/{kind}"
    if name == ID or unique or name in UNIQUE.get(kind, ()):
        by = {} if name == ID else {"idProperty": name}
        wanted = {"inputs": [{"id": each} for each in values], "properties": [name], "propertiesWithHistory": []}
        answer = await work.line.post(f"{path}/batch/read", {**by, **wanted})
        return [(record["properties"].get(name) or record["id"], record["id"]) for record in answer["results"]]
    found: list[tuple[str, str]] = []
    condition = {"propertyName": name, "operator": "IN", "values": [each.lower() for each in values]}
    asked = {"filterGroups": [{"filters": [condition]}], "properties": [name], "limit": PAGE, "sorts": []}
    after = "0"
    while after:
        answer = await work.line.post(f"{path}/search", {**asked, "after": after})
        found += [(record["properties"][name], record["id"]) for record in answer["results"]]
        following = ((answer.get("paging") or {}).get("next") or {}).get("after", "")
        after = following if following != after else ""
    return found


def is_unique(work: Work) -> bool:
    """Whether HubSpot keeps the matching property unique."""
    chosen = next((each for each in work.job.fields if each.name == work.match), None)
    return work.match in UNIQUE.get(str(work.settings["object"]), ()) or bool(chosen and chosen.recommended)


def objects(work: Work) -> str:
    """The path of the object's records."""
    return f"crm/objects/{VERSION}/{work.settings['object']}"


def inputs_of(work: Work, ids: Sequence[str] = ()) -> list[Record]:
    """The rows as HubSpot takes them; each has an id of its own by which the answer speaks of it."""
    known = {each.name: each for each in work.job.fields}
    inputs = []
    for place, record in enumerate(work.records):
        properties = {
            name: value_of(value, known.get(name))
            for name, value in record.items()
            if not name.startswith("associations.") and name != ID
        }
        named = {"id": ids[place]} if ids else {}
        inputs.append({**named, "objectWriteTraceId": str(place), "properties": properties})
    return inputs


def value_of(value: Any, declared: DestinationField | None) -> str:
    """A value as text: dates without a time, several choices between semicolons, nothing as an empty text."""
    if value is None:
        return ""
    if isinstance(value, list) and not any(isinstance(each, list | dict) for each in value):
        return ";".join(text(each) for each in value if each is not None)
    if isinstance(value, list | dict):
        return dumps(value).decode()
    if declared is not None and declared.native_type == "date" and len(str(value)) != len("2026-01-31"):
        return moment(value, field=declared.name).date().isoformat()
    return text(value)


async def _sent(work: Work, action: str, inputs: list[Record], ids: Sequence[str] = ()) -> Results:
    answer = await work.line.post(f"{objects(work)}/batch/{action}", {"inputs": inputs})
    written = {each["objectWriteTraceId"]: each["id"] for each in answer["results"] if each.get("objectWriteTraceId")}
    results = list(results_of(len(inputs), answer, written))
    places = [place for place, result in enumerate(results) if result.accepted]
    known = {place: written.get(str(place)) or (ids[place] if ids else None) for place in places}
    refused = {} if work.operation is Operation.REMOVED else await associate(work, known, find)
    return [refused.get(place, result) for place, result in enumerate(results)]


def results_of(rows: int, answer: Mapping[str, Any], written: Mapping[str, str]) -> Iterable[RowResult]:
    """What became of each row: refused by name, or by what was said where it is missing from the results."""
    errors = answer.get("errors") or []
    refused = {str(trace): e["message"] for e in errors for trace in e["context"].get("objectWriteTraceId", ())}
    unnamed = next((e["message"] for e in errors if not e["context"].get("objectWriteTraceId")), "")
    if len(answer["results"]) < rows and not errors:
        raise BatchRejected("HubSpot wrote fewer records than it was sent, and does not say why.")
    for place in range(rows):
        if said := refused.get(str(place)) or (unnamed if str(place) not in written else ""):
            yield rejected(said)
        else:
            yield ACCEPTED
