"""A sync's runs, and how far one is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Prefetch, QuerySet, Sum
from django.utils import timezone

from governance.audit.actors import Actor
from syncs.access import of_syncs_in_view
from syncs.choices import LIVE, RunStatus, StepKind
from syncs.models import Run, Sync
from workspaces.access import require
from workspaces.permissions import Permission

PHASES = (
    ("enqueued", "Waiting"),
    (RunStatus.QUERYING, "Querying"),
    (RunStatus.PREPARING, "Comparing"),
    (RunStatus.HELD, "Held"),
    (RunStatus.QUEUED, "Waiting to write"),
    (RunStatus.WRITING, "Writing"),
    (RunStatus.SETTLING, "Recording"),
)
_PLANNED = F("planned_added") + F("planned_changed") + F("planned_removed")
_SUCCEEDED = F("succeeded_added") + F("succeeded_changed") + F("succeeded_removed")


@dataclass(frozen=True, slots=True)
class Phase:
    """One part of a run's time; ``ended`` is empty for the phase that is going on."""

    name: str
    label: str
    started: datetime
    ended: datetime | None

    @property
    def duration(self) -> timedelta:
        """How long it took, or takes until now."""
        return (self.ended or timezone.now()) - self.started


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run is: rows read while querying, rows sent while writing."""

    queried: int
    sent: int
    planned: int
    percent: int


def list_runs(
    actor: Actor, *, sync: Sync | None = None, hide_empty: bool = False, hide_unsuccessful: bool = False
) -> QuerySet[Run]:
    """Runs, newest first; of one sync or of the workspace. Without those that planned, or delivered, nothing."""
    require(actor, Permission.MEMBER)
    runs = Run.objects.defer("spec", "job", "prepared").order_by("-id")
    runs = runs.filter(sync=sync) if sync is not None else of_syncs_in_view(runs.prefetch_related(sync_of_run()), actor)
    if hide_empty:
        runs = runs.annotate(rows_planned=_PLANNED).filter(rows_planned__gt=0)
    if hide_unsuccessful:
        runs = runs.annotate(rows_succeeded=_SUCCEEDED).filter(rows_succeeded__gt=0)
    return runs


def sync_of_run() -> Prefetch[str]:
    """A run's sync with both sides, as a query of its own: joined, the newest few of many runs would be sorted last."""
    syncs = Sync.objects.select_related("model__source", "destination").defer("settings", "mappings")
    return Prefetch("sync", queryset=syncs)


def progress_of(run: Run) -> RunProgress:
    """How far a run is, from its stages' heartbeats: one query."""
    steps = {
        row["kind"]: row["rows"]
        for row in run.steps.order_by().values("kind").annotate(rows=Sum("rows_done")).order_by("kind")
    }
    sent = steps.get(StepKind.DELIVER) or 0
    if run.status not in LIVE:
        percent = 100
    elif run.status == RunStatus.SETTLING:
        percent = 99
    else:
        percent = min(99, int(100 * sent / run.planned)) if run.planned else 0
    return RunProgress(run.queried or steps.get(StepKind.PREPARE) or 0, sent, run.planned, percent)


def run_phases(run: Run) -> list[Phase]:
    """The run's time, phase by phase."""
    starts: list[tuple[str, str, datetime]] = [("enqueued", "Waiting", run.created_at)]
    for name, label in PHASES[1:]:
        if stored := run.timings.get(str(name)):
            starts.append((str(name), label, datetime.fromisoformat(stored)))
    starts.sort(key=lambda start: start[2])
    ends = [start[2] for start in starts[1:]] + [run.finished_at]
    return [Phase(name, label, started, ended) for (name, label, started), ended in zip(starts, ends, strict=True)]
