"""Mappings on the wire: as they are stored, in camel case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def mapping_from(wire: Any) -> Any:
    """A mapping as the services take it; what is no mapping is left to their checks."""
    if not isinstance(wire, Mapping):
        return wire
    rest = {name: value for name, value in wire.items() if name != "ignoreNull"}
    ignore_null = wire.get("ignoreNull", wire.get("ignore_null", False))
    return {**rest, "value": _inner_value(wire, mapping_from), "ignore_null": ignore_null}


def mapping_json(stored: Mapping[str, Any]) -> dict[str, Any]:
    """A stored mapping as the API shows it."""
    rest = {name: value for name, value in stored.items() if name != "ignore_null"}
    return {**rest, "value": _inner_value(stored, mapping_json), "ignoreNull": stored.get("ignore_null", False)}


def _inner_value(mapping: Mapping[str, Any], change: Callable[[Any], Any]) -> Any:
    """The value, with the mappings inside objects and arrays changed."""
    value = mapping.get("value")
    if mapping.get("kind") == "object" and isinstance(value, list):
        return [change(inner) for inner in value]
    if mapping.get("kind") == "array" and isinstance(value, Mapping) and isinstance(value.get("mappings"), list):
        return {**value, "mappings": [change(inner) for inner in value["mappings"]]}
    return value
