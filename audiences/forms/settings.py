"""The form of the workspace's rules for the studio."""

from __future__ import annotations

from django import forms

from audiences.models.settings import REDACTED_WORDS
from config.ui.widgets import RadioCards, Toggle

NULLS = (
    ("value", "Like any other value: “country is not USA” holds for rows without a country."),
    ("special", "On their own: “country is not USA” holds only for rows that have another country."),
)


class StudioSettingsForm(forms.Form):
    """What holds for every audience, subset and rule of the workspace."""

    use_required_attribute = False

    nulls = forms.ChoiceField(
        label="Rows without a value, in conditions such as “is not” and “does not contain”",
        choices=NULLS,
        widget=RadioCards,
        help_text="Applies to sizes, previews, syncs and rules, from the next time each is asked.",
    )
    audience_templates_required = forms.BooleanField(
        label="Require audience templates for new audiences",
        required=False,
        widget=Toggle,
        help_text="New audiences begin with a template that somebody who configures the schema approved, and keep what "
        "it asks: people fill in its blanks and may add conditions. Audiences that there are stay as they are.",
    )
    templates_required = forms.BooleanField(
        label="Require sync templates for audience activation",
        required=False,
        widget=Toggle,
        help_text="Audiences are sent by sync templates only, and no sync can leave its template. While there is no "
        "template, nobody can add a sync to an audience. Syncs that there are stay as they are.",
    )
    redacted_words = forms.CharField(
        label="In place of values that privacy hides",
        required=False,
        max_length=80,
        help_text=f"What profiles show for redacted and blocked columns. Left empty: {REDACTED_WORDS}.",
    )
