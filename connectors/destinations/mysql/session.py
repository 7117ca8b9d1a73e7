"""One run's line to a table: batches in, an answer for each row out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import pyarrow as pa
import pymysql
from pymysql.constants import COMMAND
from pymysql.converters import escape_string

from connectors.destinations.mysql.catalog import Kind, TableShape
from connectors.destinations.mysql.failures import concerns_rows, typed, words
from connectors.destinations.mysql.literals import literals
from connectors.destinations.mysql.statements import Plan, Row, loaded
from connectors.sdk.destination import ACCEPTED, Batch, Job, Mode, Removal, RowResult, rejected
from connectors.sdk.mysql import Connection
from connectors.sdk.tables import NO_MATCH, BlockingTableSession, Told, usable
from connectors.sdk.types import Operation

LOAD = "load"
T = TypeVar("T", str, Row)
# Servers refuse packets beyond max_allowed_packet, of which 16 MB is the least that is common.
_PACKET_BYTES = 4_000_000
_AT_ONCE = 500


@dataclass(frozen=True)
class Part:
    """Rows that are written alike: their literals and their positions in the batch."""

    plan: Plan
    rows: list[Row]
    positions: list[int]


class TableSession(BlockingTableSession):
    """Writes batches to one table, each in a transaction of its own."""

    def __init__(self, connection: Connection, table: TableShape, job: Job) -> None:
        super().__init__(table, job)
        self._connection = connection
        self._table = table

    def _written(self, batch: Batch, told: Told) -> list[RowResult]:
        results = [ACCEPTED] * len(batch)
        parts = list(self._parts(batch, results))
        if parts:
            told.statement = self._shown(parts[0], batch.operation)
        write = self._writer(batch.operation)
        try:
            self._transaction(lambda: [write(part, results) for part in parts])
        except pymysql.Error as error:
            if not concerns_rows(error):
                raise typed(error) from error
            self._row_by_row(parts, batch.operation, results)
        return results

    def _parts(self, batch: Batch, results: list[RowResult]) -> Iterator[Part]:
        """The rows to send; those with nulls that are to be left alone go without these columns."""
        removing = batch.operation == Operation.REMOVED
        names = tuple(self._job.identifiers if removing else batch.rows.schema.names)
        rows = batch.rows.select(list(names))
        positions = usable(rows, self._job.identifiers, results, nul=False)
        if len(positions) < len(rows):
            rows = rows.take(pa.array(positions, pa.int32()))
        columns = [
            literals(array, self._table.columns[name], escape_string, results, positions)
            for name, array in zip(names, rows.columns, strict=True)
        ]
        omitted = [i for i, name in enumerate(names) if name in batch.omit_nulls and name not in self._job.identifiers]
        groups: dict[tuple[int, ...], Part] = {}
        for position, row in zip(positions, zip(*columns, strict=True), strict=True):
            if not results[position].accepted:
                continue
            left_out = tuple(i for i in omitted if row[i] == "NULL")
            part = groups.get(left_out)
            if part is None:
                kept = tuple(name for i, name in enumerate(names) if i not in left_out)
                part = groups[left_out] = Part(Plan(self._table.name, kept, self._job.identifiers), [], [])
            part.rows.append(tuple(v for i, v in enumerate(row) if i not in left_out) if left_out else row)
            part.positions.append(position)
        yield from groups.values()

    def _writer(self, operation: Operation) -> Callable[[Part, list[RowResult]], None]:
        if operation == Operation.REMOVED:
            return self._delete if self._job.removal == Removal.DELETE else self._clear
        if self._job.mode == Mode.INSERT:
            return self._insert
        if self._job.mode == Mode.UPDATE:
            return self._update
        if self._job.settings.get("strategy") == LOAD:
            return self._load
        # The server takes a row for known when any unique key matches, not only the chosen one.
        return self._upsert if len(self._table.keys) == 1 else self._update_or_insert

    def _insert(self, part: Part, results: list[RowResult]) -> None:
        for rows in _packets(part.rows):
            self._connection.query(part.plan.insert(rows))

    def _upsert(self, part: Part, results: list[RowResult]) -> None:
        for rows in _packets(part.rows):
            self._connection.query(part.plan.upsert(rows))

    def _delete(self, part: Part, results: list[RowResult]) -> None:
        for rows in _packets(part.rows):
            self._connection.query(part.plan.delete(rows))

    def _clear(self, part: Part, results: list[RowResult]) -> None:
        if names := self._emptied:
            for rows in _packets(part.rows):
                self._connection.query(part.plan.clear(rows, names))

    def _update(self, part: Part, results: list[RowResult]) -> None:
        for place in self._unmatched(part):
            results[part.positions[place]] = NO_MATCH

    def _update_or_insert(self, part: Part, results: list[RowResult]) -> None:
        new = [part.rows[place] for place in self._unmatched(part)]
        for rows in _packets(new):
            self._connection.query(part.plan.insert(rows))

    def _unmatched(self, part: Part) -> list[int]:
        """Update every row; the places of those that match nothing."""
        statements = [part.plan.update(row) for row in part.rows]
        matched = [count for some in _packets(statements) for count in self._many(some)]
        return [place for place, count in enumerate(matched) if not count]

    def _load(self, part: Part, results: list[RowResult]) -> None:
        """Send rows as a file. The server only warns of values it changed: then nothing of it is kept."""
        binary = [self._table.columns[name].kind is Kind.BYTES for name in part.plan.columns]
        self._connection._execute_command(COMMAND.COM_QUERY, part.plan.load(binary))
        asked = self._connection._read_packet()
        if asked.is_load_local_packet():
            for rows in _packets(part.rows):
                self._connection.write_packet(loaded(rows))
            self._connection.write_packet(b"")
            asked = self._connection._read_packet()
        if pymysql.connections.OKPacketWrapper(asked).warning_count:
            raise pymysql.DataError(1265, "Data truncated")

    @property
    def _emptied(self) -> list[str]:
        return [name for name in self._mapped if name not in self._job.identifiers]

    def _many(self, statements: Sequence[str]) -> list[int]:
        """Several statements in one packet: how many rows each matched. Raises at the first that fails."""
        counts = [self._connection.query("; ".join(statements))]
        while self._connection._result.has_next:
            counts.append(self._connection.next_result())
        return [int(count) for count in counts]

    def _row_by_row(self, parts: Sequence[Part], operation: Operation, results: list[RowResult]) -> None:
        """The rows again, each with a statement of its own; a failed one is undone by the server alone."""

        def each() -> None:
            for part in parts:
                write = self._writer_of_one(part.plan, operation)
                for row, position in zip(part.rows, part.positions, strict=True):
                    try:
                        if not write(row):
                            results[position] = NO_MATCH
                    except pymysql.Error as error:
                        if not concerns_rows(error):
                            raise
                        results[position] = rejected(words(error), code=str(error.args[0]))

        try:
            self._transaction(each)
        except pymysql.Error as error:
            raise typed(error) from error

    def _writer_of_one(self, plan: Plan, operation: Operation) -> Callable[[Row], bool]:
        """Writes one row; false where an update matched nothing."""
        ask, names = self._connection.query, self._emptied
        if operation == Operation.REMOVED:
            if self._job.removal == Removal.DELETE:
                return lambda row: ask(plan.delete([row])) >= 0
            return lambda row: ask(plan.clear([row], names)) >= 0
        if self._job.mode == Mode.INSERT:
            return lambda row: ask(plan.insert([row])) >= 0
        if self._job.mode == Mode.UPDATE:
            return lambda row: bool(ask(plan.update(row)))
        if self._job.settings.get("strategy") == LOAD:
            return lambda row: ask(plan.replace([row])) >= 0

        def upsert(row: Row) -> bool:
            if not ask(plan.update(row)):
                ask(plan.insert([row]))
            return True

        return upsert

    def _transaction(self, write: Callable[[], object]) -> None:
        """A transaction; an error while committing says that the outcome is unknown."""
        self._connection.begin()
        try:
            write()
        except BaseException:
            self._undo()
            raise
        try:
            self._connection.commit()
        except pymysql.Error as error:
            self._undo()
            raise typed(error, committing=True) from error

    def _undo(self) -> None:
        with suppress(pymysql.Error, OSError):
            self._connection.rollback()

    def _shown(self, part: Part, operation: Operation) -> str:
        """The statement, with marks in place of values."""
        marks: list[Row] = [["?"] * len(part.plan.columns)]
        if operation == Operation.REMOVED:
            if self._job.removal == Removal.DELETE:
                return part.plan.delete(marks)
            return part.plan.clear(marks, self._emptied)
        if self._job.mode == Mode.UPDATE:
            return part.plan.update(marks[0])
        return part.plan.insert(marks) if self._job.mode == Mode.INSERT else part.plan.upsert(marks)


def _packets(rows: Sequence[T]) -> Iterator[list[T]]:
    """Rows in groups that fit into a packet."""
    held: list[T] = []
    size = 0
    for row in rows:
        width = _width(row)
        if held and (size + width > _PACKET_BYTES or len(held) >= _AT_ONCE):
            yield held
            held, size = [], 0
        held.append(row)
        size += width
    if held:
        yield held


def _width(row: str | Row) -> int:
    """The bytes that a statement, or a row of literals, takes at most."""
    return 4 * (len(row) if isinstance(row, str) else sum(map(len, row)) + 4 * len(row))
