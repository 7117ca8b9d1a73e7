"""A schema model's columns brought up to date with what the source says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audiences.models import SchemaColumn, SchemaModel
from connectors.sdk.types import Column, ColumnType

# What people pick from a list; of the others every row has its own value.
SUGGESTED = frozenset({ColumnType.STRING, ColumnType.BOOLEAN})


@dataclass(frozen=True, slots=True)
class Found:
    """Names of columns that are new, gone, or of another type than before."""

    added: list[str]
    missing: list[str]
    retyped: list[str]


def store_columns(model: SchemaModel, columns: Sequence[Column]) -> Found:
    """Add, update and flag columns; what people decided about them stays."""
    known = {row.name: row for row in model.columns.all()}
    added, kept, retyped = [], [], []
    for position, column in enumerate(columns):
        row = known.pop(column.name, None)
        if row is None:
            added.append(_new(model, column, position))
            continue
        if row.type != column.type:
            retyped.append(column.name)
        kept.append(_updated(row, column, position))
    lost = [row for row in known.values() if not row.missing]
    for row in known.values():
        row.missing = True
    SchemaColumn.objects.bulk_create(added)
    fields = ["position", "type", "native_type", "nullable", "description", "missing"]
    SchemaColumn.objects.bulk_update([*kept, *known.values()], fields)
    return Found([row.name for row in added], sorted(row.name for row in lost), retyped)


def _new(model: SchemaModel, column: Column, position: int) -> SchemaColumn:
    return SchemaColumn(
        workspace_id=model.workspace_id,
        model=model,
        name=column.name,
        position=position,
        type=column.type,
        native_type=column.native_type,
        nullable=column.nullable,
        description=column.description,
        suggest=model.is_parent and column.type in SUGGESTED and column.name not in model.primary_key,
    )


def _updated(row: SchemaColumn, column: Column, position: int) -> SchemaColumn:
    row.position, row.type, row.native_type = position, column.type, column.native_type
    row.nullable, row.missing = column.nullable, False
    if not row.description_edited:
        row.description = column.description
    return row
