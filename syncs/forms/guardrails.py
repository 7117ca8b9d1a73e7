"""The form of a sync's guardrails."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Self

from django import forms

from syncs.engine.guardrails import Guardrails

SHARE = "In percent of the rows known before. Empty: no limit."
ROWS = "In one run. Empty: no limit."


class Limit(forms.NumberInput):
    """A number the way people write it: 20, not 20.0."""

    def format_value(self, value: Any) -> str | None:
        """Leave out a fraction of nothing."""
        return f"{value:g}" if isinstance(value, float) else super().format_value(value)


class GuardrailsForm(forms.Form):
    """When a run waits for a person before anything is sent. An empty number is no limit."""

    use_required_attribute = False

    on = forms.BooleanField(
        label="Hold runs that go beyond the limits below",
        required=False,
        help_text="A held run sends nothing until somebody who may publish on both sides releases it.",
    )
    empty = forms.BooleanField(
        label="Hold a run whose query returns no rows although there were some before",
        required=False,
    )
    removed_percent = forms.FloatField(
        label="Share of rows removed",
        required=False,
        min_value=0,
        max_value=100,
        widget=Limit,
        help_text=f"{SHARE} 20 unless set otherwise.",
    )
    changed_percent = forms.FloatField(
        label="Share of rows changed",
        required=False,
        min_value=0,
        max_value=100,
        widget=Limit,
        help_text=SHARE,
    )
    removed_rows = forms.IntegerField(label="Rows removed", required=False, min_value=0, help_text=ROWS)
    changed_rows = forms.IntegerField(label="Rows changed", required=False, min_value=0, help_text=ROWS)
    added_rows = forms.IntegerField(label="Rows added", required=False, min_value=0, help_text=ROWS)

    @classmethod
    def of(cls, guardrails: Guardrails) -> Self:
        """The form with stored limits."""
        return cls(initial=asdict(guardrails))

    def guardrails(self) -> Guardrails:
        """What was chosen; the form is valid."""
        return Guardrails(**self.cleaned_data)


def described(guardrails: Guardrails) -> list[str]:
    """The limits in force, one sentence each."""
    if not guardrails.on:
        return []
    words = ["The query returns no rows, and there were some before."] if guardrails.empty else []
    for verb in ("removed", "changed"):
        share = getattr(guardrails, f"{verb}_percent")
        if share is not None:
            words.append(f"More than {share:g} % of the rows known before would be {verb}.")
    for verb in ("removed", "changed", "added"):
        rows = getattr(guardrails, f"{verb}_rows")
        if rows is not None:
            words.append(f"More than {rows:,} {'row' if rows == 1 else 'rows'} would be {verb}.")
    return words
