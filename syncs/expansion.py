"""Array expansion: matching by an array column sends one record for each of its elements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from connectors.registry import source_class
from connectors.sdk.expansion import ArrayForm, array_column, array_form, element_column, expand_array, expandable
from connectors.sdk.types import ColumnType
from syncs.engine.spec import FieldMapping, MappingKind
from syncs.mappings import Problems
from syncs.models import Model, ModelColumn


@dataclass(frozen=True, slots=True)
class Expansion:
    """The array column that is taken apart, and how it holds its arrays."""

    column: str
    form: ArrayForm

    @property
    def element(self) -> str:
        """The column of the elements: the key of the expanded rows."""
        return element_column(self.column)

    def query(self, sql: str, dialect: str) -> str:
        """The model's query with one row for each element."""
        return expand_array(sql, self.column, self.form, dialect)


def with_elements(columns: Iterable[ModelColumn], mappings: Sequence[FieldMapping]) -> tuple[FieldMapping, ...]:
    """The mappings with identifiers that name an array column naming its elements instead."""
    arrays = {
        column.name
        for column in columns
        if column.enabled
        and not column.missing
        and column.effective_type == ColumnType.OBJECT
        and array_form(column.native_type, ColumnType(column.effective_type)) is not None
    }
    return tuple(
        replace(m, value=element_column(str(m.value))) if _matches_by_column(m) and m.value in arrays else m
        for m in mappings
    )


def expansion_of(columns: Iterable[ModelColumn], mappings: Sequence[FieldMapping]) -> Expansion | None:
    """The expansion that the identifiers ask for; ``None`` where they name plain columns."""
    named = next(
        (array_column(str(m.value)) for m in mappings if _matches_by_column(m) and array_column(str(m.value))), ""
    )
    column = next((column for column in columns if column.name == named), None) if named else None
    form = array_form(column.native_type, ColumnType(column.effective_type)) if column is not None else None
    return Expansion(named, form) if form is not None else None


def check_expansion(
    model: Model, columns: Iterable[ModelColumn], mappings: Sequence[FieldMapping], problems: Problems
) -> dict[str, str]:
    """The column that an expansion adds (name → type); what cannot work lands in ``problems``."""
    named = list(dict.fromkeys(array_column(str(m.value)) for m in mappings if _matches_by_column(m)))
    named = [name for name in named if name]
    if len(named) > 1:
        problems.add("identifier", f"One array column can be taken apart, not {len(named)}: {', '.join(named)}.")
        return {}
    expanded = expansion_of(columns, mappings)
    if expanded is None:
        return {}
    source = source_class(model.source.type).definition
    if not expandable(source.dialect, expanded.form):
        problems.add(
            "identifier",
            f"Column “{expanded.column}” holds arrays, which {source.name} sources cannot take apart here; "
            "match by a column with single values, or unnest the array in the model's SQL.",
        )
    return {expanded.element: ColumnType.STRING.value}


def _matches_by_column(mapping: FieldMapping) -> bool:
    return mapping.identifier and mapping.kind is MappingKind.COLUMN
