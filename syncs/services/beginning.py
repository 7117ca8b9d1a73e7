"""How a run begins, whoever asked for it. The caller holds the sync's row lock."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from config.errors import Conflict
from config.queue import enqueue
from connectors.access import require_ready
from governance.audit.context import correlation_id
from syncs.choices import PendingReset, StepKind, Trigger
from syncs.codec import dump
from syncs.models import Run, RunStep, Sync
from syncs.runspec import build_job, build_spec
from syncs.services.schedules import next_due
from syncs.tasks import work_on_step


def begin_run(
    sync: Sync, *, trigger: Trigger, actor_label: str, now: datetime, reset: PendingReset = PendingReset.NONE
) -> Run:
    """Create the one live run of a sync and its first stage, and tell the workers after commit.

    Consumes the sync's pending reset and reprocessing; a run that ends before
    it changed anything gives them back. Raises :class:`Conflict` where the sync
    is paused or already running.
    """
    _require_free(sync)
    reset = reset or PendingReset(sync.pending_reset)
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
    spec = build_spec(sync, run, reset=reset, reprocess=sync.pending_reprocess)
    run.spec, run.job = dump(spec), dump(build_job(sync, run, spec))
    run.save(update_fields=["spec", "job"])
    sync.pending_reset, sync.pending_reprocess = PendingReset.NONE, False
    sync.last_run = run
    sync.next_run_at = next_due(sync, now)
    sync.save(update_fields=["runs_started", "pending_reset", "pending_reprocess", "last_run", "next_run_at"])
    open_step(run, StepKind.PREPARE)
    return run


def open_step(run: Run, kind: StepKind, *, number: int = 0, rows: int = 0) -> RunStep:
    """A stage that a worker may take from now on."""
    now = timezone.now()
    step = RunStep.objects.create(
        workspace_id=run.workspace_id,
        run=run,
        kind=kind,
        number=number,
        rows_total=rows,
        available_at=now,
        sent_at=now,
    )
    enqueue(work_on_step, run.workspace_id, step.pk)
    return step


def _require_free(sync: Sync) -> None:
    if sync.paused:
        raise Conflict("This sync is paused.", hint="Resume it to run it.", code="sync_paused")
    live = sync.runs.filter(finished_at__isnull=True).first()
    if live is not None:
        raise Conflict(
            f"This sync is already running (run {live.number}).",
            hint="Wait for that run to end, or cancel it.",
            code="sync_running",
        )
    require_ready(sync.model.source)
    require_ready(sync.destination)
