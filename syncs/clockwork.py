"""What other apps let the scheduler do every so often. They register at start-up, and it knows none of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

Work = Callable[[datetime], int]


@dataclass(frozen=True, slots=True)
class Turn:
    """Something done every so often; ``work`` gets the time, and returns how much it did."""

    name: str
    work: Work
    every: timedelta


_turns: list[Turn] = []


def register(name: str, work: Work, every: timedelta) -> None:
    """Let the scheduler do it."""
    _turns.append(Turn(name, work, every))


def turns() -> Sequence[Turn]:
    """Everything that was registered."""
    return tuple(_turns)
