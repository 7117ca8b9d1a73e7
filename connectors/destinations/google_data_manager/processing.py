"""What became of a request: Google takes it at once, and says later whether it could use what is in it.

https://developers.google.com/data-manager/api/devguides/diagnostics
"""

from __future__ import annotations

from typing import Any

from connectors.sdk.destination import RowResult, rejected
from connectors.sdk.rest import JobState, Record, Results, Work, finished
from connectors.sdk.rest.api import at

BATCH_S, WITHIN_S = 10_800.0, 10_000.0
AT_ONCE = 16
UNDECIDED = ("PROCESSING", "REQUEST_STATUS_UNKNOWN")
# Google asks for a first look after half an hour; what is over sooner is found sooner.
FIRST_LOOK_S = 15.0


async def handed_in(work: Work, path: str, body: Record, count: int) -> Results | None:
    """Hand a request in; where the sync waits, what Google says of it when it has processed it."""
    if not work.settings.get("checked"):
        await work.line.post(path, body)
        return None

    async def start() -> str:
        return str((await work.line.post(path, body))["requestId"])

    async def ask(request: str) -> JobState:
        told = await work.line.get("requestStatus:retrieve", {"requestId": request})
        states = told.get("requestStatusPerDestination") or ()
        over = bool(states) and all(each["requestStatus"] not in UNDECIDED for each in states)
        return JobState(over, states)

    states = await finished(start, ask, within_s=WITHIN_S, first_wait_s=FIRST_LOOK_S)
    if any(each["requestStatus"] == "FAILED" for each in states):
        # Not for the engine to halve: each half would wait for Google as long again.
        return [rejected(f"Google could use nothing of this batch: {reasons(states)}.")] * count
    if all(each["requestStatus"] == "SUCCESS" for each in states):
        return None
    told = f"Google could not use every row of this batch, and does not say which: {reasons(states)}."
    return [RowResult(True, told, "partly_used")] * count


def reasons(states: Any) -> str:
    """Why, with how many rows each."""
    counts = [each for state in states for each in at(state, "errorInfo.errorCounts") or ()]
    told = [f"{each['reason'].removeprefix('PROCESSING_ERROR_REASON_')} ({each['recordCount']})" for each in counts]
    return ", ".join(told) or "without a reason"
