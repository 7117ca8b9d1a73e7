"""The settings that a connector describes with a JSON Schema: as declarations for forms, and back as its own values.

What the form libraries that read such schemas know is followed as far as settings have the same: texts, numbers,
switches, choices (``enum`` with ``enumNames``, ``oneOf``), lists one value a line, objects as sections;
``ui:widget`` textarea, password, radio and hidden. Anything else is typed as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connectors.sdk.errors import ConfigError, InternalError
from connectors.sdk.fields import Field, Number, Section, Select, Text, Toggle
from connectors.sdk.types import Choice

Schema = Mapping[str, Any]
_MOST = 100  # settings of one level
_LONGEST = 10_000


@dataclass(frozen=True, slots=True)
class Options:
    """A JSON Schema of settings, and how they are drawn."""

    schema: Schema
    ui: Schema

    @classmethod
    def of(cls, told: Any) -> Options | None:
        """What ``list_options`` answered; ``None`` where there is nothing to set."""
        options = told.get("options") if isinstance(told, Mapping) else None
        if not options:
            return None
        schema = options.get("schema") if isinstance(options, Mapping) else None
        if not isinstance(schema, Mapping):
            raise InternalError("list_options answered no schema.", hint='It must answer {"options": {"schema": {…}}}.')
        if schema.get("type") != "object" and "properties" not in schema:
            schema = {"type": "object", "properties": {"options": schema}}
        return cls(schema, options.get("uiSchema") or {})

    @classmethod
    def read(cls, text: str) -> Options | None:
        """As :meth:`written` wrote it."""
        return cls(**json.loads(text)) if text else None

    def written(self) -> str:
        """For keeping with a run."""
        return json.dumps({"schema": self.schema, "ui": self.ui})

    def fields(self) -> tuple[Field, ...]:
        """The settings as declarations."""
        return tuple(_fields(self.schema, self.ui))

    def values(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Stored settings as the connector's own values; empty ones are left out, defaults of hidden ones are in."""
        return _values(self.schema, self.ui, stored)


def _properties(schema: Schema) -> Iterator[tuple[str, Schema]]:
    properties = schema.get("properties") or {}
    if len(properties) > _MOST:
        raise InternalError(f"list_options tells more than {_MOST} settings on one level.")
    for name, about in properties.items():
        if not name or "." in name or not isinstance(about, Mapping):
            raise InternalError(f"list_options tells a setting “{name}” that cannot be drawn.")
        yield name, about


def _widget(ui: Schema, name: str) -> str:
    about = ui.get(name)
    return str(about.get("ui:widget") or "") if isinstance(about, Mapping) else ""


def _fields(schema: Schema, ui: Schema) -> Iterator[Field]:
    required = schema.get("required") or ()
    for name, about in _properties(schema):
        if _widget(ui, name) != "hidden":
            yield _field(name, about, ui, required=name in required)


def _field(name: str, about: Schema, ui: Schema, *, required: bool) -> Field:
    base: dict[str, Any] = {
        "name": name,
        "label": str(about.get("title") or about.get("label") or name.replace("_", " ").capitalize()),
        "help": str(about.get("description") or ""),
        "required": required,
    }
    kind, widget, default = about.get("type"), _widget(ui, name), about.get("default")
    if choices := _choices(about):
        made = Select(**base, choices=tuple(choices), default=_shown(default))
        return replace(made, style="cards") if widget == "radio" else made
    if kind == "boolean":
        return Toggle(**{**base, "required": False}, default=bool(default))
    if kind in ("number", "integer"):
        low, high = about.get("minimum"), about.get("maximum")
        return Number(**base, whole=kind == "integer", minimum=low, maximum=high, default=default)
    if kind == "object" and "properties" in about:
        inner = tuple(_fields(about, ui.get(name) or {}))
        return Section(**{**base, "required": True}, fields=inner, optional=False)
    return _text(base, about, widget)


def _text(base: Mapping[str, Any], about: Schema, widget: str) -> Text:
    default = about.get("default")
    if about.get("type") == "string":
        longest = min(int(about.get("maxLength") or _LONGEST), _LONGEST)
        secret = widget == "password"
        return Text(**base, multiline=widget == "textarea", max_length=longest, secret=secret, default=default)
    if _is_list(about):
        lines = "\n".join(str(_shown(each)) for each in default or ()) or None
        return Text(**{**base, "help": f"{base['help']} One value a line.".strip()}, multiline=True, default=lines)
    shown = None if default is None else json.dumps(default, ensure_ascii=False)
    return Text(**base, multiline=True, syntax="json", max_length=_LONGEST, default=shown)


def _is_list(about: Schema) -> bool:
    items = about.get("items")
    simple = isinstance(items, Mapping) and items.get("type") in ("string", "number", "integer", "boolean")
    return about.get("type") == "array" and simple


def _choices(about: Schema) -> list[Choice]:
    if one_of := about.get("oneOf"):
        pairs = [(each.get("const"), each.get("title")) for each in one_of if isinstance(each, Mapping)]
    else:
        values = about.get("enum") or ()
        names = about.get("enumNames") or ()
        pairs = [(value, names[n] if n < len(names) else None) for n, value in enumerate(values)]
    return [Choice(str(_shown(value)), str(name or _shown(value))) for value, name in pairs if value is not None]


def _shown(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _values(schema: Schema, ui: Schema, stored: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, about in _properties(schema):
        value = stored.get(name)
        if _widget(ui, name) == "hidden":
            value = about.get("default")
        elif about.get("type") == "object" and "properties" in about:
            value = _values(about, ui.get(name) or {}, value or {})
        elif value not in (None, ""):
            value = _value(name, about, value)
        if value not in (None, ""):
            found[name] = value
    return found


def _value(name: str, about: Schema, value: Any) -> Any:
    if "enum" in about or "oneOf" in about:
        return _member(about, value)
    if not isinstance(value, str) or about.get("type") == "string":
        return value
    try:
        if _is_list(about):
            return [_item(about["items"], line.strip()) for line in value.splitlines() if line.strip()]
        return json.loads(value)
    except ValueError as error:
        raise ConfigError(f"“{name}” cannot be read: {error}", field=f"options.{name}") from error


def _item(about: Schema, line: str) -> Any:
    if "enum" in about:
        return _member(about, line)
    return line if about.get("type") == "string" else json.loads(line)


def _member(about: Schema, value: Any) -> Any:
    """The value as the schema has it: choices are texts here, whatever they are there."""
    known: Sequence[Any] = about.get("enum") or [each.get("const") for each in about.get("oneOf") or ()]
    return next((each for each in known if _shown(each) == value), value)
