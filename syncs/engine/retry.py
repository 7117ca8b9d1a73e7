"""How long to wait before trying again."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from connectors.sdk.errors import RateLimited, Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Time as the engine sees it, so that tests need not wait. ``now`` is monotonic seconds."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Exponential, with full jitter: a wait is anywhere between nothing and its ceiling.

    ``base_s`` is the first ceiling; ceilings double up to ``cap_s``. A wait that the
    other side asked for is kept, up to ``asked_cap_s``.
    """

    base_s: float = 1.0
    cap_s: float = 60.0
    asked_cap_s: float = 120.0

    def wait(self, attempt: int, error: Unavailable, jitter: float) -> float:
        """Seconds to wait after the ``attempt``-th try (from 1); ``jitter`` is in [0, 1)."""
        ceiling = min(self.cap_s, self.base_s * 2.0 ** min(attempt - 1, 30))
        if isinstance(error, RateLimited) and error.after is not None:
            # A little more than asked, so that many workers do not return in the same instant.
            return min(max(error.after, 0.0), self.asked_cap_s) + jitter * min(1.0, ceiling)
        return ceiling * jitter
