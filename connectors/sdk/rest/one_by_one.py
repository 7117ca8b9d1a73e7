"""Records that a service takes one a request: found first, then made, changed or removed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from connectors.sdk.destination import Job, Limits, Mode, RowResult
from connectors.sdk.rest.work import Found, Record, Results, Work

Make = Callable[[Record], Awaitable[RowResult | None]]
Act = Callable[[Record, str], Awaitable[RowResult | None]]


async def one_by_one(
    work: Work,
    found: Found,
    *,
    create: Make | None = None,
    change: Act | None = None,
    remove: Act | None = None,
    at_once: int = 4,
) -> Results:
    """Create what is not there, change or remove what is, as :meth:`Work.by_match` decides; ``at_once`` side by side.

    Each function sends the request of one row (with the id of its record, where there is one) and returns a
    result, or nothing where the row was taken.
    """

    def acting(act: Act | None) -> Callable[[Work, Sequence[str]], Awaitable[Results]] | None:
        if act is None:
            return None
        return lambda part, ids: part.each_found(ids, act, at_once=at_once)

    async def creating(part: Work) -> Results:
        assert create is not None
        return await part.each(create, at_once=at_once)

    made = creating if create is not None else None
    return await work.by_match(found, create=made, update=acting(change), remove=acting(remove))


def row_by_row(limits: Limits, job: Job) -> Limits:
    """One row a batch where rows are inserted: the engine then knows of each whether it was sent."""
    return replace(limits, batch_rows=1) if job.mode is Mode.INSERT else limits
