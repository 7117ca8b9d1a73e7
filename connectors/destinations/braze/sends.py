"""What goes to Braze besides profiles: events, subscriptions, identities, messages, catalog items."""

from __future__ import annotations

import re
from typing import Any

from connectors.destinations.braze.settings import (
    ATTRIBUTES,
    EVENT,
    EVENT_NAMES,
    GROUP,
    GROUPS,
    ITEM,
    PURCHASE,
    RECIPIENT,
    STATE,
)
from connectors.destinations.braze.users import (
    IDENTIFIERS,
    attributes_of,
    chunks,
    exported,
    key_of,
    note,
    unmatched,
    written,
)
from connectors.sdk.destination import ACCEPTED, Job, Mode, RowResult, rejected
from connectors.sdk.rest import Line, Place, Record, Results, Work, besides, field, missing
from connectors.sdk.rest.times import moment
from connectors.sdk.rest.work import text

COMMON = (*EVENT, *(field(name) for name in IDENTIFIERS))


async def write_events(work: Work) -> Results:
    """One request for the batch; users are looked for first where rows wait for them."""
    part = "purchases" if work.settings.get("kind") == "purchase" else "events"
    there = await users_there(work) if work.settings.get("missing_users") == "retry" else None

    def make(record: Record, made_id: str) -> Any:
        if refusal := missing(record, *IDENTIFIERS):
            return refusal
        name = identifier(record)
        if refusal := unmatched(record, name):
            return refusal
        if there is not None and (name, key_of(record[name])) not in there:
            return rejected("The user is not in Braze yet; a later run tries again.", code="no_user", field=name)
        return happening(work, record, name)

    async def send(parts: list[Any]) -> Results:
        results = [ACCEPTED] * len(parts)
        note(results, range(len(parts)), await work.line.post("users/track", {part: parts}))
        return results

    return await work.together(make, send)


def identifier(record: Record) -> str:
    """The first identifier that a row has."""
    return next(name for name in IDENTIFIERS if record.get(name) not in (None, ""))


async def users_there(work: Work) -> set[tuple[str, str]]:
    """Those of the rows' users that Braze has."""
    found: set[tuple[str, str]] = set()
    for name in IDENTIFIERS:
        values = [
            record[name]
            for record in work.records
            if not missing(record, *IDENTIFIERS) and identifier(record) == name and not unmatched(record, name)
        ]
        if values:
            found |= {(name, key) for key in await exported(work.line, name, values)}
    return found


def happening(work: Work, record: Record, name: str) -> Record | RowResult:
    """An event or a purchase as Braze takes it."""
    told: Record = {name: record[name]}
    own = (*COMMON, *(PURCHASE if work.settings.get("kind") == "purchase" else ()))
    if work.settings.get("kind") == "purchase":
        if refusal := next((r for each in ("product_id", "currency", "price") if (r := missing(record, each))), None):
            return refusal
        told |= {each.name: record[each.name] for each in PURCHASE if record.get(each.name) is not None}
        told["product_id"] = text(told["product_id"])
    else:
        if refusal := EVENT_NAMES.refusal(work.settings, record):
            return refusal
        own = (*own, *EVENT_NAMES.fields(work.settings))
        told["name"] = text(EVENT_NAMES.of(work.settings, record))
    told["time"] = moment(record.get("time") or work.job.started_at, field="time").isoformat()
    if record.get("app_id"):
        told["app_id"] = record["app_id"]
    # Alias-only users are made only where it is said that they may.
    told["_update_existing_only"] = work.settings.get("missing_users", "create") != "create"
    given = record.get("properties")
    properties = {**(given if isinstance(given, dict) else {}), **besides(record, own)}
    return {**told, **({"properties": properties} if properties else {})}


async def write_subscriptions(work: Work) -> Results:
    """The rows by group and state in one request; then what else is mapped, as attributes."""
    name = work.match
    results = [missing(record, name) or ACCEPTED for record in work.records]
    groups: dict[tuple[str, str], list[str]] = {}
    users: list[tuple[int, Record]] = []
    for place, record in enumerate(work.records):
        group = GROUPS.of(work.settings, record)
        if results[place].accepted and (refusal := GROUPS.refusal(work.settings, record)):
            results[place] = refusal
        if not results[place].accepted:
            continue
        state = "unsubscribed" if work.removing else text(record.get(STATE.name) or "subscribed")
        groups.setdefault((text(group), state), []).append(text(record[name]))
        more = attributes_of(besides(record, (GROUP, STATE, field(name))))
        if more and not work.removing:
            users.append((place, {name: written(name, record[name]), "_update_existing_only": True, **more}))
    if groups:
        told = [
            {"subscription_group_id": group, "subscription_state": state, f"{name}s": people}
            for (group, state), people in groups.items()
        ]
        await work.line.post("v2/subscription/status/set", {"subscription_groups": told})
    if users:
        answer = await work.line.post("users/track", {"attributes": [user for _, user in users]})
        note(results, [place for place, _ in users], answer)
    return results


async def write_identities(work: Work) -> Results:
    """Every alias of a row together with its external ID."""
    results = [missing(record, "external_id") or missing(record, "user_aliases") or ACCEPTED for record in work.records]
    told: list[tuple[int, Record]] = []
    for place, record in enumerate(work.records):
        given = record.get("user_aliases")
        for alias in given if isinstance(given, list) else [given]:
            if results[place].accepted and (refusal := unmatched({"user_alias": alias}, "user_alias")):
                results[place] = refusal
            if results[place].accepted:
                told.append((place, {"external_id": text(record["external_id"]), "user_alias": alias}))
    for chunk in chunks([(place, each) for place, each in told if results[place].accepted]):
        body = {"aliases_to_identify": [each for _, each in chunk], "merge_behavior": "merge"}
        note(results, [place for place, _ in chunk], await work.line.post("users/identify", body))
    return results


async def write_campaign(work: Work) -> Results:
    """A campaign for up to 50 people."""
    return await trigger(work, "campaign", "trigger_properties")


async def write_canvas(work: Work) -> Results:
    """A Canvas for up to 50 people."""
    return await trigger(work, "canvas", "canvas_entry_properties")


async def trigger(work: Work, kind: str, properties: str) -> Results:
    """One request for the batch; errors name recipients by place."""
    existing = bool(work.settings.get("existing_only", True))

    def make(record: Record, made_id: str) -> Any:
        if refusal := missing(record, RECIPIENT.name):
            return refusal
        own = {n.removeprefix(ATTRIBUTES): v for n, v in record.items() if n.startswith(ATTRIBUTES)}
        told = {n: v for n, v in besides(record, (RECIPIENT,)).items() if not n.startswith(ATTRIBUTES)}
        return {
            RECIPIENT.name: text(record[RECIPIENT.name]),
            "send_to_existing_only": existing,
            **({"attributes": attributes_of(own)} if own else {}),
            **({properties: told} if told else {}),
        }

    async def send(parts: list[Any]) -> Results:
        results = [ACCEPTED] * len(parts)
        body = {f"{kind}_id": work.settings[kind], "recipients": parts}
        note(
            results,
            range(len(parts)),
            await work.line.post(f"{kind}{'s' if kind == 'campaign' else ''}/trigger/send", body),
        )
        return results

    return await work.together(make, send)


async def write_catalog(work: Work) -> Results:
    """Items by the batch: put in place of what is there, changed, or deleted. Braze does it in its own time."""
    method = "DELETE" if work.removing else "PATCH" if work.job.mode is Mode.UPDATE else "PUT"

    def make(record: Record, made_id: str) -> Any:
        if refusal := missing(record, ITEM.name):
            return refusal
        return {**({} if work.removing else record), ITEM.name: text(record[ITEM.name])}

    async def send(parts: list[Any]) -> Results | None:
        await work.line.send(method, f"catalogs/{work.place}/items", json={"items": parts})
        return None

    return await work.together(make, send)


def catalog_name(name: str) -> str:
    """A name as catalogs may have it."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_")[:250] or "catalog"


async def find_catalog(line: Line, job: Job, name: str) -> str | None:
    """The catalog with this name."""
    wanted = catalog_name(name)
    answer = await line.get("catalogs")
    return next((wanted for each in answer["catalogs"] if each["name"] == wanted), None)


async def make_catalog(line: Line, job: Job, name: str) -> str:
    """A new catalog with the mapped fields; they are text where nothing else is said."""
    kinds = {each["name"]: each["value"] for each in job.settings.get("catalog_types") or ()}
    others = [each.name for each in job.fields if each.name != ITEM.name]
    told = [{"name": ITEM.name, "type": "string"}, *({"name": n, "type": kinds.get(n, "string")} for n in others)]
    await line.post("catalogs", {"catalogs": [{"name": catalog_name(name), "fields": told}]})
    return catalog_name(name)


CATALOG = Place(noun="catalog", discover="catalogs", find=find_catalog, make=make_catalog)
