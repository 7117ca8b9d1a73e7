"""Runs that end because the product area they belong to is switched off; what is audited is the switch."""

from __future__ import annotations

from django.utils import timezone

from syncs.areas import of_areas
from syncs.choices import RunStatus
from syncs.models import Run


def stop_runs_of_area(key: str) -> None:
    """Ask the area's runs in this workspace to end before their next batch; what is held stays held."""
    going = Run.objects.filter(of_areas([key], "sync__"), finished_at=None, cancel_requested_at=None)
    going.exclude(status=RunStatus.HELD).update(cancel_requested_at=timezone.now())
