"""Users, organizations, tickets and records of custom objects: found, then written by jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.destinations.zendesk.bulk import earlier, in_jobs, job, listed
from connectors.destinations.zendesk.settings import API, CUSTOM, KINDS, MEMBERSHIP, MOST, Kind
from connectors.sdk.destination import ACCEPTED, Mode, RowResult, rejected
from connectors.sdk.errors import BatchRejected
from connectors.sdk.rest import Found, Record, Results, Work, missing
from connectors.sdk.rest.api import at
from connectors.sdk.rest.work import text

Pairs = list[tuple[Any, str]]
RECORDS_SEARCHED = 25  # values in one search of a custom object, whose first page of 100 must hold all
LISTS = frozenset({"tags", "domain_names"})
# What a user is found by when Zendesk itself creates or updates.
UNIQUE = frozenset({"email", "external_id"})


async def write_standard(work: Work) -> Results:
    """Users are upserted by Zendesk itself where it can; all others are looked up first."""
    kind = KINDS[str(work.settings["object"])]
    await earlier(work)

    async def send(part: Work, method: str, action: str, ids: Sequence[str] = ()) -> Results:
        records = [body_of(kind, record, ids[place] if ids else "") for place, record in enumerate(part.records)]
        path = f"{kind.path}/{action}.json"
        return await in_jobs(part, method, path, lambda items: {kind.path: items}, records)

    async def put(part: Work) -> Results:
        return await send(part, "POST", "create_or_update_many")

    async def create(part: Work) -> Results:
        return await send(part, "POST", "create_many")

    async def change(part: Work, ids: Sequence[str]) -> Results:
        return await send(part, "PUT", "update_many", ids)

    if kind.path == "users" and work.job.mode is Mode.UPSERT and work.match in UNIQUE:
        return await work.by_match(Found({}, str.lower), create=put)
    found = await look_up(work, kind, work.match, work.match)
    return await work.by_match(found, create=create, update=change)


async def write_custom(work: Work) -> Results:
    """Records of a custom object: Zendesk's own upsert by external ID, or looked up first."""
    key = str(work.settings["object"]).removeprefix(CUSTOM)
    await earlier(work)

    async def send(part: Work, action: str, ids: Sequence[str] = ()) -> Results:
        records = [record_of(record, ids[place] if ids else "") for place, record in enumerate(part.records)]

        def body(items: list[Record]) -> Record:
            return {"job": {"action": action, "items": items}}

        return await in_jobs(part, "POST", f"custom_objects/{key}/jobs", body, records)

    async def put(part: Work) -> Results:
        return await send(part, "create_or_update_by_external_id")

    async def create(part: Work) -> Results:
        return await send(part, "create")

    async def change(part: Work, ids: Sequence[str]) -> Results:
        return await send(part, "update", ids)

    if work.job.mode is Mode.UPSERT and work.match == "external_id":
        return await work.by_match(Found({}), create=put)
    return await work.by_match(await _custom_records(work, key), create=create, update=change)


async def write_memberships(work: Work) -> Results:
    """One job for the batch, once the users and organizations that its rows name are found."""
    users = {name: await _named(work, "users", f"user.{name}") for name in ("email", "external_id")}
    groups = {name: await _named(work, "organizations", f"organization.{name}") for name in ("external_id", "name")}
    results: list[RowResult] = []
    pairs: list[Record] = []
    for record in work.records:
        user, problem = _one_of(record, "user", users)
        group, other = _one_of(record, "organization", groups)
        results.append(problem or other or ACCEPTED)
        if results[-1].accepted:
            chosen = {"default": record["default"]} if record.get("default") is not None else {}
            pairs.append({"user_id": number(user), "organization_id": number(group), **chosen})
    if not pairs:
        return results
    body = {"organization_memberships": pairs}
    told = iter(await job(work, "POST", "organization_memberships/create_many.json", body, len(pairs)))
    return [next(told) if result.accepted else result for result in results]


async def look_up(work: Work, kind: Kind, name: str, by: str) -> Found:
    """The ids of records whose field ``by`` has the value that rows have in ``name``."""

    async def ask(values: Sequence[str]) -> Pairs:
        if by == "id":
            return [(value, value) for value in values]
        if by == "external_id" and kind.path != "tickets":
            query = {"external_ids": ",".join(values)}
            answer = await work.line.get(f"{API}/{kind.path}/show_many.json", query)
            return [(each["external_id"], each["id"]) for each in answer[kind.path]]
        return await searched(work, kind, by, values)

    most = int(work.settings["search_batch"])
    chunk = min(most, MOST) if by == "external_id" else most
    return await work.look_up(ask, name=name, chunk=chunk, fold=str.lower)


async def searched(work: Work, kind: Kind, by: str, values: Sequence[str]) -> Pairs:
    """Records by Zendesk's search, which also finds what is only like it: https://support.zendesk.com/hc/en-us/articles/4408886879258"""
    _, _, custom = by.partition(kind.custom)
    term = (f"custom_field_{custom}" if kind.path == "tickets" else custom) if custom else by
    quoted = " ".join(f'{term}:"{value.replace(chr(34), " ")}"' for value in values)
    pages = work.line.pages(f"{API}/search.json", "results", next_page, {"query": f"type:{kind.one} {quoted}"})
    found = [(_value(each, by), each["id"]) async for each in pages]
    return [(value, key) for value, key in found if value is not None]


def next_page(answer: Record) -> str | None:
    """The address of the next page, as searches and lists tell it."""
    meta = answer.get("meta")
    if meta is not None:
        return (answer.get("links") or {}).get("next") if meta.get("has_more") else None
    return answer.get("next_page")


def _value(told: Record, by: str) -> Any:
    if by.startswith("custom_fields."):
        key = by.removeprefix("custom_fields.")
        return next((each["value"] for each in told["custom_fields"] if str(each["id"]) == key), None)
    return at(told, by)


async def _custom_records(work: Work, key: str) -> Found:
    path, by = f"{API}/custom_objects/{key}/records", work.match

    async def ask(values: Sequence[str]) -> Pairs:
        if by == "id":
            return [(value, value) for value in values]
        if by == "external_id":
            query = {"filter[external_ids]": ",".join(values), "page[size]": MOST}
            told = (await work.line.get(path, query))["custom_object_records"]
        else:
            wanted = {"filter": {"$or": [{by: {"$eq": value}} for value in values]}}
            answer = await work.line.post(f"{path}/search", wanted, {"page[size]": MOST})
            if (answer.get("meta") or {}).get("has_more"):
                raise BatchRejected(f"Too many records have the same {by}: match by a field that tells them apart.")
            told = answer["custom_object_records"]
        return [(at(each, by), each["id"]) for each in told]

    chunk = MOST if by == "external_id" else RECORDS_SEARCHED
    return await work.look_up(ask, chunk=chunk, fold=str.lower if by != "external_id" else str)


async def _named(work: Work, path: str, name: str) -> Found:
    """The users or organizations that rows name in this field."""
    if all(each.name != name for each in work.job.fields):
        return Found({})
    return await look_up(work, KINDS[path], name, name.partition(".")[2])


def _one_of(record: Record, noun: str, known: dict[str, Found]) -> tuple[str, RowResult | None]:
    """The id that a row names by itself or by what else its record has."""
    if record.get(f"{noun}_id") not in (None, ""):
        return text(record[f"{noun}_id"]), None
    names = [each.name for each in MEMBERSHIP if each.name.startswith((f"{noun}_", f"{noun}."))]
    if refusal := missing(record, *names):
        return "", refusal
    name = next(name for name in names if record.get(name) not in (None, ""))
    found = known[name.partition(".")[2]].of(record[name])
    if len(found) != 1:
        many = "No" if not found else "More than one"
        return "", rejected(f"{many} {noun} has the {name.partition('.')[2]} “{text(record[name])}”.", field=name)
    return found[0], None


def number(key: str) -> int | str:
    """An ID as Zendesk writes it."""
    return int(key) if key.isdecimal() else key


def body_of(kind: Kind, record: Record, key: str) -> Record:
    """A row as Zendesk takes it: custom fields apart, lists as lists; ``key`` is the id of a record that is there."""
    told: Record = {"id": number(key)} if key else {}
    for name, value in record.items():
        outer, _, inner = name.partition(".")
        if name == "id":
            continue
        if outer == "custom_fields":
            told.setdefault(outer, []).append({"id": number(inner), "value": value})
        elif inner:
            told.setdefault(outer, {})[inner] = value
        elif name in LISTS:
            told[name] = listed(value)
        else:
            told[name] = text(value) if name == "external_id" and value is not None else value
    return told


def record_of(record: Record, key: str) -> Record:
    """A row as a record of a custom object."""
    told: Record = {"id": key} if key else {}
    for name, value in record.items():
        outer, _, inner = name.partition(".")
        if inner:
            told.setdefault(outer, {})[inner] = value
        elif name != "id":
            told[name] = text(value) if value is not None else None
    return told
