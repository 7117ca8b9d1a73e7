"""Reading the requests and responses that :mod:`syncs.engine.traces` kept, a page at a time.

Files are read one after the other and only as far as a page needs, so that a
search costs the same memory whatever the run's size. An exchange is named by its
file and place there, ``00001-3:00000:12``; the name also serves as cursor.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import duckdb

from syncs.engine.duck import literal
from syncs.engine.runlog import MAX_PAGE, connection
from syncs.engine.storage import Storage

_SEARCHED = ("target", "request_body", "response_body", "request_headers", "response_headers", "error")


class Answered(StrEnum):
    """How the other side answered."""

    SUCCESS = "2xx"
    REDIRECTED = "3xx"
    REFUSED = "4xx"
    BROKEN = "5xx"
    NOT_AT_ALL = "none"


_ANSWER_SQL = {
    Answered.SUCCESS: "status BETWEEN 200 AND 299",
    Answered.REDIRECTED: "status BETWEEN 300 AND 399",
    Answered.REFUSED: "status BETWEEN 400 AND 499",
    Answered.BROKEN: "status BETWEEN 500 AND 599",
    Answered.NOT_AT_ALL: "status IS NULL AND error <> ''",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptExchange:
    """One request and its answer. ``note`` says what was not kept."""

    id: str
    part: int
    batch: int
    attempt: int
    failed: bool
    started_at: datetime | None
    duration_ms: float | None
    method: str
    target: str
    status: int | None
    request_headers: tuple[tuple[str, str], ...]
    request_body: str
    response_headers: tuple[tuple[str, str], ...]
    response_body: str
    error: str
    note: str


@dataclass(frozen=True, slots=True)
class ExchangePage:
    """A page of exchanges; ``next`` is the cursor of the following page, empty at the end."""

    exchanges: tuple[KeptExchange, ...]
    next: str = ""


def batch_exchanges(storage: Storage, directory: str, part: int, batch: int) -> tuple[KeptExchange, ...]:
    """Everything one batch said and heard, all tries in order."""
    files = [file for file in _files(storage, directory) if file.part == part]
    with connection() as reader:
        found = [kept for file in files for kept in _read(reader, file, "batch = ?", [batch], limit=MAX_PAGE)]
    found.sort(key=lambda kept: (kept.started_at is None, kept.started_at, kept.attempt))
    return tuple(found[:MAX_PAGE])


def search_exchanges(
    storage: Storage,
    directory: str,
    *,
    text: str = "",
    failed: bool = False,
    answered: Answered | None = None,
    batches: Collection[tuple[int, int]] | None = None,
    cursor: str = "",
    limit: int = 50,
) -> ExchangePage:
    """Exchanges of a run: those that contain a text anywhere, that failed, that were answered so.

    ``batches`` (part, number) asks for those of certain batches. The order is that
    in which they were kept, part by part.
    """
    limit = max(1, min(limit, MAX_PAGE))
    where, parameters = _conditions(text, failed, answered)
    after = _parse(cursor) if cursor else ("", "", -1)
    found: list[KeptExchange] = []
    with connection() as reader:
        for file in _files(storage, directory):
            if file.place < after[:2] or (batches is not None and file.part not in {part for part, _ in batches}):
                continue
            mine, numbers = _of_batches(file.part, batches)
            row = after[2] if file.place == after[:2] else -1
            wanted = f"{where} AND file_row_number > {row}{mine}"
            found += _read(reader, file, wanted, [*parameters, *numbers], limit=limit + 1 - len(found))
            if len(found) > limit:
                return ExchangePage(tuple(found[:limit]), found[limit - 1].id)
    return ExchangePage(tuple(found))


def one_exchange(storage: Storage, directory: str, id: str) -> KeptExchange | None:
    """The exchange of a name, or ``None``."""
    folder, name, row = _parse(id)
    with connection() as reader:
        for file in _files(storage, directory):
            if file.place == (folder, name):
                return next(_read(reader, file, "file_row_number = ?", [row], limit=1), None)
    return None


@dataclass(frozen=True, slots=True)
class _File:
    """A file of exchanges: ``place`` is its folder and its name below the run's."""

    path: str
    place: tuple[str, str]

    @property
    def part(self) -> int:
        return int(self.place[0].split("-")[0])


def _files(storage: Storage, directory: str) -> list[_File]:
    """Files in the order of their parts. The debugger's names are read back from people: only listed ones count."""
    found = []
    for path in storage.list(f"{directory}/exchanges"):
        *_, folder, name = path.removesuffix(".parquet").split("/")
        found.append(_File(str(storage.local(path)), (folder, name)))
    return sorted(found, key=lambda file: file.place)


def _conditions(text: str, failed: bool, answered: Answered | None) -> tuple[str, list[Any]]:
    conditions, parameters = ["true"], []
    if text:
        conditions.append("(" + " OR ".join(f"contains(lower({name}), lower(?))" for name in _SEARCHED) + ")")
        parameters = [text] * len(_SEARCHED)
    if failed:
        conditions.append("failed")
    if answered is not None:
        conditions.append(_ANSWER_SQL[answered])
    return " AND ".join(conditions), parameters


def _of_batches(part: int, batches: Collection[tuple[int, int]] | None) -> tuple[str, list[int]]:
    if batches is None:
        return "", []
    numbers = sorted(number for of_part, number in batches if of_part == part)
    return f" AND batch IN ({', '.join('?' * len(numbers))})", numbers


def _read(
    reader: duckdb.DuckDBPyConnection, file: _File, where: str, parameters: list[Any], *, limit: int
) -> Iterator[KeptExchange]:
    """Exchanges of one file, in the order in which they were kept."""
    sql = (
        f"SELECT * FROM read_parquet({literal(file.path)}, file_row_number = true) WHERE {where} "
        f"ORDER BY file_row_number LIMIT {int(limit)}"
    )
    cursor = reader.execute(sql, parameters)
    names = [column[0] for column in cursor.description or ()]
    for row in cursor.fetchall():
        yield _kept(file, dict(zip(names, row, strict=True)))


def _kept(file: _File, row: dict[str, Any]) -> KeptExchange:
    for name in ("request_headers", "response_headers"):
        row[name] = tuple((str(key), str(value)) for key, value in json.loads(row[name] or "[]"))
    return KeptExchange(id=":".join((*file.place, str(row.pop("file_row_number")))), **row)


def _parse(id: str) -> tuple[str, str, int]:
    folder, _, rest = id.partition(":")
    name, _, row = rest.partition(":")
    if not row.isdigit():
        raise ValueError(f"“{id}” names no request")
    return folder, name, int(row)
