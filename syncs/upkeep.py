"""What happens to runs and files when their time is over."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction

from config.queue import enqueue
from connectors.access import open_source
from connectors.choices import Health
from connectors.models import Source
from connectors.sdk.context import Workload
from connectors.sdk.errors import ConnectorError
from syncs import engine
from syncs.codec import load
from syncs.engine.spec import Baseline
from syncs.logs import workspace_code
from syncs.models import Run, Sync
from syncs.runspec import run_directory, sync_directory
from syncs.services.previews import take_expired_previews
from syncs.services.retention import (
    delete_run,
    expired_parts,
    is_old,
    mark_purged,
    take_expired,
    take_old_runs,
)
from syncs.storage import storage
from syncs.tasks import discard_preview_files, expire_run, prune_changelog

logger = logging.getLogger(__name__)
BATCH = 200


def enqueue_expired(now: datetime) -> int:
    """Send runs and previews that are past their retention to the workers. Across all workspaces."""
    with transaction.atomic():
        runs = take_expired(now, limit=BATCH)
        runs += [pair for pair in take_old_runs(now, limit=BATCH) if pair not in runs]
        for workspace_id, run_id in runs:
            enqueue(expire_run, workspace_id, run_id)
        previews = take_expired_previews(now, limit=BATCH)
        for ids in previews:
            enqueue(discard_preview_files, *ids)
    return len(runs) + len(previews)


def expire(run_id: int, now: datetime) -> None:
    """Delete what of a run is past its time, and the run itself; files that the sync's baseline still names stay."""
    run = Run.objects.select_related("sync").filter(pk=run_id, finished_at__isnull=False).first()
    if run is None:
        return
    baseline = load(Baseline, run.sync.baseline) if run.sync.baseline else None
    directory = run_directory(run.workspace_id, run.sync_id, run.pk)
    old = is_old(run, now)
    rows, requests = (True, True) if old else expired_parts(run, now)
    if rows:
        engine.expire_run(storage(), directory, baseline)
    elif requests:
        storage().delete_tree(f"{directory}/exchanges")
    if old:
        delete_run(run)
    elif requests:
        mark_purged(run, rows=rows)


def enqueue_prunings(now: datetime) -> int:
    """Send the workspaces' sources whose changelog is kept for a time to the workers. Across all workspaces."""
    sources = Source.objects.filter(changelog_days__isnull=False, write_health=Health.HEALTHY)
    with transaction.atomic():
        found = list(sources.values_list("workspace_id", "pk"))
        for workspace_id, source_id in found:
            enqueue(prune_changelog, workspace_id, source_id)
    return len(found)


def prune(source_id: int, now: datetime) -> None:
    """Delete changelog entries of this workspace that are past the time set on the source."""
    from connectors.sdk.planner import warehouse_of
    from syncs.engine.logs.writing import prune_changelog

    source = Source.objects.filter(pk=source_id, changelog_days__isnull=False).first()
    if source is None or source.changelog_days is None:
        return
    try:
        with warehouse_of(open_source(source, Workload.BATCH)).session() as session:
            prune_changelog(session, workspace_code(source.workspace), now - timedelta(days=source.changelog_days))
    except ConnectorError as error:
        logger.warning("the changelog in source %s was not pruned: %s", source_id, error.code)


def discard(workspace_id: int, sync_id: int, source_id: int = 0) -> None:
    """Delete every file of a sync that no longer exists, and its tables in the source that compared it."""
    if Sync.objects.filter(pk=sync_id).exists():
        return
    storage().delete_tree(sync_directory(workspace_id, sync_id))
    source = Source.objects.select_related("workspace").filter(pk=source_id).first()
    if source is None:
        return
    try:
        engine.drop_tables(open_source(source, Workload.BATCH), workspace_code(source.workspace), sync_id)
    except ConnectorError as error:
        logger.warning("tables of deleted sync %s were left in source %s: %s", sync_id, source_id, error.code)
