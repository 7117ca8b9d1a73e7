"""Receipts: what the other side gave for work that it does in its own time.

A connector that uploads a batch as a job keeps the job's id here before it waits for the
outcome. The engine writes it into the journal; after a kill or a lost line the same batch
comes again with its receipt, and the connector asks for the outcome instead of sending twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar

from connectors.sdk.scoped import Scoped

Store = Callable[[str], Awaitable[None]]


class Receipt:
    """The receipt of one batch. ``value`` is empty where nothing was handed in yet."""

    def __init__(self, value: str = "", store: Store | None = None) -> None:
        self.value = value
        self._store = store

    async def keep(self, value: str) -> None:
        """Returns when it is durable; an empty value says that the job is over and must not be asked for again."""
        if self._store is not None:
            await self._store(value)
        self.value = value


_receipt: ContextVar[Receipt | None] = ContextVar("receipt", default=None)


def current() -> Receipt:
    """The receipt of the batch that is being delivered; one that nobody keeps where there is none."""
    return _receipt.get() or Receipt()


def held(receipt: Receipt | None) -> Scoped[Receipt | None]:
    """Inside, connectors find this receipt."""
    return Scoped(_receipt, receipt)
