"""Waiting for a turn: the engine keeps the limits of a destination account, request by request.

A batch goes when the engine lets it, and that pays for its first request. Where a
connector makes more of them (looking up records first, one request a row), the outbound
door asks for each further one here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Turn = Callable[[], Awaitable[None]]


class _Pace:
    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.first = True


_pace: ContextVar[_Pace | None] = ContextVar("pace", default=None)


async def wait_for_turn() -> None:
    """Return when one more request may be sent; at once for the first, and where nobody keeps limits."""
    pace = _pace.get()
    if pace is None:
        return
    if pace.first:
        pace.first = False
        return
    await pace.turn()


@contextmanager
def paced(turn: Turn) -> Iterator[None]:
    """Inside, every request after the first waits for ``turn``; also those of tasks started inside."""
    token = _pace.set(_Pace(turn))
    try:
        yield
    finally:
        _pace.reset(token)
