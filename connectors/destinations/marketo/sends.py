"""What goes to Marketo: records, activities, members of lists and requests of campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from connectors.destinations.marketo.leads import ID, leads_by
from connectors.destinations.marketo.settings import ACTIVITY, LEAD, PRIMARY
from connectors.sdk.destination import ACCEPTED, Mode, RowResult, rejected
from connectors.sdk.rest import Found, Record, Results, Work, besides, missing
from connectors.sdk.rest.times import moment
from connectors.sdk.rest.work import NO_MATCH, NOTHING_TO_REMOVE, text
from connectors.sdk.rows import dumps

CUSTOM = "customobjects/"
ATTRIBUTES = "attributes."
ABSENT = ("1004", "1013")


async def write_objects(work: Work) -> Results:
    """Records by the hundred, leads by any field that can be searched."""
    leads = work.settings["object"] == "leads"
    if not leads:
        return await (delete_records if work.removing else put_records)(work)
    if not work.removing:
        return await work.distinct(put_leads, fold=str.lower)
    return await work.by_match(await leads_by(work, work.match, newest=False), remove=delete_leads)


async def put_leads(work: Work) -> Results:
    """One request for all."""
    action = "updateOnly" if work.job.mode is Mode.UPDATE else "createOrUpdate"
    body = {"action": action, "lookupField": work.match, "input": [values_of(work, record) for record in work.records]}
    return outcomes(work, await work.line.post("v1/leads.json", body))


async def delete_leads(work: Work, ids: Sequence[str]) -> Results:
    """One request for all."""
    return outcomes(work, await work.line.post("v1/leads/delete.json", {"input": [{ID: int(each)} for each in ids]}))


async def put_records(work: Work) -> Results:
    """Companies, opportunities or records of a custom object."""
    update = work.job.mode is Mode.UPDATE

    def make(record: Record, made: str) -> Record | RowResult:
        return missing(record, *work.job.identifiers[:1]) or values_of(work, record)

    async def send(parts: list[Any]) -> Results:
        action = {"action": "updateOnly" if update else "createOrUpdate", "dedupeBy": deduped_by(work)}
        return outcomes(work, await work.line.post(f"v1/{work.settings['object']}.json", {**action, "input": parts}))

    return await work.together(make, send)


async def delete_records(work: Work) -> Results:
    """The same, removed."""

    def make(record: Record, made: str) -> Record | RowResult:
        return missing(record, work.match) or {name: record.get(name) for name in work.job.identifiers}

    async def send(parts: list[Any]) -> Results:
        body = {"deleteBy": deduped_by(work), "input": parts}
        return outcomes(work, await work.line.post(f"v1/{work.settings['object']}/delete.json", body))

    return await work.together(make, send)


def deduped_by(work: Work) -> str:
    """Whether records are matched by the ID that Marketo gives, or by fields of one's own."""
    return "idField" if work.match == id_field(work.settings["object"]) else "dedupeFields"


def id_field(kind: str) -> str:
    """The field with the ID that Marketo gives."""
    return ID if kind in ("leads", "companies") else "marketoGUID"


async def write_activities(work: Work) -> Results:
    """Activities of leads, which are looked up where only their e-mail address is known."""
    kind = int(str(work.settings["activity"]).partition("/")[0])
    found = await known_leads(work)
    names = {each.name for each in ACTIVITY}

    def make(record: Record, made: str) -> Record | RowResult:
        lead = lead_of(record, found)
        if isinstance(lead, RowResult):
            return lead
        if refusal := missing(record, PRIMARY):
            return refusal
        values = values_of(work, {name: value for name, value in record.items() if name not in names})
        own = [(name.removeprefix(ATTRIBUTES), value) for name, value in values.items() if name.startswith(ATTRIBUTES)]
        at = moment(record.get("activityDate") or work.job.started_at, field="activityDate")
        return {
            "leadId": lead,
            "activityDate": at.isoformat(timespec="seconds"),
            "activityTypeId": kind,
            PRIMARY: values[PRIMARY],
            "attributes": [{"apiName": name, "value": value} for name, value in own if value is not None],
        }

    async def send(parts: list[Any]) -> Results:
        return outcomes(work, await work.line.post("v1/activities/external.json", {"input": parts}))

    return await work.together(make, send)


async def write_campaign(work: Work) -> Results:
    """One request for all leads with the same tokens; a lead that comes twice is sent through twice."""
    found = await known_leads(work)
    results: list[RowResult] = [ACCEPTED] * len(work)
    groups: dict[tuple[bytes, int], list[int]] = {}
    seen: dict[tuple[int, bytes], int] = {}
    for place, record in enumerate(work.records):
        lead = lead_of(record, found)
        if isinstance(lead, RowResult):
            results[place] = lead
            continue
        tokens = dumps(tokens_of(record))
        seen[lead, tokens] = seen.get((lead, tokens), 0) + 1
        groups.setdefault((tokens, seen[lead, tokens]), []).append(place)
    sent = await work.in_groups(*((places, partial(trigger, found)) for places in groups.values()))
    return [told if known.accepted else known for told, known in zip(sent, results, strict=True)]


async def trigger(found: Found, part: Work) -> Results:
    """Send these leads through the campaign; Marketo answers for all of them as one."""
    told: Record = {"leads": [{ID: lead_of(record, found)} for record in part.records]}
    if tokens := tokens_of(part.records[0]):
        told["tokens"] = tokens
    await part.line.post(f"v1/campaigns/{part.settings['campaign']}/trigger.json", {"input": told})
    return [ACCEPTED] * len(part)


def tokens_of(record: Record) -> list[Record]:
    """The program's tokens that a row sets: what is mapped besides the lead."""
    told = besides(record, LEAD)
    return [{"name": token(name), "value": "" if v is None else text(v)} for name, v in told.items()]


def token(name: str) -> str:
    """A token's name as Marketo writes it."""
    return f"{{{{my.{name.strip('{} ').removeprefix('my.')}}}}}"


async def known_leads(work: Work) -> Found:
    """The leads of rows that name an e-mail address and no ID."""
    unnamed = [place for place, record in enumerate(work.records) if record.get("leadId") is None]
    return await leads_by(work.pick(unnamed), "email", newest=True) if unnamed else Found({})


def lead_of(record: Record, found: Found) -> int | RowResult:
    """The lead that a row is about, or its refusal."""
    if record.get("leadId") is not None:
        told = text(record["leadId"])
        return int(told) if told.isdecimal() else rejected("The lead ID is not a number.", field="leadId")
    if refusal := missing(record, *(each.name for each in LEAD)):
        return refusal
    ids = found.of(record["email"])
    return int(ids[0]) if ids else rejected("No lead has this e-mail address.", field="email")


async def write_list(work: Work) -> Results:
    """Put leads into a static list, or take them out."""
    found = await leads_by(work, work.match, newest=True)
    method = "DELETE" if work.leaving else "POST"

    async def send(part: Work, ids: Sequence[str]) -> Results:
        answer = await part.line.send(method, f"v1/lists/{part.place}/leads.json", query={ID: list(ids)})
        return outcomes(part, answer.json())

    return await work.by_match(found, update=send, remove=send, create=nobody)


async def nobody(part: Work) -> Results:
    """The refusal of rows without a lead: lists make none."""
    if part.leaving:
        return [NOTHING_TO_REMOVE] * len(part)
    return [rejected(f"No lead has this {part.match}.", field=part.match)] * len(part)


def values_of(work: Work, record: Record) -> Record:
    """A row as Marketo takes it; empty values empty a field."""
    kinds = {each.name: each.native_type for each in work.job.fields}
    return {name: value_of(value, kinds.get(name, ""), name) for name, value in record.items()}


def value_of(value: Any, kind: str, name: str) -> Any:
    """A moment to the second, a date without a time, lists as Marketo parts them."""
    if value is None:
        return None
    if kind == "datetime":
        return moment(value, field=name).isoformat(timespec="seconds")
    if kind == "date":
        return text(value)[:10]
    return ";".join(map(text, value)) if isinstance(value, list) else value


def outcomes(work: Work, answer: Record) -> Results:
    """What became of each row: Marketo answers in their order."""
    told = answer["result"]
    if len(told) != len(work):
        parts = [each for each in told if "seq" in each]
        told = sorted(parts, key=lambda each: each["seq"]) or told
    return [outcome(work, each) for each in told]


def outcome(work: Work, told: Record) -> RowResult:
    """One row: taken, without a match, or skipped with reasons."""
    reasons = told.get("reasons") or told.get("errors")
    if not reasons:
        left_alone = work.leaving and told.get("status") in ("skipped", "notmemberof")
        return NOTHING_TO_REMOVE if left_alone else ACCEPTED
    if work.leaving and str(reasons[0]["code"]) in ABSENT:
        return NOTHING_TO_REMOVE
    if work.job.mode is Mode.UPDATE and str(reasons[0]["code"]) in ABSENT:
        return NO_MATCH
    return rejected("; ".join(f"{each['message']} ({each['code']})" for each in reasons))
