"""What the demo's own endpoint received: the newest requests, kept in Redis."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
import redis
from django.conf import settings

KEPT = 200
MAX_BODY = 64_000  # characters of a body that are kept
_LIST = "headrace:demo:inbox"
_COUNT = "headrace:demo:inbox:count"
_ROWS = "headrace:demo:inbox:rows"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request that arrived. ``rows`` is how many records its body held."""

    number: int
    at: datetime
    method: str
    path: str
    content_type: str
    body: str
    rows: int


@dataclass(frozen=True, slots=True)
class Totals:
    """All requests and rows since the inbox was last emptied."""

    requests: int
    rows: int


def keep(*, method: str, path: str, content_type: str, body: str) -> Arrival:
    """Remember one request."""
    rows = _rows_in(body)
    client = _client()
    number = int(client.incr(_COUNT))
    client.incrby(_ROWS, rows)
    arrival = Arrival(number, datetime.now(UTC), method, path, content_type, body[:MAX_BODY], rows)
    client.lpush(_LIST, msgspec.json.encode(asdict(arrival)))
    client.ltrim(_LIST, 0, KEPT - 1)
    return arrival


def newest(limit: int = 50) -> list[Arrival]:
    """The newest requests first."""
    return [msgspec.json.decode(item, type=Arrival) for item in _client().lrange(_LIST, 0, limit - 1)]


def one(number: int) -> Arrival | None:
    """One kept request by its number."""
    return next((arrival for arrival in newest(KEPT) if arrival.number == number), None)


def totals() -> Totals:
    """How much has arrived so far."""
    requests, rows = _client().mget(_COUNT, _ROWS)
    return Totals(int(requests or 0), int(rows or 0))


def empty() -> None:
    """Forget everything that arrived."""
    _client().delete(_LIST, _COUNT, _ROWS)


def _rows_in(body: str) -> int:
    try:
        decoded = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return 1
    if isinstance(decoded, dict):
        lists = [value for value in decoded.values() if isinstance(value, list)]
        return len(lists[0]) if len(lists) == 1 else 1
    return len(decoded) if isinstance(decoded, list) else 1


@cache
def _client() -> Any:
    return redis.Redis.from_url(settings.REDIS_URL, db=0)
