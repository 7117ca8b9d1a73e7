"""The form of experiment groups: a line each, and the columns to stratify by."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.forms import BaseFormSet, formset_factory

from audiences.models import Experiment
from audiences.services.experiments import MOST, GroupProposal
from config.ui.widgets import CheckCards

PREFIX = "group"
BEGIN = ({"name": "Treatment", "percent": 50}, {"name": "Holdout", "percent": 50})


class GroupForm(forms.Form):
    """One line: what a group is called and how large it is."""

    use_required_attribute = False

    id = forms.IntegerField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(label="Name", max_length=200, required=False)
    percent = forms.DecimalField(
        label="Percent", required=False, min_value=Decimal("0.01"), max_value=100, decimal_places=2, max_digits=5
    )

    def clean(self) -> dict[str, Any]:
        """A line is whole or empty."""
        sent = self.cleaned_data
        if sent.get("name") and sent.get("percent") is None and "percent" not in self.errors:
            self.add_error("percent", "Enter a percentage.")
        if sent.get("percent") is not None and not sent.get("name"):
            self.add_error("name", "Give the group a name.")
        return sent


class AdvancedForm(forms.Form):
    """What few experiments need."""

    use_required_attribute = False

    stratify = forms.MultipleChoiceField(
        label="Stratify by",
        required=False,
        widget=CheckCards,
        help_text="Each group gets the same share of every value of these columns. For a single delivery: syncs of "
        "stratified groups run by hand only, as members move when new ones come.",
    )
    anyway = forms.BooleanField(
        label="Change the groups although the experiment has begun",
        required=False,
        help_text="Members who change their group appear in both, in what you measure.",
    )


class ExperimentForm:
    """Groups and the rest together, as the page draws them."""

    def __init__(
        self, data: Any = None, *, columns: Sequence[tuple[str, str]], experiment: Experiment | None = None
    ) -> None:
        known = list(experiment.groups.all()) if experiment else []
        initial = [{"id": group.pk, "name": group.name, "percent": group.percent} for group in known] or list(BEGIN)
        kind = formset_factory(GroupForm, extra=0, max_num=2 * MOST, absolute_max=2 * MOST)
        self.lines: BaseFormSet[Any] = kind(data, initial=initial, prefix=PREFIX)
        self.advanced = AdvancedForm(data, initial={"stratify": experiment.stratify if experiment else []})
        field = self.advanced.fields["stratify"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = list(columns)
        if experiment is None or experiment.launched_at is None:
            del self.advanced.fields["anyway"]

    def is_valid(self) -> bool:
        """Whether both halves are."""
        return self.lines.is_valid() and self.advanced.is_valid()

    def groups(self) -> list[GroupProposal]:
        """The groups; empty lines are left out."""
        rows = [line.cleaned_data for line in self.lines.forms]
        return [GroupProposal(row["name"], row["percent"], row.get("id")) for row in rows if row.get("name")]


class SyncGroupsForm(forms.Form):
    """Which groups a sync is for."""

    use_required_attribute = False

    groups = forms.MultipleChoiceField(
        label="Send only members of",
        required=False,
        widget=CheckCards,
        help_text="Without any, the sync sends everybody.",
    )

    def __init__(self, *args: Any, choices: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["groups"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = list(choices)
