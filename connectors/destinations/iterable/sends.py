"""What goes to Iterable besides users: events, carts, catalog items, triggers and devices."""

from __future__ import annotations

import re
from functools import partial
from typing import Any
from urllib.parse import quote

from connectors.destinations.iterable.settings import (
    CAMPAIGNS,
    DEVICE,
    EVENT_NAMES,
    HAPPENING,
    ITEM,
    ITEMS,
    NAMED,
    SEND_AT,
    TEMPLATES,
    TOTAL,
    TRIGGERS,
)
from connectors.destinations.iterable.users import AT_ONCE, IDENTITIES, outcomes, person, unmade
from connectors.sdk.destination import ACCEPTED, RowResult, rejected
from connectors.sdk.errors import BatchRejected
from connectors.sdk.rest import Record, Results, Work, besides, missing
from connectors.sdk.rest.times import moment, unix_s
from connectors.sdk.rest.work import text
from connectors.sdk.rows import dumps

ITEM_BYTES = 30_000
ITEM_ID = re.compile(r"[A-Za-z0-9-]{1,255}")
OWN = (*NAMED, *HAPPENING, CAMPAIGNS.field, TEMPLATES.field, EVENT_NAMES.field)


async def write_events(work: Work) -> Results:
    """Custom events in one request, or purchases one by one. Each has an ID, so that it is never counted twice."""
    if work.settings["kind"] == "purchase":
        return await work.each_found(work.event_ids, partial(purchase, work), at_once=AT_ONCE)
    kept: list[Record] = []

    def make(record: Record, made: str) -> Record | RowResult:
        if refusal := EVENT_NAMES.refusal(work.settings, record) or missing(record, *IDENTITIES):
            return refusal
        event = {"eventName": text(EVENT_NAMES.of(work.settings, record)), **happening(work, record, made)}
        kept.append(record)
        return {**event, **person(record, work.config), "createNewFields": bool(work.settings["new_fields"])}

    async def send(events: list[Record]) -> Results:
        answer = await work.line.post("api/events/trackBulk", {"events": events})
        barred = set(answer.get("disallowedEventNames") or ())
        told = zip(events, outcomes(kept, {**answer, "failCount": 0} if barred else answer), strict=True)
        refused = rejected("Iterable does not take events of this name.", field=EVENT_NAMES.field.name)
        return [refused if event["eventName"] in barred else result for event, result in told]

    return await work.together(make, send)


async def purchase(work: Work, record: Record, made: str) -> RowResult | None:
    """One purchase; sent again, it takes the place of the first."""
    if refusal := missing(record, *IDENTITIES) or missing(record, TOTAL.name) or unlisted(record):
        return refusal
    told = happening(work, besides(record, (ITEMS, TOTAL)), made)
    body = {"user": person(record, work.config), "items": record[ITEMS.name], "total": record[TOTAL.name], **told}
    await work.line.post("api/commerce/trackPurchase", body)
    return None


def happening(work: Work, record: Record, made: str) -> Record:
    """What events and purchases share."""
    told: Record = {"id": text(record.get("id") or made)}
    if record.get("createdAt") is not None:
        told["createdAt"] = unix_s(record["createdAt"], field="createdAt")
    for per_row in (CAMPAIGNS, TEMPLATES):
        if (value := per_row.of(work.settings, record)) not in (None, ""):
            told[per_row.field.name] = whole(value, per_row.field.name)
    fields = besides(record, OWN)
    return {**told, **({"dataFields": fields} if fields else {})}


async def write_cart(work: Work) -> Results:
    """The cart of one user, once."""
    record = work.records[0]
    if refusal := missing(record, *IDENTITIES) or unlisted(record):
        return [refusal]
    user = person(record, work.config)
    if fields := besides(record, (*NAMED, ITEMS)):
        user["dataFields"] = fields
    await work.line.post("api/commerce/updateCart", {"user": user, "items": record[ITEMS.name]})
    return [ACCEPTED]


async def write_catalog(work: Work) -> Results:
    """Items by the batch; Iterable writes them in its own time."""
    path = f"api/catalogs/{quote(work.place, safe='')}/items"

    def make(record: Record, made: str) -> Any:
        key = text(record.get(ITEM.name) if record.get(ITEM.name) is not None else "")
        if not ITEM_ID.fullmatch(key):
            return rejected("An ID has 1 to 255 letters, digits and dashes.", field=ITEM.name)
        item = besides(record, (ITEM,))
        if dotted := next((name for name in item if "." in name), ""):
            return rejected("The name of a field must not have a dot.", field=dotted)
        if len(dumps(item)) > ITEM_BYTES:
            return rejected("The item is larger than the 30 kB that Iterable takes.")
        return key, item

    async def send(parts: list[Any]) -> None:
        if work.removing:
            await work.line.send("DELETE", path, json={"itemIds": list(dict.fromkeys(key for key, _ in parts))})
        else:
            await work.line.post(path, {"documents": dict(parts), "replaceUploadedFieldsOnly": True})

    return await work.together(make, send)


async def write_message(work: Work) -> Results:
    """One e-mail or push notification, once."""
    record, kind = work.records[0], work.job.sync_type
    per_row = TRIGGERS[kind]
    if refusal := per_row.refusal(work.settings, record) or missing(record, *IDENTITIES):
        return [refusal]
    body: Record = {"campaignId": whole(per_row.of(work.settings, record), per_row.field.name)}
    for name, value in person(record, work.config).items():
        body["recipientEmail" if name == "email" else "recipientUserId"] = value
    if record.get(SEND_AT.name) is not None:
        body["sendAt"] = f"{moment(record[SEND_AT.name], field=SEND_AT.name):%Y-%m-%d %H:%M:%S}"
    if fields := besides(record, (*NAMED, SEND_AT, per_row.field)):
        body["dataFields"] = fields
    body["allowRepeatMarketingSends"] = bool(work.settings["repeat"])
    await work.line.post(f"api/{'push' if kind == 'trigger_push' else 'email'}/target", body)
    return [ACCEPTED]


async def write_journey(work: Work) -> Results:
    """One user into a journey, once."""
    record, per_row = work.records[0], TRIGGERS["journey"]
    if refusal := per_row.refusal(work.settings, record) or missing(record, *IDENTITIES):
        return [refusal]
    body: Record = {"workflowId": whole(per_row.of(work.settings, record), per_row.field.name)}
    body |= person(record, work.config)
    if fields := besides(record, (*NAMED, per_row.field)):
        body["dataFields"] = fields
    await work.line.post("api/workflows/triggerWorkflow", body)
    return [ACCEPTED]


async def write_devices(work: Work) -> Results:
    """A device for each row; Iterable knows it by its token."""

    async def send(record: Record) -> RowResult | None:
        needed = (missing(record, each.name) for each in DEVICE)
        if refusal := missing(record, *IDENTITIES) or next((r for r in needed if r), None):
            return refusal
        known = person(record, work.config)
        if unmade(next(iter(known)), work.config):
            known["preferUserId"] = True
        device: Record = {each.name: text(record[each.name]) for each in DEVICE}
        if fields := besides(record, (*NAMED, *DEVICE)):
            device["dataFields"] = fields
        await work.line.post("api/users/registerDeviceToken", {**known, "device": device})
        return None

    return await work.each(send, at_once=AT_ONCE)


def unlisted(record: Record) -> RowResult | None:
    """The refusal of a row whose items are no list of objects."""
    items = record.get(ITEMS.name)
    if isinstance(items, list) and items and all(isinstance(each, dict) for each in items):
        return None
    return rejected("Items are a list of objects with id, name, price and quantity.", field=ITEMS.name)


def whole(value: Any, name: str) -> int:
    """An ID of Iterable's; raises ``BatchRejected`` where it is no whole number."""
    told = text(value).strip()
    if not told.isdecimal():
        raise BatchRejected(f"“{told[:100]}” in {name} is not an ID: Iterable's are whole numbers.")
    return int(told)
