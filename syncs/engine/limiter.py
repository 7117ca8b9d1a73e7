"""Rates of a destination account: at most so many requests in any window of time.

A request may go when the one ``requests`` places before it is a window old. That
holds for every window, not only for those that start at a full minute, and lets a
short burst go out at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Protocol

from connectors.sdk.destination import Rate
from syncs.engine.retry import Clock

# Requests do not arrive exactly as they left: stay this share of a window below the limit, at most so long.
_SLACK_SHARE = 0.02
_SLACK_MOST_S = 0.25


class Unlimited:
    """No rate to keep."""

    async def acquire(self, requests: int = 1) -> None:
        """Return at once."""


class MemoryLimiter:
    """Keeps a rate within this process."""

    def __init__(self, rate: Rate, clock: Clock | None = None) -> None:
        self._rate = rate
        self._clock = clock or Clock()
        self._times: deque[float] = deque(maxlen=rate.requests)
        self._turn = asyncio.Lock()

    async def acquire(self, requests: int = 1) -> None:
        """Wait until this many requests may be sent; first come, first served."""
        async with self._turn:
            for _ in range(requests):
                while (wait := self._wait()) > 0:
                    await self._clock.sleep(wait)
                self._times.append(self._clock.now())

    def _wait(self) -> float:
        if len(self._times) < self._rate.requests:
            return 0.0
        return self._times[0] + window(self._rate) - self._clock.now()


class AsyncRedis(Protocol):
    """What is used of a ``redis.asyncio`` client."""

    def register_script(self, script: str) -> Any: ...


# Times are the server's, in microseconds; the list holds the newest first.
_SCRIPT = """
local limit, window, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local oldest = redis.call('LINDEX', KEYS[1], limit - wanted)
if oldest and tonumber(oldest) + window > now then
  return tonumber(oldest) + window - now
end
for _ = 1, wanted do redis.call('LPUSH', KEYS[1], string.format('%.0f', now)) end
redis.call('LTRIM', KEYS[1], 0, limit - 1)
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000) + 1000)
return 0
"""


class RedisLimiter:
    """Keeps a rate over all workers; ``name`` stands for the destination account."""

    def __init__(self, client: AsyncRedis, name: str, rate: Rate, clock: Clock | None = None) -> None:
        self._script = client.register_script(_SCRIPT)
        self._key = f"headrace:rate:{name}"
        self._rate = rate
        self._clock = clock or Clock()
        self._turn = asyncio.Lock()

    async def acquire(self, requests: int = 1) -> None:
        """Wait until this many requests may be sent; one of a worker's callers asks at a time."""
        async with self._turn:
            while requests > 0:
                taken = min(requests, self._rate.requests)
                await self._take(taken)
                requests -= taken

    async def _take(self, requests: int) -> None:
        arguments = [self._rate.requests, round(window(self._rate) * 1_000_000), requests]
        while (wait := int(await self._script(keys=[self._key], args=arguments))) > 0:
            await self._clock.sleep(wait / 1_000_000)


def window(rate: Rate) -> float:
    """The window that is kept, in seconds: a little longer than the one asked for."""
    return rate.seconds + min(rate.seconds * _SLACK_SHARE, _SLACK_MOST_S)
