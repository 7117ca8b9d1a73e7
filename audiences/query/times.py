"""Moments and windows, worked out here from a clock that is given: asked again, a query says the same.

Windows are half-open. A moment is an instant, or a day: then the whole day is meant, in the zone of the clock.
Columns without a zone hold wall-clock times of that zone; columns of dates hold days, and a window holds
for the days that it touches.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from audiences.query.conditions import At, Moment, Operator, Relative, Span, Unit, Window
from audiences.query.errors import Path, refused
from connectors.sdk.types import ColumnType

_EXACT = {
    Unit.MINUTE: timedelta(minutes=1),
    Unit.HOUR: timedelta(hours=1),
    Unit.DAY: timedelta(days=1),
    Unit.WEEK: timedelta(weeks=1),
}
_MONTHS = {Unit.MONTH: 1, Unit.QUARTER: 3, Unit.YEAR: 12}
_FIRST_YEAR, _LAST_YEAR = 1, 9999
_ZONED = ("with time zone", "timestamptz", "timestamp_tz", "timestamp_ltz", "datetimeoffset")


@dataclass(frozen=True, slots=True)
class Clock:
    """The present moment and the zone that days and calendar periods are counted in."""

    now: datetime
    zone: str = "UTC"

    @property
    def here(self) -> datetime:
        """Now, as the clock on the wall shows it."""
        return self.now.astimezone(self.tz)

    @property
    def tz(self) -> ZoneInfo:
        """The zone itself."""
        return ZoneInfo(self.zone)

    def midnight(self, day: date) -> datetime:
        """When a day begins."""
        return datetime(day.year, day.month, day.day, tzinfo=self.tz)


class Comparison(StrEnum):
    """How a column compares with a moment."""

    SAME = "="
    AFTER = ">"
    FROM = ">="
    BEFORE = "<"


@dataclass(frozen=True, slots=True)
class Bound:
    """One comparison with an instant."""

    comparison: Comparison
    moment: datetime


@dataclass(frozen=True, slots=True)
class Interval:
    """A moment with its length: an instant has none, a day has one day."""

    start: datetime
    end: datetime

    @property
    def instant(self) -> bool:
        """Whether it has no length."""
        return self.start == self.end


def is_zoned(dialect: str, native_type: str) -> bool:
    """Whether values of a column of this native type are moments, whatever zone they are shown in."""
    native = native_type.lower()
    if dialect in {"bigquery", "databricks"}:
        return native.startswith("timestamp") and "ntz" not in native
    if dialect == "clickhouse":
        return "datetime" in native
    return any(word in native for word in _ZONED)


def interval(moment: Moment, clock: Clock, path: Path) -> Interval:
    """When a moment begins and ends."""
    if isinstance(moment, Relative):
        found = _moved(clock.here, moment.amount, moment.unit, ahead=moment.ahead, path=path)
        return Interval(found, found)
    return _given(moment, clock, path)


def window(given: Window, clock: Clock, path: Path) -> Interval:
    """The time that a window covers."""
    now = clock.here
    if not given.calendar:
        other = _moved(now, given.amount, given.unit, ahead=given.ahead, path=path)
        return Interval(now, other) if given.ahead else Interval(other, now)
    begin = _period(now, given.unit)
    after = _moved(begin, 1, given.unit, ahead=True, path=path)
    if given.amount == 0:
        return Interval(begin, after)
    if given.ahead:
        return Interval(after, _moved(after, given.amount, given.unit, ahead=True, path=path))
    return Interval(_moved(begin, given.amount, given.unit, ahead=False, path=path), begin)


def span(given: Span, clock: Clock, path: Path) -> Interval:
    """From the beginning of the first to the end of the second."""
    start, end = interval(given.start, clock, path).start, interval(given.end, clock, path).end
    if start > end:
        raise refused(path, "operand_unfit", "The time ends before it begins.")
    return Interval(start, end)


def bounds(operator: Operator, moment: Interval) -> tuple[Bound, ...]:
    """The comparisons that say ``equals``, ``before``, ``after`` or, for a stretch of time, that it holds a value."""
    if operator is Operator.BEFORE:
        return (Bound(Comparison.BEFORE, moment.start),)
    if operator is Operator.AFTER:
        return (Bound(Comparison.AFTER if moment.instant else Comparison.FROM, moment.end),)
    if operator is Operator.EQUALS and moment.instant:
        return (Bound(Comparison.SAME, moment.start),)
    return (Bound(Comparison.FROM, moment.start), Bound(Comparison.BEFORE, moment.end))


def in_days(bound: Bound, clock: Clock) -> tuple[Comparison, date]:
    """The same comparison for a column of dates."""
    wall = bound.moment.astimezone(clock.tz)
    begun = wall.time() != datetime.min.time()
    if bound.comparison is Comparison.BEFORE and begun:
        return Comparison.BEFORE, wall.date() + timedelta(days=1)
    return bound.comparison, wall.date()


def written(moment: datetime, clock: Clock, *, zoned: bool) -> str:
    """A moment as the column has it: in UTC with its offset, or as the clock on the wall shows it."""
    shown = moment.astimezone(UTC if zoned else clock.tz).replace(tzinfo=None)
    text = shown.isoformat(" ", "microseconds" if shown.microsecond else "seconds")
    return f"{text}+00:00" if zoned else text


def anniversary_days(clock: Clock, in_days_: int) -> list[tuple[int, int]]:
    """The month and day that have their anniversary then; 29 February falls on the 28th in other years."""
    day = clock.here.date() + timedelta(days=in_days_)
    found = [(day.month, day.day)]
    if found == [(2, 28)] and not _leap(day.year):
        found.append((2, 29))
    return found


def anniversary_intervals(clock: Clock, in_days_: int, first_year: int) -> list[Interval]:
    """The days themselves, year by year, for systems that cannot show a moment in a zone of our choice."""
    last = clock.here.year
    days = [
        date(year, month, day)
        for year in range(first_year, last + 1)
        for month, day in anniversary_days(clock, in_days_)
        if (month, day) != (2, 29) or _leap(year)
    ]
    return [Interval(clock.midnight(day), clock.midnight(day + timedelta(days=1))) for day in days]


def is_time(kind: ColumnType) -> bool:
    """Whether values of this type are times."""
    return kind in {ColumnType.TIMESTAMP, ColumnType.DATE}


def _given(moment: At, clock: Clock, path: Path) -> Interval:
    try:
        found = datetime.fromisoformat(moment.at)
    except ValueError:
        raise refused(path, "not_a_moment", f"“{moment.at}” is not a date or time, such as 2024-06-03.") from None
    if len(moment.at) <= len("2024-06-03"):
        day = found.date()
        try:
            return Interval(clock.midnight(day), clock.midnight(day + timedelta(days=1)))
        except OverflowError:
            raise _too_far(path) from None
    aware = found if found.tzinfo else found.replace(tzinfo=clock.tz)
    try:
        aware.astimezone(UTC)
    except (OverflowError, ValueError):
        raise _too_far(path) from None
    return Interval(aware, aware)


def _moved(moment: datetime, amount: int, unit: Unit, *, ahead: bool, path: Path) -> datetime:
    try:
        if unit in _MONTHS:
            return _by_months(moment, amount * _MONTHS[unit] * (1 if ahead else -1))
        if moment.time() == datetime.min.time() and unit in {Unit.DAY, Unit.WEEK}:
            return moment + _EXACT[unit] * amount * (1 if ahead else -1)  # from midnight to midnight
        moved = moment.astimezone(UTC) + _EXACT[unit] * amount * (1 if ahead else -1)
        return moved.astimezone(moment.tzinfo)
    except (OverflowError, ValueError):
        raise _too_far(path) from None


def _by_months(moment: datetime, months: int) -> datetime:
    """The same day and time so many months on, or the month's last day."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    if not _FIRST_YEAR < year < _LAST_YEAR:
        raise OverflowError
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))


def _period(moment: datetime, unit: Unit) -> datetime:
    """When the present period began. Weeks begin on Monday."""
    if unit is Unit.MINUTE:
        return moment.replace(second=0, microsecond=0)
    if unit is Unit.HOUR:
        return moment.replace(minute=0, second=0, microsecond=0)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit is Unit.DAY:
        return day
    if unit is Unit.WEEK:
        return day - timedelta(days=day.weekday())
    months = {Unit.MONTH: day.month, Unit.QUARTER: (day.month - 1) // 3 * 3 + 1, Unit.YEAR: 1}
    return day.replace(month=months[unit], day=1)


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _too_far(path: Path) -> Exception:
    return refused(path, "operand_unfit", "That is further away than calendars reach.")
