"""Limits of destination accounts, kept over all syncs and workers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import redis
import redis.asyncio
from django.conf import settings

from connectors.sdk.destination import Limits
from syncs.engine import SharedLimiter
from syncs.engine.protocols import Limiter

# A Redis that hangs must cost a delivery no more than one that is gone.
ANSWER_SECONDS = 2.0


@asynccontextmanager
async def limiter_for(destination_id: int, limits: Limits) -> AsyncIterator[Limiter]:
    """The limiter of a destination account; to be used in the event loop that made it."""
    client = redis.asyncio.Redis.from_url(
        settings.REDIS_URL, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
    )
    limiter = SharedLimiter(
        client, str(destination_id), limits.rates, limits.concurrency, lost=(redis.RedisError, OSError, TimeoutError)
    )
    try:
        async with limiter:
            yield limiter
    finally:
        await client.aclose()  # type: ignore[attr-defined]  # newer than its stubs
