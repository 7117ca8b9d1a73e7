"""Ranges that many values of a number or time are put into, so that a chart of them can be read."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from audiences.query.conditions import At, Instant, Operator, Test, Values
from connectors.sdk.types import ColumnType

MOST = 12
_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Buckets:
    """Tests for :func:`audiences.query.insights.breakdown`, and what each range is called: one more than tests."""

    edges: tuple[Test, ...]
    labels: tuple[str, ...]


def buckets_of(kind: ColumnType, least: Any, greatest: Any, different: int) -> Buckets | None:
    """Ranges between the least and the greatest value; ``None`` where the values themselves can be shown."""
    if different <= MOST or least is None or greatest is None:
        return None
    if kind is ColumnType.NUMBER:
        return _numbers(float(least), float(greatest))
    if kind in {ColumnType.DATE, ColumnType.TIMESTAMP}:
        return _times(_day(least), _day(greatest))
    return None


def _numbers(least: float, greatest: float) -> Buckets | None:
    """Round edges, so many that there are at most :data:`MOST` ranges."""
    if not (math.isfinite(least) and math.isfinite(greatest)) or least >= greatest:
        return None
    rough = (greatest - least) / (MOST - 2)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(each * power for each in _STEPS if each * power >= rough * (1 - 1e-9))
    first = math.floor(least / step) + 1
    edges = [_rounded((first + place) * step, step) for place in range(MOST - 1)]
    edges = [edge for edge in edges if edge <= greatest]
    if not edges:
        return None
    tests = [Test(Operator.LESS, Values((int(edge) if edge.is_integer() else edge,))) for edge in edges]
    return Buckets(tuple(tests), _between([f"{edge:,g}" if abs(edge) < 1e6 else f"{edge:,.0f}" for edge in edges]))


def _between(edges: Sequence[str]) -> tuple[str, ...]:
    middle = [f"{low} to {high}" for low, high in pairwise(edges)]
    return (f"below {edges[0]}", *middle, f"{edges[-1]} and more")


def _rounded(value: float, step: float) -> float:
    return round(value, max(0, 2 - math.floor(math.log10(step))))


def _times(least: date, greatest: date) -> Buckets | None:
    """Days, months, quarters or years, whichever are few enough; only the last years where there are too many."""
    days = (greatest - least).days
    if days < 1:
        return None
    if days < MOST:
        starts = [least + timedelta(days=place) for place in range(days + 1)]
        return _periods(starts, [f"{day.day} {day:%b %Y}" for day in starts])
    length, name = next(each for each in _LENGTHS if each[0] == 12 or _months(least, greatest, each[0]) <= MOST)
    count, last = _months(least, greatest, length), (greatest.year * 12 + greatest.month - 1) // length
    places = range(last - min(count, MOST) + 1, last + 1)
    starts = [date(place * length // 12, place * length % 12 + 1, 1) for place in places]
    return _periods(starts, [name(start) for start in starts], cut=count > MOST) if len(starts) > 1 else None


def _months(least: date, greatest: date, length: int) -> int:
    """How many periods of so many months two days are in, with all between."""
    return (greatest.year * 12 + greatest.month - 1) // length - (least.year * 12 + least.month - 1) // length + 1


def _periods(starts: Sequence[date], names: Sequence[str], *, cut: bool = False) -> Buckets:
    tests = [Test(Operator.BEFORE, Instant(At(start.isoformat()))) for start in starts[1:]]
    first = f"{names[0]} and before" if cut else names[0]
    return Buckets(tuple(tests), (first, *names[1:]))


def _month(day: date) -> str:
    return f"{day:%b %Y}"


def _quarter(day: date) -> str:
    return f"Q{(day.month - 1) // 3 + 1} {day.year}"


def _year(day: date) -> str:
    return str(day.year)


_LENGTHS: tuple[tuple[int, Callable[[date], str]], ...] = ((1, _month), (3, _quarter), (12, _year))


def _day(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else datetime.fromisoformat(str(value)).date()
