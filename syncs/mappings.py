"""Field mappings: stored JSON ⇄ the engine's values, and the check of a whole sync configuration. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.sdk.destination import DestinationField, FirstRun, Mode, ModeSpec, Removal, SyncType
from connectors.sdk.errors import ConfigError
from connectors.sdk.liquid import compile_value
from syncs.engine.spec import FieldMapping, MappingKind

VARIABLES = ("model_id", "model_name", "current_timestamp", "sync_id", "sync_run_id", "operation")


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a person decides about a sync, besides its settings and schedule."""

    sync_type: str
    mode: Mode
    removal: Removal
    first_run: FirstRun
    mappings: tuple[FieldMapping, ...]


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
            "value": m.value,
            "ignore_null": m.ignore_null,
            "identifier": m.identifier,
        }
        for m in mappings
    ]


def from_json(stored: Iterable[Mapping[str, Any]]) -> tuple[FieldMapping, ...]:
    """Stored mappings, as the engine takes them."""
    return tuple(
        FieldMapping(
            to=str(m["to"]),
            kind=MappingKind(m["kind"]),
            value=m.get("value"),
            ignore_null=bool(m.get("ignore_null", False)),
            identifier=bool(m.get("identifier", False)),
        )
        for m in stored
    )


def parse(raw: Any, problems: Problems) -> tuple[FieldMapping, ...]:
    """Mappings as a form or the API gives them; what is malformed lands in ``problems``."""
    if not isinstance(raw, Sequence) or isinstance(raw, str):
        problems.add("mappings", "Give a list of mappings.")
        return ()
    parsed: list[FieldMapping] = []
    for index, item in enumerate(raw):
        if isinstance(item, FieldMapping):
            parsed.append(item)
        elif not isinstance(item, Mapping) or not str(item.get("to") or "").strip():
            problems.add(f"mappings.{index}", "Choose the destination field.")
        elif item.get("kind", "column") not in {kind.value for kind in MappingKind}:
            problems.add(f"mappings.{index}", f"“{item.get('kind')}” is not a kind of mapping.")
        else:
            parsed.extend(from_json([{"kind": "column", **item, "to": str(item["to"]).strip()}]))
    return tuple(parsed)


def used_columns(mappings: Iterable[FieldMapping]) -> tuple[str, ...]:
    """The names that column mappings and templates read, each once, in order.

    A template's bare names may turn out to be no columns.
    """
    names: list[str] = []
    for mapping in mappings:
        if mapping.kind is MappingKind.COLUMN:
            names.append(str(mapping.value))
        elif mapping.kind is MappingKind.TEMPLATE:
            names.extend(sorted(compile_value(str(mapping.value)).columns or ()))
    return tuple(dict.fromkeys(names))


def needs_all_columns(kind: SyncType, mappings: Iterable[FieldMapping]) -> bool:
    """Whether every column is read: the type takes whole rows, or a template does."""
    return kind.all_columns or any(_takes_whole_rows(m) for m in mappings)


def _takes_whole_rows(mapping: FieldMapping) -> bool:
    return mapping.kind is MappingKind.TEMPLATE and compile_value(str(mapping.value)).columns is None


def check(
    configuration: Configuration,
    kind: SyncType,
    columns: Mapping[str, str],
    fields: Sequence[DestinationField],
    problems: Problems,
) -> None:
    """Check a configuration against its sync type, the model's columns (name → type) and the fields."""
    mode = next((spec for spec in kind.modes if spec.mode == configuration.mode), None)
    if mode is None:
        offered = ", ".join(spec.mode.value for spec in kind.modes)
        problems.add("mode", f"“{kind.name}” does not offer the mode “{configuration.mode.value}”; choose {offered}.")
        return
    if configuration.removal not in mode.removals:
        problems.add("removal", f"The mode “{mode.mode.value}” does not offer this for rows that leave the model.")
    if configuration.first_run not in kind.first_run:
        problems.add("first_run", "This sync type does not offer this for the first run.")
    if not kind.mapping:
        if configuration.mappings:
            problems.add("mappings", f"“{kind.name}” takes whole rows; it has no field mapping.")
        return
    _check_each(configuration.mappings, kind, columns, fields, problems)
    _check_whole(configuration.mappings, mode, fields, problems)


def _check_each(
    mappings: Sequence[FieldMapping],
    kind: SyncType,
    columns: Mapping[str, str],
    fields: Sequence[DestinationField],
    problems: Problems,
) -> None:
    known = {f.name: f for f in fields}
    seen: set[str] = set()
    for index, mapping in enumerate(mappings):
        path = f"mappings.{index}"
        if mapping.to in seen:
            problems.add(path, f"“{mapping.to}” is mapped twice.")
        seen.add(mapping.to)
        target = known.get(mapping.to)
        if target is None and not kind.custom_fields:
            problems.add(path, f"The destination has no field “{mapping.to}”.")
        elif target is not None and target.read_only:
            problems.add(path, f"The destination does not let “{mapping.to}” be written.")
        _check_value(mapping, columns, path, problems)


def _check_value(mapping: FieldMapping, columns: Mapping[str, str], path: str, problems: Problems) -> None:
    name = str(mapping.value).replace("-", "_")
    if mapping.kind is MappingKind.COLUMN and mapping.value not in columns:
        problems.add(path, f"The model has no column “{mapping.value}”.")
    elif mapping.kind is MappingKind.VARIABLE and name not in VARIABLES:
        problems.add(path, f"“{mapping.value}” is not a variable; choose {', '.join(VARIABLES)}.")
    elif mapping.kind is MappingKind.STATIC and not isinstance(mapping.value, str | int | float | bool | None):
        problems.add(path, "A static value is a text, a number, true, false or null.")
    elif mapping.kind is MappingKind.TEMPLATE:
        _check_template(str(mapping.value), columns, path, problems)


def _check_template(source: str, columns: Mapping[str, str], path: str, problems: Problems) -> None:
    try:
        compile_value(source).require(columns)
    except ConfigError as error:
        problems.add(path, error.message)


def _check_whole(
    mappings: Sequence[FieldMapping], mode: ModeSpec, fields: Sequence[DestinationField], problems: Problems
) -> None:
    mapped = {m.to for m in mappings}
    missing = [f.label or f.name for f in fields if f.required and f.name not in mapped]
    if missing:
        problems.add("mappings", f"Map the required fields: {', '.join(missing)}.")
    if not mappings:
        problems.add("mappings", "Map at least one field.")
    identifiers = [m for m in mappings if m.identifier]
    if mode.matching and not identifiers:
        problems.add("identifier", "Choose the field by which rows are matched with records.")
    allowed = {f.name for f in fields if f.identifier}
    for mapping in identifiers:
        if allowed and mapping.to not in allowed:
            problems.add(
                "identifier", f"Records cannot be matched by “{mapping.to}”; choose {', '.join(sorted(allowed))}."
            )
        if mapping.kind is not MappingKind.COLUMN:
            problems.add("identifier", "Match records by a column of the model.")
