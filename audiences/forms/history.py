"""The form of what the audiences of a source log."""

from __future__ import annotations

from django import forms

from audiences.choices import Every
from config.ui.widgets import Toggle


class AudienceLogsForm(forms.Form):
    """Two toggles and an interval."""

    use_required_attribute = False

    snapshots = forms.BooleanField(
        label="Audience snapshots",
        required=False,
        widget=Toggle,
        help_text="After each successful run of an audience's sync, who entered and who left is added to "
        "audience_membership: keys, times and groups, no other data.",
    )
    every = forms.ChoiceField(
        label="Also by the clock",
        required=False,
        choices=Every.choices,
        help_text="Of every audience that a sync sends, whether it ran or not.",
    )
    holdouts = forms.BooleanField(
        label="Audience holdout group logs",
        required=False,
        widget=Toggle,
        help_text="Rows that a run did not get because they are in another experiment group are added to "
        "audience_holdout, with the columns that the sync reads.",
    )
