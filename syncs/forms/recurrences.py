"""The lines of a custom recurrence: days of the week and a time, added and taken away one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import time
from typing import Any

from django import forms

from syncs.recurrence import DAYS, Recurrence
from syncs.schedules import MAX_RECURRENCES


class RecurrencesEditor(forms.Widget):
    """Seven days to tick and a time in each line; the value is a list of (days, time as sent)."""

    kind = "rows"
    template_name = "syncs/widgets/recurrences.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """The lines, and an empty one for browsers without scripts."""
        context: dict[str, Any] = super().get_context(name, value, attrs)
        lines = [(set(days), at) for days, at in value or []]
        context["widget"].update(lines=[*lines, (set(), "")], total=len(lines) + 1, days=list(enumerate(DAYS)))
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[tuple[frozenset[str], str]] | None:
        """The lines of which something is filled in; ``None`` when the form did not hold the editor."""
        total = data.get(f"{name}-TOTAL_FORMS")
        if total is None or not str(total).isdecimal():
            return None
        numbers = range(min(int(total), 10 * MAX_RECURRENCES))
        lines = [(_days(data, f"{name}-{n}-day"), str(data.get(f"{name}-{n}-time", ""))) for n in numbers]
        return [(days, at) for days, at in lines if days or at]

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        """The editor always sends its count, so its absence means it was not shown."""
        return f"{name}-TOTAL_FORMS" not in data

    def id_for_label(self, id_: str) -> str:
        """A fieldset carries the label."""
        return ""


class RecurrencesField(forms.Field):
    """Recurrences, edited line by line."""

    widget = RecurrencesEditor

    def prepare_value(self, value: Any) -> Any:
        """Stored recurrences as the editor draws them."""
        return [_drawn(each) if isinstance(each, Recurrence) else each for each in value or []]

    def to_python(self, value: Any) -> tuple[Recurrence, ...]:
        """What was sent as recurrences; a line without a time cannot be one."""
        return tuple(_parsed(days, at) for days, at in value or [])


def _drawn(recurrence: Recurrence) -> tuple[Iterable[str], str]:
    return [str(day) for day in recurrence.days], f"{recurrence.at:%H:%M}"


def _parsed(days: Iterable[str], at: str) -> Recurrence:
    known = frozenset(int(day) for day in days if day.isdecimal() and int(day) < len(DAYS))
    try:
        return Recurrence(known, time.fromisoformat(at).replace(second=0, microsecond=0, tzinfo=None))
    except ValueError:
        raise forms.ValidationError("Give every line a time, such as 08:30.") from None


def _days(data: Any, name: str) -> frozenset[str]:
    sent = data.getlist(name) if hasattr(data, "getlist") else data.get(name, [])
    return frozenset(str(day) for day in sent)
