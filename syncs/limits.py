"""Rates of destination accounts, kept over all syncs and workers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import redis.asyncio
from django.conf import settings

from connectors.sdk.destination import Limits
from syncs.engine import RedisLimiter, Unlimited
from syncs.engine.protocols import Limiter


@asynccontextmanager
async def limiter_for(destination_id: int, limits: Limits) -> AsyncIterator[Limiter]:
    """The limiter of a destination account; to be used in the event loop that made it."""
    if limits.rate is None:
        yield Unlimited()
        return
    rate = limits.rate
    client = redis.asyncio.Redis.from_url(settings.REDIS_URL)
    try:
        yield RedisLimiter(client, f"{destination_id}:{rate.requests}/{rate.seconds:g}", rate)
    finally:
        await client.aclose()  # type: ignore[attr-defined]  # newer than its stubs
