"""The form of a sync's schedule."""

from __future__ import annotations

from typing import Any, Self

from django import forms

from config.ui.widgets import RadioCards
from syncs.choices import IntervalUnit, ScheduleKind
from syncs.models import Sync
from syncs.schedules import Schedule

NOTES = {
    ScheduleKind.MANUAL: "Only when somebody runs it, or the API does.",
    ScheduleKind.INTERVAL: "Every so often, counted from the last run.",
    ScheduleKind.CRON: "At set times, in UTC.",
}


class ScheduleForm(forms.Form):
    """Manual, every so often, or by a cron expression."""

    use_required_attribute = False

    schedule_kind = forms.ChoiceField(
        label="Runs", choices=ScheduleKind.choices, widget=RadioCards(notes={k.value: v for k, v in NOTES.items()})
    )
    interval_count = forms.IntegerField(
        label="Every",
        required=False,
        min_value=1,
        widget=forms.NumberInput(attrs={"data-show-when": "schedule_kind=interval"}),
    )
    interval_unit = forms.ChoiceField(
        label="Unit",
        required=False,
        choices=IntervalUnit.choices,
        widget=forms.Select(attrs={"data-show-when": "schedule_kind=interval"}),
    )
    cron = forms.CharField(
        label="Cron expression",
        required=False,
        max_length=200,
        help_text="Five fields: minute, hour, day of month, month, day of week. “0 6 * * 1-5” is 06:00 on weekdays.",
        widget=forms.TextInput(attrs={"class": "mono", "data-show-when": "schedule_kind=cron"}),
    )
    name = forms.CharField(label="Name of the sync", required=False, max_length=200)

    @classmethod
    def of(cls, sync: Sync) -> Self:
        """The form with a sync's stored schedule."""
        initial: dict[str, Any] = {
            "schedule_kind": sync.schedule_kind,
            "interval_count": sync.interval_count or 1,
            "interval_unit": sync.interval_unit or IntervalUnit.HOUR,
            "cron": sync.cron,
            "name": sync.name or f"{sync.model} to {sync.destination}",
        }
        return cls(initial=initial)

    def schedule(self) -> Schedule:
        """What was chosen; raises ``BadSchedule`` where it cannot work."""
        sent = self.cleaned_data
        if sent["schedule_kind"] == ScheduleKind.INTERVAL:
            return Schedule.every(sent["interval_count"] or 0, sent["interval_unit"])
        if sent["schedule_kind"] == ScheduleKind.CRON:
            return Schedule.by_cron(sent["cron"])
        return Schedule.manual()
