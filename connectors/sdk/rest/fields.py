"""Short ways to declare the fields of a service that are always the same."""

from __future__ import annotations

import re
from typing import Any

from connectors.sdk.destination import DestinationField, Shape
from connectors.sdk.types import ColumnType

_INSIDE = re.compile(r"(?<=[a-z])[A-Z](?=[a-z])")  # where a word begins inside a name: firstName
_TYPES = {
    "text": ColumnType.STRING,
    "number": ColumnType.NUMBER,
    "boolean": ColumnType.BOOLEAN,
    "date": ColumnType.DATE,
    "moment": ColumnType.TIMESTAMP,
    "object": ColumnType.OBJECT,
    "objects": ColumnType.OBJECT,
    "list": ColumnType.OBJECT,
    "reference": ColumnType.REFERENCE,
    "any": ColumnType.UNKNOWN,
}


_SHAPES = {"objects": Shape.ARRAY, "list": Shape.VALUES}


def field(name: str, label: str = "", kind: str = "text", **more: Any) -> DestinationField:
    """One field; ``kind`` is text, number, boolean, date, moment, object, reference or any.

    An array is ``objects``, or a ``list`` of plain values.
    """
    shape = _SHAPES.get(kind, Shape.OBJECT)
    return DestinationField(name=name, label=label or _label(name), type=_TYPES[kind], shape=shape, **more)


def fields(*told: str | DestinationField) -> tuple[DestinationField, ...]:
    """Several; a text is ``name``, ``name:kind``, with ``!`` behind the name where it matches records."""
    return tuple(t if isinstance(t, DestinationField) else _parsed(t) for t in told)


def _parsed(told: str) -> DestinationField:
    name, _, kind = told.partition(":")
    return field(name.rstrip("!"), kind=kind or "text", identifier=name.endswith("!"))


def _label(name: str) -> str:
    words = _INSIDE.sub(lambda found: f" {found[0].lower()}", name.replace("_", " ").replace(".", " ").strip("$ "))
    return words[:1].upper() + words[1:]
