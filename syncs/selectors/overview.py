"""The workspace at a glance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, Sum, prefetch_related_objects
from django.db.models.functions import TruncDay, TruncHour
from django.utils import timezone

from governance.audit.actors import Actor
from syncs import access
from syncs.choices import Health, RunStatus
from syncs.models import Run, Sync
from syncs.selectors.runs import sync_of_run
from syncs.selectors.syncs import with_health
from workspaces.access import require
from workspaces.permissions import Permission

RECENT_FAILURES = 8


@dataclass(frozen=True, slots=True)
class Delivered:
    """What was delivered in one hour or day."""

    at: datetime
    succeeded: int
    rejected: int
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Syncs by health, rows over time, what runs now, and what failed lately."""

    health: Mapping[Health, int]
    delivered: Sequence[Delivered]
    running: Sequence[Run]
    failures: Sequence[Run]

    @property
    def syncs(self) -> int:
        """How many syncs there are."""
        return sum(self.health.values())

    @property
    def rows(self) -> int:
        """How many rows were delivered in the time shown."""
        return sum(bucket.succeeded for bucket in self.delivered)


def overview(actor: Actor, *, days: int = 14, now: datetime | None = None) -> Overview:
    """Everything the overview shows: four queries."""
    require(actor, Permission.MEMBER)
    runs = access.of_syncs_on(Run.objects.defer("spec", "job", "prepared"), actor).order_by("-id")
    running = runs.filter(finished_at__isnull=True)[:RECENT_FAILURES]
    failures = runs.filter(status__in=[RunStatus.FAILED, RunStatus.INTERRUPTED])[:RECENT_FAILURES]
    shown = list(running.union(failures, all=True))
    prefetch_related_objects(shown, sync_of_run())
    return Overview(
        health=health_counts(actor),
        delivered=delivered_over_time(actor, days=days, now=now),
        running=[run for run in shown if run.finished_at is None],
        failures=[run for run in shown if run.finished_at is not None],
    )


def health_counts(actor: Actor) -> dict[Health, int]:
    """How many syncs are in each group."""
    require(actor, Permission.MEMBER)
    live = access.syncs_on(actor).filter(published=True)
    counts = live.aggregate(**{h.value: Count("pk", filter=with_health(h)) for h in Health})
    return {health: counts[health.value] for health in Health}


def delivered_over_time(
    actor: Actor, *, days: int = 14, by_hour: bool = False, sync: Sync | None = None, now: datetime | None = None
) -> list[Delivered]:
    """Rows delivered and rejected by day or hour (UTC), every bucket present, oldest first."""
    require(actor, Permission.MEMBER)
    step = timedelta(hours=1) if by_hour else timedelta(days=1)
    last = _floor(now or timezone.now(), by_hour=by_hour)
    first = last - timedelta(days=days) + step
    runs = Run.objects.filter(finished_at__gte=first)
    runs = runs.filter(sync=sync) if sync is not None else access.of_syncs_on(runs, actor)
    truncate = TruncHour if by_hour else TruncDay
    found = {
        row["at"]: Delivered(row["at"], row["rows_succeeded"] or 0, row["rows_rejected"] or 0, row["runs"])
        for row in runs.annotate(at=truncate("finished_at"))
        .values("at")
        .order_by()
        .annotate(rows_succeeded=_sum("succeeded"), rows_rejected=_sum("rejected"), runs=Count("*"))
    }
    count = int((last - first) / step) + 1
    times = [first + i * step for i in range(count)]
    return [found.get(at) or Delivered(at, 0, 0, 0) for at in times]


def _sum(name: str) -> Sum:
    return Sum(F(f"{name}_added") + F(f"{name}_changed") + F(f"{name}_removed"))


def _floor(moment: datetime, *, by_hour: bool) -> datetime:
    return moment.replace(hour=moment.hour if by_hour else 0, minute=0, second=0, microsecond=0)
