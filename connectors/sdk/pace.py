"""Waiting for a turn: the engine keeps the limits of a destination account, request by request.

A batch goes when the engine lets it, and that pays for its first request. Where a
connector makes more of them (looking up records first, one request a row), the outbound
door asks for each further one here. It also asks, before every one, whether the batch is
still the engine's to send.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar

from connectors.sdk.scoped import Scoped

Turn = Callable[[], Awaitable[None]]
Check = Callable[[], None]


class _Pace:
    __slots__ = ("check", "first", "turn")

    def __init__(self, turn: Turn, check: Check) -> None:
        self.turn = turn
        self.check = check
        self.first = True


_pace: ContextVar[_Pace | None] = ContextVar("pace", default=None)


async def wait_for_turn() -> None:
    """Return when one more request may be sent; at once for the first, and where nobody keeps limits."""
    pace = _pace.get()
    if pace is None:
        return
    if pace.first:
        pace.first = False
    else:
        await pace.turn()
    pace.check()


async def at_once() -> None:
    """The turn of those who keep no limits."""


def paced(turn: Turn, check: Check) -> Scoped[_Pace]:
    """Inside, every request after the first waits for ``turn``, and each that ``check`` lets pass is sent.

    Also those of tasks started inside. What ``check`` raises ends the request before it leaves.
    """
    return Scoped(_pace, _Pace(turn, check))
