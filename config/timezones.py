"""The time zones that can be chosen."""

from __future__ import annotations

import zoneinfo
from functools import cache


@cache
def timezone_names() -> tuple[str, ...]:
    """Every time zone this machine knows, UTC first. Finding out walks the whole database of zones."""
    return ("UTC", *sorted(zoneinfo.available_timezones() - {"UTC"}))
