"""The form of an uploaded list."""

from __future__ import annotations

from typing import Any

from django import forms

from audiences.uploads import values_of_file, values_of_text
from config.errors import Invalid


class ValueListForm(forms.Form):
    """A name, and the values as a file or as text. Of a list that is there, values are only given to replace them."""

    use_required_attribute = False

    name = forms.CharField(label="Name", max_length=200)
    file = forms.FileField(
        label="File",
        required=False,
        help_text="A .csv or .txt file with one value a line, or several between commas. Up to 100,000 values.",
    )
    values = forms.CharField(
        label="Or paste them",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="One a line, or between commas.",
    )

    def __init__(self, *args: Any, replaces: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.replaces = replaces

    def given(self) -> list[str] | None:
        """The values; ``None`` where none were given and there are some already. Raises :class:`Invalid`."""
        file = self.cleaned_data.get("file")
        if file:
            return values_of_file(file.read())
        text = self.cleaned_data.get("values", "")
        if self.replaces and not text.strip():
            return None
        if not text.strip():
            raise Invalid.field("file", "Choose a file, or paste the values below.")
        return values_of_text(text)
