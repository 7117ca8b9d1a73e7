"""Limits of destination accounts, kept over all syncs and workers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import redis
import redis.asyncio
from django.conf import settings

from connectors.models import Destination
from connectors.sdk.destination import Limits
from syncs.engine import SharedLimiter
from syncs.engine.protocols import Limiter

# A Redis that hangs must cost a delivery no more than one that is gone.
ANSWER_SECONDS = 2.0


@asynccontextmanager
async def limiter_for(destination: Destination, limits: Limits) -> AsyncIterator[Limiter]:
    """The limiter of a destination account; to be used in the event loop that made it."""
    client = redis.asyncio.Redis.from_url(
        settings.REDIS_URL, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
    )
    limiter = SharedLimiter(
        client,
        account_name(destination),
        limits.rates,
        limits.concurrency,
        lost=(redis.RedisError, OSError, TimeoutError),
    )
    try:
        async with limiter:
            yield limiter
    finally:
        await client.aclose()  # type: ignore[attr-defined]  # newer than its stubs


def account_name(destination: Destination) -> str:
    """What the account is called in Redis.

    Ids alone are the same in every installation: two that share a Redis would keep
    each other's deliveries waiting, for ever where one of them hangs.
    """
    return f"{destination.pk}:{destination.created_at.timestamp():.6f}"
