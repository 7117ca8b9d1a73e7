"""The form of a schedule, of a sync or a sequence."""

from __future__ import annotations

from datetime import time
from typing import Any, Self

from django import forms
from django.utils import timezone

from config.ui.widgets import Combobox, RadioCards
from syncs.choices import IntervalUnit, ScheduleKind
from syncs.forms.recurrences import RecurrencesEditor, RecurrencesField
from syncs.models.scheduled import Scheduled
from syncs.recurrence import WEEKDAYS, Recurrence
from syncs.schedules import BadSchedule, Schedule
from workspaces.forms import timezone_choices

NOTES = {
    ScheduleKind.MANUAL: "Only when somebody runs it, or the API or a sequence does.",
    ScheduleKind.INTERVAL: "Every so often, counted from the last run.",
    ScheduleKind.CUSTOM: "On days of the week, by the clocks of a time zone.",
    ScheduleKind.CRON: "At the times of an expression, in UTC.",
}
MOMENT = "%Y-%m-%dT%H:%M"
WINDOW = {"type": "datetime-local", "data-show-when": "schedule_kind=interval|custom"}
IN_ZONE = {"data-show-when": "schedule_kind=custom"}


class ScheduleForm(forms.Form):
    """Manual, every so often, on days of the week, or by a cron expression."""

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
    recurrences = RecurrencesField(label="Days and times", required=False, widget=RecurrencesEditor(attrs=IN_ZONE))
    zone = forms.CharField(
        label="Time zone",
        required=False,
        max_length=64,
        help_text="A time that the clocks skip in spring runs as they jump; one that comes twice in autumn runs once.",
        widget=Combobox(attrs=IN_ZONE),
    )
    cron = forms.CharField(
        label="Cron expression, in UTC",
        required=False,
        max_length=200,
        help_text=(
            "Five fields: minute, hour, day of month, month, day of week. “0 6 * * 1-5” is 06:00 UTC on weekdays, "
            "“0 12 L * *” noon UTC on the last day of each month."
        ),
        widget=forms.TextInput(attrs={"class": "mono", "data-show-when": "schedule_kind=cron", "spellcheck": "false"}),
    )
    starts_at = forms.DateTimeField(
        label="From",
        required=False,
        help_text="In your own time zone. Leave it empty to begin at once.",
        widget=forms.DateTimeInput(attrs=WINDOW, format=MOMENT),
    )
    ends_at = forms.DateTimeField(
        label="Until",
        required=False,
        help_text="Leave it empty to go on without an end.",
        widget=forms.DateTimeInput(attrs=WINDOW, format=MOMENT),
    )
    name = forms.CharField(label="Name of the sync", required=False, max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Names that no list shows any more, such as "Japan", stay where they were chosen.
        names, chosen = timezone_choices(), str(self["zone"].value() or "")
        gone = [(chosen, chosen)] if chosen and chosen not in dict(names) else []
        self.fields["zone"].widget.choices = [*names, *gone]

    @classmethod
    def of(cls, row: Scheduled, name: str = "") -> Self:
        """The form with a stored schedule; what the schedule does not use starts with something sensible."""
        schedule = row.schedule
        initial: dict[str, Any] = {
            "schedule_kind": row.schedule_kind,
            "interval_count": row.interval_count or 1,
            "interval_unit": row.interval_unit or IntervalUnit.HOUR,
            "recurrences": schedule.recurrences or [Recurrence(WEEKDAYS, time(8))],
            "zone": row.zone or timezone.get_current_timezone_name(),
            "cron": row.cron,
            "starts_at": row.starts_at,
            "ends_at": row.ends_at,
            "name": name,
        }
        return cls(initial=initial)

    def chosen(self) -> Schedule | None:
        """What was chosen; nothing, with its errors in the form, where it cannot work."""
        if not self.is_valid():
            return None
        try:
            return self._schedule().within(self.cleaned_data["starts_at"], self.cleaned_data["ends_at"])
        except BadSchedule as wrong:
            self.add_error(wrong.field, wrong.message)
            return None

    def clean(self) -> dict[str, Any]:
        """Fields of another kind of schedule are out of sight, so what is wrong with them is nobody's concern."""
        kind = self.cleaned_data.get("schedule_kind")
        for name, field in self.fields.items():
            wanted = field.widget.attrs.get("data-show-when", "").partition("=")[2]
            if wanted and kind not in wanted.split("|"):
                self.errors.pop(name, None)
                self.cleaned_data[name] = None
        return self.cleaned_data

    def _schedule(self) -> Schedule:
        sent = self.cleaned_data
        match sent["schedule_kind"]:
            case ScheduleKind.INTERVAL:
                return Schedule.every(sent["interval_count"] or 0, sent["interval_unit"])
            case ScheduleKind.CUSTOM:
                return Schedule.on_days(sent["recurrences"], sent["zone"])
            case ScheduleKind.CRON:
                return Schedule.by_cron(sent["cron"])
        return Schedule.manual()
