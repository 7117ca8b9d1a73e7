"""Asking another system for a single answer, without waiting for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from connectors.sdk.errors import Unavailable

T = TypeVar("T")
ANSWER_SECONDS = 60.0


async def answered(answer: Awaitable[T], *, within: float = ANSWER_SECONDS) -> T:
    """What the other side answers; :class:`Unavailable` where it takes longer than ``within`` seconds."""
    try:
        return await asyncio.wait_for(answer, within)
    except TimeoutError as error:
        raise Unavailable(
            f"No answer within {within:.0f} seconds.",
            hint="The other system hangs or is overloaded. Look at its status, then try again.",
        ) from error
