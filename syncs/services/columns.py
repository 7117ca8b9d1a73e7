"""A model's columns brought up to date with what the source says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.sdk.types import Column
from syncs.choices import PendingReset
from syncs.models import Model, ModelColumn
from syncs.runspec import reads_column


@dataclass(frozen=True, slots=True)
class Found:
    """Names of columns that are new, gone, or of another type than before."""

    added: list[str]
    missing: list[str]
    retyped: list[str]


def store_columns(model: Model, columns: Sequence[Column]) -> Found:
    """Add, update and flag columns; casts, switches and edited descriptions stay as people left them.

    A key column whose type changed at the source makes dependent syncs send everything again;
    another type of a column that they read makes them send known rows as changed.
    """
    known = {row.name: row for row in model.columns.all()}
    added, kept, retyped, meant_otherwise = [], [], [], []
    for position, column in enumerate(columns):
        row = known.pop(column.name, None)
        if row is None:
            added.append(_new(model, column, position))
            continue
        if row.type != column.type or row.native_type != column.native_type:
            retyped.append(column)
            if row.type != column.type and not row.override_type:
                meant_otherwise.append(column)
        kept.append(_updated(row, column, position))
    for row in known.values():
        row.missing = True
    ModelColumn.objects.bulk_create(added)
    ModelColumn.objects.bulk_update(
        [*kept, *known.values()], ["position", "type", "native_type", "description", "missing"]
    )
    if any(column.name == model.primary_key for column in retyped):
        model.syncs.filter(pending_reset=PendingReset.NONE).update(pending_reset=PendingReset.RESYNC)
    reprocess_readers(model, [c.name for c in meant_otherwise])
    return Found([c.name for c in added], sorted(known), [c.name for c in retyped])


def reprocess_readers(model: Model, names: Sequence[str]) -> None:
    """Let the syncs that read any of these columns send the rows they know again, as changed."""
    if not names:
        return
    syncs = model.syncs.select_related("destination")
    readers = [sync.pk for sync in syncs if any(reads_column(sync, name) for name in names)]
    model.syncs.filter(pk__in=readers).update(pending_reprocess=True)


def _new(model: Model, column: Column, position: int) -> ModelColumn:
    return ModelColumn(
        workspace_id=model.workspace_id,
        model=model,
        name=column.name,
        position=position,
        type=column.type,
        native_type=column.native_type,
        description=column.description,
    )


def _updated(row: ModelColumn, column: Column, position: int) -> ModelColumn:
    row.position, row.type, row.native_type, row.missing = position, column.type, column.native_type, False
    if not row.description_edited:
        row.description = column.description
    return row
