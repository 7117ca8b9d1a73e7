"""Which columns of a model a sync's configuration names, and where. Pure.

A configuration names columns in its mappings, and in the declared settings of its sync
type: pickers of columns, templates, and rows of names and values.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import Field, KeyValues, Section, Select, Text
from connectors.sdk.liquid import compile_value
from syncs.engine.spec import FieldMapping, MappingKind
from syncs.mappings import read_columns


@dataclass(frozen=True, slots=True)
class Use:
    """One place that names columns, in words. Those in ``bare`` stand without ``row.`` in a template: perhaps none."""

    place: str
    columns: tuple[str, ...]
    bare: frozenset[str] = frozenset()


def uses_of(fields: Sequence[Field], settings: Mapping[str, Any], mappings: Sequence[FieldMapping]) -> tuple[Use, ...]:
    """Every place of a configuration that names columns."""
    return (*_in_mappings(mappings), *_in_settings(fields, settings))


def lost_uses(uses: Sequence[Use], usable: Collection[str], known: Collection[str]) -> tuple[Use, ...]:
    """The places that name columns which are not ``usable``, with those columns only.

    Bare names in templates count where they are ``known`` to have been columns.
    """
    found = []
    for use in uses:
        lost = tuple(c for c in use.columns if c not in usable and (c not in use.bare or c in known))
        if lost:
            found.append(Use(use.place, lost, use.bare))
    return tuple(found)


def _in_mappings(mappings: Sequence[FieldMapping]) -> Iterator[Use]:
    for mapping in mappings:
        if columns := read_columns([mapping]):
            yield Use(f"the mapping to “{mapping.to}”", columns, _bare_names(mapping))


def _bare_names(mapping: FieldMapping) -> frozenset[str]:
    templates = [compile_value(str(m.value)) for m, _ in mapping.walk() if m.kind is MappingKind.TEMPLATE]
    return frozenset().union(*((t.columns or frozenset()) - t.row_columns for t in templates))


def _in_settings(fields: Sequence[Field], settings: Mapping[str, Any], heading: str = "") -> Iterator[Use]:
    for declared in fields:
        value = settings.get(declared.name)
        label = f"“{heading}: {declared.label}”" if heading else f"“{declared.label}”"
        match declared:
            case Section() if isinstance(value, Mapping):
                yield from _in_settings(declared.fields, value, declared.label)
            case Select() if declared.column and value:
                yield Use(f"the setting {label}", (str(value),))
            case Text() if declared.template and value:
                yield from _in_text(f"the setting {label}", str(value))
            case KeyValues() if value and (declared.column or declared.template):
                for row in value:
                    place = f"the field “{row['name']}” of {label}"
                    yield from _in_value(place, str(row.get("value") or ""))


def _in_value(place: str, value: str) -> Iterator[Use]:
    """A column by its name, or a template."""
    if "{{" in value or "{%" in value:
        yield from _in_text(place, value)
    elif value:
        yield Use(place, (value,))


def _in_text(place: str, text: str) -> Iterator[Use]:
    try:
        template = compile_value(text)
    except ConfigError:
        return
    if columns := template.columns or template.row_columns:
        yield Use(place, tuple(sorted(columns)), columns - template.row_columns)
