"""Connections of Fivetran, by its REST API v1: a connection's sync is the job."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from connectors.jobs.calling import Job, Read, T, calling

ADDRESS = "https://api.fivetran.com"
_PAGE = 1_000


def jobs(values: Mapping[str, Any]) -> Sequence[Job]:
    """The connections of all groups, which people know as destinations."""
    return _calling(values, _jobs)


def successes(values: Mapping[str, Any], job_ids: Sequence[str]) -> Mapping[str, str]:
    """When each connection's data was synced last."""

    async def work(read: Read) -> dict[str, str]:
        found = {job: (await read(f"/connections/{job}"))["data"].get("succeeded_at") for job in job_ids}
        return {job: str(moment) for job, moment in found.items() if moment}

    return _calling(values, work)


async def _jobs(read: Read) -> list[Job]:
    return [
        Job(connection["id"], f"{connection['schema']} ({connection['service']}, {group['name']})")
        async for group in _items(read, "/groups")
        async for connection in _items(read, f"/groups/{group['id']}/connections")
    ]


async def _items(read: Read, path: str) -> AsyncIterator[Mapping[str, Any]]:
    """All items of a list, page after page."""
    asked: dict[str, Any] = {"limit": _PAGE}
    while True:
        data = (await read(path, **asked))["data"]
        for item in data["items"]:
            yield item
        if not data.get("next_cursor"):
            return
        asked["cursor"] = data["next_cursor"]


def _calling(values: Mapping[str, Any], work: Callable[[Read], Awaitable[T]]) -> T:
    key = base64.b64encode(f"{values['api_key']}:{values['api_secret']}".encode()).decode()
    headers = {"Authorization": f"Basic {key}", "Accept": "application/json;version=2"}
    return calling(f"{ADDRESS}/v1", headers, values["api_secret"], work)
