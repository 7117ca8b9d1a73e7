"""Marks on runs whose rows and requests were deleted after their retention."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from syncs.models import Run


def take_expired(before: datetime, *, limit: int) -> list[tuple[int, int]]:
    """(workspace id, run id) of runs that ended before this time and still have files."""
    due = Run.objects.filter(finished_at__lt=before, traces_purged_at__isnull=True)
    return list(due.order_by("finished_at").values_list("workspace_id", "pk")[:limit])


def mark_purged(run: Run) -> None:
    """Remember that a run's files are gone."""
    run.traces_purged_at = timezone.now()
    run.save(update_fields=["traces_purged_at"])
