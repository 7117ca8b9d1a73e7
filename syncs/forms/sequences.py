"""The form of a sequence: its name and its steps in order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.forms import BaseFormSet, formset_factory

from config.ui.widgets import Combobox
from syncs.choices import LimitUnit, ScheduleKind, Terminate
from syncs.models import Sequence, SequenceStep, Sync
from syncs.services.sequences import MAX_STEPS, StepProposal

PREFIX = "step"


class StepForm(forms.Form):
    """One line: which sync, and what ends the sequence there."""

    use_required_attribute = False

    sync = forms.ChoiceField(label="Sync", required=False, widget=Combobox)
    terminate = forms.ChoiceField(label="Afterwards", choices=Terminate.choices, initial=Terminate.FATAL)
    limit_unit = forms.ChoiceField(label="Too many are", choices=LimitUnit.choices, initial=LimitUnit.ANY)
    limit = forms.IntegerField(label="Limit", required=False, min_value=0, max_value=2**31 - 1)

    def __init__(self, *args: Any, syncs: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["sync"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "Choose a sync"), *syncs]
        self.fields["limit_unit"].widget.attrs["data-show-when"] = f"{self.add_prefix('terminate')}=rejected"
        self.fields["limit"].widget.attrs["data-show-when"] = f"{self.add_prefix('limit_unit')}=rows|percent"

    def clean(self) -> dict[str, Any]:
        """A limit is needed only where one is counted."""
        sent = self.cleaned_data
        counted = sent.get("terminate") == Terminate.REJECTED and sent.get("limit_unit") != LimitUnit.ANY
        if not counted:
            self.errors.pop("limit", None)
            sent["limit"] = 0
        elif sent.get("limit") is None and "limit" not in self.errors:
            self.add_error("limit", "Enter a number.")
        return sent

    @property
    def is_blank(self) -> bool:
        """Whether nothing is chosen in this line."""
        return not self["sync"].value()


class SequenceForm:
    """The name and the lines together, as the page draws them."""

    def __init__(self, data: Any = None, *, syncs: Iterable[Sync], sequence: Sequence | None = None) -> None:
        choices = [(str(sync.pk), _words(sync)) for sync in syncs]
        steps = list(sequence.steps.all()) if sequence else []
        self.name = NameForm(data, initial={"name": sequence.name if sequence else ""})
        kind = formset_factory(
            StepForm, can_order=True, extra=0 if steps else 1, max_num=2 * MAX_STEPS, absolute_max=2 * MAX_STEPS
        )
        initial = [_initial(step) for step in steps]
        self.lines: BaseFormSet[Any] = kind(data, initial=initial, prefix=PREFIX, form_kwargs={"syncs": choices})
        self.gone = [str(step) for step in steps if step.sync_id is None]

    def is_valid(self) -> bool:
        """Whether both halves are."""
        return self.name.is_valid() and self.lines.is_valid()

    def steps(self) -> list[StepProposal]:
        """The steps in their order; lines without a sync are left out."""
        return [
            StepProposal(
                int(line.cleaned_data["sync"]),
                Terminate(line.cleaned_data["terminate"]),
                LimitUnit(line.cleaned_data["limit_unit"]),
                line.cleaned_data["limit"],
            )
            for line in self.lines.ordered_forms
            if line.cleaned_data.get("sync")
        ]


class NameForm(forms.Form):
    """What the sequence is called."""

    use_required_attribute = False

    name = forms.CharField(label="Name", max_length=200)


def _initial(step: SequenceStep) -> dict[str, Any]:
    return {
        "sync": str(step.sync_id or ""),
        "terminate": step.terminate,
        "limit_unit": step.limit_unit,
        "limit": step.limit or None,
    }


def _words(sync: Sync) -> str:
    by_itself = sync.schedule_enabled and sync.schedule_kind != ScheduleKind.MANUAL
    own = f" – also runs by itself: {sync.schedule.words}" if by_itself else ""
    return f"{sync} ({sync.model} → {sync.destination}){own}"
