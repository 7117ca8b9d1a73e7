"""Opening the stages of a run: rows that workers may take. The caller holds the run's row lock."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from config.queue import enqueue
from syncs.choices import RunStatus, StepKind
from syncs.codec import load
from syncs.engine.spec import Prepared, RunSpec
from syncs.models import Run, RunStep
from syncs.tasks import actor_for


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
    enqueue(actor_for(kind), run.workspace_id, step.pk)
    return step


def open_parts(run: Run, prepared: Prepared, numbers: Sequence[int]) -> None:
    """Stages for these parts, which other workers may take side by side."""
    rows = {part.number: part.rows for part in prepared.parts}
    for number in numbers:
        open_step(run, StepKind.DELIVER, number=number, rows=rows.get(number, run.planned))


def open_delivery(run: Run, startable: Sequence[int], *, after: StepKind = StepKind.PREPARE) -> None:
    """Go on after the comparison: make what the rows go into, empty it if asked for, then send, or only record."""
    spec = load(RunSpec, run.spec)
    if spec.provide and startable and after is StepKind.PREPARE:
        status, kind = RunStatus.QUEUED, StepKind.PROVIDE
    elif spec.clear and after is not StepKind.CLEAR:
        status, kind = RunStatus.QUEUED, StepKind.CLEAR
    elif startable:
        status, kind = RunStatus.QUEUED, StepKind.DELIVER
    else:
        status, kind = RunStatus.SETTLING, StepKind.SETTLE
    run.status = status
    run.timings = {**run.timings, status.value: timezone.now().isoformat()}
    run.save()
    if kind is StepKind.DELIVER:
        open_parts(run, load(Prepared, run.prepared), startable)
    else:
        open_step(run, kind)
