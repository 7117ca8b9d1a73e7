"""When a sync is due: intervals and cron expressions. Pure; times are UTC."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cronsim import CronSim, CronSimError

from syncs.choices import IntervalUnit, ScheduleKind

_UNITS: Mapping[str, timedelta] = {
    IntervalUnit.MINUTE: timedelta(minutes=1),
    IntervalUnit.HOUR: timedelta(hours=1),
    IntervalUnit.DAY: timedelta(days=1),
    IntervalUnit.WEEK: timedelta(weeks=1),
}
MAX_INTERVAL = timedelta(days=366)
# Forms that some cron dialects have and ours does not promise.
_UNSUPPORTED = re.compile(r"#|W|L-|[0-9]L|-L|\?", re.IGNORECASE)


class BadSchedule(ValueError):
    """A schedule that cannot work; ``field`` is the part to change."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a sync runs by itself: never, every so often, or by a cron expression in UTC."""

    kind: ScheduleKind = ScheduleKind.MANUAL
    interval_count: int | None = None
    interval_unit: IntervalUnit | None = None
    cron: str = ""

    @classmethod
    def manual(cls) -> Schedule:
        """Only when somebody asks."""
        return cls()

    @classmethod
    def every(cls, count: int, unit: str) -> Schedule:
        """Every ``count`` minutes, hours, days or weeks after the last run."""
        try:
            known = IntervalUnit(unit)
        except ValueError:
            raise BadSchedule("interval_unit", "Choose minutes, hours, days or weeks.") from None
        if count < 1:
            raise BadSchedule("interval_count", "Enter 1 or more.")
        if count > MAX_INTERVAL / _UNITS[known]:
            raise BadSchedule("interval_count", "Choose at most a year between runs.")
        return cls(ScheduleKind.INTERVAL, count, known)

    @classmethod
    def by_cron(cls, expression: str) -> Schedule:
        """At the times of a five-field cron expression, in UTC; ``L`` is the last day of a month."""
        expression = " ".join(expression.split())
        check_cron(expression)
        return cls(ScheduleKind.CRON, cron=expression)

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time due after ``moment``; nothing for manual schedules."""
        if self.kind is ScheduleKind.INTERVAL and self.interval_count and self.interval_unit:
            return moment + self.interval_count * _UNITS[self.interval_unit]
        if self.kind is ScheduleKind.CRON:
            return next(CronSim(self.cron, moment.astimezone(UTC)))
        return None

    @property
    def words(self) -> str:
        """The schedule in words, as lists show it."""
        if self.kind is ScheduleKind.INTERVAL and self.interval_unit:
            one = self.interval_count == 1
            return (
                f"Every {self.interval_unit.value}"
                if one
                else f"Every {self.interval_count} {self.interval_unit.label}"
            )
        return f"{self.cron} UTC" if self.kind is ScheduleKind.CRON else "Manual"


def check_cron(expression: str) -> None:
    """Raise :class:`BadSchedule` unless this is a cron expression that will ever be due."""
    if len(expression.split()) != 5:
        raise BadSchedule("cron", "Write five fields: minute, hour, day of month, month, day of week.")
    if _UNSUPPORTED.search(re.sub(r"(?i)WED", "", expression)):
        raise BadSchedule("cron", "W, #, ? and offsets from L are not supported; L alone is the last day of the month.")
    try:
        next(CronSim(expression, datetime(2024, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        raise BadSchedule("cron", f"Not a cron expression: {error}.") from None
    except StopIteration:
        raise BadSchedule("cron", "This date never comes.") from None
