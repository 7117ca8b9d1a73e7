"""Work that the service does in its own time: hand a batch in, ask until it is done, read what became of the rows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from connectors.sdk import receipts
from connectors.sdk.errors import Gone, Unavailable

FIRST_WAIT_S, LONGEST_WAIT_S, GROWTH = 0.5, 15.0, 1.6


@dataclass(frozen=True, slots=True)
class JobState:
    """What the service said of a job: whether it is over, and its answer as the connector wants to read it."""

    over: bool
    answer: Any = None


async def finished(
    start: Callable[[], Awaitable[str]],
    ask: Callable[[str], Awaitable[JobState]],
    *,
    within_s: float = 600.0,
    first_wait_s: float = FIRST_WAIT_S,
) -> Any:
    """The answer of a job that ``start`` begins and names, asked for with growing pauses.

    Its name is durable before anybody waits: after a crash the batch comes again with it, and
    is asked for instead of being handed in twice. A job that the service no longer knows is
    begun anew. Raises ``Unavailable`` where it takes longer than ``within_s`` seconds; the
    receipt stays, so that a later try goes on waiting for the same job.
    """
    receipt = receipts.current()
    taken_over = bool(receipt.value)
    if not taken_over:
        await receipt.keep(await start())
    wait, waited = first_wait_s, 0.0
    while True:
        try:
            state = await ask(receipt.value)
        except Gone:
            if not taken_over:
                raise
            taken_over = False
            await receipt.keep(await start())
            continue
        if state.over:
            return state.answer
        if waited >= within_s:
            raise Unavailable(f"The service has not finished within {within_s:.0f} seconds.", in_doubt=True)
        await asyncio.sleep(wait)
        waited += wait
        wait = min(wait * GROWTH, LONGEST_WAIT_S)
