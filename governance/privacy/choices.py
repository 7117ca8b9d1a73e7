"""How a case stands."""

from __future__ import annotations

from django.db.models import TextChoices


class CaseState(TextChoices):
    """From the search to the erasure. A case without a request ends as found."""

    WAITING = "waiting", "Waiting for a worker"
    SEARCHING = "searching", "Searching"
    FOUND = "found", "Search finished"
    FAILED = "failed", "Search failed"
    REQUESTED = "requested", "Waiting for confirmation"
    CONFIRMED = "confirmed", "Waiting to erase"
    ERASING = "erasing", "Erasing"
    STUCK = "stuck", "Erasure stopped"
    ERASED = "erased", "Forgotten"


SEARCH = (CaseState.WAITING, CaseState.SEARCHING)
ERASURE = (CaseState.CONFIRMED, CaseState.ERASING)
UNDER_WAY = (*SEARCH, *ERASURE)
