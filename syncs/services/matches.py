"""Asking destinations whom they recognised, after runs and once a day: what is asked, and what they said.

Nobody decides these numbers, so they are no audit entries.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.utils import timezone

from config.queue import enqueue
from connectors.models import Destination
from connectors.registry import DESTINATIONS, destination_class
from connectors.sdk.destination import MatchStats
from syncs.models import MatchReport, Sync
from workspaces.scoping import unscoped

EVERY = timedelta(days=1)
LOST_AFTER = timedelta(minutes=10)
ATTEMPTS = 3
KEPT = timedelta(days=400)
AT_ONCE = 100


def ask_for_matches(now: datetime) -> int:
    """Let workers ask about syncs that ran since they were asked about, or not for a day: for the scheduler.

    Paused syncs and those of destinations that are stopped wait; one without a run has nothing to ask about.
    """
    with unscoped("destinations of all workspaces are asked by the same scheduler"):
        reporting = _reporting()
        if not reporting:
            return 0
        with transaction.atomic():
            asked = [_ask(sync, now) for sync in _due(reporting, now)]
            return len(asked) + _send_again(now)


def _reporting() -> Q:
    """The syncs whose destinations tell whom they recognised."""
    found = Q()
    for key in Destination.objects.order_by().values_list("type", flat=True).distinct():
        if key in DESTINATIONS:
            types = [kind.key for kind in destination_class(key).definition.sync_types if kind.match_stats]
            found |= Q(destination__type=key, sync_type__in=types) if types else Q()
    return found


def _due(reporting: Q, now: datetime) -> Collection[Sync]:
    newest = MatchReport.objects.filter(sync=OuterRef("pk")).order_by("-id")
    rows = Sync.objects.select_for_update(no_key=True, skip_locked=True, of=("self",)).filter(
        reporting, paused=False, destination__stopped_at=None, last_run__finished_at__isnull=False
    )
    rows = rows.annotate(
        asked=Subquery(newest.values("asked_at")[:1]), open=Subquery(newest.filter(answered_at=None).values("pk")[:1])
    )
    due = Q(asked=None) | Q(asked__lt=F("last_run__finished_at")) | Q(asked__lte=now - EVERY)
    return rows.filter(due, open=None).order_by("pk")[:AT_ONCE]


def _ask(sync: Sync, now: datetime) -> MatchReport:
    assert sync.last_run_id is not None
    made = MatchReport.objects.create(
        workspace_id=sync.workspace_id, sync=sync, run_id=sync.last_run_id, asked_at=now, sent_at=now
    )
    _send(made)
    return made


def _send_again(now: datetime) -> int:
    """What a lost message or worker left; after a few times nobody asks any more."""
    rows = MatchReport.objects.select_for_update(no_key=True, skip_locked=True)
    lost = list(rows.filter(answered_at=None, sent_at__lte=now - LOST_AFTER).order_by("pk")[:AT_ONCE])
    for report in lost:
        report.sent_at, report.attempts = now, report.attempts + 1
        if report.attempts >= ATTEMPTS:
            report.answered_at = now
            report.error_message = "The workers that asked stopped before there was an answer."
        else:
            _send(report)
        report.save(update_fields=["sent_at", "attempts", "answered_at", "error_message"])
    return len(lost)


def _send(report: MatchReport) -> None:
    from syncs.tasks import ask_for_match_stats

    enqueue(ask_for_match_stats, report.workspace_id, report.pk)


def open_report(report_id: int) -> MatchReport | None:
    """A report that still waits for its answer."""
    related = ("sync__destination", "sync__model__source", "run")
    return MatchReport.objects.select_related(*related).filter(pk=report_id, answered_at=None).first()


def keep_matches(report: MatchReport, stats: MatchStats | None) -> None:
    """Store what the destination told; the first answer counts."""
    told = stats or MatchStats()
    rows = MatchReport.objects.filter(pk=report.pk, answered_at=None)
    rows.update(
        answered_at=timezone.now(),
        matched=told.matched,
        rate=told.rate,
        reported_at=told.at,
        status=told.status[:200],
        url=told.url[:2000] if told.url.startswith("https://") else "",
    )


def keep_silence(report: MatchReport, message: str, hint: str) -> None:
    """Store why there is no answer; it is asked again after the next run, or in a day."""
    rows = MatchReport.objects.filter(pk=report.pk, answered_at=None)
    rows.update(answered_at=timezone.now(), error_message=message[:2000], error_hint=hint[:2000])


def forget_old_matches(now: datetime) -> int:
    """Delete what is older than anybody compares with: for the scheduler."""
    with unscoped("reports of all workspaces are deleted by the same scheduler"):
        return MatchReport.objects.filter(asked_at__lt=now - KEPT).delete()[0]
