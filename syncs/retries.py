"""Rows that earlier runs could not deliver, and whether they can be tried again by themselves."""

from __future__ import annotations

from config.errors import Conflict
from connectors.choices import Planner
from syncs.choices import PendingReset
from syncs.codec import load
from syncs.engine.spec import Baseline
from syncs.models import Sync

_RUN_INSTEAD = "Run the sync instead: it sends these rows too."


def unsettled_rows(sync: Sync) -> int:
    """Rows of the sync that are due again, those that share a key among them."""
    return load(Baseline, sync.baseline).unsettled if sync.baseline else 0


def can_retry(sync: Sync) -> bool:
    """Whether a retry of only these rows can be asked for now."""
    return (
        not sync.paused
        and sync.destination.stopped_at is None
        and not (sync.last_run and sync.last_run.live)
        and _obstacle(sync) is None
    )


def require_retry(sync: Sync) -> None:
    """Raise :class:`Conflict` where there is nothing to retry, or not without the other rows."""
    if (obstacle := _obstacle(sync)) is not None:
        raise obstacle


def _obstacle(sync: Sync) -> Conflict | None:
    if not unsettled_rows(sync):
        return Conflict("No rows of this sync are left over from earlier runs.", code="nothing_to_retry")
    if sync.pending_reset != PendingReset.NONE:
        words = "The next run of this sync does not compare with earlier ones."
        return Conflict(words, hint=_RUN_INSTEAD, code="retry_impossible")
    if Planner.WAREHOUSE in (sync.model.source.planner, load(Baseline, sync.baseline).planner):
        words = "With the warehouse planner, rows left over are not sent by themselves."
        return Conflict(words, hint=_RUN_INSTEAD, code="retry_impossible")
    return None
