"""The form of a priority list: its name, and its audiences in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.forms import BaseFormSet, formset_factory

from audiences.models import Audience, PriorityList
from audiences.services.priority import FEWEST, MOST
from config.ui.widgets import Combobox

PREFIX = "place"


class NameForm(forms.Form):
    """What the list is called."""

    use_required_attribute = False

    name = forms.CharField(label="Name", max_length=200)


class PlaceForm(forms.Form):
    """One line: an audience."""

    use_required_attribute = False

    audience = forms.ChoiceField(label="Audience", required=False, widget=Combobox)

    def __init__(self, *args: Any, audiences: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["audience"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "Choose an audience"), *audiences]


class PriorityForm:
    """The name and the lines together, as the page draws them."""

    def __init__(
        self, data: Any = None, *, audiences: Iterable[Audience], priority_list: PriorityList | None = None
    ) -> None:
        choices = [(str(audience.pk), audience.name) for audience in audiences]
        ids = list(priority_list.places.values_list("audience_id", flat=True)) if priority_list else []
        self.name = NameForm(data, initial={"name": priority_list.name if priority_list else ""})
        kind = formset_factory(
            PlaceForm, can_order=True, extra=max(0, FEWEST - len(ids)), max_num=2 * MOST, absolute_max=2 * MOST
        )
        initial = [{"audience": str(pk)} for pk in ids]
        self.lines: BaseFormSet[Any] = kind(data, initial=initial, prefix=PREFIX, form_kwargs={"audiences": choices})

    def is_valid(self) -> bool:
        """Whether both halves are."""
        return self.name.is_valid() and self.lines.is_valid()

    def audience_ids(self) -> list[int]:
        """The audiences in their order; empty lines are left out."""
        chosen = [line.cleaned_data.get("audience") for line in self.lines.ordered_forms]
        return [int(pk) for pk in chosen if pk]
