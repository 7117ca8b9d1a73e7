"""How long a delivery waits for its destination: never for ever, and not long once the run is to stop.

Connectors keep time-outs of their own for each request. This is the guard behind
them: a call that hangs all the same is cut off, and its rows are in doubt.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from connectors.sdk.deadlines import Deadlines, Limit
from connectors.sdk.destination import Limits
from connectors.sdk.errors import Unavailable
from syncs.engine.errors import Cancelled, LeaseLost
from syncs.engine.protocols import Control

# One call may need several requests, each with its own time-out.
HANG_FACTOR = 10
# What is on its way when a run is cancelled still gets its answer, if that comes soon.
LAST_WORDS_S = 60.0
_LOOK_S = 1.0


class Patience:
    """The time limit of every call of one delivery; an async context manager."""

    def __init__(
        self, limits: Limits, control: Control, *, last_words_s: float = LAST_WORDS_S, look_s: float = _LOOK_S
    ) -> None:
        self._longest_s = limits.batch_s or limits.timeout_s * HANG_FACTOR
        self._last_words_s = last_words_s
        self._look_s = look_s
        self._control = control
        self._deadlines = Deadlines()
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    def call(self) -> _Call:
        """A context for a call; raises :class:`Unavailable`, and in doubt, where no answer comes in time."""
        return _Call(self._deadlines.within(self._longest_s))

    async def _watch(self) -> None:
        """Look whether the run is to stop, also while every batch waits for an answer."""
        try:
            while True:
                await asyncio.sleep(self._look_s)
                await self._control.proceed()
        except (Cancelled, LeaseLost):
            self._deadlines.end_by(asyncio.get_running_loop().time() + self._last_words_s)


class _Call:
    """One call of the destination while it lasts."""

    __slots__ = ("_limit",)

    def __init__(self, limit: Limit) -> None:
        self._limit = limit

    def __enter__(self) -> None:
        self._limit.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._limit.__exit__(kind, error, trace)
        except TimeoutError as late:
            raise Unavailable("No answer in time.", in_doubt=True) from late
        if isinstance(error, TimeoutError):
            raise Unavailable("No answer in time.", in_doubt=True) from error
