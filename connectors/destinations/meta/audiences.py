"""Audiences made of customer lists: found, made, filled, emptied."""

from __future__ import annotations

import hashlib
from typing import Any

from connectors.destinations._meta_graph import next_page
from connectors.destinations.meta.settings import KNOWN, VALUE, WEAK
from connectors.sdk import people
from connectors.sdk.destination import Job, RowResult
from connectors.sdk.errors import BatchRejected, Gone, Unavailable
from connectors.sdk.people import Person, sent_together
from connectors.sdk.rest import JobState, Line, Place, Record, Results, Work, finished
from connectors.sdk.rest.api import at

REPLACING = 414
# How long a run waits until its audience is empty; the rows of later ones wait for it, too.
EMPTIED_WITHIN_S = 900.0
# Nobody has it: the domain is kept free for ever (RFC 2606).
NOBODY = "nobody@headrace.invalid"


async def find_audience(line: Line, job: Job, name: str) -> str | None:
    """The id of the customer list with this name."""
    query = {"fields": "name,subtype", "limit": 500}
    pages = line.pages(f"{job.settings['ad_account']}/customaudiences", "data", next_page, query)
    async for audience in pages:
        if audience["name"] == name and audience.get("subtype") == "CUSTOM":
            return str(audience["id"])
    return None


async def make_audience(line: Line, job: Job, name: str) -> str:
    """A new audience's id; value-based where the value is mapped, and shared with another account if wished."""
    body = {"name": name, "subtype": "CUSTOM", "customer_file_source": job.settings["source"]}
    if any(each.name == VALUE.name for each in job.fields):
        body["is_value_based"] = True
    made = str((await line.post(f"{job.settings['ad_account']}/customaudiences", body))["id"])
    if shared := str(job.settings.get("share_with") or "").removeprefix("act_"):
        await line.post(f"{made}/adaccounts", {"adaccounts": [shared]})
    return made


AUDIENCE = Place(noun="audience", discover="audiences", find=find_audience, make=make_audience, depends=("ad_account",))


async def write_audience(work: Work) -> Results:
    """Columns and rows in one request; Meta counts what it cannot read, but does not say which rows."""
    schema = [each for each in KNOWN if any(each.name == mapped.name for mapped in work.job.fields)]
    valued = any(mapped.name == VALUE.name for mapped in work.job.fields) and not work.leaving

    def make(record: Record, person: Person, made: str) -> list[Any] | RowResult | None:
        if not person.values:
            return None
        if not set(person.values) - WEAK and not {"FN", "LN"} <= set(person.values):
            return RowResult(False, "These fields alone identify nobody.", "row_rejected")
        return [*(person.first(each.name) for each in schema), *([record.get(VALUE.name) or 0] if valued else [])]

    async def send(data: list[Any]) -> None:
        names = [*(each.name for each in schema), *([VALUE.name] if valued else [])]
        if "open" not in work.memo:
            await open_for_changes(work.line, work.place)
            work.memo["open"] = True
        payload: Record = {"schema": names, "data": data}
        if "PAGEUID" in names:
            payload["page_ids"] = [work.settings["page"]]
        method = "DELETE" if work.leaving else "POST"
        answer = (await work.line.send(method, f"{work.place}/users", json={"payload": payload})).json()
        if invalid := int(answer.get("num_invalid_entries") or 0):
            raise BatchRejected(f"Meta cannot read {invalid} of {len(data)} rows.")

    return await sent_together(work, schema, make, send)


async def replacing(line: Line, audience: str) -> bool:
    """Whether Meta is still putting other people into the place of all that were in an audience."""
    told = await line.get(audience, {"fields": "operation_status"})
    return int(at(told, "operation_status.code") or 0) == REPLACING


async def open_for_changes(line: Line, audience: str) -> None:
    """Raises ``Unavailable`` while the audience is being emptied: what is added meanwhile may be lost."""
    if await replacing(line, audience):
        raise Unavailable(
            "Meta is still emptying the audience, which may take up to 24 hours.",
            hint="The rows are kept, and sent by a run after that.",
        )


async def empty(line: Line, job: Job, audience: str) -> None:
    """Replace everybody in an audience with nobody: Meta has no other way to take all of them out.

    Returns when that is done, or after a quarter of an hour; writing goes on waiting then.
    """
    if not await replacing(line, audience):
        valued = bool((await line.get(audience, {"fields": "is_value_based"})).get("is_value_based"))
        names, one = ["EMAIL"], [people.digest(NOBODY)]
        payload = {"schema": [*names, VALUE.name], "data": [[*one, 0]]} if valued else {"schema": names, "data": [one]}
        run = hashlib.sha256(f"{audience}/{job.sync_id}/{job.run_id}/{job.started_at}".encode()).digest()
        session = {
            "session_id": int.from_bytes(run[:7]),
            "batch_seq": 1,
            "last_batch_flag": True,
            "estimated_num_total": 1,
        }
        try:
            await line.post(f"{audience}/usersreplace", {"session": session, "payload": payload})
        except Gone:
            return  # it is empty: this run had begun that, and was interrupted

    async def named() -> str:
        return audience

    async def asked(_: str) -> JobState:
        return JobState(not await replacing(line, audience))

    try:
        await finished(named, asked, within_s=EMPTIED_WITHIN_S)
    except Unavailable:
        return
