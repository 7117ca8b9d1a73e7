"""Runs that start after jobs of other services: who waits for which, and what they did. Run history, not audited.

A service is asked about once a minute. Whatever waits for a job that has succeeded since becomes due, as by any other
schedule: it starts once, however many of its jobs succeeded, and after a run that is going.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from config.errors import HeadraceError
from connectors import jobs
from connectors.models import CloudCredential
from syncs.choices import JOB_KINDS
from syncs.models import Sequence, Sync

logger = logging.getLogger(__name__)


def watched_credentials() -> list[tuple[int, int]]:
    """(workspace id, credential id) of all that schedules wait with. Across all workspaces."""
    rows = [row for found in _waiting() for row in found.values_list("workspace_id", "after__credential")]
    return sorted({(workspace, int(credential)) for workspace, credential in rows if credential})


def look(credential_id: int) -> int:
    """Ask a service what its jobs did, and make due what waits for those that succeeded; how much that is."""
    credential = CloudCredential.objects.filter(pk=credential_id, provider__in=jobs.PROVIDERS).first()
    if credential is None:
        return 0
    wanted = sorted({job["id"] for row in _waiting_with(credential_id) for job in row.after["jobs"]})
    problem = ""
    found: Mapping[str, str] = {}
    try:
        found = jobs.successes(credential, wanted) if wanted else {}
    except HeadraceError as error:
        logger.warning("jobs of credential %s cannot be read: %s", credential_id, error.message)
        problem = f"{error.message} {error.hint}".strip()
    return _note(credential_id, found, problem, timezone.now())


@transaction.atomic
def _note(credential_id: int, found: Mapping[str, str], problem: str, now: datetime) -> int:
    due = 0
    for row in _waiting_with(credential_id, lock=True):
        seen = row.after_seen.get("successes")
        known = {job["id"]: found.get(job["id"], "") for job in row.after["jobs"]} if not problem else seen
        succeeded = seen is not None and any(known[job] and known[job] != seen.get(job, "") for job in known or ())
        if succeeded and (row.next_run_at is None or row.next_run_at > now):
            row.next_run_at = now
            due += 1
        row.after_seen = {"successes": known, "problem": problem[:2_000]} if known is not None else {"problem": problem}
        row.save(update_fields=["after_seen", "next_run_at"])
    return due


def _waiting() -> tuple[QuerySet[Any], QuerySet[Any]]:
    """The syncs and the sequences whose schedule waits for jobs, and is on."""
    asked = {"schedule_kind__in": list(JOB_KINDS), "schedule_enabled": True}
    return Sync.objects.filter(**asked, published=True), Sequence.objects.filter(**asked)


def _waiting_with(credential_id: int, *, lock: bool = False) -> Iterator[Sync | Sequence]:
    for rows in _waiting():
        chosen = rows.filter(after__credential=credential_id).order_by("pk")
        yield from chosen.select_for_update(no_key=True, of=("self",)) if lock else chosen
