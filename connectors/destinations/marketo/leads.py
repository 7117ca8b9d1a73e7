"""Leads by a field of theirs: Marketo's activities, lists and campaigns want their IDs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from connectors.sdk.rest import Found, Record, Work
from connectors.sdk.rest.api import MAX_PAGES
from connectors.sdk.rest.work import text

ID = "id"


async def leads_by(work: Work, name: str, *, newest: bool) -> Found:
    """The ids of the leads of these rows; ``newest``: of several the one made last."""
    if name in (ID, "leadId"):
        values = {text(record[name]) for record in work.records if record.get(name) is not None}
        return Found({value: (value,) for value in values})
    ask = partial(asked, work, "email" if name == "email" else name, newest)
    return await work.look_up(ask, name=name, chunk=300, fold=str.lower, at_once=2)


async def asked(work: Work, name: str, newest: bool, values: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of value and id. A comma parts values, so that none may have one."""
    form = {"filterType": name, "filterValues": ",".join(value for value in values if "," not in value)}
    found: list[Record] = []
    query = {"fields": f"id,createdAt,{name}", "batchSize": "300"}
    for _ in range(MAX_PAGES if form["filterValues"] else 0):
        answer = (
            await work.line.send("POST", "v1/leads.json", query={"_method": "GET"}, form={**form, **query})
        ).json()
        found += answer.get("result") or ()
        if not answer.get("nextPageToken"):
            break
        query["nextPageToken"] = answer["nextPageToken"]
    found.sort(key=lambda lead: str(lead.get("createdAt")))
    pairs = [(str(lead[name]), str(lead[ID])) for lead in found if lead.get(name) is not None]
    return list({value.lower(): (value, key) for value, key in pairs}.values()) if newest else pairs
