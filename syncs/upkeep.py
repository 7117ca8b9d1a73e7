"""What happens to runs and files when their time is over."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from config.queue import enqueue
from syncs import engine
from syncs.codec import load
from syncs.engine.spec import Baseline
from syncs.models import Run, Sync
from syncs.runspec import run_directory, sync_directory
from syncs.services.retention import mark_purged, take_expired
from syncs.storage import storage
from syncs.tasks import expire_run

BATCH = 200


def enqueue_expired(now: datetime) -> int:
    """Send the runs whose rows and requests are past their retention to the workers. Across all workspaces."""
    with transaction.atomic():
        runs = take_expired(now - timedelta(days=settings.TRACE_RETENTION_DAYS), limit=BATCH)
        for workspace_id, run_id in runs:
            enqueue(expire_run, workspace_id, run_id)
    return len(runs)


def expire(run_id: int) -> None:
    """Delete a run's rows and requests; files that the sync's baseline still names stay."""
    run = Run.objects.select_related("sync").filter(pk=run_id, finished_at__isnull=False).first()
    if run is None:
        return
    baseline = load(Baseline, run.sync.baseline) if run.sync.baseline else None
    engine.expire_run(storage(), run_directory(run.workspace_id, run.sync_id, run.pk), baseline)
    mark_purged(run)


def discard(workspace_id: int, sync_id: int) -> None:
    """Delete every file of a sync that no longer exists."""
    if not Sync.objects.filter(pk=sync_id).exists():
        storage().delete_tree(sync_directory(workspace_id, sync_id))
