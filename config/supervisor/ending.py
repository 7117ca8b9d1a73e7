"""When a signal asks to end: noticed at safe points, so that no half-done step is torn.

An exception raised by a signal handler can strike anywhere, also in a finalizer,
which swallows it, or inside ``subprocess`` while it holds a lock that is then never
released. So the handler only takes a note, except while a long wait allows more.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class EndAsked(BaseException):
    """A signal asked to end; not an ``Exception``, so that nothing swallows it on the way."""


class Ending:
    """Whether a signal asked to end."""

    def __init__(self) -> None:
        self._asked = False
        self._interrupts = False

    def check(self) -> None:
        """Raise :class:`EndAsked` if a signal came."""
        if self._asked:
            raise EndAsked

    @contextmanager
    def interrupts(self) -> Iterator[None]:
        """Let a signal interrupt this block at once; what it does must be sound when torn anywhere."""
        self.check()
        self._interrupts = True
        try:
            yield
        finally:
            self._interrupts = False
        self.check()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals that end a program, until the end of the block."""
        before = {number: signal.signal(number, self._take_note) for number in END_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def ignore_signals(self) -> None:
        """Once ending has begun a second Ctrl-C must not leave half of it undone."""
        for number in END_SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def _take_note(self, number: int, frame: FrameType | None) -> None:
        self.ignore_signals()
        self._asked = True
        if self._interrupts:
            self._interrupts = False
            raise EndAsked
