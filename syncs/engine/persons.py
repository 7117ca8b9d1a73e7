"""Finding one person's rows in the files that runs leave.

A person is looked for by a value: as the primary key, in one column, or in any. Every
file is read by DuckDB where it lies; a place gives back a bounded number of rows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from syncs.engine.diff import FORCED, PRESENT
from syncs.engine.duck import literal, quoted
from syncs.engine.recipe import KEY, is_nested
from syncs.engine.runlog import connection
from syncs.engine.spec import Baseline, PartOutcome, Prepared, RunSpec
from syncs.engine.storage import Storage

ANY_COLUMN = "*"
MOST_ROWS = 100
LONGEST_VALUE = 2_000
# Shorter texts are in half of all requests, whoever they are about.
LEAST_SEARCHED = 6


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom to look for: ``column`` is empty for the primary key, ``*`` for any column, or a name.

    Addresses are compared without regard to case, everything else exactly; text and JSON
    documents are searched for the value.
    """

    value: str
    column: str = ""

    def condition(self, types: dict[str, str], names: Sequence[str]) -> tuple[str, list[Any]]:
        """SQL that is true of the person's rows in a file whose columns are these, and its parameters."""
        if not self.column:
            return f"{KEY} = ?", [self.value]
        places = [i for i, name in enumerate(names) if self.column in (ANY_COLUMN, name)]
        found = [f"{side}{i}" for side in "co" for i in places if f"{side}{i}" in types]
        tests = [self._test(name, types[name]) for name in found]
        if self.column == ANY_COLUMN:
            tests.insert(0, f"{KEY} = ?")
        return " OR ".join(f"({test})" for test in tests) or "false", [self.value] * len(tests)

    def _test(self, name: str, kind: str) -> str:
        text = f"{quoted(name)}::VARCHAR"
        if is_nested(kind) or kind == "JSON":
            return f"contains({text}, ?)"
        return f"lower({text}) = lower(?)" if "@" in self.value else f"{text} = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRow:
    """A row in the baseline: what the destination is known to hold, or why it is not there yet."""

    key: str
    values: dict[str, str | None]
    present: bool = True
    operation: str = ""
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRow:
    """A row that a run planned to send. ``id`` is its place in the run, as the debugger names it."""

    id: str
    key: str
    operation: str
    status: str
    batch: int | None
    message: str = ""


def find_held(storage: Storage, baseline: Baseline, wanted: Wanted, keys: Collection[str] = ()) -> list[HeldRow]:
    """The person's rows in a local baseline, the overlay's entries in the place of the spool's."""
    with connection() as reader:
        overlay = _held_in(reader, storage, baseline.overlay, baseline, wanted, keys) if baseline.overlay else []
        entered = {row.key for row in overlay}
        spool = _held_in(reader, storage, baseline.spool, baseline, wanted, keys)
        if spool and baseline.overlay:
            entered |= _keys_in(reader, storage, baseline.overlay, [row.key for row in spool])
    return [*overlay, *(row for row in spool if row.key not in entered)]


def find_sent(
    storage: Storage,
    spec: RunSpec,
    prepared: Prepared,
    outcomes: Sequence[PartOutcome],
    wanted: Wanted,
    keys: Collection[str] = (),
) -> list[SentRow]:
    """The person's rows among those that a run planned to send or rejected; ``keys`` are known ones."""
    names = [column.name for column in spec.columns]
    by_number = {outcome.number: outcome.path for outcome in outcomes if outcome.path}
    found: list[SentRow] = []
    with connection() as reader:
        for part in prepared.parts:
            operation = part.operations[0][0].value
            rows = _places(reader, storage, part.path, names, wanted, keys)
            told = _outcomes(reader, storage, by_number.get(part.number, ""), [place for place, _ in rows])
            for place, key in rows:
                status, batch, message = told.get(place, ("planned", None, ""))
                found.append(
                    SentRow(
                        id=f"{part.number}:{place}",
                        key=key,
                        operation=operation,
                        status=status,
                        batch=batch,
                        message=message,
                    )
                )
        if prepared.rejected_before_delivery:
            rows = _places(reader, storage, prepared.rejected_before_delivery, names, wanted, keys)
            found += [
                SentRow(id=f"0:{place}", key=key, operation="", status="rejected", batch=None) for place, key in rows
            ]
    return found[:MOST_ROWS]


def find_requests(
    storage: Storage, directory: str, text: str, batches: Collection[tuple[int, int]]
) -> list[dict[str, Any]]:
    """Requests that carried these batches (part, number), or whose bodies hold the text."""
    found: list[dict[str, Any]] = []
    with connection() as reader:
        for path in storage.list(f"{directory}/exchanges"):
            *_, folder, name = path.removesuffix(".parquet").split("/")
            condition, parameters = carrying(int(folder.split("-")[0]), batches, [text])
            cursor = reader.execute(
                "SELECT file_row_number, batch, method, target, status, started_at, failed "
                f"FROM read_parquet({literal(storage.local(path))}, file_row_number = true) "
                f"WHERE {condition} LIMIT {MOST_ROWS - len(found)}",
                parameters,
            )
            for place, batch, method, target, status, at, failed in cursor.fetchall():
                found.append({
                    "id": f"{folder}:{name}:{place}", "batch": batch, "method": method, "target": target,
                    "status": status, "at": at.isoformat() if at else None, "failed": failed,
                })  # fmt: skip
            if len(found) >= MOST_ROWS:
                break
    return found


def carrying(part: int, batches: Collection[tuple[int, int]], texts: Sequence[str]) -> tuple[str, list[Any]]:
    """SQL that is true of exchanges that carried one of the batches or hold one of the texts."""
    numbers = sorted(number for of_part, number in batches if of_part == part)
    tests = [f"batch IN ({', '.join(map(str, numbers))})"] if numbers else []
    parameters: list[Any] = []
    for text in texts:
        if len(text) >= LEAST_SEARCHED:
            for name in ("target", "request_body", "response_body", "error"):
                tests.append(f"contains(lower({name}), lower(?))")
                parameters.append(text)
    return " OR ".join(tests) or "false", parameters


def types_of(reader: duckdb.DuckDBPyConnection, file: str) -> dict[str, str]:
    """The columns of a Parquet file with DuckDB's names of their types."""
    return {row[0]: row[1] for row in reader.execute(f"DESCRIBE SELECT * FROM read_parquet({file})").fetchall()}


def matching(
    types: dict[str, str], names: Sequence[str], wanted: Wanted, keys: Collection[str]
) -> tuple[str, list[Any]]:
    """SQL that is true of rows with one of the keys or about the person, never null, and its parameters."""
    condition, parameters = wanted.condition(types, names)
    if keys:
        condition = f"{condition} OR {KEY} IN (SELECT unnest(?))"
        parameters = [*parameters, sorted(keys)]
    return f"coalesce({condition}, false)", parameters


def _held_in(
    reader: duckdb.DuckDBPyConnection,
    storage: Storage,
    path: str,
    baseline: Baseline,
    wanted: Wanted,
    keys: Collection[str],
) -> list[HeldRow]:
    file = literal(storage.local(path))
    types = types_of(reader, file)
    condition, parameters = matching(types, baseline.columns, wanted, keys)
    shown = [(name, f"c{i}") for i, name in enumerate(baseline.columns) if f"c{i}" in types]
    values = ", ".join(f"left({quoted(c)}::VARCHAR, {LONGEST_VALUE})" for _, c in shown)
    states = [PRESENT, FORCED, "_operation", "_reason", "_message"]
    state = ", ".join(states) if PRESENT in types else "true, false, '', '', ''"
    sql = f"SELECT {KEY}, {state}, {values} FROM read_parquet({file}) WHERE {condition} LIMIT {MOST_ROWS}"
    return [
        HeldRow(
            key=row[0],
            present=bool(row[1]),
            operation=row[3] or "",
            reason=row[4] or "",
            message=row[5] or "",
            values=dict(zip([name for name, _ in shown], row[6:], strict=True)),
        )
        for row in reader.execute(sql, parameters).fetchall()
    ]


def _keys_in(reader: duckdb.DuckDBPyConnection, storage: Storage, path: str, keys: Sequence[str]) -> set[str]:
    sql = f"SELECT {KEY} FROM read_parquet({literal(storage.local(path))}) WHERE {KEY} IN (SELECT unnest(?))"
    return {key for (key,) in reader.execute(sql, [list(keys)]).fetchall()}


def _places(
    reader: duckdb.DuckDBPyConnection,
    storage: Storage,
    path: str,
    names: Sequence[str],
    wanted: Wanted,
    keys: Collection[str],
) -> list[tuple[int, str]]:
    """Place and key of the person's rows in a part or the file of duplicates."""
    file = literal(storage.local(path))
    condition, parameters = matching(types_of(reader, file), names, wanted, keys)
    sql = (
        f"SELECT file_row_number, {KEY} FROM read_parquet({file}, file_row_number = true) "
        f"WHERE {condition} ORDER BY 1 LIMIT {MOST_ROWS}"
    )
    return list(reader.execute(sql, parameters).fetchall())


def _outcomes(
    reader: duckdb.DuckDBPyConnection, storage: Storage, path: str, places: Sequence[int]
) -> dict[int, tuple[str, int | None, str]]:
    if not path or not places:
        return {}
    sql = (
        f"SELECT row, status, batch, coalesce(message, '') FROM read_parquet({literal(storage.local(path))}) "
        "WHERE row IN (SELECT unnest(?))"
    )
    return {
        row: (status, batch, message) for row, status, batch, message in reader.execute(sql, [list(places)]).fetchall()
    }
