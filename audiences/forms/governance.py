"""Forms of the studio's governance."""

from __future__ import annotations

from typing import Any

from django import forms

from audiences.models import Subset, SubsetCategory
from audiences.services.subsets import audiences_without
from config.ui.widgets import Toggle


class NewCategoryForm(forms.Form):
    """What a category of subsets is called."""

    use_required_attribute = False

    name = forms.CharField(label="Name", max_length=200, help_text="Such as “Region”, “Brand” or “Consent”.")
    description = forms.CharField(
        label="Description", required=False, widget=forms.Textarea(attrs={"rows": 2}), max_length=2_000
    )


class CategoryForm(NewCategoryForm):
    """A saved category: whether each audience needs one of its subsets, and which those get that have none."""

    required = forms.BooleanField(
        label="Required",
        required=False,
        widget=Toggle,
        help_text="Whoever builds an audience then has to choose one of its subsets, and sees only rows of those "
        "that their roles hold.",
    )
    fallback: forms.ModelChoiceField[Subset] = forms.ModelChoiceField(
        label="For audiences that have none",
        queryset=None,
        required=False,
        empty_label="Choose a subset",
    )

    def __init__(self, data: Any = None, *, category: SubsetCategory) -> None:
        initial = {name: getattr(category, name) for name in ("name", "description", "required")}
        super().__init__(data, initial=initial)
        without = [] if category.required else audiences_without(category)
        field = self.fields["fallback"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = category.subsets.all()
        several = len(without) != 1
        field.help_text = (
            f"{len(without):,} audience{'s' if several else ''} of {category.parent_model} "
            f"{'have' if several else 'has'} no subset of it. Once it is required, "
            f"{'they are' if several else 'it is'} built from this one, and may become smaller."
        )
        if not without:
            del self.fields["fallback"]
