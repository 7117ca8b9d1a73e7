"""Jobs of Zendesk: up to 100 records each, with an answer for every one when the job is over.

https://developer.zendesk.com/api-reference/ticketing/ticket-management/job_statuses/
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from connectors.destinations.zendesk.settings import API, MOST
from connectors.sdk import receipts
from connectors.sdk.destination import ACCEPTED, RowResult, rejected
from connectors.sdk.errors import BatchRejected, Gone, InternalError
from connectors.sdk.rest import JobState, Record, Results, Work, finished

GOING_ON = frozenset({"queued", "working"})


async def in_jobs(
    work: Work, method: str, path: str, body: Callable[[list[Record]], Record], records: Sequence[Record]
) -> Results:
    """One job after another; ``body`` makes a request of some records."""
    results: list[RowResult] = []
    for start in range(0, len(records), MOST):
        part = list(records[start : start + MOST])
        results += await job(work, method, path, body(part), len(part))
        await receipts.current().keep("")
    return results


async def job(work: Work, method: str, path: str, body: Record, rows: int) -> list[RowResult]:
    """What became of the records of one job; a job that an earlier try began is taken over."""

    async def start() -> str:
        answer = (await work.line.send(method, f"{API}/{path}", json=body)).json()
        return str(answer["job_status"]["id"])

    return results_of(await finished(start, lambda known: _state(work, known)), rows)


async def earlier(work: Work) -> None:
    """Wait for a job that a killed try left behind: only then do look-ups see what it made."""
    receipt = receipts.current()
    if not receipt.value:
        return

    async def over() -> str:
        return ""

    async def ask(known: str) -> JobState:
        try:
            return await _state(work, known) if known else JobState(True)
        except Gone:
            return JobState(True)

    await finished(over, ask)
    await receipt.keep("")


async def _state(work: Work, known: str) -> JobState:
    status = (await work.line.get(f"{API}/job_statuses/{known}.json"))["job_status"]
    return JobState(status["status"] not in GOING_ON, status)


def results_of(status: Record, rows: int) -> list[RowResult]:
    """What became of each record: answers come in the order of the records, or name their place."""
    told = status.get("results")
    if status["status"] != "completed" or not isinstance(told, list):
        raise BatchRejected(f"The job ended as {status['status']}: {status.get('message') or 'nothing more is said'}")
    results: list[RowResult | None] = [None] * rows
    for place, each in enumerate(told):
        results[int(each.get("index", place))] = result_of(each)
    found = [each for each in results if each is not None]
    if len(found) != rows:
        raise InternalError(f"The job answers for {len(found)} of {rows} records.")
    return found


def result_of(told: Record) -> RowResult:
    """What a job says of one record."""
    if not (told.get("error") or told.get("errors") or told.get("status") == "Failed" or told.get("success") is False):
        return ACCEPTED
    code = told.get("error") or told.get("errors") or told.get("status")
    return rejected(f"{told['details']} ({code})" if told.get("details") else str(code))


def listed(value: Any) -> list[str]:
    """Tags or domains: one, several between commas, or a list."""
    many = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]
    return [str(each).strip() for each in many if each not in (None, "")]
