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
    """Asked before every batch, and before every request."""

    async def proceed(self) -> None:
        """Return to go on; raise :class:`syncs.engine.errors.Cancelled` or ``LeaseLost`` to stop."""

    def still_held(self) -> None:
        """Raise ``LeaseLost`` where another worker may have taken over: nothing more may leave from here.

        Whoever was stopped between :meth:`proceed` and the request learns it here, and not by overwriting
        what others have sent since.
        """


class Limiter(Protocol):
    """Keeps the destination account's limits over all workers.

    Waits end after ``within`` seconds with ``False``, so that who waits can look whether it still should.
    """

    async def enter(self, *, within: float = ...) -> bool:
        """Whether one more request may be on its way; every ``True`` needs a :meth:`leave`."""

    def leave(self) -> None:
        """The request that entered has its answer."""

    async def acquire(self, *, within: float = ...) -> bool:
        """Whether one request may be sent now."""

    async def pause(self, seconds: float) -> None:
        """The other side asked everybody to wait."""


class Progress(Protocol):
    """Told how far a stage is; cheap, may be dropped."""

    def __call__(self, stage: str, rows: int) -> None: ...
