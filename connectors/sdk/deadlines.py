"""Time limits of many calls at once, with one timer for each length instead of one for each call.

A delivery makes thousands of calls that may each take half a minute and take a millisecond. A timer of its own for
each would be set and called off for nothing.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self


class Deadlines:
    """The time limits of one event loop's calls."""

    def __init__(self) -> None:
        self._lines: dict[float, _Line] = {}
        self._last: float | None = None

    def within(self, seconds: float) -> Limit:
        """A context that raises ``TimeoutError`` where what is inside takes longer, as ``asyncio.timeout`` does."""
        line = self._lines.get(seconds)
        if line is None:
            line = self._lines[seconds] = _Line(asyncio.get_running_loop(), seconds, self._last)
        return Limit(line)

    def end_by(self, moment: float) -> None:
        """Let no call last beyond this moment of the loop's clock, neither those that have begun nor later ones."""
        self._last = moment
        for line in self._lines.values():
            line.end_by(moment)


class Limit:
    """One call while it lasts."""

    __slots__ = ("_expired", "_line", "_requests", "_task")

    def __init__(self, line: _Line) -> None:
        self._line = line
        self._expired = False

    def __enter__(self) -> Self:
        task = asyncio.current_task(self._line.loop)  # asked without it, each call asks the system who we are
        assert task is not None, "A limit holds for what a task does."
        self._task = task
        self._requests = task.cancelling()
        self._line.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.remove(self)
        # Where somebody else cancelled the task too, that stands.
        if self._expired and self._task.uncancel() <= self._requests and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def expire(self) -> None:
        """The time is up."""
        self._expired = True
        self._task.cancel()


class _Line:
    """Calls that may take equally long: who began first is first to be late."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, last: float | None) -> None:
        self.loop = loop
        self._seconds = seconds
        self._last = last
        self._calls: dict[Limit, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, limit: Limit) -> None:
        until = self.loop.time() + self._seconds
        self._calls[limit] = until if self._last is None else min(until, self._last)
        if self._timer is None:
            self._timer = self.loop.call_at(self._calls[limit], self._look)

    def remove(self, limit: Limit) -> None:
        self._calls.pop(limit, None)

    def end_by(self, moment: float) -> None:
        self._last = moment
        self._calls = {limit: min(until, moment) for limit, until in self._calls.items()}
        if self._timer is not None:
            self._timer.cancel()
        self._wait()

    def _look(self) -> None:
        now = self.loop.time()
        for limit, until in list(self._calls.items()):
            if until > now:
                break
            del self._calls[limit]
            limit.expire()
        self._wait()

    def _wait(self) -> None:
        first = next(iter(self._calls.values()), None)
        self._timer = None if first is None else self.loop.call_at(first, self._look)
