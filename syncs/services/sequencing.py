"""How a run of a sequence begins and goes on, whoever wakes it: a person, a schedule, or a run that ended.

Where it stands is in the database alone. :func:`advance` may be called by
anybody at any time: it takes the run's row lock, does what can be done now, and
leaves. The scheduler calls it for whatever nobody else woke, so a killed worker
or a lost message costs seconds. These are no audited services: runs are their
own history.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.db import Error as DatabaseError
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from config.errors import Conflict, HeadraceError, NotFound
from config.queue import enqueue
from governance.audit.context import correlation_id
from syncs import access
from syncs.alerting.scrubbing import scrubbed
from syncs.areas import REVERSE_ETL
from syncs.choices import (
    OPEN_STEPS,
    LimitUnit,
    RunStatus,
    SequenceStatus,
    SequenceStepState,
    Terminate,
    Trigger,
)
from syncs.models import Run, Sequence, SequenceRun, SequenceRunStep, Sync
from syncs.services.beginning import RESUME_WITHIN, begin_run
from syncs.services.schedules import next_due
from syncs.tasks import go_on_with_sequence
from workspaces.areas import off, require_on

logger = logging.getLogger(__name__)
_ENDINGS = {
    RunStatus.SUCCEEDED: SequenceStepState.SUCCEEDED,
    RunStatus.WARNING: SequenceStepState.WARNING,
    RunStatus.CANCELLED: SequenceStepState.CANCELLED,
}


def begin_sequence(sequence: Sequence, *, trigger: Trigger, actor_label: str, now: datetime) -> SequenceRun:
    """Create the one live run of a sequence, with its steps as they are now. The caller holds the sequence's lock."""
    require_on(REVERSE_ETL)
    live = sequence.runs.filter(finished_at__isnull=True).first()
    if live is not None:
        raise Conflict(
            f"This sequence is already running (run {live.number}).",
            hint="Wait for that run to end, or cancel it.",
            code="sequence_running",
        )
    steps = list(sequence.steps.select_related("sync"))
    if not steps:
        raise Conflict("This sequence has no syncs.", hint="Add one to run it.", code="sequence_empty")
    sequence.runs_started += 1
    run = SequenceRun.objects.create(
        workspace_id=sequence.workspace_id,
        sequence=sequence,
        number=sequence.runs_started,
        trigger=trigger,
        actor_label=actor_label[:320],
        correlation_id=correlation_id(),
        created_at=now,
    )
    SequenceRunStep.objects.bulk_create(
        SequenceRunStep(
            workspace_id=run.workspace_id,
            run=run,
            position=step.position,
            sync=step.sync,
            label=str(step)[:200],
            terminate=step.terminate,
            limit_unit=step.limit_unit,
            limit=step.limit,
        )
        for step in steps
    )
    sequence.last_run = run
    sequence.next_run_at = next_due(sequence, now)
    sequence.save(update_fields=["runs_started", "last_run", "next_run_at"])
    enqueue(go_on_with_sequence, run.workspace_id, run.pk)
    return run


@transaction.atomic
def advance(run_id: int) -> None:
    """Go as far as can be gone now: take in what ended, start the next sync, or end the run."""
    live = SequenceRun.objects.select_for_update(no_key=True, of=("self",)).select_related("sequence")
    run = live.filter(pk=run_id, finished_at__isnull=True).first()
    if run is None:
        return
    for step in run.steps.filter(state__in=OPEN_STEPS).select_related("sync_run"):
        if run.cancel_requested_at and step.state == SequenceStepState.WAITING:
            return _finish(run, SequenceStatus.CANCELLED)
        if not (_begun(run, step) and _ended(run, step)):
            return None
        if run.cancel_requested_at:
            return _finish(run, SequenceStatus.CANCELLED)
        if why := _stops(step):
            return _finish(run, SequenceStatus.FAILED, f"{step}: {why}")
    return _finish(run, SequenceStatus.SUCCEEDED)


def wake(sync_id: int) -> None:
    """A run of this sync ended: tell the sequences that wait for it, once this is committed."""
    waiting = SequenceRunStep.objects.filter(sync_id=sync_id, state__in=OPEN_STEPS).order_by()
    for workspace_id, run_id in waiting.values_list("workspace_id", "run_id").distinct():
        enqueue(go_on_with_sequence, workspace_id, run_id)


def runs_to_go_on() -> list[tuple[int, int]]:
    """(workspace id, run id) of live runs of sequences that do not just wait for a run of their own."""
    busy = SequenceRunStep.objects.filter(
        run=OuterRef("pk"), state=SequenceStepState.RUNNING, sync_run__finished_at__isnull=True
    )
    live = SequenceRun.objects.filter(~Exists(busy) | Q(cancel_requested_at__isnull=False), finished_at__isnull=True)
    return list(live.order_by("id").values_list("workspace_id", "pk"))


def due_sequences(now: datetime, *, limit: int) -> list[tuple[int, int]]:
    """(workspace id, sequence id) of sequences whose time has come and that are not running, longest due first."""
    running = SequenceRun.objects.filter(sequence=OuterRef("pk"), finished_at__isnull=True)
    due = Sequence.objects.exclude(off(REVERSE_ETL)).filter(~Exists(running), next_run_at__lte=now)
    return list(due.order_by("next_run_at").values_list("workspace_id", "pk")[:limit])


@transaction.atomic
def start_sequence_if_due(sequence_id: int, now: datetime) -> bool:
    """Start a sequence whose time has come, unless another scheduler has it."""
    locked = Sequence.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
    sequence = locked.select_related("last_run").filter(pk=sequence_id, next_run_at__lte=now).first()
    if sequence is None:
        return False
    if sequence.schedule.ended(now):
        Sequence.objects.filter(pk=sequence.pk).update(next_run_at=None)
        return False
    try:
        begin_sequence(sequence, trigger=Trigger.SCHEDULE, actor_label="Schedule", now=now)
    except HeadraceError as error:
        logger.warning("sequence %s is due but cannot run: %s", sequence_id, error.message)
        Sequence.objects.filter(pk=sequence.pk).update(next_run_at=sequence.schedule.next_after(now))
        return False
    return True


def _begun(run: SequenceRun, step: SequenceRunStep) -> bool:
    """Start the step's sync; whether it was started now or before, or cannot be."""
    if step.state != SequenceStepState.WAITING:
        return True
    now = timezone.now()
    try:
        with transaction.atomic():
            sync_run = _start(run, step, now)
    except HeadraceError as error:
        if error.code == "sync_running":
            _note(step, reason="Waits for another run of this sync to end.")
            return False
        _close(step, SequenceStepState.FAILED, f"{error.message} {error.hint}".strip())
    except DatabaseError:
        raise
    except Exception:
        logger.exception("step %s of sequence run %s could not be started", step.position, run.pk)
        _close(step, SequenceStepState.FAILED, "It could not be started; the server’s log says why.")
    else:
        _note(step, state=SequenceStepState.RUNNING, sync_run=sync_run, started_at=now, reason="")
    return True


def _start(run: SequenceRun, step: SequenceRunStep, now: datetime) -> Run:
    if step.sync_id is None:
        raise NotFound("The sync was deleted.", hint="Take it out of the sequence.")
    sync = access.locked_sync(step.sync_id)
    return begin_run(sync, trigger=Trigger.SEQUENCE, actor_label=f"Sequence {run.sequence}", now=now)


def _ended(run: SequenceRun, step: SequenceRunStep) -> bool:
    """Take in how the step's own run ended; whether it has."""
    if step.state != SequenceStepState.RUNNING:
        return True
    sync_run = _followed(step)
    if sync_run is None:
        _close(step, SequenceStepState.FAILED, "Its run was deleted.")
        return True
    if sync_run.live:
        if run.cancel_requested_at and not sync_run.cancel_requested_at:
            Run.objects.filter(pk=sync_run.pk).update(cancel_requested_at=run.cancel_requested_at)
        return False
    if sync_run.status == RunStatus.INTERRUPTED and _will_resume(sync_run):
        return False
    reason = f"{sync_run.rejected:,} of {sync_run.planned:,} rows rejected." if sync_run.rejected else ""
    if sync_run.status == RunStatus.CANCELLED:
        reason = "The run was cancelled."
    _close(
        step,
        _ENDINGS.get(RunStatus(sync_run.status), SequenceStepState.FAILED),
        scrubbed(sync_run.error_message) or reason,
    )
    return True


def _followed(step: SequenceRunStep) -> Run | None:
    """The step's run; where that was cut off and another one went on from there, the other one."""
    run = step.sync_run
    if run is None or run.status != RunStatus.INTERRUPTED:
        return run
    resumed = Run.objects.filter(sync_id=run.sync_id, pk__gt=run.pk, trigger=Trigger.RETRY).order_by("pk").first()
    if resumed is not None:
        _note(step, sync_run=resumed)
    return resumed or run


def _will_resume(run: Run) -> bool:
    """Whether the scheduler goes on with an interrupted run (see :mod:`syncs.services.due`)."""
    if run.trigger == Trigger.RETRY or run.finished_at is None or run.finished_at < timezone.now() - RESUME_WITHIN:
        return False
    return Sync.objects.filter(last_run=run, paused=False).exists()


def _stops(step: SequenceRunStep) -> str:
    """Why the sequence ends at this step, by its rule; nothing where it goes on."""
    if step.terminate == Terminate.NEVER:
        return ""
    if step.state in (SequenceStepState.FAILED, SequenceStepState.CANCELLED):
        return step.reason or "It failed."
    return step.reason if step.terminate == Terminate.REJECTED and _too_many(step) else ""


def _too_many(step: SequenceRunStep) -> bool:
    rejected, planned = (step.sync_run.rejected, step.sync_run.planned) if step.sync_run else (0, 0)
    match step.limit_unit:
        case LimitUnit.ROWS:
            return rejected > step.limit
        case LimitUnit.PERCENT:
            return 100 * rejected > step.limit * planned
    return rejected > 0


def _note(step: SequenceRunStep, **changed: Any) -> None:
    for name, value in changed.items():
        setattr(step, name, value)
    step.save(update_fields=list(changed))


def _close(step: SequenceRunStep, state: SequenceStepState, reason: str) -> None:
    _note(step, state=state, reason=reason, finished_at=timezone.now())


def _finish(run: SequenceRun, status: SequenceStatus, reason: str = "") -> None:
    run.status, run.reason, run.finished_at = status, reason, timezone.now()
    run.save(update_fields=["status", "reason", "finished_at"])
    run.steps.filter(state__in=OPEN_STEPS).update(state=SequenceStepState.SKIPPED, reason="")
