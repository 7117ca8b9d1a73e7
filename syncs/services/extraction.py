"""Writes to the extraction of ad platforms' audiences: by people, audited, and by workers and schedulers.

Snapshots are run history, not audit entries.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from config.errors import Conflict
from config.queue import enqueue
from connectors.access import destination_for, source_for
from connectors.models import Destination, Source
from connectors.services.planner import require_write_access
from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged
from notifications.services.telling import tell_admins
from syncs.models import AudienceExtraction
from syncs.selectors.extraction import MANAGE_BOTH, extraction_of
from workspaces.access import require
from workspaces.permissions import Permission
from workspaces.scoping import unscoped

EVERY = timedelta(days=1)
RETRY_DELAYS = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2))
ATTEMPTS = len(RETRY_DELAYS) + 1
LEASE = timedelta(minutes=40)
PATIENCE = timedelta(minutes=1)
AT_ONCE = 100
STOPPED = "The workers that tried stopped before they were done."


@dataclass(frozen=True, slots=True)
class HeldExtraction:
    """A worker's hold on an extraction."""

    row: AudienceExtraction
    epoch: int


@service("destination.extraction_changed")
def change_extraction(*, actor: Actor, destination: Destination, source: Source | None) -> AudienceExtraction:
    """Extract the destination's audiences into the source's warehouse once a day, from now on; without one, no more.

    Snapshots written so far stay where they are.
    """
    destination = destination_for(actor, destination.pk, Permission.MANAGE_DESTINATION, lock=True)
    extraction_of(destination)
    if source is not None:
        source = source_for(actor, source.pk, lock=True)
        require(actor, MANAGE_BOTH, source_id=source.pk, destination_id=destination.pk)
        require_write_access(source)
    now = timezone.now()
    row = AudienceExtraction.objects.select_for_update(no_key=True).filter(destination=destination).first()
    row = row or AudienceExtraction(
        workspace_id=destination.workspace_id, destination=destination, since=now, next_at=now
    )
    before = row.source_id
    if before == (source.pk if source else None):
        unchanged()
        return row
    row.source = source
    if source is not None:
        _begin(row, now)
        row.since = now
    row.save()
    record(destination, before={"source_id": before}, after={"source_id": row.source_id})
    if source is not None:
        _tell(row)
    return row


@service("destination.extraction_requested")
def extract_now(*, actor: Actor, destination: Destination) -> AudienceExtraction:
    """Write a snapshot now, beside those of each day."""
    destination = destination_for(actor, destination.pk, Permission.MANAGE_DESTINATION)
    row = AudienceExtraction.objects.select_for_update(no_key=True).filter(destination=destination).first()
    if row is None or row.source_id is None:
        raise Conflict("Data extraction is off.", hint="Switch it on first.")
    require(actor, MANAGE_BOTH, source_id=row.source_id, destination_id=destination.pk)
    if destination.stopped_at is not None:
        raise Conflict(f"“{destination}” was stopped.", hint="Let it go on first, on its Overview tab.")
    if row.running:
        raise Conflict("A snapshot is being written already.", hint="Wait until it is done.")
    _begin(row, timezone.now())
    row.save()
    record(destination, after={"source_id": row.source_id})
    _tell(row)
    return row


def tell_due_extractions(now: datetime) -> int:
    """Tell workers of every extraction that is due: for the scheduler. A worker that was told twice finds it held."""
    with unscoped("destinations of all workspaces are asked by the same scheduler"), transaction.atomic():
        waiting = Q(told_at=None) | Q(told_at__lte=now - PATIENCE)
        rows = _due(now).filter(waiting).select_for_update(no_key=True, skip_locked=True, of=("self",))
        found = list(rows.order_by("next_at", "pk")[:AT_ONCE])
        for row in found:
            row.told_at = now
            row.save(update_fields=["told_at"])
            _tell(row)
        return len(found)


def claim_extraction(extraction_id: int, now: datetime) -> HeldExtraction | None:
    """Take an extraction that is due and free; one whose workers all stopped in the middle is given up."""
    taken = (
        _due(now)
        .filter(pk=extraction_id)
        .update(epoch=F("epoch") + 1, attempts=F("attempts") + 1, tried_at=now, lease_until=now + LEASE)
    )
    if not taken:
        return None
    related = ("destination", "source", "workspace")
    row = AudienceExtraction.objects.select_related(*related).get(pk=extraction_id)
    held = HeldExtraction(row, row.epoch)
    if row.attempts > ATTEMPTS:
        put_extraction_off(held, STOPPED, "The workers' logs say why.", now)
        return None
    return held


def finish_extraction(held: HeldExtraction, rows: int, now: datetime) -> bool:
    """A snapshot was written; false where another worker has taken the extraction meanwhile."""
    done = _held(held).update(
        rows=rows,
        succeeded_at=now,
        failing_since=None,
        error_message="",
        error_hint="",
        lease_until=None,
        attempts=0,
        snapshot=F("snapshot") + 1,
        next_at=next_day(held.row, now),
    )
    return bool(done)


@transaction.atomic
def put_extraction_off(held: HeldExtraction, message: str, hint: str, now: datetime) -> None:
    """Try again soon; after the last try tomorrow, and tell the admins once until it succeeds again."""
    row = _held(held).select_for_update(no_key=True, of=("self",)).select_related("destination", "workspace").first()
    if row is None:
        return
    row.error_message, row.error_hint, row.lease_until = message[:2_000], hint[:2_000], None
    if row.attempts < ATTEMPTS:
        row.next_at = now + RETRY_DELAYS[row.attempts - 1]
    else:
        row.next_at, row.attempts, row.snapshot = next_day(row, now), 0, row.snapshot + 1
        if row.failing_since is None:
            row.failing_since = now
            _notice(row)
    row.save()


def next_day(row: AudienceExtraction, now: datetime) -> datetime:
    """When the next day's snapshot is due."""
    return row.since + ((now - row.since) // EVERY + 1) * EVERY


def _begin(row: AudienceExtraction, now: datetime) -> None:
    row.next_at, row.attempts, row.told_at = now, 0, now
    row.error_message = row.error_hint = ""


def _due(now: datetime) -> QuerySet[AudienceExtraction]:
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    rows = AudienceExtraction.objects.filter(free, source__isnull=False, next_at__lte=now)
    return rows.filter(destination__stopped_at=None)


def _held(held: HeldExtraction) -> QuerySet[AudienceExtraction]:
    return AudienceExtraction.objects.filter(pk=held.row.pk, epoch=held.epoch, lease_until__isnull=False)


def _tell(row: AudienceExtraction) -> None:
    from syncs.tasks import extract_audiences

    enqueue(extract_audiences, row.workspace_id, row.pk)


def _notice(row: AudienceExtraction) -> None:
    page = reverse("syncs:destination_extraction", args=[row.workspace.slug, row.destination_id])
    tell_admins(
        row.workspace,
        topic=f"extraction:{row.pk}",
        title=f"The audiences of “{row.destination}” were not extracted",
        summary=f"{ATTEMPTS} tries failed. It is tried again tomorrow; earlier snapshots are not affected.",
        words=row.error_message,
        advice=row.error_hint or "Correct the connection, then choose “Run now” on its Data extraction tab.",
        url=settings.BASE_URL + page,
    )
