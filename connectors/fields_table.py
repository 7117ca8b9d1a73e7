"""Stored settings in words, for pages that show a configuration without its form."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.sdk.fields import Asked, Field, KeyValues, Number, Section, Select, Text, Toggle


@dataclass(frozen=True, slots=True)
class Described:
    """One setting as a line: its label and value in words; ``code`` for texts of several lines."""

    label: str
    value: str
    code: bool = False


def described_settings(fields: Sequence[Field], config: Mapping[str, Any], heading: str = "") -> list[Described]:
    """The settings that are set, sections flattened; secrets are only said to be set."""
    lines: list[Described] = []
    for declared in fields:
        label = f"{heading}: {declared.label}" if heading else declared.label
        value = config.get(declared.name)
        if isinstance(declared, Section):
            lines += described_settings(declared.fields, value, declared.label) if value else []
        elif declared.secret:
            lines.append(Described(label, "••••"))
        elif value not in (None, "", [], {}):
            code = isinstance(declared, Text) and declared.multiline
            lines.append(Described(label, _words(declared, value), code))
    return lines


def _words(declared: Field, value: Any) -> str:
    match declared:
        case Toggle():
            return "On" if value else "Off"
        case Number():
            return f"{value:,} {declared.unit}".strip()
        case Select():
            return next((choice.label for choice in declared.choices if choice.value == value), str(value))
        case Asked():
            return ", ".join(f"{name}: {json.dumps(each, ensure_ascii=False)}" for name, each in value.items())
        case KeyValues():
            return ", ".join(f"{row['name']}: {'••••' if row.get('secret') else row['value']}" for row in value)
    return str(value)
