"""One run's line to a table: batches in, an answer for each row out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psycopg
import pyarrow as pa
from psycopg.sql import SQL, Composable, Composed

from connectors.destinations.postgres.catalog import Connection, TableShape, read_table
from connectors.destinations.postgres.encoding import converted, copy_text
from connectors.destinations.postgres.failures import concerns_rows, typed, with_detail
from connectors.destinations.postgres.statements import EACH, Plan, Statement
from connectors.sdk.destination import ACCEPTED, Batch, Job, Mode, Removal, RowResult, rejected
from connectors.sdk.tables import NO_MATCH, check_table, outcome, traced, usable
from connectors.sdk.types import Operation

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
        positions = usable(rows, self._job.identifiers, results, nul=True)
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

    async def _traced(self, work: Work) -> None:
        with traced(work.verb, self._table.place) as told:
            told.statement = work.statement(work.plan.from_stage()).as_string(self._connection)
            await self._carried_out(work)
            told.answer = outcome(work.results)

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
                work.results[work.positions[n]] = NO_MATCH
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


async def open_session(connection: Connection, job: Job, timeout_s: float) -> TableSession:
    """Read the table as it is now and check the job against it."""
    try:
        table = await read_table(connection, str(job.settings.get("table") or ""))
        await connection.rollback()
    except psycopg.Error as error:
        raise typed(error) from error
    return TableSession(connection, table, job, timeout_s)
