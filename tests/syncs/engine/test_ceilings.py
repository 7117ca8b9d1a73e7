"""A vendor's ceiling is filled without a storm of refusals, by all deliveries together."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from redis import RedisError
from redis.asyncio import Redis

from connectors.sdk.destination import Batch, Limits, Rate, RowResult
from connectors.sdk.errors import RateLimited
from syncs.engine.deliver import deliver_part
from syncs.engine.memory import AlwaysProceed, MemoryJournal
from syncs.engine.preparation import next_parts, prepare
from syncs.engine.shared_limiter import SharedLimiter
from syncs.engine.storage import Storage
from tests.syncs.engine.support import MEMORY_MB, THREADS, MemoryDestination, TableSource, make_job, make_spec, table

ALLOWED, REQUESTS = 100, 250


class Strict(MemoryDestination):
    """Takes no more than so many requests in any second."""

    def __init__(self) -> None:
        super().__init__()
        self.times: deque[float] = deque()
        self.turned_away = 0

    def _answer(self, batch: Batch) -> Sequence[RowResult]:
        now = time.monotonic()
        while self.times and self.times[0] <= now - 1.0:
            self.times.popleft()
        if len(self.times) >= ALLOWED:
            self.turned_away += 1
            raise RateLimited("slow down", after=1)
        self.times.append(now)
        return super()._answer(batch)


async def test_deliveries_side_by_side_stay_below_a_ceiling(tmp_path: Path, valkey_url: str) -> None:
    spec = make_spec(part_rows=REQUESTS // 2)
    storage = Storage(str(tmp_path / "storage"))
    source = TableSource(table([(n, "v") for n in range(REQUESTS)]))
    prepared = prepare(spec, source, storage, None, workdir=tmp_path, memory_mb=MEMORY_MB, threads=THREADS)
    destination = Strict()
    limits = Limits(batch_rows=1, concurrency=20, rates=(Rate(requests=ALLOWED, seconds=1),))

    async def deliver(part: Any) -> int:
        async with (
            Redis.from_url(valkey_url) as client,
            SharedLimiter(client, "strict", limits.rates, limits.concurrency, lost=(RedisError,)) as limiter,
        ):
            outcome = await deliver_part(
                spec, make_job(spec), destination, part, storage, MemoryJournal(), AlwaysProceed(), limiter, limits
            )
            return outcome.succeeded.total

    delivered = await asyncio.gather(*map(deliver, next_parts(prepared, ())))
    assert sum(delivered) == REQUESTS == len(destination.records)
    # A busy machine delays some that left in time; a storm would be a refusal for each that came too early.
    assert destination.turned_away <= REQUESTS // 20
