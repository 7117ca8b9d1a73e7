"""One run's line to a table: batches in, an answer for each row out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from connectors.destinations.sqlserver.catalog import TableShape
from connectors.destinations.sqlserver.failures import concerns_rows, typed
from connectors.destinations.sqlserver.statements import STAGE, Plan
from connectors.destinations.sqlserver.values import texts
from connectors.sdk.destination import ACCEPTED, Batch, Job, Mode, Removal, RowResult, rejected
from connectors.sdk.errors import ConnectorError
from connectors.sdk.tables import NO_MATCH, BlockingTableSession, Told, usable
from connectors.sdk.tds import FAILURES, Session, number_and_words
from connectors.sdk.types import Operation

_FAILURES = (*FAILURES, ConnectorError)
Row = tuple[int, int, *tuple[str | None, ...]]  # its position, its part, its values


@dataclass(frozen=True)
class Work:
    """One batch made ready: its rows, and how the rows of each part are written."""

    plans: Sequence[Plan]
    rows: Sequence[Row]
    statement: Callable[[Plan, int | None], str]
    tells_unmatched: bool


class TableSession(BlockingTableSession):
    """Writes batches to one table, each in a transaction of its own."""

    def __init__(self, session: Session, table: TableShape, job: Job) -> None:
        super().__init__(table, job)
        self._session = session
        self._table = table

    def _written(self, batch: Batch, told: Told) -> list[RowResult]:
        results = [ACCEPTED] * len(batch)
        work = self._prepared(batch, results)
        if not work.rows:
            return results
        told.statement = work.statement(work.plans[0], None)
        try:
            self._staged(work)
        except _FAILURES as error:
            raise typed(error) from error
        try:
            self._at_once(work, results)
        except _FAILURES as error:
            if not concerns_rows(error):
                raise typed(error) from error
            self._row_by_row(work, results)
        return results

    def _prepared(self, batch: Batch, results: list[RowResult]) -> Work:
        removing = batch.operation == Operation.REMOVED
        names = tuple(self._job.identifiers if removing else batch.rows.schema.names)
        rows = batch.rows.select(list(names))
        positions = usable(rows, self._job.identifiers, results, nul=False)
        if len(positions) < len(rows):
            rows = rows.take(pa.array(positions, pa.int32()))
        columns = tuple(self._table.columns[name] for name in names)
        values = [
            texts(array, column, results, positions, matches=column.name in self._job.identifiers)
            for array, column in zip(rows.columns, columns, strict=True)
        ]
        plan = Plan(self._table, columns, self._job.identifiers)
        omitted = [i for i, name in enumerate(names) if name in batch.omit_nulls and name not in self._job.identifiers]
        parts: dict[frozenset[str], Plan] = {}
        ready: list[Row] = []
        for position, row in zip(positions, zip(*values, strict=True), strict=True):
            if results[position].accepted:
                left_out = frozenset(names[i] for i in omitted if row[i] is None)
                part = parts.setdefault(left_out, replace(plan, part=len(parts), left_out=left_out))
                ready.append((position, part.part, *row))
        tells = not removing and self._job.mode == Mode.UPDATE
        return Work(list(parts.values()), ready, self._statement(batch.operation), tells)

    def _statement(self, operation: Operation) -> Callable[[Plan, int | None], str]:
        if operation == Operation.REMOVED:
            if self._job.removal == Removal.DELETE:
                return Plan.delete
            emptied = [name for name in self._mapped if name not in self._job.identifiers]
            return (lambda plan, row: plan.clear(emptied, row)) if emptied else lambda plan, row: plan.unmatched()
        return {Mode.INSERT: Plan.insert, Mode.UPDATE: Plan.update}.get(self._job.mode, Plan.upsert)

    def _staged(self, work: Work) -> None:
        plan = work.plans[0]
        for statement in plan.stage():
            self._session.run(statement)
        self._session.load(STAGE, ("n", "p"), [f"c{i}" for i in range(len(plan.columns))], work.rows)

    def _at_once(self, work: Work, results: list[RowResult]) -> None:
        unmatched: list[int] = []
        with self._session.transaction(lambda error: typed(error, in_doubt=True)):
            for plan in work.plans:
                if work.tells_unmatched:
                    unmatched += [n for (n,) in self._session.small(plan.unmatched())]
                self._session.run(work.statement(plan, None))
        for position in unmatched:
            results[position] = NO_MATCH

    def _row_by_row(self, work: Work, results: list[RowResult]) -> None:
        """Each row by a statement of its own, which commits by itself: an error would undo a transaction around it."""
        for position, part, *_ in work.rows:
            plan = work.plans[part]
            try:
                touched = self._session.run(work.statement(plan, position))
            except _FAILURES as error:
                if not concerns_rows(error):
                    raise typed(error, in_doubt=True) from error
                number, words = number_and_words(error)
                results[position] = rejected(words, code=str(number))
                continue
            if work.tells_unmatched and not touched:
                results[position] = NO_MATCH
