"""Days of the week and times of day, through every change of the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from syncs.recurrence import EVERY_DAY, WEEKDAYS, WEEKENDS, Recurrence, moment_of, next_occurrence
from syncs.schedules import BadSchedule, Schedule

ZONES = sorted(name for name in available_timezones() if "/" in name)
MINUTE = timedelta(minutes=1)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


def clocks_reach(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The first minute at which the zone's clocks show this time or later, found by watching them."""
    goal = datetime.combine(day, at)
    moment = goal.replace(tzinfo=UTC) - timedelta(hours=27)
    while moment.astimezone(zone).replace(tzinfo=None) < goal:
        moment += MINUTE
    return moment


@st.composite
def days_near_a_change(draw: st.DrawFn) -> tuple[str, date]:
    """A zone and a day, often one on which its clocks change."""
    name, year = draw(st.sampled_from(ZONES)), draw(st.integers(1980, 2037))
    noons = [utc(year, 1, 1, 12) + timedelta(days=n) for n in range(366)]
    offsets = [noon.astimezone(ZoneInfo(name)).utcoffset() for noon in noons]
    changes = [n for n in range(1, 365) if offsets[n] != offsets[n - 1]]
    chosen = draw(st.sampled_from(changes)) + draw(st.integers(-1, 1)) if changes else draw(st.integers(0, 364))
    return name, noons[chosen].date()


TIMES = st.times(min_value=time(0), max_value=time(23, 59)).map(lambda t: t.replace(second=0, microsecond=0))


@given(days_near_a_change(), TIMES)
@example(("Europe/Berlin", date(2026, 3, 29)), time(2, 30))  # skipped
@example(("Europe/Berlin", date(2026, 10, 25)), time(2, 30))  # twice
@example(("Pacific/Apia", date(2011, 12, 30)), time(12, 0))  # a whole day skipped
@example(("Australia/Lord_Howe", date(2026, 10, 4)), time(2, 15))  # half an hour skipped
@example(("America/Sao_Paulo", date(2018, 11, 4)), time(0, 0))  # midnight skipped
def test_a_time_is_due_when_the_clocks_first_reach_it(near: tuple[str, date], at: time) -> None:
    name, day = near
    assert moment_of(day, at, ZoneInfo(name)) == clocks_reach(day, at, ZoneInfo(name))


@given(days_near_a_change(), st.lists(st.tuples(st.sets(st.integers(0, 6), min_size=1), TIMES), min_size=1, max_size=4))
def test_every_day_of_a_recurrence_comes_once_and_in_order(
    near: tuple[str, date], lines: list[tuple[set[int], time]]
) -> None:
    name, day = near
    zone = ZoneInfo(name)
    recurrences = [Recurrence(frozenset(days), at) for days, at in lines]
    start = moment_of(day - timedelta(days=8), time(0), zone)
    end = moment_of(day + timedelta(days=8), time(0), zone)
    found, moment = [], start
    while (moment := next_occurrence(recurrences, name, moment)) < end:
        found.append(moment)
    days = [day + timedelta(days=n) for n in range(-9, 10)]
    every = {moment_of(d, r.at, zone) for d in days for r in recurrences if d.weekday() in r.days}
    assert found == sorted(m for m in every if start < m < end)


@given(days_near_a_change(), TIMES, st.integers(-10_000, 10_000))
def test_the_next_time_is_later_and_nothing_lies_between(near: tuple[str, date], at: time, minutes: int) -> None:
    name, day = near
    after = datetime.combine(day, at, tzinfo=UTC) + minutes * MINUTE
    recurrence = [Recurrence(EVERY_DAY, at)]
    due = next_occurrence(recurrence, name, after)
    assert due > after
    assert next_occurrence(recurrence, name, due - MINUTE / 2) == due
    assume(due - MINUTE > after)
    assert next_occurrence(recurrence, name, due - MINUTE) == due


def test_local_time_stays_while_utc_moves() -> None:
    schedule = Schedule.on_days([Recurrence(WEEKDAYS, time(7)), Recurrence(WEEKENDS, time(9, 30))], "Europe/Berlin")
    friday = utc(2026, 3, 27, 0)
    assert schedule.upcoming(friday, None, 4) == [
        utc(2026, 3, 27, 6, 0),
        utc(2026, 3, 28, 8, 30),
        utc(2026, 3, 29, 7, 30),  # the clocks went forward in the night
        utc(2026, 3, 30, 5, 0),
    ]
    assert schedule.words == "Weekdays at 07:00; weekends at 09:30 (Europe/Berlin)"


def test_lines_that_fall_together_run_once() -> None:
    lines = [Recurrence(EVERY_DAY, at) for at in (time(2, 15), time(2, 45), time(3, 0))]
    schedule = Schedule.on_days(lines, "Europe/Berlin")
    jump = utc(2026, 3, 29, 1, 0)
    assert schedule.upcoming(jump - timedelta(hours=1), None, 2) == [jump, utc(2026, 3, 30, 0, 15)]


@pytest.mark.parametrize(
    ("lines", "zone", "field"),
    [
        ([], "Europe/Berlin", "recurrences"),
        ([Recurrence(frozenset(), time(8))], "Europe/Berlin", "recurrences"),
        ([Recurrence(frozenset({n % 7}), time(n % 24, n)) for n in range(51)], "UTC", "recurrences"),
        ([Recurrence(EVERY_DAY, time(8))], "Mars/Olympus", "zone"),
        ([Recurrence(EVERY_DAY, time(8))], "", "zone"),
    ],
)
def test_recurrences_that_cannot_work_are_refused(lines: list[Recurrence], zone: str, field: str) -> None:
    with pytest.raises(BadSchedule) as refused:
        Schedule.on_days(lines, zone)
    assert refused.value.field == field


def test_a_window_bounds_intervals_and_recurrences() -> None:
    now, start, end = utc(2026, 6, 1, 12), utc(2026, 6, 3, 8), utc(2026, 6, 4, 8)
    often = Schedule.every(12, "hour").within(start, end)
    assert often.upcoming(now, None) == [start, utc(2026, 6, 3, 20), end]
    assert often.upcoming(now, last_run=now) == [start, utc(2026, 6, 3, 20), end]
    assert often.upcoming(end + MINUTE, last_run=end) == []
    daily = Schedule.on_days([Recurrence(EVERY_DAY, time(8))], "UTC").within(start, end)
    assert daily.upcoming(now, None) == [start, end]
    assert (daily.ended(end), daily.ended(end + MINUTE)) == (False, True)
    with pytest.raises(BadSchedule) as refused:
        often.within(end, start)
    assert refused.value.field == "ends_at"


def test_cron_has_no_window_and_no_zone() -> None:
    cron = Schedule.by_cron("0 7 * * *").within(utc(2030, 1, 1), None)
    assert cron.next_after(utc(2026, 3, 29, 0)) == utc(2026, 3, 29, 7)
    assert cron.words == "0 7 * * * UTC"
