"""What everything that runs by itself stores about when it does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from syncs.choices import IntervalUnit, ScheduleKind
from syncs.recurrence import Recurrence
from syncs.schedules import After, Schedule, UpstreamJob


class Scheduled(models.Model):
    """A schedule in columns; ``next_run_at`` is what it comes to and what the scheduler looks at.

    ``recurrences`` is a list of ``{"days": [0, 4], "time": "08:30"}`` by the clocks
    of ``zone``. ``after`` is ``{"credential": 3, "jobs": [{"id": "1/2", "name": "Nightly"}]}``, and ``after_seen``
    what was last seen of these jobs: ``{"successes": {"1/2": "77"}, "problem": ""}``, empty until somebody looked.
    ``schedule_enabled`` stops this schedule only.
    """

    schedule_kind = models.CharField(max_length=10, choices=ScheduleKind.choices, default=ScheduleKind.MANUAL)
    interval_count = models.PositiveIntegerField(null=True, blank=True)
    interval_unit = models.CharField(max_length=10, choices=IntervalUnit.choices, blank=True)
    cron = models.CharField(max_length=200, blank=True)
    recurrences = models.JSONField(default=list, blank=True, encoder=DjangoJSONEncoder)
    zone = models.CharField(max_length=64, blank=True)
    after = models.JSONField(default=dict, blank=True)
    after_seen = models.JSONField(default=dict, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    schedule_enabled = models.BooleanField(default=True)
    next_run_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def schedule_off(self) -> bool:
        """Whether people switched the own schedule off."""
        return not self.schedule_enabled

    @property
    def schedule(self) -> Schedule:
        """The stored schedule."""
        return Schedule(
            kind=ScheduleKind(self.schedule_kind),
            interval_count=self.interval_count,
            interval_unit=IntervalUnit(self.interval_unit) if self.interval_unit else None,
            cron=self.cron,
            recurrences=tuple(recurrence_from(each) for each in self.recurrences),
            zone=self.zone,
            after=_after_from(self.after),
            starts_at=self.starts_at,
            ends_at=self.ends_at,
        )

    @schedule.setter
    def schedule(self, chosen: Schedule) -> None:
        self.schedule_kind = chosen.kind
        self.interval_count = chosen.interval_count
        self.interval_unit = chosen.interval_unit or ""
        self.cron = chosen.cron
        self.recurrences = [recurrence_json(each) for each in chosen.recurrences]
        self.zone = chosen.zone
        after = _after_json(chosen.after)
        if after != self.after:
            self.after, self.after_seen = after, {}
        self.starts_at, self.ends_at = chosen.starts_at, chosen.ends_at


SCHEDULE_FIELDS = tuple(field.name for field in Scheduled._meta.local_fields)


def _after_json(after: After | None) -> dict[str, Any]:
    if after is None:
        return {}
    return {"credential": after.credential, "jobs": [{"id": job.id, "name": job.name} for job in after.jobs]}


def _after_from(stored: Mapping[str, Any]) -> After | None:
    if not stored:
        return None
    return After(stored["credential"], tuple(UpstreamJob(job["id"], job["name"]) for job in stored["jobs"]))


def recurrence_json(recurrence: Recurrence) -> dict[str, Any]:
    """A recurrence as it is stored."""
    return {"days": sorted(recurrence.days), "time": f"{recurrence.at:%H:%M}"}


def recurrence_from(stored: Mapping[str, Any]) -> Recurrence:
    """The recurrence that :func:`recurrence_json` stored."""
    return Recurrence(frozenset(stored["days"]), time.fromisoformat(stored["time"]))
