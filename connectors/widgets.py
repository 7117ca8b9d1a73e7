"""Form widgets that only connection and sync settings need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone as clock
from django.utils.datastructures import MultiValueDict

from config.ui.tags import relative_words
from config.ui.widgets import SecretInput

# Empty lines the editor shows when scripts do not run.
SPARE_ROWS = 1


class _Remove:
    """The answer "remove the stored secret", apart from "keep it"."""


REMOVE = _Remove()


class StoredSecret(SecretInput):
    """A secret that is kept unless replaced; an optional one can be removed."""

    template_name = "connectors/widgets/secret.html"

    def __init__(self, *, set_at: datetime | None, lines: int, removable: bool, accept: str = "", upload: bool = False):
        super().__init__({"autocomplete": "new-password"}, set_at=set_at, lines=lines)
        self.removable = removable and set_at is not None
        self.accept = accept
        self.upload = upload
        self.needs_multipart_form = upload

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """What the template needs beside the parent's; never the value."""
        context = super().get_context(name, value, attrs)
        context["widget"].update(removable=self.removable, accept=self.accept, upload=self.upload)
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """New text, the text of a file, :data:`REMOVE`, or nothing."""
        if self.removable and data.get(f"{name}__remove"):
            return REMOVE
        uploaded = files.get(f"{name}__file") if files else None
        return uploaded or data.get(name)


class UploadOrPaste(forms.Textarea):
    """The text of a file, chosen or pasted; the stored text stays in the box."""

    kind = "upload"
    template_name = "connectors/widgets/upload.html"
    needs_multipart_form = True

    def __init__(self, accept: str = "") -> None:
        super().__init__({"rows": 4, "spellcheck": "false"})
        self.accept = accept

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Add what the file input accepts."""
        context = super().get_context(name, value, attrs)
        context["widget"]["accept"] = self.accept
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """The file's text if one was chosen, else the pasted text."""
        uploaded = files.get(f"{name}__file") if files else None
        return uploaded or data.get(name)


class NumberWithUnit(forms.NumberInput):
    """A number with its unit behind it."""

    kind = "number"
    template_name = "connectors/widgets/number.html"

    def __init__(self, attrs: dict[str, Any], unit: str) -> None:
        super().__init__(attrs)
        self.unit = unit

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Add the unit."""
        context = super().get_context(name, value, attrs)
        context["widget"]["unit"] = self.unit
        return context


class NamedValues(forms.Widget):
    """Rows of name and value, such as headers; a row may be secret, and then shows only when it was set."""

    kind = "rows"
    template_name = "connectors/widgets/named_values.html"

    def __init__(self, *, secret_rows: bool, set_at: Mapping[str, datetime], columns: Sequence[str] = ()) -> None:
        super().__init__()
        self.secret_rows = secret_rows
        self.columns = columns  # offered for the values
        self.set_at = set_at  # by row name

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Existing rows and an empty one; the value of a secret row never reaches the page."""
        context: dict[str, Any] = super().get_context(name, value, attrs)
        spare = [{"name": "", "value": "", "secret": False}] * SPARE_ROWS
        rows = [self._shown(row) for row in [*(value or ()), *spare]]
        context["widget"].update(lines=rows, secret_rows=self.secret_rows, columns=self.columns)
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[dict[str, Any]] | None:
        """The rows as sent; ``None`` when the form did not hold the editor."""
        names, values = _sent(data, f"{name}__name"), _sent(data, f"{name}__value")
        flags = _sent(data, f"{name}__secret") or ["0"] * len(names)
        if f"{name}__name" not in data:
            return None
        rows = zip(names, values, flags, strict=False)
        return [{"name": n, "value": v, "secret": s == "1"} for n, v, s in rows if n.strip() or v.strip()]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        """The editor always sends its rows, so their absence means it was not shown."""
        return f"{name}__name" not in data

    def id_for_label(self, id_: str) -> str:
        """A fieldset carries the label."""
        return ""

    def _shown(self, row: Mapping[str, Any]) -> dict[str, Any]:
        secret = bool(row.get("secret"))
        moment = self.set_at.get(str(row.get("name")))
        return {
            "name": row.get("name", ""),
            "value": "" if secret else row.get("value", ""),
            "secret": secret,
            "set": relative_words(moment, clock.now()) if secret and moment else "",
        }


def text_of(value: Any) -> Any:
    """An uploaded file as its text; anything else as it is."""
    if not isinstance(value, UploadedFile):
        return value
    try:
        return value.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        return "\0"  # refused by validation in the words meant for it


def _sent(data: Any, name: str) -> Sequence[str]:
    if isinstance(data, MultiValueDict):
        return [str(item) for item in data.getlist(name)]
    value = data.get(name, [])
    return [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]


class Offered(forms.TextInput):
    """A line of text with what the other side lists for it, asked for when somebody comes to it."""

    template_name = "connectors/widgets/offered.html"

    def __init__(self, attrs: Mapping[str, Any], url: str) -> None:
        super().__init__(dict(attrs))
        self.url = url

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """The list has an id made of the input's, which the input names."""
        context: dict[str, Any] = super().get_context(name, value, attrs)
        inner = context["widget"]["attrs"]
        inner["list"] = f"{inner.get('id', name)}-offers"
        context["widget"]["url"] = self.url
        return context
