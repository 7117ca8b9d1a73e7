"""Writes to sequences: create, change, schedule, run, cancel, delete.

All of it takes the right to run every sync of the sequence, before and after the change.
"""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from config.errors import Conflict, Invalid
from config.queue import enqueue
from governance.audit.actors import Actor, ActorKind
from governance.audit.services import changes, record, service, unchanged
from syncs import access
from syncs.choices import LimitUnit, SequenceStepState, Terminate, Trigger
from syncs.models import Run, Sequence, SequenceRun, SequenceStep, Sync
from syncs.models.scheduled import SCHEDULE_FIELDS
from syncs.schedules import Schedule
from syncs.services.holds import cancel_held
from syncs.services.naming import clean_name, free_slug
from syncs.services.schedules import apply_schedule, next_due, watch_anew
from syncs.services.sequencing import begin_sequence
from syncs.tasks import go_on_with_sequence
from workspaces.scoping import current_workspace_id

MAX_STEPS = 200


@dataclass(frozen=True, slots=True)
class StepProposal:
    """A step as somebody wants it: which sync, and what ends the sequence there."""

    sync_id: int
    terminate: Terminate = Terminate.FATAL
    limit_unit: LimitUnit = LimitUnit.ANY
    limit: int = 0


@service("sequence.created")
def create_sequence(
    *,
    actor: Actor,
    name: str,
    steps: SequenceOf[StepProposal],
    schedule: Schedule | None = None,
    slug: str = "",
    schedule_enabled: bool = True,
) -> Sequence:
    """Put syncs into an order in which they run one after another."""
    syncs = _syncs(actor, steps)
    sequence = Sequence(
        workspace_id=current_workspace_id(),
        name=clean_name(name),
        slug=free_slug(Sequence, slug or name, chosen=bool(slug)),
        created_by_id=actor.user_id,
        schedule_enabled=schedule_enabled,
    )
    apply_schedule(sequence, schedule or Schedule.manual(), timezone.now())
    sequence.save()
    _put_steps(sequence, steps, syncs)
    record(sequence, after={**_described(sequence), "schedule": sequence.schedule.whole_words})
    return sequence


@service("sequence.updated")
def update_sequence(
    *, actor: Actor, sequence: Sequence, name: str | None = None, steps: SequenceOf[StepProposal] | None = None
) -> Sequence:
    """Change a sequence's name or steps; a run that is going on keeps the steps it began with."""
    sequence = access.sequence_to_change(actor, sequence.pk)
    before = _described(sequence)
    if name is not None:
        sequence.name = clean_name(name)
    if steps is not None:
        syncs = _syncs(actor, steps)
        sequence.steps.all().delete()
        _put_steps(sequence, steps, syncs)
    changed = changes(before, _described(sequence))
    if not changed:
        unchanged()
        return sequence
    sequence.save(update_fields=["name", "updated_at"])
    record(sequence, before=changed.before, after=changed.after)
    return sequence


@service("sequence.deleted")
def delete_sequence(*, actor: Actor, sequence: Sequence) -> None:
    """Delete a sequence and its history; the syncs and their runs stay."""
    sequence = access.sequence_to_change(actor, sequence.pk)
    if sequence.runs.filter(finished_at__isnull=True).exists():
        raise Conflict("This sequence is running.", hint="Cancel the run first.")
    record(sequence, before=_described(sequence))
    sequence.delete()


@service("sequence.scheduled")
def set_sequence_schedule(*, actor: Actor, sequence: Sequence, schedule: Schedule) -> Sequence:
    """Choose when the sequence runs by itself."""
    sequence = access.sequence_to_change(actor, sequence.pk)
    before = sequence.schedule
    if before == schedule:
        unchanged()
        return sequence
    apply_schedule(sequence, schedule, timezone.now())
    sequence.save(update_fields=[*SCHEDULE_FIELDS, "updated_at"])
    record(sequence, before={"schedule": before.whole_words}, after={"schedule": schedule.whole_words})
    return sequence


@service("sequence.enabled")
def enable_sequence(*, actor: Actor, sequence: Sequence) -> Sequence:
    """Switch the sequence's schedule on."""
    return _switch(actor, sequence, enabled=True)


@service("sequence.disabled")
def disable_sequence(*, actor: Actor, sequence: Sequence) -> Sequence:
    """Switch the sequence's schedule off; it still runs when somebody or something asks."""
    return _switch(actor, sequence, enabled=False)


@service("sequence.started")
def start_sequence(*, actor: Actor, sequence: Sequence, trigger: Trigger | None = None) -> SequenceRun:
    """Run a sequence now. One live run a sequence."""
    sequence = access.sequence_to_change(actor, sequence.pk)
    by = Trigger.API if actor.kind is ActorKind.API_KEY else Trigger.MANUAL
    run = begin_sequence(sequence, trigger=trigger or by, actor_label=actor.label, now=timezone.now())
    record(sequence, after={"run": run.number}, label=f"{sequence} {run}")
    return run


@service("sequence.cancelled")
def cancel_sequence_run(*, actor: Actor, run: SequenceRun) -> SequenceRun:
    """Ask a run of a sequence to stop: the sync that runs now stops before its next batch, no other one starts."""
    sequence = access.sequence_to_change(actor, run.sequence_id)
    run = sequence.runs.select_for_update(no_key=True).get(pk=run.pk)
    if not run.live:
        raise Conflict("This run has ended.", code="run_ended")
    if run.cancel_requested_at:
        unchanged()
        return run
    run.cancel_requested_at = timezone.now()
    run.save(update_fields=["cancel_requested_at"])
    for step in run.steps.filter(state=SequenceStepState.RUNNING, sync_run__finished_at__isnull=True):
        sync = access.locked_sync(step.sync_id or 0)
        sync_run = Run.objects.select_for_update(no_key=True).get(pk=step.sync_run_id or 0)
        if sync_run.live and sync_run.cancel_requested_at is None:
            sync_run.cancel_requested_at = run.cancel_requested_at
            sync_run.save(update_fields=["cancel_requested_at"])
            cancel_held(actor, sync, sync_run)
    record(sequence, after={"run": run.number}, label=f"{sequence} {run}")
    enqueue(go_on_with_sequence, run.workspace_id, run.pk)
    return run


def _switch(actor: Actor, sequence: Sequence, *, enabled: bool) -> Sequence:
    sequence = access.sequence_to_change(actor, sequence.pk)
    if sequence.schedule_enabled == enabled:
        unchanged()
        return sequence
    sequence.schedule_enabled = enabled
    watch_anew(sequence)
    sequence.next_run_at = next_due(sequence, timezone.now())
    sequence.save(update_fields=["schedule_enabled", "after_seen", "next_run_at", "updated_at"])
    record(sequence, before={"schedule_enabled": not enabled}, after={"schedule_enabled": enabled})
    return sequence


def _syncs(actor: Actor, steps: SequenceOf[StepProposal]) -> dict[int, Sync]:
    """The syncs of the proposed steps, which the actor must be allowed to run."""
    if not steps:
        raise Invalid.field("steps", "Add at least one sync.")
    if len(steps) > MAX_STEPS:
        raise Invalid.field("steps", f"A sequence has at most {MAX_STEPS} steps.")
    syncs = access.syncs_in_view(actor).in_bulk([step.sync_id for step in steps])
    if missing := [step.sync_id for step in steps if step.sync_id not in syncs]:
        raise Invalid.field("steps", f"There is no sync {missing[0]} here.")
    if any(step.limit_unit == LimitUnit.PERCENT and step.limit > 100 for step in steps):
        raise Invalid.field("steps", "A percentage of rejected rows is at most 100.")
    access.require_trigger_all(actor, syncs.values())
    return syncs


def _put_steps(sequence: Sequence, steps: SequenceOf[StepProposal], syncs: dict[int, Sync]) -> None:
    SequenceStep.objects.bulk_create(
        SequenceStep(
            workspace_id=sequence.workspace_id,
            sequence=sequence,
            position=position,
            sync=syncs[step.sync_id],
            label=str(syncs[step.sync_id])[:200],
            terminate=step.terminate,
            limit_unit=step.limit_unit if step.terminate == Terminate.REJECTED else LimitUnit.ANY,
            limit=step.limit if step.terminate == Terminate.REJECTED and step.limit_unit != LimitUnit.ANY else 0,
        )
        for position, step in enumerate(steps, start=1)
    )


def _described(sequence: Sequence) -> dict[str, Any]:
    steps = sequence.steps.select_related("sync")
    return {"name": sequence.name, "steps": [f"{step}: {step.rule_words}" for step in steps]}
