"""The values of a test row as people type them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from config.errors import Invalid

TYPES = (
    ("string", "String"),
    ("number", "Number"),
    ("boolean", "True or false"),
    ("json", "Object or array"),
    ("null", "Null"),
)
_TRUTH = {"true": True, "false": False}


def kind_of(value: Any) -> str:
    """How a value is shown: dates and the like as the strings that they travel as."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "json" if isinstance(value, dict | list) else "string"


def text_of(value: Any) -> str:
    """A value as it stands in its input."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def edits_in(sent: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """What was changed of a row: ``value-NAME`` with ``type-NAME``, where they differ from what the row has.

    No kind leaves a value as it is: one that is not shown.
    """
    edits = {}
    for name, before in values.items():
        kind, text = sent.get(f"type-{name}"), sent.get(f"value-{name}")
        if not kind or text is None or (kind, text) == (kind_of(before), text_of(before)):
            continue
        edits[name] = _parsed(name, kind, text)
    return edits


def _parsed(name: str, kind: str, text: str) -> Any:
    if kind == "null":
        return None
    if kind == "boolean":
        if text.strip().lower() not in _TRUTH:
            raise Invalid.field(name, f"“{name}”: write true or false.")
        return _TRUTH[text.strip().lower()]
    if kind in ("number", "json"):
        wanted = (int, float) if kind == "number" else (dict, list)
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise Invalid.field(
                name, f"“{name}”: this is no {'number' if kind == 'number' else 'JSON object or array'}."
            )
        return value
    return text
