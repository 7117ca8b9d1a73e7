"""Moments as services want them, from values of a row: text, numbers or moments."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.sdk.errors import BatchRejected

# A number above this is no longer seconds since 1970 (it would be the year 5138), but milliseconds.
_LAST_SECOND = 100_000_000_000
_NUMBERS = (int, float, Decimal)


def moment(value: Any, *, field: str = "") -> datetime:
    """A moment in UTC; texts without a zone are UTC. Raises ``BatchRejected`` where there is none."""
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, _NUMBERS) and not isinstance(value, bool):
        number = float(value)
        return datetime.fromtimestamp(number / (1000 if abs(number) > _LAST_SECOND else 1), UTC)
    try:
        return moment(datetime.fromisoformat(str(value).strip()))
    except ValueError as error:
        raise BatchRejected(f"“{str(value)[:100]}” in {field or 'a field'} is not a moment.") from error


def unix_ms(value: Any, *, field: str = "") -> int:
    """Milliseconds since 1970, UTC."""
    return round(moment(value, field=field).timestamp() * 1000)


def unix_s(value: Any, *, field: str = "") -> int:
    """Seconds since 1970, UTC."""
    return int(moment(value, field=field).timestamp())
