"""What a running sync writes about itself. Every write is bound to the lease of the stage it belongs to.

These are no audited services: runs are their own history. A worker that lost
its lease gets :class:`LeaseLost` here and has changed nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from config.postgres.compiled import Compiled
from config.queue import enqueue
from syncs.choices import RunStatus, StepKind, StepState, TriggerKind, ended_as
from syncs.codec import dump, load
from syncs.engine import DestinationStopped, LeaseLost
from syncs.engine.guardrails import Breach
from syncs.engine.spec import Failure, OperationCounts, PartOutcome, Prepared, RunSpec, Settled
from syncs.holds import Hold, run_held
from syncs.models import JournalBatch, Run, RunStep, Sync
from syncs.origins import origin_of
from syncs.outcomes import part_outcomes
from syncs.services import room
from syncs.services.alerting import judge_after_run
from syncs.services.ending import end_run, end_without_sending
from syncs.services.opening import open_delivery, open_parts, open_step
from syncs.tasks import actor_for
from syncs.webhooks import tell_webhooks

LEASE = timedelta(seconds=15)
RETRY_DELAYS = (1, 5, 15, 60, 300)
ATTEMPTS = {StepKind.PREPARE: 5, StepKind.PROVIDE: 5, StepKind.CLEAR: 5, StepKind.DELIVER: 10, StepKind.LOG: 8}
# Failures that are a person's wish; the second one says more than that the run was cancelled.
CANCELLATIONS = ("cancelled", DestinationStopped.code)
# Logs are written after the run has ended, everything else before.
_OPEN = Q(run__finished_at__isnull=True) | Q(kind=StepKind.LOG)

StartableParts = Callable[[Prepared, Sequence[int]], Sequence[int]]


class Stop(StrEnum):
    """Why a stage is to end before its next batch."""

    CANCELLED = "cancelled"
    DESTINATION = "destination"


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's hold on a stage: worthless as soon as another epoch was given out.

    ``asked_at`` is this process's monotonic clock before the lease began, so that nobody who is
    stopped right after thinks it longer than it is.
    """

    step_id: int
    run_id: int
    sync_id: int
    workspace_id: int
    kind: StepKind
    number: int
    epoch: int
    attempts: int
    asked_at: float
    stop: Stop | None = None  # when it was taken; heartbeats bring later news


def claim(step_id: int) -> Claim | None:
    """Take a stage that is waiting or whose holder went silent; nothing where somebody else works on it."""
    asked_at = time.monotonic()
    with transaction.atomic():
        # Locked first: an UPDATE that joins the run looks at the step as it was before it waited for another worker.
        step = _CANDIDATE.first(step=step_id)
        if step is None or (step.kind == StepKind.DELIVER and room.is_full(step.run.sync_id)):
            return None
        step.epoch, step.attempts = step.epoch + 1, step.attempts + 1
        RunStep.objects.filter(pk=step.pk).update(
            state=StepState.RUNNING,
            epoch=step.epoch,
            attempts=step.attempts,
            lease_until=Now() + LEASE,
            started_at=Coalesce("started_at", Now()),
        )
        if step.run.started_at is None:
            Run.objects.filter(pk=step.run_id, started_at__isnull=True).update(started_at=Now())
    return Claim(
        step_id=step.pk,
        run_id=step.run_id,
        sync_id=step.run.sync_id,
        workspace_id=step.workspace_id,
        kind=StepKind(step.kind),
        number=step.number,
        epoch=step.epoch,
        attempts=step.attempts,
        asked_at=asked_at,
        stop=None if step.kind == StepKind.LOG else _stop(step.run),
    )


def beat(held: Claim, rows_done: int | None = None) -> Stop | None:
    """Extend the lease and note progress; whether and why the run should stop. Raises :class:`LeaseLost`."""
    values: dict[str, Any] = {"lease_until": Now() + LEASE}
    if rows_done is not None:
        values["rows_done"] = rows_done
    if not _held(held).update(**values):
        raise LeaseLost("Another worker took over.")
    if held.kind is StepKind.LOG:
        return None
    related = Run.objects.select_related("sync__destination")
    return _stop(related.only("cancel_requested_at", "sync__destination__stopped_at").get(pk=held.run_id))


def _stop(run: Run) -> Stop | None:
    if run.cancel_requested_at is not None:
        return Stop.CANCELLED
    return Stop.DESTINATION if run.sync.destination.stopped_at is not None else None


def release(held: Claim) -> None:
    """Give a stage back at once, for another worker to go on with it."""
    with transaction.atomic():
        now = timezone.now()
        given = _held(held).update(
            state=StepState.WAITING, lease_until=None, available_at=now, sent_at=now, attempts=F("attempts") - 1
        )
        if given:
            _send(held.workspace_id, held.step_id, held.kind)


def put_off(held: Claim, failure: Failure) -> None:
    """Try a stage again a little later, after an error that has nothing to do with its rows."""
    delay = RETRY_DELAYS[min(held.attempts, len(RETRY_DELAYS)) - 1]
    _held(held).update(
        state=StepState.WAITING,
        lease_until=None,
        available_at=Now() + timedelta(seconds=delay),
        outcome=dump(failure),
    )


def enter(held: Claim, status: RunStatus) -> None:
    """Say where the run is, while the stage is held; the time is kept for the run's timings."""
    with _step(held) as run:
        run.status = status
        run.timings = {**run.timings, status.value: timezone.now().isoformat()}
        run.save(update_fields=["status", "timings"])


def keep_job(held: Claim, *, spec: RunSpec, job: Any) -> None:
    """Store what the connector made of the run's spec and job, before anything is queried."""
    with _step(held) as run:
        run.spec, run.job = dump(spec), dump(job)
        run.save(update_fields=["spec", "job"])


def finish_prepare(held: Claim, prepared: Prepared, startable: Sequence[int], breaches: Sequence[Breach] = ()) -> None:
    """Store what was found and go on: to the first parts, or to a person where it goes beyond the guardrails."""
    with _step(held, with_sync=True) as run:
        run.prepared = dump(prepared)
        run.queried, run.null_keys, run.duplicates = prepared.queried, prepared.null_keys, prepared.duplicates
        run.forgotten, run.retried = prepared.forgotten, prepared.retried
        _count(run, "planned", prepared.planned)
        _done(held, rows=prepared.queried)
        if (origin := origin_of(run.sync.model)) and origin.prepared:
            origin.prepared(run)
        if not breaches:
            open_delivery(run, startable)
        elif run.cancel_requested_at is not None:
            end_without_sending(run, _locked_sync(run.sync_id), RunStatus.CANCELLED, None)
        else:
            _hold(run, breaches, startable)


def finish_provide(held: Claim, kept: Mapping[str, str], startable: StartableParts, *, parallel: int) -> None:
    """What the rows go into is there: remember it for the sync, and go on."""
    with _step(held, with_sync=True) as run:
        _done(held, rows=0)
        sync = _locked_sync(run.sync_id)
        sync.kept = {**sync.kept, **kept}
        sync.save(update_fields=["kept"])
        run.job = {**run.job, "kept": sync.kept}
        run.save(update_fields=["job"])
        open_delivery(run, startable(load(Prepared, run.prepared), ())[:parallel], after=StepKind.PROVIDE)


def finish_clear(held: Claim, startable: StartableParts, *, parallel: int) -> None:
    """The list is empty: go on to fill it."""
    with _step(held) as run:
        _done(held, rows=0)
        open_delivery(run, startable(load(Prepared, run.prepared), ())[:parallel], after=StepKind.CLEAR)


def finish_part(held: Claim, outcomes: Sequence[PartOutcome], next_parts: StartableParts, *, parallel: int) -> None:
    """Store what became of a part, open those that may follow, and settle after the last."""
    with _step(held) as run:
        _done(held, rows=sum(_rows(o) for o in outcomes), outcome=[dump(o) for o in outcomes])
        steps = list(run.steps.filter(kind=StepKind.DELIVER))
        prepared = load(Prepared, run.prepared)
        finished = [o.number for step in steps if step.state == StepState.DONE for o in part_outcomes(step)]
        running = [step for step in steps if step.state != StepState.DONE]
        _add_up(run, steps)
        run.save()
        if run.cancel_requested_at is None and not any(o.failure for s in steps for o in part_outcomes(s)):
            opened = {step.number for step in steps}
            waiting = [n for n in next_parts(prepared, finished) if n not in opened and n not in finished]
            started = waiting[: max(0, parallel - len(running))]
            open_parts(run, prepared, started)
        else:
            started = []
        if not running and not started:
            open_step(run, StepKind.SETTLE)
        room.call_next(held.sync_id)


def finish_settle(held: Claim, settled: Settled, *, outcomes: Sequence[PartOutcome]) -> Run:
    """End the run: baseline pointer, counts and status in one transaction."""
    with _step(held, with_sync=True) as run:
        sync = _locked_sync(run.sync_id)
        sync.baseline = dump(settled.baseline)
        sync.save(update_fields=["baseline"])
        _count(run, "succeeded", settled.succeeded)
        _count(run, "rejected", settled.rejected)
        _count(run, "aborted", settled.aborted)
        run.in_doubt = settled.in_doubt
        failures = [o.failure for o in outcomes if o.failure and o.failure.code != "cancelled"]
        stopped = next((f for f in failures if f.code in CANCELLATIONS), None)
        failure = next((f for f in failures if f.code not in CANCELLATIONS), None)
        # A whole run that was given up has no outcomes of rows, and perhaps no rows.
        given_up = settled.aborted.total > 0 or any(o.failure and not o.path for o in outcomes)
        cancelled = stopped is not None or (run.cancel_requested_at is not None and (failure is not None or given_up))
        interrupted = failure is not None and failure.code == "worker_lost"
        status = ended_as(
            rejected=run.rejected + run.duplicates,
            in_doubt=run.in_doubt,
            cancelled=cancelled,
            failed=failure is not None and not interrupted,
            interrupted=interrupted,
        )
        end_run(run, status, stopped if cancelled else failure)
        _done(held, rows=run.planned)
        JournalBatch.objects.filter(step__run=run).delete()
        judge_after_run(sync, timezone.now())
        return run


def fail_run(held: Claim, failure: Failure, *, status: RunStatus = RunStatus.FAILED) -> None:
    """End a run that changed nothing: the baseline stays, and what waited for this run waits for the next."""
    with _step(held, with_sync=True) as run:
        cancelled = failure.code in CANCELLATIONS
        words = None if failure.code == "cancelled" else failure
        end_without_sending(run, _locked_sync(run.sync_id), RunStatus.CANCELLED if cancelled else status, words)
        _done(held, rows=0)


def finish_log(held: Claim, written: dict[str, int]) -> None:
    """Remember how many entries the run has in each log table."""
    with _step(held):
        _done(held, rows=sum(written.values()), outcome={"written": written})


def give_up_log(held: Claim, failure: Failure) -> None:
    """Leave a run without logs, and say why; its rows and its baseline have nothing to do with it."""
    with _step(held):
        _done(held, rows=0, outcome={"failure": dump(failure)})


def resend_due(now: datetime, *, queue_is_empty: bool) -> int:
    """Tell the workers again of stages nobody took: the queue is only a hint. Across all workspaces.

    While the queue has messages a stage is probably among them; then only long
    forgotten ones are sent again.
    """
    patience = timedelta(seconds=4 if queue_is_empty else 60)
    silent = Q(state=StepState.RUNNING, lease_until__lt=Now())
    waiting = Q(state=StepState.WAITING, available_at__lte=Now(), sent_at__lte=now - patience)
    with transaction.atomic():
        due = list(
            RunStep.objects.filter(silent | waiting, _OPEN)
            .select_for_update(skip_locked=True, no_key=True, of=("self",))
            .order_by("sent_at")[:500]
        )
        RunStep.objects.filter(pk__in=[step.pk for step in due]).update(sent_at=now)
        for step in due:
            _send(step.workspace_id, step.pk, step.kind)
    return len(due)


@contextmanager
def _step(held: Claim, *, with_sync: bool = False) -> Iterator[Run]:
    """A transaction that holds the run's row and the stage's, whose lease it has checked.

    Where the sync's row is written too it is locked first, as services do.
    """
    with transaction.atomic():
        if with_sync:
            _locked_sync(held.sync_id)
        run = _LOCKED_RUN.get(run=held.run_id)
        if _LOCKED_STEP.first(step=held.step_id, epoch=held.epoch) is None:
            raise LeaseLost("Another worker took over.")
        yield run


def _free(step: Any) -> QuerySet[RunStep]:
    """The stage where it can be taken, locked."""
    free = Q(state=StepState.WAITING, available_at__lte=Now()) | Q(state=StepState.RUNNING, lease_until__lt=Now())
    candidates = RunStep.objects.filter(free, _OPEN, ~_behind_another_log(), pk=step)
    locked = candidates.select_for_update(skip_locked=True, no_key=True, of=("self",))
    return locked.select_related("run__sync__destination")


def _behind_another_log() -> Exists:
    """Logs of one sync are written in the order of its runs, so that the snapshot ends as the latest one."""
    earlier = RunStep.objects.filter(kind=StepKind.LOG, run__sync=OuterRef("run__sync"), pk__lt=OuterRef("pk")).exclude(
        state=StepState.DONE
    )
    return Exists(earlier.filter(kind=OuterRef("kind")))


def _held(held: Claim) -> QuerySet[RunStep]:
    return RunStep.objects.filter(pk=held.step_id, epoch=held.epoch, state=StepState.RUNNING)


def _done(held: Claim, *, rows: int, outcome: Any = None) -> None:
    values: dict[str, Any] = {"outcome": outcome} if outcome is not None else {}
    _held(held).update(state=StepState.DONE, lease_until=None, finished_at=Now(), rows_done=rows, **values)


def _hold(run: Run, breaches: Sequence[Breach], startable: Sequence[int]) -> None:
    now = timezone.now()
    run.status = RunStatus.HELD
    run.timings = {**run.timings, run.status: now.isoformat()}
    run.hold = dump(Hold(since=now, breaches=tuple(breaches), start=tuple(startable)))
    run.save()
    run_held.send_robust(sender=Run, run=run)
    tell_webhooks(run)
    judge_after_run(_locked_sync(run.sync_id), now, (TriggerKind.HELD,))


def _locked_sync(sync_id: int) -> Sync:
    return _LOCKED_SYNC.get(sync=sync_id)


def _add_up(run: Run, steps: Sequence[RunStep]) -> None:
    """Counts of what is delivered so far, for people who watch."""
    outcomes = [o for step in steps for o in part_outcomes(step)]
    for name in ("succeeded", "rejected", "aborted"):
        counts = [getattr(o, name) for o in outcomes]
        total = OperationCounts(
            added=sum(c.added for c in counts),
            changed=sum(c.changed for c in counts),
            removed=sum(c.removed for c in counts),
        )
        _count(run, name, total)


def _count(run: Run, name: str, counts: OperationCounts) -> None:
    for operation in ("added", "changed", "removed"):
        setattr(run, f"{name}_{operation}", getattr(counts, operation))


def _rows(outcome: PartOutcome) -> int:
    return outcome.succeeded.total + outcome.rejected.total + outcome.aborted.total


def _send(workspace_id: int, step_id: int, kind: str) -> None:
    enqueue(actor_for(kind), workspace_id, step_id)


# Each stage of each run asks these, a part of ten rows too.
_CANDIDATE = Compiled(_free, "step", walled=True)
_LOCKED_RUN = Compiled(lambda run: Run.objects.select_for_update(no_key=True).filter(pk=run), "run", walled=True)
_LOCKED_SYNC = Compiled(lambda sync: Sync.objects.select_for_update(no_key=True).filter(pk=sync), "sync", walled=True)
_LOCKED_STEP = Compiled(
    lambda step, epoch: RunStep.objects.select_for_update(no_key=True).filter(
        pk=step, epoch=epoch, state=StepState.RUNNING
    ),
    "step",
    "epoch",
    walled=True,
)
