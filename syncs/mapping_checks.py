"""The check of a whole sync configuration against declarations, columns and fields. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from connectors.sdk.arrow import exact_number
from connectors.sdk.destination import DestinationField, FirstRun, Mapper, Mode, ModeSpec, Removal, SyncType
from connectors.sdk.errors import ConfigError
from connectors.sdk.liquid import compile_value
from syncs.engine.inline import NESTING
from syncs.engine.spec import MAX_DEPTH, FieldMapping, MappingKind
from syncs.mappings import VARIABLES, Problems

_ANY_COLUMN = frozenset({MappingKind.COLUMN})
_MAKES_NOTHING = frozenset({Mode.UPDATE, Mode.REMOVE, Mode.ARCHIVE})


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a person decides about a sync, besides its settings and schedule."""

    sync_type: str
    mode: Mode
    removal: Removal
    first_run: FirstRun
    mappings: tuple[FieldMapping, ...]


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
    _check_fields(configuration.mappings, kind, mode.mode, fields, problems)
    checker = _Checker(kind, columns, problems)
    for index, mapping in enumerate(configuration.mappings):
        checker.check(mapping, f"mappings.{index}")
    _check_whole(configuration.mappings, kind, mode, fields, problems)


def _check_fields(
    mappings: Sequence[FieldMapping], kind: SyncType, mode: Mode, fields: Sequence[DestinationField], problems: Problems
) -> None:
    known = {f.name: f for f in fields}
    _check_twice(mappings, "mappings", problems)
    for index, mapping in enumerate(mappings):
        target = known.get(mapping.to)
        if target is None and not kind.custom_fields:
            problems.add(f"mappings.{index}", f"The destination has no field “{mapping.to}”.")
        elif target is not None and target.read_only:
            problems.add(f"mappings.{index}", f"The destination does not let “{mapping.to}” be written.")
        elif target is not None and not target.fits(mode):
            words = f"“{mapping.to}” cannot be mapped in the mode “{mode.value}”, only in {_or(target.modes)}."
            problems.add(f"mappings.{index}", words)


def _check_twice(mappings: Iterable[FieldMapping], path: str, problems: Problems) -> None:
    seen: set[str] = set()
    for index, mapping in enumerate(mappings):
        if mapping.to in seen:
            problems.add(f"{path}.{index}", f"“{mapping.to}” is mapped twice.")
        seen.add(mapping.to)


def value_problems(
    mapping: FieldMapping, columns: Mapping[str, str], problems: Problems, *, depth: int = 1, in_array: bool = False
) -> None:
    """Check where one value comes from, under the path ``value.0``; ``depth`` and ``in_array`` say where it stands."""
    _Checker(None, columns, problems).check(mapping, "value.0", depth, in_array=in_array)


class _Checker:
    """Checks where the values of mappings come from, inner ones too."""

    def __init__(self, kind: SyncType | None, columns: Mapping[str, str], problems: Problems) -> None:
        self._kind = kind
        self._columns = columns
        self._problems = problems

    def check(self, mapping: FieldMapping, path: str, depth: int = 1, *, in_array: bool = False) -> None:
        """Note what cannot work; ``depth`` counts the objects and arrays around the mapping, itself included."""
        if self._kind is not None and self._kind.mapper is Mapper.BASIC and mapping.kind not in _ANY_COLUMN:
            self._problems.add(path, f"“{self._kind.name}” takes columns only, each as it is.")
            return
        message = self._wrong_value(mapping, in_array=in_array)
        if message:
            self._problems.add(path, message)
        if mapping.kind in NESTING:
            self._check_inner(mapping, path, depth, in_array=in_array)

    def _wrong_value(self, mapping: FieldMapping, *, in_array: bool) -> str:
        match mapping.kind:
            case MappingKind.COLUMN if mapping.value not in self._columns:
                return f"The model has no column “{mapping.value}”."
            case MappingKind.ARRAY if not in_array and mapping.value not in self._columns:
                return f"The model has no column “{mapping.value}”."
            case MappingKind.ARRAY if not in_array and self._columns[str(mapping.value)] not in ("object", "string"):
                return f"Column “{mapping.value}” holds no arrays."
            case MappingKind.VARIABLE if str(mapping.value).replace("-", "_") not in VARIABLES:
                return f"“{mapping.value}” is not a variable; choose {', '.join(VARIABLES)}."
            case MappingKind.STATIC if not _is_constant(mapping.value):
                return "A static value is a text, a number, true, false or null."
            case MappingKind.TEMPLATE:
                return self._wrong_template(str(mapping.value))
            case MappingKind.PROPERTY if not in_array:
                return "A property belongs to the elements of an array: use it inside one."
            case MappingKind.PROPERTY if not str(mapping.value or "").strip():
                return "Name the property of the array's elements."
        return ""

    def _wrong_template(self, source: str) -> str:
        try:
            compile_value(source).require(self._columns)
        except ConfigError as error:
            return error.message
        return ""

    def _check_inner(self, mapping: FieldMapping, path: str, depth: int, *, in_array: bool) -> None:
        if depth > MAX_DEPTH:
            self._problems.add(path, f"Objects and arrays go {MAX_DEPTH} levels deep at most.")
            return
        if not mapping.inner:
            self._problems.add(path, "Add at least one field inside.")
        is_array = mapping.kind is MappingKind.ARRAY
        inner_path = f"{path}.value.mappings" if is_array else f"{path}.value"
        _check_twice(mapping.inner, inner_path, self._problems)
        for index, inner in enumerate(mapping.inner):
            self.check(inner, f"{inner_path}.{index}", depth + 1, in_array=in_array or is_array)


def _check_whole(
    mappings: Sequence[FieldMapping],
    kind: SyncType,
    mode: ModeSpec,
    fields: Sequence[DestinationField],
    problems: Problems,
) -> None:
    mapped = {m.to for m in mappings}
    missing = [f.label or f.name for f in fields if _needed(f, mode.mode) and f.name not in mapped]
    if missing:
        problems.add("mappings", f"Map the required fields: {', '.join(missing)}.")
    if not mappings and not kind.all_columns:
        problems.add("mappings", "Map at least one field.")
    identifiers = [m for m in mappings if m.identifier]
    if mode.matching and not identifiers:
        problems.add("identifier", "Choose the field by which rows are matched with records.")
    allowed = {f.name for f in fields if f.identifier and f.fits(mode.mode)}
    matching = {MappingKind.COLUMN, MappingKind.TEMPLATE} if kind.matching_templates else {MappingKind.COLUMN}
    for mapping in identifiers:
        if allowed and mapping.to not in allowed:
            problems.add(
                "identifier", f"Records cannot be matched by “{mapping.to}”; choose {', '.join(sorted(allowed))}."
            )
        if mapping.kind not in matching:
            words = "a column or a template" if len(matching) > 1 else "a column"
            problems.add("identifier", f"Match records by {words}.")


def _needed(field: DestinationField, mode: Mode) -> bool:
    """Whether a field must be mapped; modes that make no records need only what finds them."""
    return field.required and field.fits(mode) and (field.identifier or mode not in _MAKES_NOTHING)


def _or(modes: Sequence[Mode]) -> str:
    return " or ".join(f"“{mode.value}”" for mode in modes)


def _is_constant(value: object) -> bool:
    """A text, number, boolean or null; a number with many digits is given as text in an object."""
    if isinstance(value, dict):
        return set(value) == {"number"} and exact_number(str(value["number"])) is not None
    return isinstance(value, str | int | float | bool | None)
