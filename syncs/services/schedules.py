"""When a sync runs by itself, and whether it may run at all."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from config.errors import Conflict, Invalid
from connectors import clouds
from governance.approvals.access import require_direct
from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged
from syncs import access, locks
from syncs.choices import RunStatus
from syncs.drafts.state import timing, whole_of
from syncs.models import Sequence, Sync
from syncs.models.scheduled import SCHEDULE_FIELDS
from syncs.schedules import Schedule


def apply_schedule(row: Sync | Sequence, schedule: Schedule, now: datetime) -> None:
    """Put a schedule on a sync or sequence (unsaved); an interval begins with a run at once."""
    require_jobs(schedule)
    row.schedule = schedule
    row.next_run_at = next_due(row, now)


def require_jobs(schedule: Schedule) -> None:
    """Raise where a schedule waits for jobs that no credential of this workspace can see; else keep the credential."""
    if schedule.after is not None and clouds.hold(schedule.after.credential, schedule.kind) is None:
        raise Invalid.field("schedule.schedule.credentialId", "There is no such credential in this workspace.")


def watch_anew(row: Sync | Sequence) -> None:
    """Begin anew to wait for jobs (unsaved): what they did while nobody looked starts nothing."""
    row.after_seen = {}


def next_due(row: Sync | Sequence, now: datetime) -> datetime | None:
    """When it is due next by its own schedule; never while it is only a draft."""
    if row.schedule_off or (isinstance(row, Sync) and not row.published):
        return None
    return row.schedule.due_from(now, row.last_run.created_at if row.last_run else None)


@service("sync.scheduled")
def set_schedule(*, actor: Actor, sync: Sync, schedule: Schedule) -> Sync:
    """Choose when the sync runs by itself."""
    sync = access.sync_to_configure(actor, sync.pk)
    before = sync.schedule
    if before == schedule:
        unchanged()
        return sync
    if not sync.published:
        raise Conflict("This sync is a draft.", hint="Change its draft, then publish it.", code="draft_only")
    require_direct(actor)
    former, was = timing(sync), whole_of(sync)
    apply_schedule(sync, schedule, timezone.now())
    now = whole_of(sync)
    locks.require_unlocked(sync, was, now)
    sync.save(update_fields=[*SCHEDULE_FIELDS, "updated_at"])
    locks.note_change(sync, was, now)
    record(
        sync,
        before={"schedule": before.whole_words, "timing": former},
        after={"schedule": schedule.whole_words, "timing": timing(sync)},
    )
    return sync


@service("sync.enabled")
def enable_schedule(*, actor: Actor, sync: Sync) -> Sync:
    """Switch the sync's own schedule on."""
    return _switch_schedule(actor, sync, enabled=True)


@service("sync.disabled")
def disable_schedule(*, actor: Actor, sync: Sync) -> Sync:
    """Switch the sync's own schedule off; it still runs when somebody or something asks."""
    return _switch_schedule(actor, sync, enabled=False)


@service("sync.paused")
def pause_sync(*, actor: Actor, sync: Sync) -> Sync:
    """Block every new run, and stop a running one before its next batch."""
    return _switch_pause(actor, sync, paused=True)


@service("sync.resumed")
def resume_sync(*, actor: Actor, sync: Sync) -> Sync:
    """Let the sync run again."""
    return _switch_pause(actor, sync, paused=False)


def _switch_schedule(actor: Actor, sync: Sync, *, enabled: bool) -> Sync:
    sync = access.sync_to_configure(actor, sync.pk)
    if sync.schedule_enabled == enabled:
        unchanged()
        return sync
    sync.schedule_enabled = enabled
    watch_anew(sync)
    sync.next_run_at = next_due(sync, timezone.now())
    sync.save(update_fields=["schedule_enabled", "after_seen", "next_run_at", "updated_at"])
    record(sync, before={"schedule_enabled": not enabled}, after={"schedule_enabled": enabled})
    return sync


def _switch_pause(actor: Actor, sync: Sync, *, paused: bool) -> Sync:
    sync = access.sync_to_configure(actor, sync.pk)
    if sync.paused == paused:
        unchanged()
        return sync
    sync.paused = paused
    sync.save(update_fields=["paused", "updated_at"])
    if paused:
        going = sync.runs.filter(finished_at__isnull=True, cancel_requested_at__isnull=True)
        going.exclude(status=RunStatus.HELD).update(cancel_requested_at=timezone.now())
    record(sync, before={"paused": not paused}, after={"paused": paused})
    return sync
