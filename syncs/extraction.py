"""What a worker does to write the audiences of an ad platform into a warehouse."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from tempfile import TemporaryFile
from typing import IO

import orjson
from django.utils import timezone

from config.errors import HeadraceError
from connectors.access import open_destination, open_source
from connectors.sdk.audiences import AudienceThere
from connectors.sdk.context import Workload
from connectors.sdk.destination import Destination, Job
from connectors.sdk.errors import ConnectorError
from connectors.sdk.planner import warehouse_of
from connectors.sdk.waiting import answered
from syncs.codec import load
from syncs.engine.logs.audiences import Snapshot, write_snapshot
from syncs.logs import workspace_code
from syncs.models import AudienceExtraction, Sync
from syncs.services import extraction as services
from syncs.storage import workdir

LISTING_SECONDS = 20 * 60.0
logger = logging.getLogger(__name__)


def work(extraction_id: int) -> None:
    """Write a snapshot, unless none is due or somebody else is at it."""
    held = services.claim_extraction(extraction_id, timezone.now())
    if held is None:
        return
    try:
        rows = _extracted(held.row)
    except (ConnectorError, HeadraceError) as error:
        services.put_extraction_off(held, error.message, error.hint, timezone.now())
    except Exception as error:
        logger.exception("extraction %s failed", extraction_id)
        words = f"An error of the kind {type(error).__name__} stopped it."
        services.put_extraction_off(held, words, "The worker's log has the details.", timezone.now())
    else:
        services.finish_extraction(held, rows, timezone.now())


def _extracted(row: AudienceExtraction) -> int:
    """How many audiences were written."""
    assert row.source is not None
    platform, fetched_at = open_destination(row.destination), timezone.now()
    snapshot = Snapshot(
        id=row.snapshot,
        workspace=workspace_code(row.workspace),
        destination=row.destination.type,
        destination_id=row.destination_id,
        fetched_at=fetched_at,
        syncs=_filled(platform, row.destination_id),
    )
    # All are read before the first is written: platforms fail in the middle, or take longer than warehouses wait.
    folder = workdir()
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=folder) as kept:
        asyncio.run(answered(_list(platform, kept), within=LISTING_SECONDS))
        kept.seek(0)
        with warehouse_of(open_source(row.source, Workload.BATCH)).session() as session:
            return write_snapshot(session, snapshot, (AudienceThere(**orjson.loads(line)) for line in kept))


async def _list(platform: Destination, kept: IO[bytes]) -> None:
    """Write what the platform holds into a file, one audience a line."""
    async for each in platform.audiences_there():
        kept.write(orjson.dumps(each) + b"\n")


def _filled(platform: Destination, destination_id: int) -> Mapping[str, int]:
    """Which sync fills which audience, by the audience's id; of several the first."""
    found: dict[str, int] = {}
    rows = Sync.objects.filter(destination_id=destination_id, last_run__isnull=False).select_related("last_run")
    for sync in rows.order_by("pk"):
        assert sync.last_run is not None
        job = load(Job, sync.last_run.job)
        if audience := platform.audience_of(replace(job, kept={**job.kept, **sync.kept})):
            found.setdefault(audience, sync.pk)
    return found
