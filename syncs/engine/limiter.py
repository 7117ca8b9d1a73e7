"""Limits of a destination account: requests in any window of time, requests at once, pauses it asked for.

A request may go when the one ``requests`` places before it is a window old. That
holds for every window, not only for those that start at a full minute, and lets a
short burst go out at once. Several windows hold together. The limits here are
those of one process; :mod:`syncs.engine.shared_limiter` keeps them over all workers.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

from connectors.sdk.destination import Rate
from syncs.engine.retry import Clock

# Requests do not arrive exactly as they left: stay this share of a window below the limit, at most so long.
_SLACK_SHARE = 0.04
_SLACK_MOST_S = 0.25
# Rates a second go out evenly: all at once, those that are late would arrive with those of the next second.
# A tenth at a time, and a little faster than on average, so that what a stall cost can be made up for.
_PACED_WINDOW_S, _BURSTS, _LEAST_BURST, _CATCHING_UP = 1.0, 10, 2, 1.25


class Unlimited:
    """No limit to keep, except the pauses that the other side asks for."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._paused_until = 0.0

    async def enter(self, *, within: float = math.inf) -> bool:
        """Any number of requests at once."""
        return True

    def leave(self) -> None:
        """Nothing is counted."""

    async def acquire(self, *, within: float = math.inf) -> bool:
        """Whether one request may go: waits for it, but no longer than ``within`` seconds."""
        end = self._clock.now() + within
        while (wait := self.wait()) > 0:
            if self._clock.now() >= end:
                return False
            await self._clock.sleep(min(wait, end - self._clock.now()))
        self.note()
        return True

    async def pause(self, seconds: float) -> None:
        """Hold back every request for so long."""
        self._paused_until = max(self._paused_until, self._clock.now() + seconds)

    def wait(self) -> float:
        """Seconds until a request may go."""
        return max(0.0, self._paused_until - self._clock.now())

    def note(self) -> None:
        """A request goes now."""


class MemoryLimiter(Unlimited):
    """Keeps rates within this process."""

    def __init__(self, *rates: Rate, clock: Clock | None = None) -> None:
        super().__init__(clock)
        self._windows = [(rate.requests, rate.seconds, deque[float]()) for rate in windows(rates)]

    def wait(self, share: int = 1) -> float:
        """Seconds until a request may go, where only one part in ``share`` of each limit is ours."""
        now = self._clock.now()
        waits = [super().wait()]
        for limit, seconds, times in self._windows:
            while times and times[0] + seconds <= now:
                times.popleft()
            ours = max(1, limit // share)
            if len(times) >= ours:
                waits.append(times[-ours] + seconds - now)
        return max(waits)

    def note(self) -> None:
        now = self._clock.now()
        for _, _, times in self._windows:
            times.append(now)


def windows(rates: Iterable[Rate]) -> tuple[Rate, ...]:
    """The windows that are kept: a little longer than those asked for, and short ones in which bursts are bounded."""
    kept = [Rate(requests=rate.requests, seconds=window(rate)) for rate in rates]
    for rate in rates:
        burst = max(_LEAST_BURST, rate.requests // _BURSTS)
        if rate.seconds <= _PACED_WINDOW_S and burst * _CATCHING_UP < rate.requests:
            kept.append(Rate(requests=burst, seconds=rate.seconds * burst / rate.requests / _CATCHING_UP))
    return tuple(kept)


def window(rate: Rate) -> float:
    """The window that is kept, in seconds: a little longer than the one asked for."""
    return rate.seconds + min(rate.seconds * _SLACK_SHARE, _SLACK_MOST_S)
