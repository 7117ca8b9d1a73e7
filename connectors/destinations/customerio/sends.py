"""What goes to Customer.io: people, objects and events in batches, and members of segments."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid5

from connectors.destinations.customerio.settings import APP, NAMES, OBJECT, OWN, PEOPLE
from connectors.sdk.destination import ACCEPTED, Mode, RowResult, rejected
from connectors.sdk.errors import InternalError
from connectors.sdk.rest import Line, Record, Results, Work, by_index, missing
from connectors.sdk.rest.times import unix_ms, unix_s
from connectors.sdk.rest.work import text
from connectors.sdk.rows import dumps
from connectors.sdk.types import Operation

PART_BYTES = 32_000
PARTLY = 207
EVENTS = UUID("4e0f7d8e-6b0d-5c1a-9b63-5f9f6f1d5c20")
ULID = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


async def write_people(work: Work) -> Results:
    """People in batches; Customer.io makes those that are missing, unless it is told not to."""
    existing = work.job.mode is Mode.UPDATE or work.operation is Operation.REMOVED

    def make(record: Record, made: str) -> Record | RowResult:
        if refusal := missing(record, work.match):
            return refusal
        known: Record = {"type": "person", "identifiers": {work.match: text(record[work.match])}}
        if work.removing:
            return {**known, "action": "delete"}
        told = {**attributes_of(work, record, (work.match,)), **({"_update": True} if existing else {})}
        return {**known, "action": "identify", "attributes": told}

    return await work.together(make, partial(send_batch, work.line))


async def write_objects(work: Work) -> Results:
    """Objects in batches, with the people they belong to; where none may be made, they are looked up first."""
    if work.job.mode is not Mode.UPDATE or work.removing:
        return await put_objects(work)
    found = await work.look_up(partial(objects_by, work), chunk=1, at_once=4)

    async def change(part: Work, ids: Sequence[str]) -> Results:
        return await put_objects(part)

    return await work.by_match(found, update=change)


async def put_objects(work: Work) -> Results:
    """One request for all."""
    kind = str(work.settings["object_type"])

    def make(record: Record, made: str) -> Record | RowResult:
        if refusal := missing(record, "object_id"):
            return refusal
        key = {"object_type_id": kind, "object_id": text(record["object_id"])}
        known: Record = {"type": "object", "identifiers": key}
        if work.removing:
            return {**known, "action": "delete"}
        told = {**known, "action": "identify", "attributes": attributes_of(work, record, [f.name for f in OBJECT])}
        related = [{"identifiers": {name: each}} for name in PEOPLE for each in related_to(record, name)]
        return {**told, **({"cio_relationships": related} if related else {})}

    return await work.together(make, partial(send_batch, work.line))


async def objects_by(work: Work, values: Sequence[str]) -> list[tuple[str, str]]:
    """Whether the object is there."""
    path = f"v1/objects/{work.settings['object_type']}/{quote(values[0], safe='')}/attributes"
    answer = await work.line.beside(APP).send("GET", path, takes=(404,))
    return [(values[0], values[0])] if answer.ok else []


async def write_events(work: Work) -> Results:
    """Events of known people in batches, those of anonymous ones one by one."""
    named = [any(record.get(name) not in (None, "") for name in PEOPLE) for record in work.records]
    known = [place for place, told in enumerate(named) if told]
    others = [place for place, told in enumerate(named) if not told]
    return await work.in_groups((known, write_known), (others, write_anonymous))


async def write_known(work: Work) -> Results:
    """Events of people that have an ID."""

    def make(record: Record, made: str) -> Record | RowResult:
        if refusal := NAMES.refusal(work.settings, record):
            return refusal
        name = next(each for each in PEOPLE if record.get(each) not in (None, ""))
        told = happening(work, record, made)
        return {"type": "person", "identifiers": {name: text(record[name])}, "action": work.settings["kind"], **told}

    return await work.together(make, partial(send_batch, work.line))


async def write_anonymous(work: Work) -> Results:
    """Events of people that nobody knows yet."""

    async def send(record: Record, made: str) -> RowResult | None:
        if refusal := NAMES.refusal(work.settings, record) or missing(record, "anonymous_id", *PEOPLE):
            return refusal
        told = happening(work, record, made)
        told["data"] = told.pop("attributes")
        body = {"anonymous_id": text(record["anonymous_id"]), "type": work.settings["kind"], **told}
        await work.line.post("api/v1/events", body)
        return None

    return await work.each_found(work.event_ids, send, at_once=4)


def happening(work: Work, record: Record, made: str) -> Record:
    """What every event has: a name, an ID by which it is counted once, perhaps a time."""
    key = text(record["event_id"]) if record.get("event_id") not in (None, "") else made
    told: Record = {"name": text(NAMES.of(work.settings, record)), "id": ulid(key, unix_ms(work.job.started_at))}
    if record.get("timestamp") is not None:
        told["timestamp"] = unix_s(record["timestamp"], field="timestamp")
    return {**told, "attributes": attributes_of(work, record, [each.name for each in OWN])}


async def write_segment(work: Work) -> Results:
    """Put people into a manual segment, or take them out; Customer.io says nothing of single people."""
    action = "remove_customers" if work.leaving else "add_customers"

    async def send(part: Work) -> Results:
        ids = [text(record[work.match]) for record in part.records]
        await work.line.post(f"api/v1/segments/{work.place}/{action}", {"ids": ids}, {"id_type": work.match})
        return [ACCEPTED] * len(part)

    return await work.distinct(send)


async def send_batch(line: Line, parts: list[Any]) -> Results:
    """One batch; its errors name parts by place. What is too large for one part is not sent."""
    large = [len(dumps(part)) > PART_BYTES for part in parts]
    sent = [part for part, too in zip(parts, large, strict=True) if not too]
    outcome = iter(await _answered(line, sent) if sent else ())
    refusal = rejected("The row is larger than the 32 kB that Customer.io takes.")
    return [refusal if too else next(outcome) for too in large]


async def _answered(line: Line, sent: Sequence[Any]) -> Results:
    response = await line.send("POST", "api/v2/batch", json={"batch": sent})
    told = response.json().get("errors") or () if response.body.strip() else ()
    if response.status == PARTLY and not told:
        raise InternalError("Customer.io took only a part of the batch and does not say which.")
    return by_index(len(sent), [(error["batch_index"], words(error)) for error in told])


def attributes_of(work: Work, record: Record, own: Sequence[str]) -> Record:
    """What is mapped besides a sync type's own fields; dates and times are seconds since 1970."""
    return {
        name: unix_s(value, field=name) if value is not None and name in work.moments else value
        for name, value in record.items()
        if name not in own
    }


def related_to(record: Record, name: str) -> list[str]:
    """The people that a row relates an object to."""
    value = record.get(f"relationships.{name}")
    return [text(each) for each in (value if isinstance(value, list) else [value]) if each not in (None, "")]


def ulid(key: str, at_ms: int) -> str:
    """An event's ID as Customer.io wants it (ULID): the key itself if it is one, else made of it and of the time."""
    if len(key) == 26 and key[0] in ULID[:8] and set(key.upper()) <= set(ULID):
        return key.upper()
    number = (at_ms << 80) | (uuid5(EVENTS, key).int & ((1 << 80) - 1))
    return "".join(ULID[(number >> shift) & 31] for shift in range(125, -1, -5))


def words(error: Record) -> str:
    """Customer.io's words in one of its errors."""
    return ": ".join(str(error[name]) for name in ("field", "message") if error.get(name)) or str(error["reason"])
