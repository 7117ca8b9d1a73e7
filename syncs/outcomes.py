"""What became of a run's parts, as its stages stored it."""

from __future__ import annotations

from syncs.choices import StepKind
from syncs.codec import load
from syncs.engine.spec import PartOutcome
from syncs.models import Run, RunStep


def part_outcomes(step: RunStep) -> list[PartOutcome]:
    """The outcomes of a delivery stage: one, or one a part where one writer did them all."""
    return [load(PartOutcome, stored) for stored in step.outcome] if isinstance(step.outcome, list) else []


def run_outcomes(run: Run) -> list[PartOutcome]:
    """The outcomes of all finished parts of a run."""
    return [outcome for step in run.steps.filter(kind=StepKind.DELIVER) for outcome in part_outcomes(step)]
