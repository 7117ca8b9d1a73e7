"""Mappings that follow a column's new name. Pure.

A field that was filled from a column which the model lost, and now is filled from another one,
holds what the old column held: comparing the new column with that tells which records differ,
so that a rename at the source does not send every row again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from syncs.engine.spec import FieldMapping, MappingKind
from syncs.mappings import read_columns, send_the_same


def followed_renames(
    before: Sequence[FieldMapping], after: Sequence[FieldMapping], lost: Collection[str]
) -> dict[str, str]:
    """Old name → new name, where new names for ``lost`` columns are the only difference; else nothing."""
    new_names = {m.to: str(m.value) for m in after if m.kind is MappingKind.COLUMN}
    renames: dict[str, str] = {}
    for mapping in before:
        old, new = str(mapping.value), new_names.get(mapping.to, "")
        follows = mapping.kind is MappingKind.COLUMN and old in lost and new not in ("", old)
        if follows and renames.setdefault(old, new) != new:
            return {}
    clash = len(set(renames.values())) < len(renames) or set(renames.values()) & set(read_columns(before))
    if not renames or clash or set(renames) & set(read_columns(after)):
        return {}
    return renames if send_the_same([_under(m, renames) for m in before], after) else {}


def renamed(columns: Sequence[str], renames: Mapping[str, str]) -> list[str]:
    """Column names with their new ones in place."""
    return [renames.get(name, name) for name in columns]


def _under(mapping: FieldMapping, renames: Mapping[str, str]) -> FieldMapping:
    if mapping.kind is not MappingKind.COLUMN:
        return mapping
    return replace(mapping, value=renames.get(str(mapping.value), mapping.value))
