"""Forms of look-ups, erasures and retention."""

from __future__ import annotations

from django import forms
from django.conf import settings

from config.ui.widgets import Combobox
from governance.privacy.services.cases import LONGEST, scope_choices

LONGEST_DAYS = 3_650


class LookUpForm(forms.Form):
    """Whom to look for, and where."""

    value = forms.CharField(
        label="E-mail address or key",
        max_length=LONGEST,
        help_text="Exactly as the source has it. Addresses are found whatever their letter case.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scope = forms.ChoiceField(
        label="Look in",
        required=False,
        widget=Combobox,
        help_text="A key such as 42 may stand for several things: choose the model's column to mean one of them.",
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["scope"].choices = scope_choices()  # type: ignore[attr-defined]
        self.fields["scope"].initial = "*"


class ErasureForm(forms.Form):
    """Why a person is to be forgotten."""

    reason = forms.CharField(
        label="Reason",
        max_length=500,
        help_text="Kept in the report, for example “Request of the person, art. 17 GDPR”. Leave their own data out.",
    )
    ticket = forms.CharField(label="Ticket", max_length=120, required=False)
    remove_first = forms.BooleanField(
        label="Remove the person at the destinations first",
        required=False,
        help_text="Runs each sync that removes records whose rows left the model, before Headrace forgets the row.",
    )


class RetentionForm(forms.Form):
    """How long data is kept; empty is the usual."""

    request_days = forms.IntegerField(
        label="Requests and answers, in days", min_value=0, max_value=LONGEST_DAYS, required=False
    )
    row_days = forms.IntegerField(label="Rows of runs, in days", min_value=0, max_value=LONGEST_DAYS, required=False)
    run_days = forms.IntegerField(label="Run history, in days", min_value=1, max_value=LONGEST_DAYS, required=False)
    preview_hours = forms.IntegerField(label="Previews, in hours", min_value=1, max_value=720, required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        usual = f"Empty: {settings.TRACE_RETENTION_DAYS} days, as this installation has it."
        self.fields["request_days"].help_text = f"What was sent and answered, for the debugger. {usual}"
        self.fields["row_days"].help_text = f"What each run found, rejected rows included. {usual}"
        self.fields["run_days"].help_text = "When runs were and how many rows they moved. Empty: for ever."
        self.fields["preview_hours"].help_text = "What a run would do. Empty: 24 hours."
