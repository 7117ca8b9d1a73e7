"""The form of a schedule, of a sync or a sequence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from functools import cached_property, partial
from typing import Any, Self

from django import forms
from django.utils import timezone

from config.errors import HeadraceError
from config.ui.widgets import Combobox, RadioCards
from connectors import clouds
from connectors.jobs import jobs_of
from syncs.choices import JOB_KINDS, IntervalUnit, ScheduleKind
from syncs.forms.jobs import JobsField, JobsPicker
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
    ScheduleKind.DBT_CLOUD: "Whenever a job has succeeded.",
    ScheduleKind.FIVETRAN: "Whenever a connection has synced.",
}
MOMENT = "%Y-%m-%dT%H:%M"
WINDOW = {"type": "datetime-local", "data-show-when": "schedule_kind=interval|custom"}
ADD_FIRST = "Credentials are added under Settings, Cloud providers."
IN_ZONE = {"data-show-when": "schedule_kind=custom"}


class ScheduleForm(forms.Form):
    """Manual, every so often, on days of the week, by a cron expression, or after jobs of another service."""

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
    dbt_cloud_credential = forms.ChoiceField(
        label="dbt Cloud",
        required=False,
        help_text=ADD_FIRST,
        widget=forms.Select(attrs={"data-show-when": "schedule_kind=dbt_cloud"}),
    )
    fivetran_credential = forms.ChoiceField(
        label="Fivetran",
        required=False,
        help_text=ADD_FIRST,
        widget=forms.Select(attrs={"data-show-when": "schedule_kind=fivetran"}),
    )
    after_jobs = JobsField(
        label="Runs after any of these",
        required=False,
        help_text="Headrace asks about once a minute. What failed starts nothing.",
        widget=JobsPicker(attrs={"data-show-when": "schedule_kind=dbt_cloud|fivetran"}),
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
        for kind in JOB_KINDS:
            self.fields[f"{kind}_credential"].choices = partial(self._offered, kind)  # type: ignore[attr-defined]

    @cached_property
    def _credentials(self) -> Mapping[str, list[tuple[str, str]]]:
        return clouds.choices_by_provider(JOB_KINDS)

    def _offered(self, kind: str) -> list[tuple[str, str]]:
        return [("", "Choose a credential"), *self._credentials.get(kind, ())]

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
        if schedule.after is not None:
            initial |= {
                f"{schedule.kind}_credential": str(schedule.after.credential),
                "after_jobs": schedule.after.jobs,
            }
        return cls(initial=initial)

    def without_jobs(self) -> Self:
        """The form without jobs to wait for."""
        for name in (*(f"{kind}_credential" for kind in JOB_KINDS), "after_jobs"):
            del self.fields[name]
        kinds = [(value, label) for value, label in ScheduleKind.choices if value not in JOB_KINDS]
        self.fields["schedule_kind"].choices = kinds  # type: ignore[attr-defined]
        return self

    def read_jobs(self) -> None:
        """Offer the jobs that the chosen credential sees, or say why they cannot be read."""
        self.is_valid()
        kind = self.cleaned_data.get("schedule_kind") or ""
        chosen = self.cleaned_data.get(f"{kind}_credential") or "0"
        credential = clouds.chosen(int(chosen), kind)
        if credential is None:
            self.add_error(f"{kind}_credential" if kind in JOB_KINDS else None, "Choose a credential first.")
            return
        try:
            self.fields["after_jobs"].widget.offer(jobs_of(credential))
        except HeadraceError as error:
            self.add_error("after_jobs", f"{error.message} {error.hint}".strip())

    def chosen(self) -> Schedule | None:
        """What was chosen; nothing, with its errors in the form, where it cannot work."""
        if not self.is_valid():
            return None
        try:
            return self._schedule().within(self.cleaned_data["starts_at"], self.cleaned_data["ends_at"])
        except BadSchedule as wrong:
            field = (
                f"{self.cleaned_data['schedule_kind']}_credential" if wrong.field == "after_credential" else wrong.field
            )
            self.add_error(field, wrong.message)
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
            case ScheduleKind.DBT_CLOUD | ScheduleKind.FIVETRAN as kind:
                credential = int(sent[f"{kind}_credential"] or 0)
                return Schedule.after_jobs(ScheduleKind(kind), credential, sent["after_jobs"] or ())
        return Schedule.manual()
