"""What goes to ActiveCampaign: contacts by import or one by one, members of lists, tags, events."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from connectors.destinations.activecampaign.settings import CUSTOM, EMAIL, EVENTS, FEWEST, IN_IMPORTS, NAMES
from connectors.sdk import receipts
from connectors.sdk.destination import Mode, RowResult
from connectors.sdk.errors import BatchRejected
from connectors.sdk.rest import Found, JobState, Record, Results, Work, by_value, finished, missing
from connectors.sdk.rest.work import NOTHING_TO_REMOVE, text
from connectors.sdk.rows import dumps
from connectors.sdk.types import Operation


async def write_contacts(work: Work) -> Results:
    """Contacts by import; where none may be made, or some are removed, they are looked up first."""
    if work.job.mode is Mode.UPSERT and work.operation is not Operation.REMOVED:
        return await work.distinct(put_contacts, fold=str.lower)
    found = await contacts_by(work)

    async def change(part: Work, ids: Sequence[str]) -> Results:
        return await put_contacts(part)

    async def remove(part: Work, ids: Sequence[str]) -> Results:
        return await part.each_found(ids, partial(remove_contact, part), at_once=2)

    return await work.by_match(found, update=change, remove=remove)


async def put_contacts(work: Work) -> Results:
    """Rows without empty values in one import, which may leave those as they are; the others one by one."""
    whole = [place for place, record in enumerate(work.records) if None not in record.values()]
    whole = whole if len(whole) >= FEWEST else []
    others = sorted({*range(len(work))} - {*whole})
    return await work.in_groups((whole, import_contacts), (others, put_each))


async def put_each(work: Work) -> Results:
    """One request a contact."""

    async def send(record: Record) -> RowResult | None:
        told = {name: "" if record[name] is None else text(record[name]) for name in IN_IMPORTS if name in record}
        own = [{"field": key, "value": value} for key, value in own_fields(record)]
        await work.line.post("contact/sync", {"contact": {**told, **({"fieldValues": own} if own else {})}})
        return None

    return await work.each(send, at_once=2)


async def import_contacts(work: Work, also: Record | None = None) -> Results:
    """One import; what it says of contacts that it refused are their addresses. ``also``: what all of them get."""

    async def start() -> str:
        contacts = [{**imported(record), **(also or {})} for record in work.records]
        return str((await work.line.post("import/bulk_import", {"contacts": contacts}))["batchId"])

    async def ask(batch: str) -> JobState:
        told = await work.line.get("import/info", {"batchId": batch})
        return JobState(told["status"] in ("completed", "failed"), told)

    told = await finished(start, ask, within_s=1_500)
    if told["status"] == "failed":
        await receipts.current().keep("")
        raise BatchRejected("ActiveCampaign's import failed.")
    refused = [(str(each), "ActiveCampaign refused the contact.") for each in told.get("failure") or ()]
    return by_value([record[EMAIL.name] for record in work.records], refused)


def imported(record: Record) -> Record:
    """A contact as imports take it."""
    told = {IN_IMPORTS[name]: text(v) for name, v in record.items() if name in IN_IMPORTS and v is not None}
    own = [{"id": int(key), "value": value} for key, value in own_fields(record)]
    return {**told, **({"fields": own} if own else {})}


def own_fields(record: Record) -> list[tuple[str, str]]:
    """Custom fields by ID, with values as text: several are parted by double bars."""
    found = []
    for name, value in record.items():
        if name.startswith(CUSTOM):
            many = f"||{'||'.join(map(text, value))}||" if isinstance(value, list) else None
            plain = dumps(value).decode() if isinstance(value, dict) else text(value)
            found.append((name.removeprefix(CUSTOM), "" if value is None else many or plain))
    return found


async def remove_contact(work: Work, record: Record, key: str) -> RowResult | None:
    """Delete a contact."""
    answer = await work.line.send("DELETE", f"contacts/{key}", takes=(404,))
    return NOTHING_TO_REMOVE if answer.status == 404 else None


async def contacts_by(work: Work) -> Found:
    """The ids of contacts, asked for one by one."""

    async def ask(values: Sequence[str]) -> list[tuple[str, str]]:
        told = (await work.line.get("contacts", {"email": values[0]}))["contacts"]
        return [(each["email"], each["id"]) for each in told]

    return await work.look_up(ask, chunk=1, fold=str.lower, at_once=2)


async def write_list(work: Work) -> Results:
    """Subscribe contacts to a list by import, which makes those that are missing, or unsubscribe them."""
    if not work.leaving:
        also = {"subscribe": [{"listid": int(work.place)}]}
        return await work.distinct(partial(import_contacts, also=also), fold=str.lower)

    async def unsubscribe(record: Record, key: str) -> None:
        await work.line.post("contactLists", {"contactList": {"list": work.place, "contact": key, "status": 2}})

    return await taken_out(work, unsubscribe)


async def write_tag(work: Work) -> Results:
    """Give contacts a tag by import, which makes those that are missing, or take it from them."""
    if not work.leaving:
        if "tag" not in work.memo:
            work.memo["tag"] = (await work.line.get(f"tags/{work.place}"))["tag"]["tag"]
        also = {"tags": [work.memo["tag"]]}
        return await work.distinct(partial(import_contacts, also=also), fold=str.lower)

    async def untag(record: Record, key: str) -> RowResult | None:
        told = (await work.line.get(f"contacts/{key}/contactTags"))["contactTags"]
        tied = next((each["id"] for each in told if str(each["tag"]) == work.place), None)
        if tied is None:
            return NOTHING_TO_REMOVE
        await work.line.send("DELETE", f"contactTags/{tied}", takes=(404,))
        return None

    return await taken_out(work, untag)


async def taken_out(work: Work, act: Any) -> Results:
    """Contacts that are there, one by one."""

    async def each(part: Work, ids: Sequence[str]) -> Results:
        return await part.each_found(ids, act, at_once=2)

    async def nobody(part: Work) -> Results:
        return [NOTHING_TO_REMOVE] * len(part)

    return await work.by_match(await contacts_by(work), update=each, remove=each, create=nobody)


async def write_event(work: Work) -> Results:
    """One event, once."""
    record = work.records[0]
    if refusal := missing(record, "email") or NAMES.refusal(work.settings, record):
        return [refusal]
    form = {
        "actid": work.config.get("event_account"),
        "key": work.config.get("event_key"),
        "event": text(NAMES.of(work.settings, record)),
        "visit": dumps({"email": text(record["email"])}).decode(),
    }
    if record.get("eventdata") is not None:
        form["eventdata"] = text(record["eventdata"])
    return await work.each(partial(send_event, work, form))


async def send_event(work: Work, form: Record, record: Record) -> None:
    """Send what was made of the only row; the answer says 200 also where it is a refusal."""
    told = (await work.line.beside(EVENTS).send("POST", "event", form=form)).json()
    if not told.get("success"):
        raise BatchRejected(str(told.get("message") or "ActiveCampaign refused the event."))
