"""Records by Shopify's older interface, one request a row: https://shopify.dev/docs/api/admin-rest"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.destinations.shopify.changes import listed, plain
from connectors.destinations.shopify.settings import fields_of
from connectors.sdk.destination import Mode, RowResult
from connectors.sdk.errors import BatchRejected
from connectors.sdk.rest import Found, Record, Results, Work, missing, one_by_one
from connectors.sdk.rest.work import NO_MATCH, text

# What the interface calls an object's records, and one of them.
KINDS = {
    "customers": ("customers", "customer"),
    "products": ("products", "product"),
    "inventory_items": ("inventory_items", "inventory_item"),
}
# Where an action goes, and what its values are wrapped in.
ACTIONS: Mapping[str, tuple[str, str]] = {
    "cancel": ("cancel", ""),
    "incomplete": ("close", "fulfillment_order"),
    "hold": ("hold", "fulfillment_hold"),
    "move": ("move", "fulfillment_order"),
    "open": ("open", ""),
    "release": ("release_hold", ""),
    "reschedule": ("reschedule", "fulfillment_order"),
}


async def write_records(work: Work) -> Results:
    """Looked up where that is asked for, then one request a row."""
    collection, one = KINDS[work.job.sync_type]

    async def create(record: Record) -> RowResult | None:
        if refusal := first_missing(record, needed(work)):
            return refusal
        told = {name: value for name, value in body_of(record).items() if value not in (None, "")}
        await work.line.post(f"{collection}.json", {one: told})
        return None

    async def change(record: Record, key: str) -> RowResult | None:
        answer = await work.line.send(
            "PUT", f"{collection}/{number(key)}.json", json={one: {**body_of(record), "id": number(key)}}, takes=(404,)
        )
        return NO_MATCH if answer.status == 404 else None

    async def remove(record: Record, key: str) -> RowResult | None:
        await work.line.send("DELETE", f"{collection}/{number(key)}.json", takes=(404,))
        return None

    if work.job.mode is Mode.INSERT:
        return await work.each(create, at_once=2)
    found = await look_up(work, collection)
    return await one_by_one(work, found, create=create, change=change, remove=remove, at_once=2)


async def look_up(work: Work, collection: str) -> Found:
    """The IDs of records by what matches; an ID is taken at its word."""

    async def ask(values: Sequence[str]) -> list[tuple[str, str]]:
        if work.match == "id":
            return [(value, value) for value in values]
        if collection == "products":
            told = (await work.line.get("products.json", {"handle": values[0], "fields": "id,handle"}))["products"]
        else:
            # The search takes words, so that only what equals the value counts.
            quoted = values[0].replace("\\", "").replace('"', "")
            asked = {"query": f'{work.match}:"{quoted}"', "fields": f"id,{work.match}"}
            told = (await work.line.get("customers/search.json", asked))["customers"]
        return [(each[work.match], str(each["id"])) for each in told if each.get(work.match)]

    return await work.look_up(ask, chunk=1, fold=str.lower, at_once=2)


async def write_codes(work: Work) -> Results:
    """Codes of price rules; the interface makes and changes them below their rule."""

    async def send(record: Record) -> RowResult | None:
        if refusal := first_missing(record, needed(work)):
            return refusal
        path, told = f"price_rules/{number(record['price_rule_id'])}/discount_codes", {"code": text(record["code"])}
        if work.job.mode is Mode.INSERT:
            await work.line.post(f"{path}.json", {"discount_code": told})
            return None
        key = number(record["id"])
        body = {"discount_code": {"id": key, **told}}
        answer = await work.line.send("PUT", f"{path}/{key}.json", json=body, takes=(404,))
        return NO_MATCH if answer.status == 404 else None

    return await work.each(send, at_once=2)


async def write_events(work: Work) -> Results:
    """What happened to a shipment."""

    async def send(record: Record) -> RowResult | None:
        if refusal := first_missing(record, needed(work)):
            return refusal
        own = ("order_id", "fulfillment_id")
        told = {k: v for k, v in body_of(record).items() if k not in own and v is not None}
        order, fulfillment = (number(record[name]) for name in own)
        await work.line.post(f"orders/{order}/fulfillments/{fulfillment}/events.json", {"event": told})
        return None

    return await work.each(send)


async def write_actions(work: Work) -> Results:
    """Something that is done with a fulfillment order."""
    path, wrapper = ACTIONS[str(work.settings["action"])]

    async def send(record: Record) -> RowResult | None:
        if refusal := first_missing(record, needed(work)):
            return refusal
        told = {k: v for k, v in body_of(record).items() if k != "id" and v is not None}
        if "new_location_id" in told:
            told["new_location_id"] = number(told["new_location_id"])
        body = {wrapper: told} if wrapper and told else {}
        await work.line.post(f"fulfillment_orders/{number(record['id'])}/{path}.json", body)
        return None

    return await work.each(send)


async def write_levels(work: Work) -> Results:
    """One request a row: set where it is, or stocked at a location for the first time."""

    async def send(record: Record) -> RowResult | None:
        if refusal := first_missing(record, ("inventory_item_id", "location_id")):
            return refusal
        level = {name: number(record[name]) for name in ("location_id", "inventory_item_id")}
        if work.job.mode is Mode.INSERT:
            await work.line.post("inventory_levels/connect.json", level)
        elif work.job.mode is Mode.UPDATE:
            asked = {"inventory_item_ids": level["inventory_item_id"], "location_ids": level["location_id"]}
            if not (await work.line.get("inventory_levels.json", asked))["inventory_levels"]:
                return NO_MATCH
        if record.get("available") is not None:
            await work.line.post("inventory_levels/set.json", {**level, "available": record["available"]})
        return None

    return await work.each(send, at_once=2)


def needed(work: Work) -> list[str]:
    """The fields without which a row cannot be sent."""
    fields = fields_of(work.job.sync_type, work.settings)
    return [each.name for each in fields if each.required and each.fits(work.job.mode)]


def first_missing(record: Record, names: Sequence[str]) -> RowResult | None:
    """The refusal of a row that lacks one of these."""
    return next((refusal for name in names if (refusal := missing(record, name))), None)


def body_of(record: Record) -> Record:
    """A row as the older interface takes it: tags between commas, the ID beside it."""
    told = {name: plain(name, value) for name, value in record.items() if name != "id"}
    if told.get("tags") is not None:
        told["tags"] = ", ".join(listed(told["tags"]))
    return told


WRITERS = {
    **dict.fromkeys(KINDS, write_records),
    "discounts": write_codes,
    "events": write_events,
    "actions": write_actions,
    "inventory_levels": write_levels,
}


def number(value: object) -> int:
    """An ID as the older interface has them; ``BatchRejected`` for what would lead to another record."""
    told = text(value).rpartition("/")[2]
    if not (told.isascii() and told.isdecimal()):
        raise BatchRejected(f"“{text(value)[:100]}” is no ID of Shopify: these are whole numbers.")
    return int(told)
