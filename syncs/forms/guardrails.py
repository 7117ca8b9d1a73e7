"""The form of a sync's guardrails."""

from __future__ import annotations

from dataclasses import asdict
from typing import Self

from django import forms

from syncs.engine.guardrails import Guardrails

ROWS = "More rows than this in one run. Empty: no limit."


class GuardrailsForm(forms.Form):
    """When a run waits for a person before anything is sent. An empty number is no limit."""

    use_required_attribute = False

    on = forms.BooleanField(
        label="Hold runs that go beyond these limits",
        required=False,
        help_text="A held run sends nothing until somebody who may publish on both sides releases it.",
    )
    empty = forms.BooleanField(
        label="The query returns no rows, and there were some before",
        required=False,
    )
    removed_percent = forms.FloatField(
        label="Removed rows, % of the rows known before",
        required=False,
        min_value=0,
        max_value=100,
        help_text="20 unless set otherwise. Empty: no limit.",
    )
    changed_percent = forms.FloatField(
        label="Changed rows, % of the rows known before",
        required=False,
        min_value=0,
        max_value=100,
        help_text="Empty: no limit.",
    )
    removed_rows = forms.IntegerField(label="Removed rows", required=False, min_value=0, help_text=ROWS)
    changed_rows = forms.IntegerField(label="Changed rows", required=False, min_value=0, help_text=ROWS)
    added_rows = forms.IntegerField(label="Added rows", required=False, min_value=0, help_text=ROWS)

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
