"""Runs that start by themselves: by schedule, and after an interruption. Run history, not audited."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import Error as DatabaseError
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from config.errors import HeadraceError
from syncs.areas import switched_off
from syncs.choices import RunStatus, Trigger
from syncs.engine.spec import Failure
from syncs.models import Run, Sync
from syncs.services.beginning import RESUME_WITHIN, begin_run, refused_run
from syncs.services.ending import end_without_sending

logger = logging.getLogger(__name__)


def due_syncs(now: datetime, *, limit: int) -> list[tuple[int, int]]:
    """(workspace id, sync id) of syncs whose time has come and that are not running, longest due first."""
    return list(_due(now).order_by("next_run_at").values_list("workspace_id", "pk")[:limit])


def interrupted_syncs(now: datetime, *, limit: int) -> list[tuple[int, int]]:
    """(workspace id, sync id) of syncs whose latest run was cut off a moment ago."""
    return list(_interrupted(now).values_list("workspace_id", "pk")[:limit])


@transaction.atomic
def start_if_due(sync_id: int, now: datetime) -> bool:
    """Start a sync whose time has come, unless another scheduler has it."""
    return _start(_due(now), sync_id, now, Trigger.SCHEDULE, "Schedule")


@transaction.atomic
def start_interrupted(sync_id: int, now: datetime) -> bool:
    """Go on with a run that was cut off; a resumed run that is cut off too waits for a person or the schedule."""
    return _start(_interrupted(now), sync_id, now, Trigger.RETRY, "Resume")


def _start(syncs: QuerySet[Sync], sync_id: int, now: datetime, trigger: Trigger, label: str) -> bool:
    locked = syncs.filter(pk=sync_id).select_for_update(no_key=True, skip_locked=True, of=("self",))
    sync = locked.select_related("model__source", "destination", "last_run").first()
    if sync is None:
        return False
    if trigger is Trigger.SCHEDULE and sync.schedule.ended(now):
        return _wait(sync, None)
    try:
        with transaction.atomic():
            begin_run(sync, trigger=trigger, actor_label=label, now=now)
    except HeadraceError as error:
        logger.warning("sync %s is due but cannot run: %s", sync_id, error.message)
        return _tell(sync, trigger, label, now, Failure(code=error.code, message=error.message, hint=error.hint))
    except DatabaseError:
        raise
    except Exception as error:
        logger.exception("sync %s is due but could not be started", sync_id)
        return _tell(sync, trigger, label, now, _defect(error))
    return True


def _tell(sync: Sync, trigger: Trigger, label: str, now: datetime, failure: Failure) -> bool:
    """Leave a failed run behind, so that who is told of failures is told of this one, and wait for the next time."""
    sync.refresh_from_db()
    try:
        with transaction.atomic():
            run = refused_run(sync, trigger=trigger, actor_label=label, now=now)
            end_without_sending(run, sync, RunStatus.FAILED, failure)
    except DatabaseError:
        raise
    except Exception:
        logger.exception("sync %s could not start, and has no run that says so", sync.pk)
    return _wait(sync, now)


def _defect(error: Exception) -> Failure:
    return Failure(
        code="internal_error",
        message=f"The run could not start: {type(error).__name__}.",
        hint="This is a defect in Headrace or its surroundings; the scheduler's log has the details.",
    )


def _wait(sync: Sync, now: datetime | None) -> bool:
    """Look at the sync again at its next time after ``now``, or never, so that it does not hold up the others."""
    due = sync.schedule.next_after(now) if now and sync.schedule_enabled else None
    Sync.objects.filter(pk=sync.pk).update(next_run_at=due)
    return False


def _due(now: datetime) -> QuerySet[Sync]:
    return Sync.objects.exclude(switched_off()).filter(
        ~_running(), next_run_at__lte=now, paused=False, destination__stopped_at__isnull=True, erasing_for__isnull=True
    )


def _interrupted(now: datetime) -> QuerySet[Sync]:
    return (
        Sync.objects.exclude(switched_off())
        .filter(
            paused=False,
            destination__stopped_at__isnull=True,
            erasing_for__isnull=True,
            last_run__status=RunStatus.INTERRUPTED,
            last_run__finished_at__gte=now - RESUME_WITHIN,
        )
        .exclude(last_run__trigger=Trigger.RETRY)
    )


def _running() -> Exists:
    return Exists(Run.objects.filter(sync=OuterRef("pk"), finished_at__isnull=True))
