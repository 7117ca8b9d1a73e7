"""What the engine needs from the house around it; each has a plain in-memory version for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from syncs.engine.spec import BatchRecord


class Journal(Protocol):
    """Durable record of batches, one a part. A batch leaves only after :meth:`begin` returned."""

    async def entries(self) -> Sequence[BatchRecord]:
        """What earlier attempts at this part left, by batch number."""

    async def begin(self, record: BatchRecord) -> None:
        """Store durably that this batch is about to be sent (group commit with its neighbours)."""

    async def finish(self, record: BatchRecord) -> None:
        """Store durably what became of it."""


class Control(Protocol):
    """Asked before every batch."""

    async def proceed(self) -> None:
        """Return to go on; raise :class:`syncs.engine.errors.Cancelled` or ``LeaseLost`` to stop."""


class Limiter(Protocol):
    """Keeps the destination account's rate over all workers."""

    async def acquire(self, requests: int = 1) -> None:
        """Wait until this many requests may be sent."""


class Progress(Protocol):
    """Told how far a stage is; cheap, may be dropped."""

    def __call__(self, stage: str, rows: int) -> None: ...
