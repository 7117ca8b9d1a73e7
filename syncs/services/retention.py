"""What is past its time: marks on runs whose rows and requests were deleted, and runs that leave the history."""

from __future__ import annotations

from datetime import datetime

from django.db.models import BigIntegerField, Exists, OuterRef, Q, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.utils import timezone

from syncs.models import Run, Sync
from syncs.retention import past


def take_expired(now: datetime, *, limit: int) -> list[tuple[int, int]]:
    """(workspace id, run id) of runs whose rows or requests are past their time and still there."""
    rows = Q(traces_purged_at__isnull=True) & past("row_days", "finished_at", now)
    requests = Q(requests_purged_at__isnull=True) & past("request_days", "finished_at", now)
    due = Run.objects.filter(rows | requests, finished_at__isnull=False)
    return list(due.order_by("finished_at").values_list("workspace_id", "pk")[:limit])


def expired_parts(run: Run, now: datetime) -> tuple[bool, bool]:
    """Whether the run's rows, and whether its requests, are past their time."""
    mine = Run.objects.filter(pk=run.pk)
    rows = mine.filter(past("row_days", "finished_at", now)).exists()
    return rows, rows or mine.filter(past("request_days", "finished_at", now)).exists()


def mark_purged(run: Run, *, rows: bool) -> None:
    """Remember that a run's requests are gone, and its rows where they are."""
    run.requests_purged_at = timezone.now()
    if rows:
        run.traces_purged_at = run.requests_purged_at
    run.save(update_fields=["traces_purged_at", "requests_purged_at"])


def take_old_runs(now: datetime, *, limit: int) -> list[tuple[int, int]]:
    """(workspace id, run id) of runs past the time of the run history. A sync's latest run and its baseline's stay."""
    return list(_old(now).order_by("finished_at").values_list("workspace_id", "pk")[:limit])


def is_old(run: Run, now: datetime) -> bool:
    """Whether the run leaves the history now."""
    return _old(now).filter(pk=run.pk).exists()


def delete_run(run: Run) -> None:
    """Take a run out of the history; its files are gone."""
    run.delete()


def _old(now: datetime) -> QuerySet[Run]:
    needed = Sync.objects.annotate(base=Cast(KT("baseline__run_id"), BigIntegerField())).filter(
        Q(last_run=OuterRef("pk")) | Q(base=OuterRef("pk")), pk=OuterRef("sync_id")
    )
    return Run.objects.filter(~Exists(needed), past("run_days", "finished_at", now), finished_at__isnull=False)
