"""Form widgets beyond Django's own. ``kind`` chooses the layout in ``components/form/bound_field.html``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.safestring import SafeString

# Empty lines a key/value or list editor shows when scripts do not run.
SPARE_ROWS = 2


class Toggle(forms.CheckboxInput):
    """On or off, taking effect when the form is saved."""

    kind = "toggle"
    template_name = "components/form/widgets/toggle.html"


class RadioCards(forms.RadioSelect):
    """A few choices that need a sentence each; ``notes`` maps a value to its sentence."""

    kind = "cards"
    template_name = "components/form/widgets/radio_cards.html"

    def __init__(self, attrs: dict[str, Any] | None = None, notes: Mapping[str, str] | None = None) -> None:
        super().__init__(attrs)
        self.notes = dict(notes or {})

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add the sentence of the value to Django's option."""
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        return {**option, "note": self.notes.get(str(value), "")}


class CheckCards(forms.CheckboxSelectMultiple):
    """Any of a few choices that need a sentence each; ``notes`` as in :class:`RadioCards`."""

    kind = "cards"
    template_name = "components/form/widgets/radio_cards.html"

    def __init__(self, attrs: dict[str, Any] | None = None, notes: Mapping[str, str] | None = None) -> None:
        super().__init__(attrs)
        self.notes = dict(notes or {})

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add the sentence of the value to Django's option."""
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        return {**option, "note": self.notes.get(str(value), "")}


class Combobox(forms.Select):
    """A select that can be searched; without scripts it is the plain select."""

    kind = "combobox"

    def build_attrs(self, base_attrs: Any, extra_attrs: Any = None) -> dict[str, Any]:
        """Hang the controller on the select."""
        return {**super().build_attrs(base_attrs, extra_attrs), "data-controller": "combobox"}


class SecretInput(forms.PasswordInput):
    """A secret that is written and never shown; ``set_at`` is when the stored one was set."""

    kind = "secret"
    template_name = "components/form/widgets/secret.html"

    def __init__(self, attrs: dict[str, Any] | None = None, set_at: datetime | None = None, lines: int = 1) -> None:
        super().__init__({"autocomplete": "off", "spellcheck": "false", **(attrs or {})})
        self.set_at = set_at
        self.lines = lines

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """The stored value never reaches the page."""
        context: dict[str, Any] = super().get_context(name, None, attrs)
        context["widget"]["set_at"] = self.set_at
        context["widget"]["lines"] = self.lines
        if self.set_at:
            context["widget"]["attrs"].pop("required", None)
            context["widget"]["required"] = False
        return context


class LooksAt(Protocol):
    """A page elsewhere that shows what is written: opened at ``url`` with ``{key: JSON}`` behind it."""

    @property
    def name(self) -> str: ...

    @property
    def url(self) -> str: ...

    @property
    def key(self) -> str: ...


class CodeEditor(forms.Textarea):
    """A textarea that becomes an editor: SQL, JSON, Liquid or plain text. ``builder`` is where JSON is looked at."""

    kind = "code"
    template_name = "components/form/widgets/code.html"

    def __init__(
        self,
        attrs: dict[str, Any] | None = None,
        language: str = "sql",
        dialect: str = "",
        schema_url: str = "",
        rows: int = 12,
        builder: LooksAt | None = None,
    ) -> None:
        self.builder = builder
        super().__init__(
            {
                "rows": rows,
                "spellcheck": "false",
                "data-code": True,
                "data-controller": "code-editor",
                "data-code-editor-language-value": language,
                "data-code-editor-dialect-value": dialect,
                "data-code-editor-schema-url-value": schema_url,
                **(attrs or {}),
            }
        )

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """With the page elsewhere."""
        return {**super().get_context(name, value, attrs), "builder": self.builder}


class FileUpload(forms.FileInput):
    """A file to choose or drop."""

    kind = "file"
    template_name = "components/form/widgets/file.html"


class KeyValueEditor(forms.Widget):
    """Pairs of words, such as headers; the value is a dictionary, or its JSON text."""

    kind = "rows"
    template_name = "components/form/widgets/key_values.html"

    def __init__(
        self, attrs: dict[str, Any] | None = None, key_label: str = "Name", value_label: str = "Value"
    ) -> None:
        super().__init__(attrs)
        self.key_label = key_label
        self.value_label = value_label

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Existing pairs and a few empty lines."""
        context: dict[str, Any] = super().get_context(name, value, attrs)
        context["widget"].update(
            pairs=[*_pairs(value), *[("", "")] * SPARE_ROWS],
            key_label=self.key_label,
            value_label=self.value_label,
        )
        return context

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> dict[str, str] | None:
        """The pairs whose name is filled in; ``None`` when the form did not hold the editor."""
        keys, values = _sent(data, f"{name}__key"), _sent(data, f"{name}__value")
        if f"{name}__key" not in data:
            return None
        return {key.strip(): value for key, value in zip(keys, values, strict=False) if key.strip()}

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        """The editor always sends its lines, so their absence means it was not shown."""
        return f"{name}__key" not in data

    def id_for_label(self, id_: str) -> str:
        """A fieldset carries the label."""
        return ""


class ListEditor(forms.Widget):
    """One value a line; the value is a list of strings."""

    kind = "rows"
    template_name = "components/form/widgets/list.html"

    def __init__(self, attrs: dict[str, Any] | None = None, item_label: str = "Value") -> None:
        super().__init__(attrs)
        self.item_label = item_label

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Existing values and a few empty lines."""
        context: dict[str, Any] = super().get_context(name, value, attrs)
        context["widget"].update(items=[*_items(value), *[""] * SPARE_ROWS], item_label=self.item_label)
        return context

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> list[str] | None:
        """The values that are filled in; ``None`` when the form did not hold the editor."""
        if f"{name}__item" not in data:
            return None
        return [item.strip() for item in _sent(data, f"{name}__item") if item.strip()]

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        """The editor always sends its lines, so their absence means it was not shown."""
        return f"{name}__item" not in data

    def id_for_label(self, id_: str) -> str:
        """A fieldset carries the label."""
        return ""


class KeyValueField(forms.Field):
    """A dictionary of strings, edited line by line."""

    widget = KeyValueEditor

    def to_python(self, value: Any) -> dict[str, str]:
        """A dictionary, empty rather than missing."""
        return dict(_pairs(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare pairs, not their spelling."""
        return dict(_pairs(initial)) != dict(_pairs(data))


class ListField(forms.Field):
    """A list of strings, edited line by line."""

    widget = ListEditor

    def to_python(self, value: Any) -> list[str]:
        """A list, empty rather than missing."""
        return list(_items(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare values, not their spelling."""
        return list(_items(initial)) != list(_items(data))


class SecretField(forms.CharField):
    """A secret; an empty answer keeps the stored one (the form then holds ``None``)."""

    def __init__(self, *, set_at: datetime | None = None, lines: int = 1, **kwargs: Any) -> None:
        kwargs.setdefault("widget", SecretInput(set_at=set_at, lines=lines))
        required = kwargs.pop("required", True) and set_at is None
        super().__init__(required=required, strip=True, empty_value=None, **kwargs)


def _sent(data: Mapping[str, Any], name: str) -> list[str]:
    if isinstance(data, MultiValueDict):
        return [str(item) for item in data.getlist(name)]
    value = data.get(name, [])
    return [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]


def _decoded(value: Any) -> Any:
    if not isinstance(value, str | SafeString):
        return value
    try:
        return json.loads(value or "null")
    except json.JSONDecodeError:
        return None


def _pairs(value: Any) -> list[tuple[str, str]]:
    decoded = _decoded(value) or {}
    pairs: Iterable[Any] = decoded.items() if isinstance(decoded, dict) else decoded
    return [(str(key), str(item)) for key, item in pairs]


def _items(value: Any) -> list[str]:
    return [str(item) for item in (_decoded(value) or [])]
