"""Days of the week and a time of day in a time zone, through changes of the clocks. Pure.

A wall-clock time that the clocks skip falls on the moment they jump; one that
they pass twice falls on the first. So a recurrence is due once on each of its
days, whatever the zone does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
EVERY_DAY = frozenset(range(7))
WEEKDAYS = frozenset(range(5))
WEEKENDS = EVERY_DAY - WEEKDAYS
# A week from any day; the rest covers zones that once moved across the date line.
_AHEAD = range(-2, 10)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Some days of the week (Monday is 0) at one time of day, to the minute."""

    days: frozenset[int]
    at: time

    @property
    def words(self) -> str:
        """Such as "weekdays at 08:00" or "Mon and Fri at 17:30"."""
        named = {EVERY_DAY: "every day", WEEKDAYS: "weekdays", WEEKENDS: "weekends"}.get(self.days)
        return f"{named or _joined([DAYS[day][:3] for day in sorted(self.days)])} at {self.at:%H:%M}"


def next_occurrence(recurrences: Iterable[Recurrence], zone: str, after: datetime) -> datetime:
    """The first moment (UTC) strictly after ``after`` at which one of the recurrences is due."""
    place, recurrences = ZoneInfo(zone), tuple(recurrences)
    start = after.astimezone(place).date()
    for ahead in _AHEAD:
        day = start + timedelta(days=ahead)
        if due := [moment for moment in _moments(recurrences, day, place) if moment > after]:
            return min(due)
    raise ValueError("a recurrence needs a day")


def moment_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """When the clocks of a zone show this time on this day, in UTC."""
    local = datetime.combine(day, at)
    first = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    second = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    # Where the clocks skip the time, the later reading comes out before the earlier one.
    return first if first <= second else _jump(second, first, zone)


def _moments(recurrences: Iterable[Recurrence], day: date, zone: ZoneInfo) -> Iterator[datetime]:
    return (moment_of(day, each.at, zone) for each in recurrences if day.weekday() in each.days)


def _jump(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The moment between these two at which the zone's clocks jump, by halving, to the second."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def _joined(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
