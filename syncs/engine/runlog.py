"""Reading a run's rows, outcomes and requests for the debugger, while it runs and afterwards.

Everything stays in Parquet and is read by DuckDB a page at a time: nothing here
loads a run. A part's rows show up once its outcome is stored, its requests earlier.
Rows rejected for a key that is not their own count as part 0, without an operation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from connectors.sdk.arrow import column_type, python_values
from connectors.sdk.rows import json_value
from connectors.sdk.types import Operation
from syncs.engine.duck import literal
from syncs.engine.instances import Limits, instances
from syncs.engine.recipe import KEY
from syncs.engine.spec import PartOutcome, Prepared, RowStatus, RunSpec
from syncs.engine.storage import Storage

MAX_PAGE = 500
_DUPLICATES = 0
_LIMITS = Limits(memory_mb=128, threads=1, in_order=True)
_EXPORTED_ROWS = 2_000
_OUTCOME_COLUMNS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRow:
    """One row of a run. ``id`` is its part and place, ``12:3400``; values are JSON values by column name."""

    id: str
    key: str
    operation: Operation | None
    status: RowStatus
    batch: int | None
    code: str
    message: str
    field: str
    values: dict[str, Any]
    old_values: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of rows; ``next`` is the cursor of the following one, empty at the end."""

    rows: tuple[LoggedRow, ...]
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorGroup:
    """Rows that failed with the same words."""

    code: str
    message: str
    rows: int
    example: str  # a row's id


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many rows of one operation ended in one way."""

    operation: Operation | None
    status: RowStatus
    rows: int


@dataclass(frozen=True, slots=True)
class _Filter:
    """Which rows are asked for."""

    operation: Operation | None = None
    status: RowStatus | None = None
    failed: bool = False
    search: str = ""
    batch: int | None = None
    words: tuple[str, str] | None = None  # code and message


class RunLog:
    """The record of one run, from what its stages stored.

    ``untold`` is what rows without an outcome are: planned in a run that is held or a comparison
    that is only looked at, aborted in a run that has ended. Without it they do not show.
    """

    def __init__(
        self,
        storage: Storage,
        spec: RunSpec,
        prepared: Prepared,
        outcomes: Sequence[PartOutcome] = (),
        *,
        untold: RowStatus | None = None,
    ) -> None:
        self._untold = untold
        self._storage = storage
        self._names = [column.name for column in spec.columns]
        self._prepared = prepared
        self._outcomes = {outcome.number: outcome for outcome in outcomes}
        self._parts = {part.number: part for part in prepared.parts}

    def counts(self) -> tuple[Count, ...]:
        """Rows by operation and status, without those of parts that are not through yet."""
        found: dict[tuple[Operation | None, RowStatus], int] = {}
        for outcome in self._outcomes.values():
            operation = self._operation(outcome.number)
            for status, rows in _statuses(outcome):
                found[operation, status] = found.get((operation, status), 0) + rows
        for number, part in self._parts.items():
            if self._untold and number not in self._outcomes:
                key = (self._operation(number), self._untold)
                found[key] = found.get(key, 0) + part.rows
        if self._prepared.duplicates:
            found[None, RowStatus.REJECTED] = self._prepared.duplicates
        return tuple(Count(operation=o, status=s, rows=n) for (o, s), n in found.items() if n)

    def rows(
        self,
        *,
        operation: Operation | None = None,
        status: RowStatus | None = None,
        failed: bool = False,
        search: str = "",
        batch: tuple[int, int] | None = None,
        like: str = "",
        cursor: str = "",
        limit: int = 50,
    ) -> Page:
        """Rows in the order in which they were planned.

        ``failed`` leaves out those that succeeded; ``search`` is looked for in keys;
        ``batch`` (part, number) asks for the rows that travelled together, ``like``
        (a row's id) for those that failed with the same words as that row.
        """
        wanted = _Filter(operation, status, failed, search, batch[1] if batch else None, self._words(like))
        limit = max(1, min(limit, MAX_PAGE))
        start_part, start_row = _parse(cursor) if cursor else (-1, -1)
        found: list[LoggedRow] = []
        with connection() as reader:
            for number in self._readable(operation, batch[0] if batch else None):
                if number < start_part:
                    continue
                after = start_row if number == start_part else -1
                found += self._page(reader, number, wanted, after, limit + 1 - len(found))
                if len(found) > limit:
                    return Page(tuple(found[:limit]), found[limit - 1].id)
        return Page(tuple(found))

    def row(self, id: str) -> LoggedRow | None:
        """One row with its old values, or ``None`` where there is no such row."""
        number, place = _parse(id)
        if number not in self._readable(None, None):
            return None
        with connection() as reader:
            found = self._page(reader, number, _Filter(), place - 1, 1)
        return found[0] if found and found[0].id == id else None

    def _words(self, like: str) -> tuple[str, str] | None:
        if not like:
            return None
        row = self.row(like)
        return (row.code, row.message) if row else None

    def error_groups(self, limit: int = 50) -> tuple[ErrorGroup, ...]:
        """The words with which rows failed, most frequent first."""
        files = [self._outcomes_sql(number) for number in self._readable(None, None)]
        if not files:
            return ()
        sql = (
            f"SELECT coalesce(code, ''), coalesce(message, ''), count(*), min_by(part || ':' || row, (part, row)) "
            f"FROM ({' UNION ALL '.join(files)}) WHERE status NOT IN ('succeeded', 'planned') GROUP BY 1, 2 "
            f"ORDER BY 3 DESC, 2 LIMIT {int(limit)}"
        )
        with connection() as reader:
            found = reader.execute(sql).fetchall()
        return tuple(ErrorGroup(code=c, message=m, rows=n, example=e) for c, m, n, e in found)

    def export(self, *, failed: bool = False) -> Iterator[LoggedRow]:
        """Every row, or every one that did not succeed, streamed file by file in their order."""
        for number in self._readable(None, None):
            yield from self._stream(number, failed=failed)

    def _stream(self, number: int, *, failed: bool) -> Iterator[LoggedRow]:
        """A part's rows with their values: both files have the same rows in the same order."""
        condition = "WHERE o.status <> 'succeeded'" if failed else ""
        values = literal(self._values_file(number))
        rows = f"({self._outcomes_sql(number)}) o POSITIONAL JOIN read_parquet({values}) v"
        sql = f"SELECT o.*, v.* FROM {rows} {condition}"
        schema = pq.read_schema(self._values_file(number))
        with connection() as reader:
            for batch in reader.sql(sql).to_arrow_reader(_EXPORTED_ROWS):
                table = pa.Table.from_batches([batch])
                outcomes = zip(*(table.column(i).to_pylist() for i in range(_OUTCOME_COLUMNS)), strict=True)
                values_now, values_before = self._both(table, schema)
                for outcome, now, before in zip(outcomes, values_now, values_before, strict=True):
                    yield self._logged(outcome, now, before)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that rows have values for."""
        return tuple(self._names)

    def _operation(self, number: int) -> Operation | None:
        return self._parts[number].operations[0][0] if number else None

    def _readable(self, operation: Operation | None, part: int | None) -> list[int]:
        """Parts whose rows can be shown, in order."""
        numbers = sorted(n for n in self._parts if self._untold or n in self._outcomes)
        if self._prepared.rejected_before_delivery:
            numbers.insert(0, _DUPLICATES)
        if operation is not None:
            numbers = [n for n in numbers if self._operation(n) is operation]
        return numbers if part is None else [n for n in numbers if n == part]

    def _outcomes_sql(self, number: int) -> str:
        if number == _DUPLICATES:
            file = literal(self._storage.local(self._prepared.rejected_before_delivery))
            return (
                f"SELECT 0 AS part, file_row_number AS row, {KEY} AS key, 'rejected' AS status, "
                "NULL::INTEGER AS batch, "
                f"code, message, NULL::VARCHAR AS field FROM read_parquet({file}, file_row_number = true)"
            )
        if number not in self._outcomes:
            file, status = literal(self._storage.local(self._parts[number].path)), literal(self._untold or "")
            return (
                f"SELECT {number} AS part, file_row_number AS row, {KEY} AS key, {status} AS status, "
                "NULL::INTEGER AS batch, NULL::VARCHAR AS code, NULL::VARCHAR AS message, NULL::VARCHAR AS field "
                f"FROM read_parquet({file}, file_row_number = true)"
            )
        file = literal(self._storage.local(self._outcomes[number].path))
        return f"SELECT {number} AS part, row, key, status, batch, code, message, field FROM read_parquet({file})"

    def _page(
        self, reader: duckdb.DuckDBPyConnection, number: int, wanted: _Filter, after: int, limit: int
    ) -> list[LoggedRow]:
        conditions, parameters = _conditions(wanted)
        sql = (
            f"SELECT * FROM ({self._outcomes_sql(number)}) WHERE row > {after} {conditions} ORDER BY row LIMIT {limit}"
        )
        found = reader.execute(sql, parameters).fetchall()
        if not found:
            return []
        values = self._values(reader, number, [row[1] for row in found])
        return [self._logged(row, *values[row[1]]) for row in found]

    def _logged(self, row: tuple[Any, ...], values: dict[str, Any], old: dict[str, Any] | None) -> LoggedRow:
        part, place, key, status, batch, code, message, field_name = row
        return LoggedRow(
            id=f"{part}:{place}",
            key=key,
            operation=self._operation(part),
            status=RowStatus(status),
            batch=batch,
            code=code or "",
            message=message or "",
            field=field_name or "",
            values=values,
            old_values=old,
        )

    def _values(
        self, reader: duckdb.DuckDBPyConnection, number: int, places: Sequence[int]
    ) -> dict[int, tuple[dict[str, Any], dict[str, Any] | None]]:
        """New and old values of some rows, by place."""
        path = self._values_file(number)
        schema = pq.read_schema(path)
        table = reader.sql(
            f"SELECT * FROM read_parquet({literal(path)}, file_row_number = true) "
            f"WHERE file_row_number BETWEEN {min(places)} AND {max(places)} "
            f"AND file_row_number IN ({', '.join(map(str, places))})"
        ).to_arrow_table()
        return dict(
            zip(table.column("file_row_number").to_pylist(), zip(*self._both(table, schema), strict=True), strict=True)
        )

    def _values_file(self, number: int) -> Path:
        return self._storage.local(self._parts[number].path if number else self._prepared.rejected_before_delivery)

    def _both(
        self, table: pa.Table, schema: pa.Schema
    ) -> tuple[Sequence[dict[str, Any]], Sequence[dict[str, Any] | None]]:
        """New and, of changed rows, old values."""
        new = self._dictionaries(table, schema, "c")
        return new, self._dictionaries(table, schema, "o") if "o0" in schema.names else [None] * len(new)

    def _dictionaries(self, table: pa.Table, schema: pa.Schema, prefix: str) -> list[dict[str, Any]]:
        columns = []
        for i in range(len(self._names)):
            stored = schema.field(f"{prefix}{i}")
            values = python_values(table.column(f"{prefix}{i}").combine_chunks(), column_type(stored))
            columns.append([json_value(value) for value in values])
        return [dict(zip(self._names, row, strict=True)) for row in zip(*columns, strict=True)]


def _conditions(wanted: _Filter) -> tuple[str, list[Any]]:
    sql = ""
    parameters: list[Any] = []
    if wanted.status is not None:
        sql, parameters = f"{sql} AND status = ?", [*parameters, wanted.status.value]
    if wanted.failed:
        sql = f"{sql} AND status NOT IN ('succeeded', 'planned')"
    if wanted.search:
        sql, parameters = f"{sql} AND contains(lower(key), lower(?))", [*parameters, wanted.search]
    if wanted.batch is not None:
        sql, parameters = f"{sql} AND batch = ?", [*parameters, wanted.batch]
    if wanted.words is not None:
        sql = f"{sql} AND coalesce(code, '') = ? AND coalesce(message, '') = ?"
        parameters = [*parameters, *wanted.words]
    return sql, parameters


def _statuses(outcome: PartOutcome) -> tuple[tuple[RowStatus, int], ...]:
    return (
        (RowStatus.SUCCEEDED, outcome.succeeded.total),
        (RowStatus.REJECTED, outcome.rejected.total),
        (RowStatus.ABORTED, outcome.aborted.total - outcome.in_doubt),
        (RowStatus.IN_DOUBT, outcome.in_doubt),
    )


def _parse(id: str) -> tuple[int, int]:
    part, _, place = id.partition(":")
    try:
        return int(part), int(place)
    except ValueError:
        raise ValueError(f"“{id}” names no row") from None


@contextmanager
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A small DuckDB for one look at a run."""
    with TemporaryDirectory(prefix="headrace-duckdb-") as spill, instances.lend(_LIMITS, Path(spill)) as opened:
        yield opened
