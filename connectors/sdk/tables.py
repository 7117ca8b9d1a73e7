"""Destinations whose rows go into tables of a database: what their families share.

Declarations of a sync (which table, how large a batch), what is checked before the first row, and which
rows of a batch can be written at all. Statements and connections are each family's own.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from connectors.sdk import trace
from connectors.sdk.destination import (
    Batch,
    Destination,
    DestinationField,
    FirstRun,
    Job,
    Limits,
    Mode,
    ModeSpec,
    Removal,
    RowResult,
    RowSet,
    SyncType,
    rejected,
)
from connectors.sdk.errors import ConfigError, ConnectorError
from connectors.sdk.fields import Field, Number, Select
from connectors.sdk.rows import column_values
from connectors.sdk.types import Operation

DEFAULT_TIMEOUT_S = 300
NO_MATCH = RowResult(True, "No row of the table matches; nothing was updated.", "no_match")
_REMOVALS = (Removal.NOTHING, Removal.CLEAR, Removal.DELETE)


class Target(Protocol):
    """A table as it is now. ``keys``: sets of columns that are unique together."""

    @property
    def place(self) -> str:
        """Its name for people, with its schema."""

    @property
    def columns(self) -> Mapping[str, Any]: ...

    @property
    def keys(self) -> Sequence[frozenset[str]]: ...


def target_fields(table: Target) -> list[DestinationField]:
    """A table's columns as fields that rows can be mapped to; ``required`` ones are those of a new row."""
    primary = table.keys[0] if table.keys else frozenset()
    members = frozenset().union(*table.keys)
    return [
        DestinationField(
            name=c.name,
            type=c.shown,
            required=c.required,
            identifier=c.name in members,
            recommended=c.name in primary,
            native_type=c.native_type,
            description=c.description,
            read_only=c.read_only,
        )
        for c in table.columns.values()
    ]


def table_settings(batch: int, *, most: int = 100_000) -> tuple[Field, ...]:
    """What a person sets for a sync into a table."""
    return (
        Select(name="table", label="Table", help="Tables and views that the user may change.", discover="tables"),
        Number(
            name="batch_size",
            label="Rows in a batch",
            help="Each batch is one transaction. Smaller ones hold locks for a shorter time; larger ones are faster.",
            default=batch,
            minimum=1,
            maximum=most,
            unit="rows",
            group="Load",
        ),
        Number(
            name="pause",
            label="Pause between batches",
            help="Set a pause where the database is busy with other work too.",
            default=0,
            minimum=0,
            maximum=60_000,
            unit="ms",
            group="Load",
        ),
        Number(
            name="timeout",
            label="Statement time-out",
            help="A batch that takes longer is undone and tried again.",
            default=DEFAULT_TIMEOUT_S,
            minimum=5,
            maximum=3600,
            unit="seconds",
            group="Load",
        ),
    )


def table_sync_type(batch: int, *more: Field, most: int = 100_000, insert: str = "") -> SyncType:
    """Rows of a model as rows of a table. ``insert`` says what is special about that mode."""
    words = "Add each new row once and never touch it again."
    return SyncType(
        key="table",
        name="Table rows",
        description="Rows of a model become rows of a table.",
        settings=(*table_settings(batch, most=most), *more),
        matching_templates=True,
        limits=Limits(batch_rows=batch, batch_bytes=64_000_000, timeout_s=DEFAULT_TIMEOUT_S),
        first_run=(FirstRun.BACKFILL, FirstRun.SKIP),
        modes=(
            ModeSpec(
                mode=Mode.UPSERT,
                rows=RowSet.CHANGES,
                description="Update the row that matches, or add it where there is none.",
                removals=_REMOVALS,
            ),
            ModeSpec(
                mode=Mode.UPDATE,
                rows=RowSet.CHANGES,
                description="Update the row that matches; never add one.",
                removals=_REMOVALS,
            ),
            ModeSpec(
                mode=Mode.INSERT,
                rows=RowSet.ADDED,
                description=f"{words} {insert}".strip(),
                idempotent=False,
                matching=False,
            ),
        ),
    )


class TableDestination(Destination):
    """A database whose tables syncs fill."""

    def limits(self, job: Job, operation: Operation | None = None) -> Limits:
        settings = job.settings
        declared = self.definition.sync_type(job.sync_type).limits
        return replace(
            declared,
            batch_rows=int(settings.get("batch_size") or declared.batch_rows),
            pause_ms=int(settings.get("pause") or 0),
            timeout_s=float(settings.get("timeout") or DEFAULT_TIMEOUT_S),
        )

    def wanted(self, job: Job) -> frozenset[Operation]:
        if job.mode == Mode.INSERT:
            return frozenset({Operation.ADDED})
        changes = frozenset({Operation.ADDED, Operation.CHANGED})
        return changes if job.removal == Removal.NOTHING else changes | {Operation.REMOVED}

    def validate(self, job: Job) -> None:
        if not job.settings.get("table"):
            raise ConfigError("Choose a table.", field="table")
        if not job.fields:
            raise ConfigError("Map at least one column.", field="mapping")
        if job.mode != Mode.INSERT and not job.identifiers:
            raise ConfigError("Choose how rows are matched.", field="identifiers")


class BlockingTableSession(ABC):
    """Batches for one table over a connection that blocks: one at a time, each in a thread."""

    def __init__(self, table: Target, job: Job) -> None:
        self._target = table
        self._job = job
        self._line = asyncio.Lock()
        self._mapped = tuple(f.name for f in job.fields)
        check_table(table, job)

    async def deliver(self, batch: Batch) -> Sequence[RowResult]:
        """Write a batch. A row that the table refuses costs that row only."""
        if not len(batch):
            return []
        async with self._line:
            with traced(self._verb(batch.operation), self._target.place) as told:
                results = await asyncio.to_thread(self._written, batch, told)
                told.answer = outcome(results)
            return results

    def _verb(self, operation: Operation) -> str:
        if operation == Operation.REMOVED:
            return "DELETE" if self._job.removal == Removal.DELETE else "CLEAR"
        return self._job.mode.value.upper()

    @abstractmethod
    def _written(self, batch: Batch, told: Told) -> list[RowResult]:
        """Write the rows; what became of each."""


def check_table(table: Target, job: Job) -> None:
    """Raise ``ConfigError`` where the job cannot work on this table as it is now."""
    for name in (*job.identifiers, *(f.name for f in job.fields)):
        if name not in table.columns:
            raise ConfigError(
                f"The table {table.place} has no column “{name}”.",
                field="mapping",
                hint="It was dropped or renamed. Choose another column.",
            )
    if read_only := [f.name for f in job.fields if table.columns[f.name].read_only and f.name not in job.identifiers]:
        raise ConfigError(f"The column “{read_only[0]}” is filled by the database itself.", field="mapping")
    if job.mode != Mode.INSERT:
        _check_identifiers(table, job)


def _check_identifiers(table: Target, job: Job) -> None:
    if frozenset(job.identifiers) not in table.keys:
        chosen = ", ".join(job.identifiers) or "nothing"
        raise ConfigError(
            f"Rows cannot be matched on {chosen}: it is not a unique key of the table.",
            field="identifiers",
            hint="Choose the columns of a PRIMARY KEY or UNIQUE constraint, or add one to the table.",
        )
    if job.mode == Mode.UPSERT and any(table.columns[n].read_only for n in job.identifiers):
        raise ConfigError(
            "New rows cannot be added: the database fills the matching column itself.",
            field="identifiers",
            hint="Use update mode, or match on another column.",
        )


def usable(rows: pa.RecordBatch, identifiers: Sequence[str], results: list[RowResult], *, nul: bool) -> list[int]:
    """Positions of rows to send: refusals go into ``results``, and of rows with the same match the last one counts.

    ``nul`` refuses text with a NUL character, which some databases cannot hold.
    """
    refused: set[int] = set()
    for name, array in zip(rows.schema.names, rows.columns, strict=True):
        if name in identifiers and array.null_count:
            _refuse(results, refused, array.is_null(), f"“{name}” is empty, so no record can match.", name)
        if nul and pa.types.is_string(array.type) and (found := pc.match_substring(array, "\0")).true_count:
            _refuse(results, refused, found, f"“{name}” contains a NUL character, which text cannot hold.", name)
    kept = [i for i in range(len(rows)) if i not in refused] if refused else list(range(len(rows)))
    return _last_of_each(rows, identifiers, kept)


def _refuse(results: list[RowResult], refused: set[int], mask: pa.Array, message: str, name: str) -> None:
    for index in pc.indices_nonzero(mask).to_pylist():
        results[index] = rejected(message, field=name)
        refused.add(index)


def _last_of_each(rows: pa.RecordBatch, identifiers: Sequence[str], kept: list[int]) -> list[int]:
    if not identifiers:
        return kept
    if len(identifiers) == 1 and len(kept) == len(rows):
        array = rows.column(identifiers[0])
        if pc.count_distinct(array).as_py() == len(rows):
            return kept
    values = list(zip(*(column_values(rows.column(name)) for name in identifiers), strict=True))
    return sorted({values[i]: i for i in kept}.values())


@dataclass
class Told:
    """What the debugger is told of a batch: the statement without values, and how it ended."""

    statement: str = ""
    answer: str = ""


@contextmanager
def traced(verb: str, target: str) -> Iterator[Told]:
    """Record what happens inside as one exchange."""
    started, clock, told, error = datetime.now(UTC), time.perf_counter(), Told(), ""
    try:
        yield told
    except ConnectorError as raised:
        error = raised.message
        raise
    finally:
        if trace.wanted():
            trace.record(
                trace.Exchange(
                    started_at=started,
                    duration_ms=(time.perf_counter() - clock) * 1000,
                    method=verb,
                    target=target,
                    status=None if error else 0,
                    request_body=told.statement,
                    response_body="" if error else told.answer,
                    error=error,
                )
            )


def outcome(results: Sequence[RowResult]) -> str:
    """How a batch ended, for the debugger."""
    return f"{len(results)} rows, {sum(not result.accepted for result in results)} refused"
