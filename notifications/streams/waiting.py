"""How long entries wait for more, where they are written many at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors.sdk.fields import Number

MOST = 5_000  # entries of a batch

WRITE_EVERY = Number(
    name="audit_minutes",
    label="Write at least every",
    default=60,
    minimum=1,
    maximum=1_440,
    unit="minutes",
    help=f"Sooner once {MOST:,} entries wait.",
)


def waits(values: Mapping[str, Any]) -> timedelta:
    """How long a stream with these settings lets few entries wait."""
    return timedelta(minutes=float(values[WRITE_EVERY.name]))
