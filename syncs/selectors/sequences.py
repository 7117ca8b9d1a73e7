"""Lists of sequences and what their runs came to."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count, Prefetch, Q, QuerySet

from governance.audit.actors import Actor
from syncs import access
from syncs.choices import SequenceState, SequenceStatus
from syncs.models import Sequence, SequenceRun, SequenceRunStep, SequenceStep, Sync
from workspaces.access import require
from workspaces.permissions import Permission

# What a step holds of its sync and its run; the wide parts of both stay where they are.
_WIDE = [f"sync_run__{name}" for name in ("spec", "job", "prepared", "timings", "error_message", "error_hint")]


def list_sequences(actor: Actor, *, search: str = "", status: str = "") -> QuerySet[Sequence]:
    """Sequences of the workspace with their latest run and the number of their steps, in one query."""
    require(actor, Permission.MEMBER)
    rows = access.sequences_in_view(actor).select_related("last_run").annotate(step_count=Count("steps"))
    if search:
        named = Q(name__icontains=search) | Q(slug__icontains=search)
        rows = rows.filter(named | Q(pk__in=_holding(search)))
    if status in set(SequenceState):
        rows = rows.filter(_with_status(SequenceState(status)))
    return rows


def sequence_steps(sequence: Sequence) -> list[SequenceStep]:
    """The steps of a sequence in their order, with what each of them joins."""
    return list(sequence.steps.select_related("sync__model__source", "sync__destination", "sync__last_run"))


def list_sequence_runs(actor: Actor, sequence: Sequence) -> QuerySet[SequenceRun]:
    """Runs of a sequence, newest first, each with its steps in a second query."""
    require(actor, Permission.MEMBER)
    steps = SequenceRunStep.objects.select_related("sync").only(
        "run", "position", "state", "label", "sync__name", "sync__slug"
    )
    return sequence.runs.prefetch_related(Prefetch("steps", queryset=steps)).order_by("-id")


def steps_of_run(run: SequenceRun) -> list[SequenceRunStep]:
    """The steps of a run with their syncs and the runs these made, in one query."""
    return list(run.steps.select_related("sync__model", "sync__destination", "sync_run").defer(*_WIDE))


def destinations_of(sequences: Iterable[int]) -> set[int]:
    """The destinations of all syncs of these sequences: the rights that running them takes."""
    return set(Sync.objects.filter(sequence_steps__sequence__in=sequences).values_list("destination_id", flat=True))


def sequences_with(actor: Actor, sync: Sync) -> list[Sequence]:
    """The sequences in which a sync stands."""
    return list(access.sequences_in_view(actor).filter(steps__sync=sync).distinct().order_by("name", "id"))


def _holding(search: str) -> QuerySet[SequenceStep]:
    named = Q(sync__name__icontains=search) | Q(sync__slug__icontains=search)
    return SequenceStep.objects.filter(named).values("sequence_id")  # type: ignore[return-value]


def _with_status(status: SequenceState) -> Q:
    """The condition under which a sequence is in this state; the same rules as ``sequence_state``."""
    live, off = Q(last_run__status=SequenceStatus.RUNNING), Q(schedule_enabled=False)
    match status:
        case SequenceState.RUNNING:
            return live
        case SequenceState.DISABLED:
            return off & (~live | Q(last_run__isnull=True))
        case SequenceState.NEVER_RAN:
            return ~off & Q(last_run__isnull=True)
    return ~off & Q(last_run__status=status.value)
