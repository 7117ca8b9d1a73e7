"""Sending one row to try a sync out: everything as in a run, and nothing is remembered.

The row takes the way of every other: the model's casts, the mapping, the batch
limits of the destination, its rate and the redaction of what is kept. Only the
files are scratch, and a refused batch is not tried again.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import orjson
import pyarrow as pa
from sqlglot import exp

from connectors.sdk.arrow import column_type, mark, python_values
from connectors.sdk.context import Environment
from connectors.sdk.destination import Destination, FirstRun, Job, Limits, RowSet
from connectors.sdk.rows import json_value
from connectors.sdk.source import RowStream, Source, SourceDefinition
from connectors.sdk.sql import quoted_column, select_from
from connectors.sdk.types import Column, ColumnType, Operation, Table
from syncs.engine.deliver import deliver_part
from syncs.engine.errors import EngineError
from syncs.engine.exchanges import KeptExchange, batch_exchanges
from syncs.engine.memory import AlwaysProceed, MemoryJournal
from syncs.engine.preparation import prepare
from syncs.engine.protocols import Limiter
from syncs.engine.runlog import LoggedRow, RunLog
from syncs.engine.spec import Failure, RunSpec
from syncs.engine.storage import Storage, scratch
from syncs.engine.traces import TraceWriter, trace_limits

_MEMORY_MB, _BATCH_ROWS = 128, 1_000
_FOLDER = "row"
_WHOLE = re.compile(r"-?[0-9]+")


class NoSuchRow(EngineError):
    """The model has no row that could be sent."""

    code = "no_such_row"


class NothingToFill(EngineError):
    """The destination has no place for the row yet."""

    code = "nothing_to_fill"


@dataclass(frozen=True, slots=True)
class SentRow:
    """What became of the row, and everything that was said. ``failure``: why it was given up."""

    row: LoggedRow
    exchanges: Sequence[KeptExchange]
    failure: Failure | None = None


def find_rows(spec: RunSpec, source: Source, *, key: str = "", limit: int = 20) -> pa.Table:
    """The first rows of the model, or those with this key, with the columns that the sync reads."""
    columns = [quoted_column(column.name) for column in spec.sent_columns]
    chosen = exp.select(*columns).limit(limit)
    if key:
        chosen = chosen.where(_has_key(spec, key))
    with source.query(select_from(spec.sql, chosen, spec.dialect), batch_rows=_BATCH_ROWS) as stream:
        batches = list(stream)
        return pa.Table.from_batches(batches, schema=stream.schema).slice(0, limit)


def row_values(rows: pa.Table, place: int) -> dict[str, Any]:
    """One row as JSON values by column name."""
    found = {}
    for field in rows.schema:
        value = python_values(rows.column(field.name).slice(place, 1).combine_chunks(), column_type(field))[0]
        found[field.name] = json_value(value)
    return found


def send_row(
    spec: RunSpec,
    job: Job,
    destination: Destination,
    row: pa.Table,
    operation: Operation,
    *,
    edits: Mapping[str, Any],
    limits: Limits,
    limiter: Callable[[], AbstractAsyncContextManager[Limiter]],
    workdir: str | Path,
) -> SentRow:
    """Send the one row of ``row`` as added, changed or removed, with some values replaced.

    ``edits`` are JSON values by column name; they keep their own types, whatever the
    model's column has. Nothing is retried and nothing remembered.
    """
    if destination.lacks(job):
        raise NothingToFill(
            "What the rows go into is made by the first run.", hint="Run the sync once, then test a row."
        )
    with scratch(workdir, "row-") as folder:
        storage = Storage(str(folder))
        spec = _alone(spec, edits)
        source = _OneRow(_edited(row, edits))
        prepared = prepare(spec, source, storage, None, workdir=folder, memory_mb=_MEMORY_MB, threads=1)
        if not prepared.parts:
            raise NoSuchRow("This row has no key, so it is never sent.")
        part = replace(prepared.parts[0], operations=((operation, prepared.parts[0].rows),))
        prepared = replace(prepared, parts=(part,))
        traces = TraceWriter(storage, spec.directory, part.number, limits=trace_limits(spec, prepared))

        async def deliver() -> Any:
            async with limiter() as keeping:
                once = replace(limits, attempts=1, concurrency=1)
                journal, control = MemoryJournal(), AlwaysProceed()
                return await deliver_part(
                    spec, job, destination, part, storage, journal, control, keeping, once, traces
                )

        outcome = asyncio.run(deliver())
        sent = RunLog(storage, spec, prepared, [outcome]).rows(limit=1).rows[0]
        exchanges = batch_exchanges(storage, spec.directory, part.number, sent.batch or 0)
        return SentRow(sent, exchanges, outcome.failure)


def _alone(spec: RunSpec, edits: Mapping[str, Any]) -> RunSpec:
    columns = tuple(replace(c, cast=None) if c.name in edits else c for c in spec.sent_columns)
    return replace(
        spec,
        columns=columns,
        group="",
        directory=_FOLDER,
        rows=RowSet.CHANGES,
        first_run=FirstRun.BACKFILL,
        wanted=frozenset(Operation),
        split_retry=False,
        resync=False,
        reset=False,
        reprocess=False,
    )


def _has_key(spec: RunSpec, key: str) -> exp.Expr:
    """Numbers and texts are compared as what they are, so that the source may use an index."""
    column = quoted_column(spec.primary_key)
    kind = next(c.type for c in spec.columns if c.name == spec.primary_key)
    if kind is ColumnType.NUMBER and _WHOLE.fullmatch(key):
        return exp.EQ(this=column, expression=exp.Literal.number(key))
    if kind is ColumnType.STRING:
        return exp.EQ(this=column, expression=exp.Literal.string(key))
    return exp.EQ(this=exp.cast(column, "text"), expression=exp.Literal.string(key))


def _edited(row: pa.Table, edits: Mapping[str, Any]) -> pa.RecordBatch:
    fields, arrays = [], []
    for field in row.schema:
        array = row.column(field.name).combine_chunks()
        if field.name in edits:
            field, array = _typed(field, edits[field.name])
        fields.append(field)
        arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def _typed(field: pa.Field, value: Any) -> tuple[pa.Field, pa.Array]:
    """A JSON value as a column of one row, with its own type; null keeps the column's."""
    if value is None:
        return field, pa.nulls(1, field.type)
    text = pa.field(field.name, pa.string())
    if isinstance(value, dict | list):
        return mark(text, ColumnType.OBJECT), pa.array([orjson.dumps(value).decode()])
    if isinstance(value, bool):
        return pa.field(field.name, pa.bool_()), pa.array([value])
    if isinstance(value, str):
        return mark(text, ColumnType.STRING), pa.array([value])
    return mark(text, ColumnType.NUMBER), pa.array([str(value)])


class _OneRow(Source):
    """A source whose model is one row that is already here."""

    definition: ClassVar[SourceDefinition]

    def __init__(self, row: pa.RecordBatch) -> None:
        super().__init__({}, Environment())
        self.schema = row.schema
        self._row = row

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        yield self._row

    def cancel(self) -> None:
        """Nothing runs."""

    @contextmanager
    def query(self, sql: str, *, batch_rows: int = _BATCH_ROWS) -> Iterator[RowStream]:
        """The row, whatever is asked."""
        yield self

    def check(self) -> None:
        """Always there."""

    def tables(self) -> Sequence[Table]:
        """None."""
        return ()

    def columns(self, table: Table) -> Sequence[Column]:
        """None."""
        return ()

    def describe(self, sql: str) -> NoReturn:
        """Never asked: the row's schema is known."""
        raise NotImplementedError
