"""How large an audience was over time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils import timezone

from audiences.models import Audience, AudienceSize
from audiences.periods import Period


@dataclass(frozen=True, slots=True)
class History:
    """The last count of each day that has one, in order."""

    days: tuple[tuple[date, int], ...]

    @property
    def change(self) -> int | None:
        """How many more members at the end than at the beginning; nothing where there are no two counts."""
        return self.days[-1][1] - self.days[0][1] if len(self.days) > 1 else None

    @property
    def fewer(self) -> int:
        """How many fewer, where they became fewer."""
        return -(self.change or 0)

    def chart(self, period: Period) -> dict[str, Any]:
        """A line over every day from the first count on; days without a count are empty."""
        counted = dict(self.days)
        shown = [day for day in period.each_day if self.days and day >= self.days[0][0]]
        labels = [f"{day.day} {day:%b %Y}" for day in shown]
        return {"labels": labels, "series": [{"name": "Members", "data": [counted.get(day) for day in shown]}]}


def size_history(audience: Audience, period: Period) -> History:
    """The counts of a period, by day in the viewer's zone."""
    rows = AudienceSize.objects.filter(audience=audience, at__gte=period.begin, at__lt=period.end).order_by("at", "pk")
    last = {timezone.localdate(at): members for at, members in rows.values_list("at", "members")}
    return History(tuple(last.items()))
