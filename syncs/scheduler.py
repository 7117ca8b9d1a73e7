"""Starts what is due and tells the workers again of what nobody took.

Any number of schedulers may run: each sync is started under its row lock by
whoever gets it first, and the others pass it by.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dramatiq
import redis
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.utils import timezone

from config.queue import enqueue
from governance.audit.context import correlate
from governance.audit.services import seal_entries
from governance.log.upkeep import enqueue_purges
from governance.privacy.services.work import delete_expired_cases, resend_cases
from notifications.services.outbox import resend_due as resend_due_notifications
from notifications.services.streams import tell_due_streams
from notifications.services.webhook_outbox import (
    delete_old_deliveries,
    lagging_webhooks,
    look_at_audit,
    resend_due_deliveries,
)
from syncs import clockwork
from syncs.services.alerting import unwatched_syncs, watch_sync
from syncs.services.due import due_syncs, interrupted_syncs, start_if_due, start_interrupted
from syncs.services.extraction import tell_due_extractions
from syncs.services.matches import ask_for_matches, forget_old_matches
from syncs.services.previews import resend_previews
from syncs.services.sequencing import advance, due_sequences, runs_to_go_on, start_sequence_if_due
from syncs.services.stages import resend_due
from syncs.services.upstream import watched_credentials
from syncs.tasks import deliver_step, look_at_jobs, work_on_step
from syncs.upkeep import enqueue_expired, enqueue_prunings
from workspaces.scoping import unscoped, workspace_scope
from workspaces.services import workspaces_to_erase
from workspaces.tasks import delete_workspace

logger = logging.getLogger(__name__)
DUE_AT_ONCE = 500
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass
class Job:
    """Something done every so often."""

    name: str
    work: Callable[[datetime], int]
    every: timedelta
    due_at: datetime = LONG_AGO


def run(stop: threading.Event, *, tick_seconds: float = 1.0) -> None:
    """Do every job when it is due, until told to stop; an error costs one turn."""
    jobs = [
        Job("seal the audit log", seal_audit_log, timedelta(seconds=2)),
        Job("start due syncs", start_due, timedelta(seconds=1)),
        Job("start due sequences", start_due_sequences, timedelta(seconds=1)),
        Job("look at jobs of other services", look_at_upstream, timedelta(minutes=1)),
        Job("go on with sequences", go_on_with_sequences, timedelta(seconds=5)),
        Job("send waiting stages again", resend, timedelta(seconds=5)),
        Job("send waiting notifications again", resend_notifications, timedelta(seconds=5)),
        Job("send waiting webhook events again", resend_webhooks, timedelta(seconds=5)),
        Job("carry audit streams on", carry_streams, timedelta(seconds=5)),
        Job("send waiting cases again", resend_persons, timedelta(seconds=5)),
        Job("resume interrupted runs", resume_interrupted, timedelta(seconds=15)),
        Job("ask destinations whom they matched", ask_for_matches, timedelta(seconds=30)),
        Job("extract audiences of ad platforms", tell_due_extractions, timedelta(seconds=30)),
        Job("judge alerts", watch_alerts, timedelta(minutes=5)),
        Job("go on deleting workspaces", go_on_deleting, timedelta(minutes=5)),
        Job("delete expired rows and requests", expire_old, timedelta(minutes=10)),
        Job("delete old match reports", forget_old_matches, timedelta(days=1)),
        Job("delete audit entries past their retention", purge_audit_logs, timedelta(days=1)),
        Job("delete expired changelog entries", prune_changelogs, timedelta(days=1)),
    ]
    jobs += [Job(turn.name, turn.work, turn.every) for turn in clockwork.turns()]
    while not stop.is_set():
        for job in jobs:
            _turn(job, timezone.now())
        stop.wait(tick_seconds)


def seal_audit_log(now: datetime) -> int:
    """Put what was written to the audit log into its chains, and tell webhooks of it."""
    with unscoped("the scheduler serves every organization"):
        sealed = seal_entries()
        lagging = lagging_webhooks()
    for workspace_id, webhook_id in lagging:
        _one(look_at_audit, workspace_id, webhook_id)
    return sealed


def resend_webhooks(now: datetime) -> int:
    """Webhook events that nobody took, or whose time to be tried again has come."""
    with unscoped("the scheduler serves every workspace"):
        return resend_due_deliveries(now)


def carry_streams(now: datetime) -> int:
    """Audit streams with entries to send."""
    with unscoped("the scheduler serves every organization"):
        return tell_due_streams(now)


def purge_audit_logs(now: datetime) -> int:
    """Organizations that keep their audit log for a time; and what was delivered to webhooks long ago."""
    with unscoped("the scheduler serves every organization"):
        return enqueue_purges() + delete_old_deliveries(now)


def start_due(now: datetime) -> int:
    """Start every sync whose time has come: once, however many times it was missed."""
    with unscoped("the scheduler serves every workspace"):
        due = due_syncs(now, limit=DUE_AT_ONCE)
    return sum(_one(start_if_due, workspace_id, sync_id, now) for workspace_id, sync_id in due)


def go_on_deleting(now: datetime) -> int:
    """Tell the workers again of workspaces whose deletion is not done."""
    pending = workspaces_to_erase()
    with transaction.atomic():
        for workspace_id in pending:
            enqueue(delete_workspace, workspace_id)
    return len(pending)


def start_due_sequences(now: datetime) -> int:
    """Start every sequence whose time has come: once, however many times it was missed."""
    with unscoped("the scheduler serves every workspace"):
        due = due_sequences(now, limit=DUE_AT_ONCE)
    return sum(_one(start_sequence_if_due, workspace_id, pk, now) for workspace_id, pk in due)


def look_at_upstream(now: datetime) -> int:
    """Ask services about the jobs that schedules wait for."""
    with unscoped("the scheduler serves every workspace"):
        watched = watched_credentials()
    with transaction.atomic():
        for workspace_id, credential_id in watched:
            enqueue(look_at_jobs, workspace_id, credential_id)
    return len(watched)


def go_on_with_sequences(now: datetime) -> int:
    """Take runs of sequences further that nobody woke: a worker was killed, a message lost, or they wait."""
    with unscoped("the scheduler serves every workspace"):
        waiting = runs_to_go_on()
    return sum(_one(advance, workspace_id, run_id) for workspace_id, run_id in waiting)


def resume_interrupted(now: datetime) -> int:
    """Start a new run for each sync whose latest one was cut off, once."""
    with unscoped("the scheduler serves every workspace"):
        cut_off = interrupted_syncs(now, limit=DUE_AT_ONCE)
    return sum(_one(start_interrupted, workspace_id, sync_id, now) for workspace_id, sync_id in cut_off)


def resend(now: datetime) -> int:
    """Stages that wait although the queue knows nothing of them, and those of workers that went silent."""
    try:
        empty = queue_is_empty()
    except redis.RedisError as error:
        logger.warning("the queue cannot be reached: %s", error)
        return 0
    with unscoped("the scheduler serves every workspace"):
        return resend_due(now, queue_is_empty=empty) + resend_previews(now)


def resend_notifications(now: datetime) -> int:
    """Notifications that nobody took, or whose time to be tried again has come."""
    with unscoped("the scheduler serves every workspace"):
        return resend_due_notifications(now)


def resend_persons(now: datetime) -> int:
    """Look-ups and erasures that nobody works on, and results whose time is over."""
    with unscoped("the scheduler serves every workspace"):
        return resend_cases(now) + delete_expired_cases(now)


def watch_alerts(now: datetime) -> int:
    """Alerts that depend on time, mutes that end, reminders, and runs whose end was not judged."""
    with unscoped("the scheduler serves every workspace"):
        found = unwatched_syncs(now)
    return sum(_one(watch_sync, workspace_id, sync_id, now) for workspace_id, sync_id in found)


def expire_old(now: datetime) -> int:
    """Runs past their retention."""
    with unscoped("the scheduler serves every workspace"):
        return enqueue_expired(now)


def prune_changelogs(now: datetime) -> int:
    """Sources whose changelog is kept for a time."""
    with unscoped("the scheduler serves every workspace"):
        return enqueue_prunings(now)


def queue_is_empty() -> bool:
    """Whether no message waits for a worker."""
    broker = dramatiq.get_broker()
    keys = [f"{broker.namespace}:{actor.queue_name}" for actor in (work_on_step, deliver_step)]  # type: ignore[attr-defined]
    return not any(int(broker.client.llen(key)) for key in keys)  # type: ignore[attr-defined]


def _one(work: Callable[..., object], workspace_id: int, pk: int, *more: datetime) -> bool:
    """One sync or sequence in its own scope and transaction: its trouble is not the others'."""
    with correlate(), workspace_scope(workspace_id):
        try:
            return bool(work(pk, *more))
        except DatabaseError:
            raise
        except Exception:
            logger.exception("%s(%s) failed", work.__name__, pk)
            return False


def _turn(job: Job, now: datetime) -> None:
    if now < job.due_at:
        return
    job.due_at = now + job.every
    try:
        job.work(now)
    except DatabaseError:
        logger.exception("%s failed", job.name)
        connection.close()
    except Exception:
        logger.exception("%s failed", job.name)
