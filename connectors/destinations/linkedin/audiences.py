"""The matched audiences of an ad account."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from connectors.sdk.destination import Job
from connectors.sdk.rest import Line, Place, Record
from connectors.sdk.rest.api import at

ACCOUNT_URN = "urn:li:sponsoredAccount:{}"


async def segments(line: Line, account: Any, kind: str) -> AsyncIterator[Record]:
    """The account's audiences of this kind that this app made."""
    urn, platform = ACCOUNT_URN.format(account), line.config["source_platform"]
    query = {"q": "account", "account": urn, "sourcePlatform": platform, "start": 0, "count": 100}
    async for each in line.pages("dmpSegments", "elements", next_page, query):
        if each["type"] == kind:
            yield each


async def find_audience(line: Line, job: Job, name: str) -> str | None:
    """The id of the audience with this name."""
    async for each in segments(line, job.settings["account"], job.settings["kind"]):
        if each["name"] == name:
            return str(each["id"])
    return None


async def make_audience(line: Line, job: Job, name: str) -> str:
    """A new audience's id, which LinkedIn tells in a header."""
    body = {
        "name": name,
        "account": ACCOUNT_URN.format(job.settings["account"]),
        "sourcePlatform": line.config["source_platform"],
        "accessPolicy": "PRIVATE",
        "type": job.settings["kind"],
        "destinations": [{"destination": "LINKEDIN"}],
    }
    told = (await line.send("POST", "dmpSegments", json=body)).headers
    return told.get("x-restli-id") or told["x-linkedin-id"]


AUDIENCE = Place(
    noun="audience", discover="audiences", find=find_audience, make=make_audience, depends=("account", "kind")
)


def next_page(answer: Any) -> dict[str, Any] | None:
    """The next page: by a token, or by the number that it starts with."""
    if token := at(answer, "metadata.nextPageToken"):
        return {"pageToken": token}
    paging = answer.get("paging") or {}
    start = int(paging.get("start") or 0) + int(paging.get("count") or 0)
    return {"start": start} if answer.get("elements") and start < int(paging.get("total") or 0) else None
