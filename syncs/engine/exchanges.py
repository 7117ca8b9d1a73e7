"""Reading the requests and responses that :mod:`syncs.engine.traces` kept, a page at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from syncs.engine.duck import literal
from syncs.engine.runlog import MAX_PAGE, connection
from syncs.engine.storage import Storage

_SEARCHED = ("target", "request_body", "response_body", "request_headers", "response_headers", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptExchange:
    """One request and its answer. ``note`` says what was not kept."""

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
    """A page of exchanges; ``next`` is the offset of the following one, or ``None``."""

    exchanges: tuple[KeptExchange, ...]
    next: int | None = None


def batch_exchanges(storage: Storage, directory: str, part: int, batch: int) -> tuple[KeptExchange, ...]:
    """Everything one batch said and heard, all tries in order."""
    files = storage.list(f"{directory}/exchanges")
    mine = [path for path in files if path.split("/")[-2].split("-")[0] == f"{part:05d}"]
    return _read(storage, mine, f"batch = {int(batch)}", [], limit=MAX_PAGE, offset=0)


def search_exchanges(
    storage: Storage, directory: str, *, text: str = "", failed: bool = False, limit: int = 50, offset: int = 0
) -> ExchangePage:
    """Exchanges that contain a text anywhere, in the order of parts and batches."""
    limit = max(1, min(limit, MAX_PAGE))
    conditions, parameters = ["true"], []
    if text:
        conditions.append("(" + " OR ".join(f"contains(lower({name}), lower(?))" for name in _SEARCHED) + ")")
        parameters = [text] * len(_SEARCHED)
    if failed:
        conditions.append("failed")
    files = storage.list(f"{directory}/exchanges")
    found = _read(storage, files, " AND ".join(conditions), parameters, limit=limit + 1, offset=offset)
    return ExchangePage(found[:limit], offset + limit if len(found) > limit else None)


def _read(
    storage: Storage, files: Sequence[str], where: str, parameters: Sequence[Any], *, limit: int, offset: int
) -> tuple[KeptExchange, ...]:
    if not files:
        return ()
    paths = ", ".join(literal(storage.local(path)) for path in files)
    sql = (
        f"SELECT * FROM read_parquet([{paths}]) WHERE {where} "
        f"ORDER BY part, batch, started_at NULLS LAST, attempt LIMIT {int(limit)} OFFSET {int(offset)}"
    )
    with connection() as duckdb_connection:
        cursor = duckdb_connection.execute(sql, list(parameters))
        names = [column[0] for column in cursor.description or ()]
        return tuple(_kept(dict(zip(names, row, strict=True))) for row in cursor.fetchall())


def _kept(row: dict[str, Any]) -> KeptExchange:
    for name in ("request_headers", "response_headers"):
        row[name] = tuple((str(key), str(value)) for key, value in json.loads(row[name] or "[]"))
    return KeptExchange(**row)
