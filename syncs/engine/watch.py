"""Progress and cancellation of a stage, asked on the thread that runs it."""

from __future__ import annotations

from collections.abc import Callable

from syncs.engine.protocols import Progress


class Watch:
    """Tells progress and asks for cancellation from the thread that runs the stage."""

    def __init__(self, progress: Progress | None, check_cancel: Callable[[], None]) -> None:
        self._progress = progress
        self._check_cancel = check_cancel
        self._stage = "query"
        self._rows = 0

    def on_rows(self, rows: int) -> None:
        """Remember how many rows have come; may be called from another thread."""
        self._rows = rows

    def enter(self, stage: str) -> None:
        """The next stage begins."""
        self._stage = stage

    def __call__(self) -> None:
        self._check_cancel()
        if self._progress is not None:
            self._progress(self._stage, self._rows)
