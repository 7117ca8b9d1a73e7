"""What goes to Marketing Cloud besides rows of data extensions: contacts, journeys and messages."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote

from connectors.destinations.sfmc.settings import CONTACT, ENTRY, MESSAGE
from connectors.sdk.destination import RowResult, rejected
from connectors.sdk.errors import BatchRejected, ConfigError
from connectors.sdk.rest import Record, Results, Work, besides, by_value, missing
from connectors.sdk.rest.work import text

IN_JOURNEY_ALREADY = 30000


async def write_contacts(work: Work) -> Results:
    """One contact a request: updated, or made where that is refused."""

    async def send(record: Record) -> RowResult | None:
        if refusal := missing(record, "contactKey"):
            return refusal
        sets = attribute_sets(record)
        body = {"contactKey": text(record["contactKey"]), "attributeSets": sets}
        answer = await work.line.send("PATCH", "contacts/v1/contacts", json=body, takes=(400, 404))
        if answer.ok and not answer.json().get("hasErrors"):
            return None
        told = await work.line.post("contacts/v1/contacts", body)
        return rejected(messages_in(told)) if told.get("hasErrors") else None

    return await work.each(send, at_once=4)


def attribute_sets(record: Record) -> list[Record]:
    """Attributes by the set that is named before the first dot."""
    sets: dict[str, list[Record]] = {}
    for name, value in besides(record, CONTACT[:1]).items():
        group, _, attribute = name.partition(".")
        if not attribute:
            raise BatchRejected(f"“{name}” names no attribute: write the set, a dot and the attribute.")
        told = "" if value is None else text(value) if isinstance(value, bool) else value
        sets.setdefault(group, []).append({"name": attribute, "value": told})
    return [{"name": name, "items": [{"values": values}]} for name, values in sets.items()]


def messages_in(told: Any) -> str:
    """What was said of a contact."""
    said = [
        str(each.get("message") or each) if isinstance(each, dict) else str(each) for each in told["resultMessages"]
    ]
    return "; ".join(said) or "Marketing Cloud refused the contact."


async def write_journey(work: Work) -> Results:
    """Let contacts enter a journey one by one, or take them out fifty at a time."""
    if work.leaving:
        return await work.distinct(leave_journey)
    record = work.records[0]
    if refusal := missing(record, "contactKey"):
        return [refusal]
    if "event" not in work.memo:
        work.memo["event"] = await entry_event(work)
    told = {"ContactKey": text(record["contactKey"]), "EventDefinitionKey": work.memo["event"]}
    return await work.each(partial(enter, work, {**told, "Data": besides(record, ENTRY)}))


async def entry_event(work: Work) -> str:
    """The event by which contacts enter the journey."""
    told = await work.line.get(f"interaction/v1/interactions/key:{quote(work.settings['journey'], safe='')}")
    keys = [(each.get("metaData") or {}).get("eventDefinitionKey") for each in told.get("triggers") or ()]
    if not any(keys):
        raise ConfigError("The journey has no entry event that can be fired.", field="journey")
    return str(next(key for key in keys if key))


async def enter(work: Work, told: Record, record: Record) -> RowResult | None:
    """One entry; whoever is in it already has nothing to do."""
    answer = await work.line.send("POST", "interaction/v1/events", json=told, takes=(400,))
    if answer.status != 400:
        return None
    said = answer.json()
    if said.get("errorcode") == IN_JOURNEY_ALREADY:
        return RowResult(True, "The contact is in the journey's data extension already.", "duplicate")
    return rejected(f"400: {said['message']}")


async def leave_journey(work: Work) -> Results:
    """Take contacts out; those that are not in it have nothing to do."""
    keys = [text(record["contactKey"]) for record in work.records]
    body = [{"ContactKey": key, "DefinitionKey": work.settings["journey"]} for key in keys]
    errors = (await work.line.post("interaction/v1/interactions/contactexit", body))["errors"]
    told = [(str(e["contactKey"]), "; ".join(each["message"] for each in e["status"])) for e in errors]
    return by_value(keys, told, fold=str)


async def write_message(work: Work) -> Results:
    """One message; its key is the same when it is sent again, so that it goes out once."""
    record = work.records[0]
    if refusal := missing(record, "contactKey") or missing(record, "to"):
        return [refusal]
    to: Record = {"contactKey": text(record["contactKey"]), "to": text(record["to"])}
    attributes = {name: "" if v is None else v for name, v in besides(record, MESSAGE).items()}
    body = {
        "definitionKey": work.settings["message"],
        "recipient": {**to, **({"attributes": attributes} if attributes else {})},
    }
    path = f"messaging/v1/{work.settings['channel']}/messages/{work.event_ids[0]}"

    async def send(row: Record) -> None:
        await work.line.post(path, body)

    return await work.each(send)
