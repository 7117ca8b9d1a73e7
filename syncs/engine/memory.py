"""The house's parts as plain objects in memory: for tests, benchmarks and trying things out."""

from __future__ import annotations

from collections.abc import Sequence

from syncs.engine.spec import BatchRecord


class MemoryJournal:
    """Keeps entries as long as the process lives."""

    def __init__(self) -> None:
        self.records: dict[int, BatchRecord] = {}

    async def entries(self) -> Sequence[BatchRecord]:
        """All entries by batch number."""
        return [self.records[number] for number in sorted(self.records)]

    async def begin(self, record: BatchRecord) -> None:
        """Note that the batch is about to leave."""
        self.records[record.number] = record

    async def finish(self, record: BatchRecord) -> None:
        """Note what became of it."""
        self.records[record.number] = record


class AlwaysProceed:
    """Never cancels."""

    async def proceed(self) -> None:
        """Go on."""

    def still_held(self) -> None:
        """Nobody else works here."""
