"""How a run begins, whoever asked for it. The caller holds the sync's row lock."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import DatabaseError

from config.errors import Conflict
from connectors.access import require_ready, require_running
from connectors.sdk.destination import FirstRun, Mode, Removal, RowSet
from governance.audit.context import correlation_id
from syncs.areas import require_on
from syncs.choices import PendingReset, RunStatus, StepKind, Trigger
from syncs.codec import dump
from syncs.engine.spec import RunSpec
from syncs.models import Run, Sync
from syncs.runspec import build_job, build_spec, run_directory
from syncs.services.opening import open_step
from syncs.services.schedules import next_due
from syncs.services.storage import mark_used
from syncs.webhooks import tell_webhooks

# A run that was cut off is resumed by itself, but not after so long.
RESUME_WITHIN = timedelta(hours=1)


def begin_run(
    sync: Sync, *, trigger: Trigger, actor_label: str, now: datetime, reset: PendingReset = PendingReset.NONE
) -> Run:
    """Create the one live run of a sync and its first stage, and tell the workers after commit.

    Consumes the sync's pending reset and reprocessing; a run that ends before
    it changed anything gives them back. Raises :class:`Conflict` where the sync
    is paused or already running.
    """
    run = _create_run(sync, trigger=trigger, actor_label=actor_label, now=now)
    reset = reset or PendingReset(sync.pending_reset)
    _freeze(sync, run, build_spec(sync, run, reset=reset, reprocess=sync.pending_reprocess))
    sync.pending_reset, sync.pending_reprocess = PendingReset.NONE, False
    sync.next_run_at = next_due(sync, now)
    sync.save(update_fields=["runs_started", "pending_reset", "pending_reprocess", "last_run", "next_run_at"])
    open_step(run, StepKind.PREPARE)
    mark_used(now)
    return run


def begin_retry(sync: Sync, *, actor_label: str, now: datetime) -> Run:
    """Like :func:`begin_run`, for the rows that earlier runs could not deliver.

    All other rows, the schedule and what waits for the next run stay as they are.
    """
    run = _create_run(sync, trigger=Trigger.REJECTED, actor_label=actor_label, now=now)
    _freeze(sync, run, build_spec(sync, run, reset=PendingReset.NONE, reprocess=False, only_unsettled=True))
    sync.save(update_fields=["runs_started", "last_run"])
    open_step(run, StepKind.PREPARE)
    mark_used(now)
    return run


def refused_run(sync: Sync, *, trigger: Trigger, actor_label: str, now: datetime) -> Run:
    """A run that could not begin, for its caller to end: people see and hear of it as of any that failed.

    It consumes nothing: what waits for the next run goes on waiting.
    """
    run = _new_run(sync, trigger=trigger, actor_label=actor_label, now=now)
    try:
        spec = build_spec(sync, run, reset=PendingReset.NONE, reprocess=False)
    except DatabaseError:
        raise
    except Exception:  # what is broken may be the configuration itself
        spec = _empty_spec(sync, run)
    _freeze(sync, run, spec)
    sync.save(update_fields=["runs_started", "last_run"])
    return run


def _empty_spec(sync: Sync, run: Run) -> RunSpec:
    """The spec of a run that does nothing, for pages to read."""
    return RunSpec(
        run_id=run.pk,
        sync_id=sync.pk,
        sql="",
        dialect="",
        primary_key=sync.model.primary_key,
        columns=(),
        tracked=(),
        mappings=(),
        mode=Mode(sync.mode),
        rows=RowSet.CHANGES,
        removal=Removal(sync.removal),
        first_run=FirstRun(sync.first_run),
        wanted=frozenset(),
        idempotent=False,
        directory=run_directory(sync.workspace_id, sync.pk, run.pk),
    )


def _create_run(sync: Sync, *, trigger: Trigger, actor_label: str, now: datetime) -> Run:
    _require_free(sync)
    return _new_run(sync, trigger=trigger, actor_label=actor_label, now=now)


def _new_run(sync: Sync, *, trigger: Trigger, actor_label: str, now: datetime) -> Run:
    sync.runs_started += 1
    run = Run(
        workspace_id=sync.workspace_id,
        sync=sync,
        number=sync.runs_started,
        trigger=trigger,
        actor_label=actor_label[:320],
        correlation_id=correlation_id(),
        sync_revision=sync.revision,
        spec={},
        job={},
        created_at=now,
    )
    run.save()
    sync.last_run = run
    tell_webhooks(run)
    return run


def _freeze(sync: Sync, run: Run, spec: RunSpec) -> None:
    run.spec, run.job = dump(spec), dump(build_job(sync, run, spec))
    run.save(update_fields=["spec", "job"])


def require_not_draft(sync: Sync) -> None:
    """Raise while the sync is no more than a draft: nothing of it may reach the destination."""
    if not sync.published:
        hint = "Publish it, or have it approved." if sync.model.published else "Publish its model and the sync first."
        raise Conflict("This sync is a draft.", hint=hint, code="sync_is_draft")


def _require_free(sync: Sync) -> None:
    require_not_draft(sync)
    require_on(sync.model)
    if sync.paused:
        raise Conflict("This sync is paused.", hint="Resume it to run it.", code="sync_paused")
    require_running(sync.destination)
    if sync.erasing_for is not None:
        raise Conflict(
            "A person is being erased from what this sync remembers.",
            hint="Runs can start again when that is done.",
            code="sync_erasing",
        )
    live = sync.runs.filter(finished_at__isnull=True).first()
    if live is not None:
        raise Conflict(
            f"Run {live.number} of this sync is held for a decision."
            if live.status == RunStatus.HELD
            else f"This sync is already running (run {live.number}).",
            hint="Release or drop its changes first."
            if live.status == RunStatus.HELD
            else "Wait for that run to end, or cancel it.",
            code="sync_running",
        )
    require_ready(sync.model.source)
    require_ready(sync.destination)
