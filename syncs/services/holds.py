"""Deciding about held runs: send exactly what was found, or drop it."""

from __future__ import annotations

from dataclasses import replace

from django.utils import timezone

from config.errors import Conflict, Invalid
from connectors.access import require_running
from governance.audit.actors import Actor
from governance.audit.services import record, service
from syncs import access
from syncs.choices import RunStatus, TriggerKind
from syncs.codec import dump
from syncs.engine.spec import Failure
from syncs.holds import Choice, Decision, Hold, hold_of
from syncs.models import Run, Sync
from syncs.services.alerting import judge_after_run
from syncs.services.ending import end_without_sending
from syncs.services.opening import open_delivery
from syncs.services.schedules import next_due

MAX_NOTE = 500
DROPPED = "dropped"
_PAST = {Choice.RELEASED: "released", Choice.DROPPED: "dropped", Choice.CANCELLED: "cancelled"}


@service("run.released")
def release_run(*, actor: Actor, run: Run, note: str = "") -> Run:
    """Send a held change set as it was found; nothing is queried again.

    Raises :class:`Conflict` where somebody decided before, naming them.
    """
    sync, run, hold = _held(actor, run)
    require_running(sync.destination)
    if sync.paused:
        raise Conflict("This sync is paused.", hint="Resume it, then release the run.", code="sync_paused")
    _decide(actor, sync, run, hold, Choice.RELEASED, note)
    open_delivery(run, hold.start)
    judge_after_run(sync, timezone.now(), (TriggerKind.HELD,))
    return run


@service("run.dropped")
def drop_run(*, actor: Actor, run: Run, note: str = "") -> Run:
    """End a held run without sending anything: the next one compares with what was delivered before."""
    sync, run, hold = _held(actor, run)
    decision = _decide(actor, sync, run, hold, Choice.DROPPED, note)
    why = f" Their reason: {decision.note}" if decision.note else ""
    message = f"The change set was dropped by {decision.by}.{why}"
    end_without_sending(run, sync, RunStatus.CANCELLED, Failure(code=DROPPED, message=message))
    _wait_for_schedule(sync)
    return run


def cancel_held(actor: Actor, sync: Sync, run: Run) -> None:
    """End a held run that is cancelled like any other; the caller holds both rows and audits."""
    hold = hold_of(run)
    if hold is None or run.status != RunStatus.HELD:
        return
    run.hold = dump(replace(hold, decision=Decision(choice=Choice.CANCELLED, by=actor.label, at=timezone.now())))
    end_without_sending(run, sync, RunStatus.CANCELLED, None)
    _wait_for_schedule(sync)


def _held(actor: Actor, run: Run) -> tuple[Sync, Run, Hold]:
    """The run and its sync, locked; only people who may publish on both sides get them."""
    sync = access.sync_to_decide(actor, run.sync_id)
    run = Run.objects.select_for_update(no_key=True).get(pk=access.run_for(actor, run.pk).pk)
    hold = hold_of(run)
    if hold is None:
        raise Conflict("This run is not held.", code="run_not_held")
    if hold.decision is not None:
        made = hold.decision
        when = f"{timezone.localtime(made.at):%-d %b %Y, %H:%M %Z}"
        raise Conflict(f"{made.by} {_PAST[made.choice]} this run on {when}.", code="run_decided")
    if run.status != RunStatus.HELD:
        raise Conflict("This run is not held.", code="run_not_held")
    return sync, run, hold


def _decide(actor: Actor, sync: Sync, run: Run, hold: Hold, choice: Choice, note: str) -> Decision:
    note = note.strip()
    if len(note) > MAX_NOTE:
        raise Invalid.field("note", f"Write at most {MAX_NOTE} characters.")
    decision = Decision(choice=choice, by=actor.label, at=timezone.now(), note=note)
    run.hold = dump(replace(hold, decision=decision))
    counts = {f"planned_{name}": getattr(run, f"planned_{name}") for name in ("added", "changed", "removed")}
    after = {"sync": sync.pk, "run": run.number, **counts, "held_because": hold.words, "note": note}
    record(run, after=after, label=f"{sync} {run}")
    return decision


def _wait_for_schedule(sync: Sync) -> None:
    """The next run comes when the schedule says so next, not at once for the times that passed meanwhile."""
    sync.next_run_at = next_due(sync, timezone.now())
    sync.save(update_fields=["next_run_at"])
