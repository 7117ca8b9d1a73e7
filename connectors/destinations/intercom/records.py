"""Contacts and companies of Intercom: one request each, and more for what belongs to them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from connectors.destinations.intercom.settings import CUSTOM
from connectors.sdk.destination import ACCEPTED, Mode, RowResult, rejected
from connectors.sdk.rest import Found, Record, Results, Work
from connectors.sdk.rest.times import unix_ms
from connectors.sdk.rest.work import text
from connectors.sdk.types import Operation

AT_ONCE = 4
MOMENTS = frozenset({"signed_up_at", "last_seen_at", "remote_created_at"})
LINKS = ("companies.company_id", "contacts.email", "contacts.external_id")


async def write_contacts(work: Work) -> Results:
    """Looked up in one search, then made, changed, archived or deleted one by one."""
    await make_attributes(work, "contact")

    async def create(part: Work) -> Results:
        async def send(record: Record) -> RowResult | None:
            made = await part.line.post("contacts", body_of(record))
            return await belongings(part, record, str(made["id"]))

        return await part.each(send, at_once=AT_ONCE)

    async def change(part: Work, ids: Sequence[str]) -> Results:
        async def send(record: Record, key: str) -> RowResult | None:
            await part.line.send("PUT", f"contacts/{key}", json=body_of(record))
            return await belongings(part, record, key)

        return await part.each_found(ids, send, at_once=AT_ONCE)

    async def remove(part: Work, ids: Sequence[str]) -> Results:
        async def send(record: Record, key: str) -> RowResult | None:
            if work.job.mode is Mode.ARCHIVE:
                await part.line.send("POST", f"contacts/{key}/archive")
            else:
                await part.line.send("DELETE", f"contacts/{key}", takes=(404,))
            return None

        return await part.each_found(ids, send, at_once=AT_ONCE)

    async def nothing(part: Work) -> Results:
        return [ACCEPTED] * len(part)

    found = await work.look_up(lambda values: contacts_by(work, work.match, values), chunk=15, fold=str.lower)
    if work.job.mode is Mode.ARCHIVE:
        return await work.by_match(found, create=nothing, update=remove)
    return await work.by_match(found, create=create, update=change, remove=remove)


async def write_companies(work: Work) -> Results:
    """Intercom's own upsert; where nothing may be made, companies are looked up first."""
    await make_attributes(work, "company")

    async def put(part: Work) -> Results:
        async def send(record: Record) -> RowResult | None:
            made = await part.line.post("companies", body_of(record, nulls=False))
            return await company_belongings(part, record, str(made["id"]))

        return await part.each(send, at_once=AT_ONCE)

    async def change(part: Work, ids: Sequence[str]) -> Results:
        async def send(record: Record, key: str) -> RowResult | None:
            told = {name: value for name, value in body_of(record, nulls=False).items() if name != "company_id"}
            await part.line.send("PUT", f"companies/{key}", json=told)
            return await company_belongings(part, record, key)

        return await part.each_found(ids, send, at_once=AT_ONCE)

    async def remove(part: Work, ids: Sequence[str]) -> Results:
        async def send(record: Record, key: str) -> RowResult | None:
            await part.line.send("DELETE", f"companies/{key}", takes=(404,))
            return None

        return await part.each_found(ids, send, at_once=AT_ONCE)

    if work.job.mode is Mode.UPSERT and work.operation is not Operation.REMOVED:
        return await work.by_match(Found({}), create=put)
    found = await work.look_up(lambda values: companies_by(work, values), chunk=1, at_once=AT_ONCE)
    return await work.by_match(found, update=change, remove=remove)


async def contacts_by(work: Work, name: str, values: Sequence[str]) -> list[tuple[str, str]]:
    """The ids of contacts by a field."""
    query = {"field": name, "operator": "IN", "value": list(values)}
    found: list[tuple[str, str]] = []
    after: str | None = ""
    while after is not None:
        page = {"per_page": 150, **({"starting_after": after} if after else {})}
        answer = await work.line.post("contacts/search", {"query": query, "pagination": page})
        found += [(contact[name], contact["id"]) for contact in answer["data"]]
        following = ((answer.get("pages") or {}).get("next") or {}).get("starting_after")
        after = following if following != after else None
    return found


async def companies_by(work: Work, values: Sequence[str]) -> list[tuple[str, str]]:
    """The id of the company with this ID of yours."""
    answer = await work.line.send("GET", "companies", query={"company_id": values[0]}, takes=(404,))
    return [] if answer.status == 404 else [(values[0], answer.json()["id"])]


async def belongings(work: Work, record: Record, contact: str) -> RowResult | None:
    """Put a contact into its companies, and give it its tags."""
    if work.operation is Operation.REMOVED:
        return None
    for value in listed(record.get("companies.company_id")):
        found = await companies_by(work, [value])
        if not found:
            told = f"The contact was written, but there is no company “{value}”."
            return rejected(told, field="companies.company_id")
        await work.line.post(f"contacts/{contact}/companies", {"id": found[0][1]})
    if "tags" in record:
        await _tag(work, contact, listed(record["tags"]), listed(work.old_of(record).get("tags")))
    return None


async def company_belongings(work: Work, record: Record, company: str) -> RowResult | None:
    """Put contacts into a company, and give it its tags."""
    if work.operation is Operation.REMOVED:
        return None
    for name in ("contacts.email", "contacts.external_id"):
        values = listed(record.get(name))
        found = dict(await contacts_by(work, name.partition(".")[2], values)) if values else {}
        for value in values:
            if value not in found:
                return rejected(f"The company was written, but there is no contact “{value}”.", field=name)
            await work.line.post(f"contacts/{found[value]}/companies", {"id": company})
    for tag in listed(record.get("tags")):
        await work.line.post("tags", {"name": tag, "companies": [{"id": company}]})
    return None


async def _tag(work: Work, contact: str, names: Sequence[str], before: Sequence[str]) -> None:
    """Give a contact its tags; take others off, or of those the row had ``before``, where that is chosen."""
    mode, kept = work.settings.get("tag_mode"), {name.lower() for name in names}
    gone = {name.lower() for name in before} - kept
    if mode == "replace" or (mode == "difference" and gone):
        known = (await work.line.get(f"contacts/{contact}/tags"))["data"]
        for tag in known:
            name = tag["name"].lower()
            if name in gone or (mode == "replace" and name not in kept):
                await work.line.send("DELETE", f"contacts/{contact}/tags/{tag['id']}")
    for name in names:
        key = f"tag:{name.lower()}"
        if key not in work.memo:
            work.memo[key] = (await work.line.post("tags", {"name": name}))["id"]
        await work.line.post(f"contacts/{contact}/tags", {"id": work.memo[key]})


async def make_attributes(work: Work, model: str) -> None:
    """Make the custom attributes that a person named and Intercom does not have, once a session."""
    named = [each.name.removeprefix(CUSTOM) for each in work.job.fields if each.name.startswith(CUSTOM)]
    unknown = [name for name in named if not _discovered(work, CUSTOM + name)]
    if not unknown or "attributes" in work.memo:
        return
    answer = await work.line.get("data_attributes", {"model": model})
    there = {each["name"] for each in answer["data"]}
    for name in unknown:
        if name not in there:
            await work.line.post("data_attributes", {"name": name, "model": model, "data_type": _type(work, name)})
    work.memo["attributes"] = True


def _discovered(work: Work, name: str) -> bool:
    return any(each.name == name and each.native_type for each in work.job.fields)


def _type(work: Work, name: str) -> str:
    value = next((v for r in work.records if (v := r.get(CUSTOM + name)) is not None), "")
    kinds = ((bool, "boolean"), (int, "integer"), ((float, Decimal), "float"))
    return next((word for kind, word in kinds if isinstance(value, kind)), "string")


def body_of(record: Record, *, nulls: bool = True) -> Record:
    """A row as Intercom takes it: custom attributes apart, moments as seconds; companies have no null."""
    told: Record = {}
    for name, value in record.items():
        if name in LINKS or name == "tags" or (value is None and not nulls):
            continue
        if name.startswith(CUSTOM):
            told.setdefault("custom_attributes", {})[name.removeprefix(CUSTOM)] = value
        elif value is not None and name in MOMENTS:
            told[name] = unix_ms(value, field=name) // 1000
        else:
            told[name] = value if isinstance(value, bool | int | float | Decimal | None) else text(value)
    return told


def listed(value: Any) -> list[str]:
    """One value, several between commas, or a list."""
    many = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]
    return [told for each in many if each is not None and (told := text(each).strip())]
