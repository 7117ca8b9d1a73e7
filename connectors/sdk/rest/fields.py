"""Short ways to declare the fields of a service that are always the same."""

from __future__ import annotations

from typing import Any

from connectors.sdk.destination import DestinationField
from connectors.sdk.types import ColumnType

_TYPES = {
    "text": ColumnType.STRING,
    "number": ColumnType.NUMBER,
    "boolean": ColumnType.BOOLEAN,
    "date": ColumnType.DATE,
    "moment": ColumnType.TIMESTAMP,
    "object": ColumnType.OBJECT,
    "reference": ColumnType.REFERENCE,
    "any": ColumnType.UNKNOWN,
}


def field(name: str, label: str = "", kind: str = "text", **more: Any) -> DestinationField:
    """One field; ``kind`` is text, number, boolean, date, moment, object, reference or any."""
    return DestinationField(name=name, label=label or _label(name), type=_TYPES[kind], **more)


def fields(*told: str | DestinationField) -> tuple[DestinationField, ...]:
    """Several; a text is ``name``, ``name:kind``, with ``!`` behind the name where it matches records."""
    return tuple(t if isinstance(t, DestinationField) else _parsed(t) for t in told)


def _parsed(told: str) -> DestinationField:
    name, _, kind = told.partition(":")
    return field(name.rstrip("!"), kind=kind or "text", identifier=name.endswith("!"))


def _label(name: str) -> str:
    words = name.replace("_", " ").replace(".", " ").strip("$ ")
    return words[:1].upper() + words[1:]
