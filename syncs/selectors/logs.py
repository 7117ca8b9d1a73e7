"""What became of the logs that runs write into the warehouse."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connectors.choices import LogTable
from syncs.choices import StepKind, StepState
from syncs.codec import load
from syncs.engine.spec import Failure
from syncs.models import Run, RunStep, Sync

LATEST = 10


@dataclass(frozen=True, slots=True)
class RunLogs:
    """The logs of one run: entries by table once written, a failure once given up, neither while they wait.

    ``trouble`` is what the latest attempt met while more are to come.
    """

    run: Run
    at: datetime | None
    written: tuple[tuple[str, int], ...] = ()
    failure: Failure | None = None
    trouble: Failure | None = None

    @property
    def waiting(self) -> bool:
        """Whether they are still to be written."""
        return self.at is None


def latest_logs(sync: Sync) -> list[RunLogs]:
    """The logs of a sync's latest runs, newest first."""
    steps = RunStep.objects.filter(run__sync=sync, kind=StepKind.LOG).select_related("run").order_by("-pk")
    return [_logs(step) for step in steps[:LATEST]]


def logs_of(run: Run) -> RunLogs | None:
    """The logs of one run, if it was to write any."""
    step = run.steps.filter(kind=StepKind.LOG).first()
    return _logs(step) if step is not None else None


def _logs(step: RunStep) -> RunLogs:
    outcome = step.outcome if isinstance(step.outcome, dict) else {}
    if step.state != StepState.DONE:
        trouble = load(Failure, outcome) if "message" in outcome else None
        return RunLogs(step.run, None, trouble=trouble)
    if "failure" in outcome:
        return RunLogs(step.run, step.finished_at, failure=load(Failure, outcome["failure"]))
    written = outcome.get("written", {})
    found = tuple((table.label, written[table.value]) for table in LogTable if table.value in written)
    return RunLogs(step.run, step.finished_at, found)
