"""The stretch of time that an overview is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import timezone

CHOICES = (7, 30, 60, 90)
USUAL = 30
LONGEST = 400


@dataclass(frozen=True, slots=True)
class Period:
    """From the beginning of ``since`` to the end of ``until``, in the viewer's zone; a usual one has its ``days``."""

    since: date
    until: date
    days: int | None

    @property
    def begin(self) -> datetime:
        """Its first moment."""
        return timezone.make_aware(datetime.combine(self.since, time.min))

    @property
    def end(self) -> datetime:
        """The moment after its last."""
        return timezone.make_aware(datetime.combine(self.until + timedelta(days=1), time.min))

    @property
    def each_day(self) -> list[date]:
        """Its days, in order."""
        return [self.since + timedelta(days=day) for day in range((self.until - self.since).days + 1)]


def last_days(days: int) -> Period:
    """So many days, today being the last."""
    today = timezone.localdate()
    return Period(today - timedelta(days=days - 1), today, days if days in CHOICES else None)


def asked_period(given: Mapping[str, str]) -> Period:
    """What an address asks for: ``days``, or ``since`` and ``until``. What cannot be read is the last 30 days."""
    days = given.get("days", "")
    if days.isascii() and days.isdigit() and len(days) < 4 and 0 < int(days) <= LONGEST:
        return last_days(int(days))
    since, until = _day(given.get("since", "")), _day(given.get("until", "")) or timezone.localdate()
    if since is None or since > until or (until - since).days >= LONGEST:
        return last_days(USUAL)
    return Period(since, until, None)


def _day(written: str) -> date | None:
    try:
        found = date.fromisoformat(written)
    except ValueError:
        return None
    return found if 1900 < found.year < 9000 else None
