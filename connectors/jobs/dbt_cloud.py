"""Jobs of dbt Cloud, by its Administrative API v2. A job's id here is ``account/job``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from connectors.jobs.calling import Job, Read, T, calling

_PAGE = 100
_SUCCESS = 10


def jobs(values: Mapping[str, Any]) -> Sequence[Job]:
    """The jobs of all accounts that the token sees."""
    return _calling(values, _jobs)


def successes(values: Mapping[str, Any], job_ids: Sequence[str]) -> Mapping[str, str]:
    """The id of each job's run that succeeded last."""

    async def work(read: Read) -> dict[str, str]:
        return {job: found for job in job_ids if (found := await _latest(read, job))}

    return _calling(values, work)


async def _jobs(read: Read) -> list[Job]:
    found: list[Job] = []
    for account in (await read("/accounts/"))["data"]:
        offset = 0
        while page := (await read(f"/accounts/{account['id']}/jobs/", limit=_PAGE, offset=offset))["data"]:
            found += [Job(f"{account['id']}/{job['id']}", f"{job['name']} ({account['name']})") for job in page]
            offset += len(page)
            if len(page) < _PAGE:
                break
    return found


async def _latest(read: Read, job: str) -> str:
    account, _, number = job.partition("/")
    asked = {"job_definition_id": number, "status": _SUCCESS, "order_by": "-finished_at", "limit": 1}
    runs = (await read(f"/accounts/{account}/runs/", **asked))["data"]
    return str(runs[0]["id"]) if runs and runs[0].get("status") == _SUCCESS else ""


def _calling(values: Mapping[str, Any], work: Callable[[Read], Awaitable[T]]) -> T:
    headers = {"Authorization": f"Token {values['token']}", "Accept": "application/json"}
    return calling(f"{values['url'].rstrip('/')}/api/v2", headers, values["token"], work)
