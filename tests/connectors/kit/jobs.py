"""Jobs and batches for tests, with the same run every time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from connectors.sdk.destination import (
    Batch,
    DestinationDefinition,
    DestinationField,
    Job,
    Mode,
    Removal,
    SyncType,
)
from connectors.sdk.fields import Field
from connectors.sdk.types import Operation
from connectors.sdk.validation import assemble, clean

STARTED = datetime(2026, 1, 31, 10, 20, 30, 456_000, UTC)


def settled(fields: Sequence[Field], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as a connector gets them: checked, defaults filled in, secrets put back."""
    cleaned = clean(fields, raw)
    return assemble(cleaned.config, cleaned.secrets)


def job_for(
    definition: DestinationDefinition,
    settings: Mapping[str, Any],
    *,
    mode: Mode | None = None,
    removal: Removal = Removal.NOTHING,
    identifiers: Sequence[str] = (),
    fields: Sequence[str] = (),
    sync_type: SyncType | None = None,
) -> Job:
    """A job of the destination's first sync type and mode, unless told otherwise."""
    chosen = sync_type or definition.sync_types[0]
    return Job(
        sync_id=7,
        sync_slug="customers-to-there",
        run_id=42,
        model_id=3,
        model_name="VIP Customers",
        sync_type=chosen.key,
        mode=mode or chosen.modes[0].mode,
        removal=removal,
        settings=settled(chosen.settings, settings),
        identifiers=tuple(identifiers),
        fields=tuple(DestinationField(name=name) for name in fields),
        started_at=STARTED,
        primary_key="id",
    )


def batch_of(
    operation: Operation, rows: pa.RecordBatch | Sequence[Mapping[str, Any]], *, omit_nulls: Sequence[str] = ()
) -> Batch:
    """A batch keyed by position."""
    table = rows if isinstance(rows, pa.RecordBatch) else pa.RecordBatch.from_pylist(list(rows))
    return Batch(operation, [str(i + 1) for i in range(table.num_rows)], table, frozenset(omit_nulls))


class Streams:
    """A run's rows for ``single_writer`` types, handed over in pieces."""

    def __init__(self, piece: int = 7, **rows: pa.RecordBatch) -> None:
        self._rows = {Operation(name): batch for name, batch in rows.items()}
        self._piece = piece

    @property
    def schema(self) -> pa.Schema:
        return next(iter(self._rows.values())).schema

    def stream(self, operation: Operation) -> Iterator[Batch]:
        for start in range(0, self.count(operation), self._piece):
            yield batch_of(operation, self._rows[operation].slice(start, self._piece))

    def count(self, operation: Operation) -> int:
        rows = self._rows.get(operation)
        return rows.num_rows if rows is not None else 0
