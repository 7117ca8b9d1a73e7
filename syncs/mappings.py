"""Field mappings: stored JSON ⇄ the engine's values. Pure.

A mapping is stored as ``{"to", "kind", "value", "ignore_null", "identifier"}``. The value
of an object is the list of its mappings, that of an array is
``{"column": …, "mappings": […]}``. A number that JSON's readers would round is stored
as ``{"number": "12345678901234567.89"}``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from connectors.sdk.arrow import exact_number
from connectors.sdk.destination import SyncType
from connectors.sdk.expansion import array_column
from connectors.sdk.liquid import compile_value
from syncs.engine.inline import ELEMENT
from syncs.engine.spec import FieldMapping, MappingKind

VARIABLES = ("model_id", "model_name", "current_timestamp", "sync_id", "sync_run_id", "operation")
_KINDS = {kind.value for kind in MappingKind}


@dataclass(slots=True)
class Problems:
    """What is wrong, by the path of the input that is to be changed."""

    fields: dict[str, str] = field(default_factory=dict)

    def add(self, path: str, message: str) -> None:
        """Note a problem; the first one of a path is kept."""
        self.fields.setdefault(path, message)


def to_json(mappings: Iterable[FieldMapping]) -> list[dict[str, Any]]:
    """Mappings as they are stored."""
    return [
        {
            "to": m.to,
            "kind": m.kind.value,
            "value": value_json(m),
            "ignore_null": m.ignore_null,
            "identifier": m.identifier,
        }
        for m in mappings
    ]


def value_json(mapping: FieldMapping) -> Any:
    """A mapping's value as it is stored."""
    if mapping.kind is MappingKind.OBJECT:
        return to_json(mapping.inner)
    if mapping.kind is MappingKind.ARRAY:
        return {"column": mapping.value, "mappings": to_json(mapping.inner)}
    return mapping.value


def from_json(stored: Iterable[Mapping[str, Any]]) -> tuple[FieldMapping, ...]:
    """Stored mappings, as the engine takes them."""
    return tuple(_mapping(m) for m in stored)


def _mapping(stored: Mapping[str, Any]) -> FieldMapping:
    kind = MappingKind(stored["kind"])
    value: Any = stored.get("value")
    inner: Sequence[Mapping[str, Any]] = ()
    if kind is MappingKind.OBJECT:
        value, inner = None, value or ()
    elif kind is MappingKind.ARRAY:
        value, inner = value["column"], value["mappings"]
    return FieldMapping(
        to=str(stored["to"]),
        kind=kind,
        value=value,
        ignore_null=bool(stored.get("ignore_null", False)),
        identifier=bool(stored.get("identifier", False)),
        inner=from_json(inner),
    )


def parse(raw: Any, problems: Problems, path: str = "mappings") -> tuple[FieldMapping, ...]:
    """Mappings as a form or the API gives them; what is malformed lands in ``problems``."""
    if not isinstance(raw, Sequence) or isinstance(raw, str):
        problems.add(path, "Give a list of mappings.")
        return ()
    parsed = [_parsed(item, problems, f"{path}.{index}") for index, item in enumerate(raw)]
    return tuple(mapping for mapping in parsed if mapping is not None)


def _parsed(item: Any, problems: Problems, path: str) -> FieldMapping | None:
    if isinstance(item, FieldMapping):
        return item
    if not isinstance(item, Mapping) or not str(item.get("to") or "").strip():
        problems.add(path, "Choose the destination field.")
        return None
    if item.get("kind", "column") not in _KINDS:
        problems.add(path, f"“{item.get('kind')}” is not a kind of mapping.")
        return None
    kind = MappingKind(item.get("kind", "column"))
    value: Any = item.get("value")
    inner: tuple[FieldMapping, ...] = ()
    if kind is MappingKind.OBJECT:
        value, inner = None, parse(value, problems, f"{path}.value")
    elif kind is MappingKind.ARRAY:
        if not isinstance(value, Mapping) or not str(value.get("column") or "").strip():
            problems.add(path, "Choose the column that holds the array.")
            return None
        value, inner = str(value["column"]), parse(value.get("mappings"), problems, f"{path}.value.mappings")
    return FieldMapping(
        to=str(item["to"]).strip(),
        kind=kind,
        value=value,
        ignore_null=bool(item.get("ignore_null", False)),
        identifier=bool(item.get("identifier", False)),
        inner=inner,
    )


def number_of(text: str) -> Any:
    """A number as a constant is stored, digit by digit; text that is none stays text, and the checks say so."""
    try:
        return int(text)
    except ValueError:
        number = exact_number(text)
    if number is None:
        return text
    return float(text) if Decimal(repr(float(text))) == number else {"number": text.strip()}


def number_text(value: Any) -> str:
    """A stored constant as it is written in an input."""
    return str(value.get("number", "")) if isinstance(value, Mapping) else str(value)


def used_columns(mappings: Iterable[FieldMapping]) -> tuple[str, ...]:
    """The names that mappings and their templates read, each once, in order.

    A template's bare names may turn out to be no columns.
    """
    names: list[str] = []
    for outer in mappings:
        for mapping, within_array in outer.walk():
            if mapping.kind is MappingKind.TEMPLATE:
                read = compile_value(str(mapping.value)).columns or frozenset()
                names.extend(sorted(read - {ELEMENT} if within_array else read))
            elif mapping.kind is MappingKind.COLUMN or (mapping.kind is MappingKind.ARRAY and not within_array):
                names.append(str(mapping.value))
    return tuple(dict.fromkeys(names))


def read_columns(mappings: Iterable[FieldMapping]) -> tuple[str, ...]:
    """Like :func:`used_columns`, with the array column in place of the column of its elements."""
    return tuple(dict.fromkeys(array_column(name) or name for name in used_columns(mappings)))


def sources_of(mappings: Iterable[FieldMapping]) -> dict[str, str]:
    """The column of each field that takes one as it is."""
    return {m.to: str(m.value) for m in mappings if m.kind is MappingKind.COLUMN}


def needs_all_columns(kind: SyncType, mappings: Sequence[FieldMapping]) -> bool:
    """Whether every column is read: the sync takes whole rows, or a template does."""
    whole = kind.takes_whole_rows(mapped=bool(mappings))
    return whole or any(_takes_whole_rows(m) for outer in mappings for m, _ in outer.walk())


def _takes_whole_rows(mapping: FieldMapping) -> bool:
    return mapping.kind is MappingKind.TEMPLATE and compile_value(str(mapping.value)).columns is None


def send_the_same(before: Iterable[FieldMapping], after: Iterable[FieldMapping]) -> bool:
    """Whether two mappings make the same records: their order, and blank space around templates, change nothing."""
    return _meaning(before) == _meaning(after)


def _meaning(mappings: Iterable[FieldMapping]) -> dict[str, Any]:
    return {m.to: (m.kind, _value_meaning(m), m.ignore_null, m.identifier, _meaning(m.inner)) for m in mappings}


def _value_meaning(mapping: FieldMapping) -> Any:
    if mapping.kind is MappingKind.STATIC:
        return type(mapping.value), mapping.value  # 1, 1.0 and true are equal in Python
    text = str(mapping.value)
    if mapping.kind is MappingKind.VARIABLE:
        return text.replace("-", "_")
    return text.strip() if mapping.kind is MappingKind.TEMPLATE else text
