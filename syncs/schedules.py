"""When a sync or a sequence is due: intervals, days of the week, cron expressions. Pure; times are UTC."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from cronsim import CronSim, CronSimError

from config.timezones import timezone_names
from syncs.choices import JOB_KINDS, IntervalUnit, ScheduleKind
from syncs.recurrence import Recurrence, next_occurrence

_UNITS: Mapping[str, timedelta] = {
    IntervalUnit.MINUTE: timedelta(minutes=1),
    IntervalUnit.HOUR: timedelta(hours=1),
    IntervalUnit.DAY: timedelta(days=1),
    IntervalUnit.WEEK: timedelta(weeks=1),
}
MAX_INTERVAL = timedelta(days=366)
MAX_RECURRENCES = 50
MAX_JOBS = 50
_INSTANT = timedelta(microseconds=1)
# Forms that some cron dialects have and ours does not promise.
_UNSUPPORTED = re.compile(r"#|W|L-|[0-9]L|-L|\?", re.IGNORECASE)


class BadSchedule(ValueError):
    """A schedule that cannot work; ``field`` is the part to change."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class UpstreamJob:
    """A job of another service; ``name`` is what people knew it by when they chose it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class After:
    """Jobs, as the stored credential of their service sees them, any of which starts a run when it succeeds."""

    credential: int
    jobs: tuple[UpstreamJob, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something runs by itself: never, every so often, on days of the week, by a cron expression in UTC,
    or after jobs of another service.

    ``starts_at`` and ``ends_at`` bound intervals and recurrences; both moments belong to the window.
    """

    kind: ScheduleKind = ScheduleKind.MANUAL
    interval_count: int | None = None
    interval_unit: IntervalUnit | None = None
    cron: str = ""
    recurrences: tuple[Recurrence, ...] = ()
    zone: str = ""
    after: After | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None

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
    def on_days(cls, recurrences: Iterable[Recurrence], zone: str) -> Schedule:
        """On days of the week at times of day, by the clocks of an IANA time zone."""
        chosen = tuple(dict.fromkeys(recurrences))
        if not chosen:
            raise BadSchedule("recurrences", "Add a day and a time.")
        if len(chosen) > MAX_RECURRENCES:
            raise BadSchedule("recurrences", f"Use at most {MAX_RECURRENCES} lines, or a cron expression.")
        if not all(each.days for each in chosen):
            raise BadSchedule("recurrences", "Choose at least one day in every line.")
        if zone not in timezone_names():
            raise BadSchedule("zone", f"There is no time zone “{zone}”." if zone else "Choose a time zone.")
        return cls(ScheduleKind.CUSTOM, recurrences=chosen, zone=zone)

    @classmethod
    def by_cron(cls, expression: str) -> Schedule:
        """At the times of a five-field cron expression, in UTC; ``L`` is the last day of a month."""
        expression = " ".join(expression.split())
        check_cron(expression)
        return cls(ScheduleKind.CRON, cron=expression)

    @classmethod
    def after_jobs(cls, kind: ScheduleKind, credential: int, jobs: Iterable[UpstreamJob]) -> Schedule:
        """Whenever one of these jobs of dbt Cloud or Fivetran has succeeded."""
        chosen = tuple({job.id: job for job in jobs}.values())
        if not credential:
            raise BadSchedule("after_credential", "Choose whose jobs to wait for.")
        if not chosen:
            raise BadSchedule("after_jobs", f"Choose at least one {JOB_KINDS[kind]}.")
        if len(chosen) > MAX_JOBS:
            raise BadSchedule("after_jobs", f"Choose at most {MAX_JOBS}.")
        if any(not job.id or " " in job.id for job in chosen):
            raise BadSchedule("after_jobs", "An id has no blanks.")
        return cls(kind, after=After(credential, chosen))

    def within(self, starts_at: datetime | None, ends_at: datetime | None) -> Schedule:
        """The same schedule, in force only between two moments; either may be open."""
        if self.kind not in (ScheduleKind.INTERVAL, ScheduleKind.CUSTOM):
            return self
        if starts_at and ends_at and ends_at <= starts_at:
            raise BadSchedule("ends_at", "The end must come after the start.")
        return replace(self, starts_at=starts_at, ends_at=ends_at)

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time due after ``moment``; nothing for manual schedules and after the end."""
        if self.kind is ScheduleKind.INTERVAL and self.interval_count and self.interval_unit:
            due = moment + self.interval_count * _UNITS[self.interval_unit]
            return self._before_end(max(due, self.starts_at or due))
        if self.kind is ScheduleKind.CUSTOM:
            after = max(moment, self.starts_at - _INSTANT) if self.starts_at else moment
            return self._before_end(next_occurrence(self.recurrences, self.zone, after))
        if self.kind is ScheduleKind.CRON:
            return next(CronSim(self.cron, moment.astimezone(UTC)))
        return None

    def due_from(self, now: datetime, last_run: datetime | None) -> datetime | None:
        """When it is due next: an interval counts from the last run and begins with one at once."""
        if self.kind is not ScheduleKind.INTERVAL:
            return self.next_after(now)
        if last_run is None:
            return self._before_end(max(now, self.starts_at or now))
        due = self.next_after(last_run)
        return self._before_end(max(due, now)) if due else None

    def upcoming(self, now: datetime, last_run: datetime | None, count: int = 5) -> list[datetime]:
        """The next times it is due, as many as there are."""
        return list(islice(self._moments(now, last_run), count))

    def ended(self, now: datetime) -> bool:
        """Whether its window is over."""
        return self.ends_at is not None and self.ends_at < now

    @property
    def words(self) -> str:
        """The schedule in words, as lists show it."""
        match self.kind:
            case ScheduleKind.INTERVAL if self.interval_unit:
                one = self.interval_count == 1
                return (
                    f"Every {self.interval_unit.value if one else f'{self.interval_count} {self.interval_unit.label}'}"
                )
            case ScheduleKind.CUSTOM:
                words = "; ".join(each.words for each in self.recurrences)
                return f"{words[:1].upper()}{words[1:]} ({self.zone})"
            case ScheduleKind.CRON:
                return f"{self.cron} UTC"
            case ScheduleKind.DBT_CLOUD | ScheduleKind.FIVETRAN if self.after:
                return f"After {self.kind.label} {_jobs_in_words(JOB_KINDS[self.kind], self.after.jobs)}"
        return "Manual"

    @property
    def whole_words(self) -> str:
        """The schedule and its window, as the audit log keeps it."""
        since = f", from {self.starts_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if self.starts_at else ""
        until = f", until {self.ends_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if self.ends_at else ""
        return f"{self.words}{since}{until}"

    def _before_end(self, moment: datetime) -> datetime | None:
        return None if self.ends_at and moment > self.ends_at else moment

    def _moments(self, now: datetime, last_run: datetime | None) -> Iterator[datetime]:
        moment = self.due_from(now, last_run)
        while moment is not None:
            yield moment
            moment = self.next_after(moment)


def _jobs_in_words(noun: str, jobs: tuple[UpstreamJob, ...]) -> str:
    names = " or ".join(f"“{job.name}”" for job in jobs)
    return f"{noun} {names}" if len(jobs) <= 3 else f"{noun}s, any of {len(jobs)}"


def check_cron(expression: str) -> None:
    """Raise :class:`BadSchedule` unless this is a cron expression that will ever be due."""
    fields = len(expression.split())
    if fields == 6:
        raise BadSchedule("cron", "Six fields: leave out the seconds. A minute is the shortest time between runs.")
    if fields != 5:
        raise BadSchedule("cron", "Write five fields: minute, hour, day of month, month, day of week.")
    if _UNSUPPORTED.search(re.sub(r"(?i)WED", "", expression)):
        raise BadSchedule("cron", "W, #, ? and offsets from L are not supported; L alone is the last day of the month.")
    try:
        next(CronSim(expression, datetime(2024, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        raise BadSchedule("cron", f"Not a cron expression: {error}.") from None
    except StopIteration:
        raise BadSchedule("cron", "This date never comes.") from None
