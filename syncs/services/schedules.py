"""When a sync runs by itself, and whether it may run at all."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged
from syncs import access
from syncs.choices import IntervalUnit, ScheduleKind
from syncs.models import Sync
from syncs.schedules import Schedule

_SCHEDULE = ["schedule_kind", "interval_count", "interval_unit", "cron", "next_run_at", "updated_at"]


def schedule_of(sync: Sync) -> Schedule:
    """The stored schedule of a sync."""
    return Schedule(
        kind=ScheduleKind(sync.schedule_kind),
        interval_count=sync.interval_count,
        interval_unit=IntervalUnit(sync.interval_unit) if sync.interval_unit else None,
        cron=sync.cron,
    )


def apply_schedule(sync: Sync, schedule: Schedule, now: datetime) -> None:
    """Put a schedule on a sync (unsaved); an interval begins with a run at once."""
    sync.schedule_kind = schedule.kind
    sync.interval_count = schedule.interval_count
    sync.interval_unit = schedule.interval_unit or ""
    sync.cron = schedule.cron
    sync.next_run_at = next_due(sync, now)


def next_due(sync: Sync, now: datetime) -> datetime | None:
    """When the sync is due next by its own schedule, counted from its last run."""
    if not sync.schedule_enabled:
        return None
    schedule = schedule_of(sync)
    if schedule.kind is not ScheduleKind.INTERVAL:
        return schedule.next_after(now)
    last = sync.last_run.created_at if sync.last_run else None
    due = schedule.next_after(last) if last else now
    return max(due, now) if due else None


@service("sync.scheduled")
def set_schedule(*, actor: Actor, sync: Sync, schedule: Schedule) -> Sync:
    """Choose when the sync runs by itself."""
    sync = access.sync_to_configure(actor, sync.pk)
    before = schedule_of(sync)
    if before == schedule:
        unchanged()
        return sync
    apply_schedule(sync, schedule, timezone.now())
    sync.save(update_fields=_SCHEDULE)
    record(sync, before={"schedule": before.words}, after={"schedule": schedule.words})
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
    sync.next_run_at = next_due(sync, timezone.now())
    sync.save(update_fields=["schedule_enabled", "next_run_at", "updated_at"])
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
        live = sync.runs.filter(finished_at__isnull=True, cancel_requested_at__isnull=True)
        live.update(cancel_requested_at=timezone.now())
    record(sync, before={"paused": not paused}, after={"paused": paused})
    return sync
