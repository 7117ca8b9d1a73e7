"""One run's line to a table: batches in, an answer for each row out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg.sql import SQL, Composable, Composed

from connectors.destinations.postgres.catalog import Connection, TableShape, read_table
from connectors.destinations.postgres.encoding import converted, copy_text
from connectors.destinations.postgres.failures import concerns_rows, typed, with_detail
from connectors.destinations.postgres.statements import EACH, Plan, Statement
from connectors.sdk import trace
from connectors.sdk.destination import ACCEPTED, Batch, Job, Mode, Removal, RowResult, rejected
from connectors.sdk.errors import ConfigError, ConnectorError
from connectors.sdk.rows import column_values
from connectors.sdk.types import Operation

_NO_MATCH = RowResult(True, "No row of the table matches; nothing was updated.", "no_match")
_SETTINGS = SQL("SELECT set_config('timezone', 'UTC', true), set_config('statement_timeout', %s, true)")


@dataclass(frozen=True)
class Work:
    """One batch made ready: what to run on which rows. ``results`` already holds the refusals."""

    verb: str
    plan: Plan
    statement: Callable[[Composable], Statement]
    rows: pa.RecordBatch
    positions: Sequence[int]
    results: list[RowResult] = field(default_factory=list)
    copies: bool = False
    reports_unmatched: bool = False


class TableSession:
    """Writes batches to one table, each in a transaction of its own."""

    def __init__(self, connection: Connection, table: TableShape, job: Job, timeout_s: float) -> None:
        self._connection = connection
        self._table = table
        self._job = job
        self._timeout_ms = str(int(timeout_s * 1000))
        self._mapped = tuple(f.name for f in job.fields)
        self._line = asyncio.Lock()
        check_table(table, job)

    async def deliver(self, batch: Batch) -> Sequence[RowResult]:
        """Write a batch. A row that the table refuses costs that row only."""
        if not len(batch):
            return []
        async with self._line:
            work = self._prepared(batch)
            if work.rows.num_rows:
                await self._traced(work)
            return work.results

    def _prepared(self, batch: Batch) -> Work:
        removing = batch.operation == Operation.REMOVED
        names = self._job.identifiers if removing else tuple(batch.rows.schema.names)
        columns = tuple(self._table.columns[name] for name in names)
        rows = converted(batch.rows.select(list(names)), self._table.columns)
        results = [ACCEPTED] * len(batch)
        positions = self._usable(rows, results)
        if len(positions) < len(rows):
            rows = rows.take(pa.array(positions, pa.int32()))
        plan = Plan(self._table, columns, self._job.identifiers, frozenset(batch.omit_nulls) & frozenset(names))
        return self._work(batch, plan, rows, positions, results)

    def _work(
        self, batch: Batch, plan: Plan, rows: pa.RecordBatch, positions: Sequence[int], results: list[RowResult]
    ) -> Work:
        if batch.operation == Operation.REMOVED:
            if self._job.removal == Removal.DELETE:
                return Work("DELETE", plan, plan.delete, rows, positions, results)
            emptied = [n for n in self._mapped if n not in self._job.identifiers]
            return Work("CLEAR", plan, lambda source: plan.clear(source, emptied), rows, positions, results)
        if self._job.mode == Mode.INSERT:
            return Work("INSERT", plan, plan.insert, rows, positions, results, copies=not plan.keep)
        if self._job.mode == Mode.UPDATE:
            return Work("UPDATE", plan, plan.update, rows, positions, results, reports_unmatched=True)
        return Work("UPSERT", plan, plan.upsert, rows, positions, results)

    def _usable(self, rows: pa.RecordBatch, results: list[RowResult]) -> list[int]:
        """Positions of rows to send: refusals are noted, and of rows with the same match the last one counts."""
        refused: set[int] = set()
        for name, array in zip(rows.schema.names, rows.columns, strict=True):
            if name in self._job.identifiers and array.null_count:
                _refuse(results, refused, array.is_null(), f"“{name}” is empty, so no record can match.", name)
            if pa.types.is_string(array.type) and (found := pc.match_substring(array, "\0")).true_count:
                _refuse(results, refused, found, f"“{name}” contains a NUL character, which text cannot hold.", name)
        kept = [i for i in range(len(rows)) if i not in refused] if refused else list(range(len(rows)))
        return self._last_of_each(rows, kept)

    def _last_of_each(self, rows: pa.RecordBatch, kept: list[int]) -> list[int]:
        if not self._job.identifiers:
            return kept
        if len(self._job.identifiers) == 1 and len(kept) == len(rows):
            array = rows.column(self._job.identifiers[0])
            if pc.count_distinct(array).as_py() == len(rows):
                return kept
        values = list(zip(*(column_values(rows.column(name)) for name in self._job.identifiers), strict=True))
        return sorted({values[i]: i for i in kept}.values())

    async def _traced(self, work: Work) -> None:
        started, clock = datetime.now(UTC), time.perf_counter()
        try:
            await self._carried_out(work)
        except ConnectorError as error:
            self._record(work, started, clock, error.message)
            raise
        self._record(work, started, clock, "")

    async def _carried_out(self, work: Work) -> None:
        try:
            async with self._transaction():
                await self._at_once(work)
        except psycopg.Error as error:
            if not concerns_rows(error):
                raise typed(error) from error
            await self._row_by_row(work)

    async def _at_once(self, work: Work) -> None:
        if work.copies:
            await self._copy(work.plan.copy_target(), copy_text(work.rows, numbered=False))
            return
        await self._connection.execute(work.plan.stage(typed=True))
        await self._copy(work.plan.copy_stage(), copy_text(work.rows, numbered=True))
        if work.reports_unmatched:
            for (n,) in await (await self._connection.execute(work.plan.unmatched())).fetchall():
                work.results[work.positions[n]] = _NO_MATCH
        await self._connection.execute(work.statement(work.plan.from_stage()))

    async def _row_by_row(self, work: Work) -> None:
        """The batch again, each row on its own, inside one function call on the server."""
        plan = work.plan
        try:
            async with self._transaction():
                await self._connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
                await self._connection.execute(plan.stage(typed=False))
                await self._copy(plan.copy_stage(), copy_text(work.rows, numbered=True))
                await self._connection.execute(plan.each(work.statement(plan.from_row())))
                refused = await (await self._connection.execute(SQL("SELECT * FROM {}()").format(EACH))).fetchall()
        except psycopg.Error as error:
            raise typed(error) from error
        for n, state, message, detail, column in refused:
            work.results[work.positions[n]] = rejected(
                with_detail(message, detail), code=state, field=column or self._column_in(message)
            )

    def _column_in(self, message: str) -> str:
        """The mapped field that a message names in quotes, if any."""
        return next((name for name in self._mapped if f'column "{name}"' in message), "")

    async def _copy(self, statement: Composed, text: bytes) -> None:
        async with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            await copy.write(text)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        """A transaction with our settings; an error while committing says that the outcome is unknown."""
        try:
            await self._connection.execute(_SETTINGS, (self._timeout_ms,))
            yield
        except BaseException:
            await self._undo()
            raise
        try:
            await self._connection.commit()
        except psycopg.Error as error:
            await self._undo()
            if concerns_rows(error):
                raise
            raise typed(error, committing=True) from error

    async def _undo(self) -> None:
        try:
            await self._connection.rollback()
        except psycopg.Error:
            await self._connection.close()

    def _record(self, work: Work, started: datetime, clock: float, error: str) -> None:
        if not trace.wanted():
            return
        refused = sum(not result.accepted for result in work.results)
        trace.record(
            trace.Exchange(
                started_at=started,
                duration_ms=(time.perf_counter() - clock) * 1000,
                method=work.verb,
                target=f"{self._table.schema}.{self._table.name}",
                status=None if error else 0,
                request_body=work.statement(work.plan.from_stage()).as_string(self._connection),
                response_body="" if error else f"{len(work.results)} rows, {refused} refused",
                error=error,
            )
        )


def check_table(table: TableShape, job: Job) -> None:
    """Raise ``ConfigError`` where the job cannot work on this table as it is now."""
    for name in (*job.identifiers, *(f.name for f in job.fields)):
        if name not in table.columns:
            raise ConfigError(
                f"The table {table.schema}.{table.name} has no column “{name}”.",
                field="mapping",
                hint="It was dropped or renamed. Choose another column.",
            )
    if read_only := [f.name for f in job.fields if table.columns[f.name].read_only and f.name not in job.identifiers]:
        raise ConfigError(f"The column “{read_only[0]}” is filled by the database itself.", field="mapping")
    if job.mode != Mode.INSERT:
        _check_identifiers(table, job)


def _check_identifiers(table: TableShape, job: Job) -> None:
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


def _refuse(results: list[RowResult], refused: set[int], mask: pa.Array, message: str, name: str) -> None:
    for index in pc.indices_nonzero(mask).to_pylist():
        results[index] = rejected(message, field=name)
        refused.add(index)


async def open_session(connection: Connection, job: Job, timeout_s: float) -> TableSession:
    """Read the table as it is now and check the job against it."""
    try:
        table = await read_table(connection, str(job.settings.get("table") or ""))
        await connection.rollback()
    except psycopg.Error as error:
        raise typed(error) from error
    return TableSession(connection, table, job, timeout_s)
