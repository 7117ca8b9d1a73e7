"""Rates: never more than allowed in any window, whoever asks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from redis.asyncio import Redis

from connectors.sdk.destination import Rate
from connectors.sdk.errors import RateLimited, Unavailable
from syncs.engine.limiter import MemoryLimiter, RedisLimiter, window
from syncs.engine.retry import Backoff
from tests.syncs.engine.support import FakeTime


def most_in_any(times: Sequence[float], seconds: float) -> int:
    return max(sum(1 for other in times if time <= other < time + seconds) for time in times)


@pytest.mark.parametrize(
    "rate", [Rate(requests=5, seconds=1), Rate(requests=1, seconds=0.1), Rate(requests=3, seconds=60)]
)
async def test_no_window_holds_more_requests_than_allowed(rate: Rate) -> None:
    time = FakeTime()
    limiter = MemoryLimiter(rate, time.clock)
    times: list[float] = []
    for n in range(23):
        await limiter.acquire()
        times.append(time.at)
        time.at += rate.seconds / 7 * (n % 3)
    assert most_in_any(times, rate.seconds) == rate.requests


async def test_a_burst_up_to_the_limit_does_not_wait() -> None:
    time = FakeTime()
    limiter = MemoryLimiter(Rate(requests=100, seconds=3600), time.clock)
    for _ in range(100):
        await limiter.acquire()
    assert time.waits == []
    await limiter.acquire()
    assert sum(time.waits) == pytest.approx(window(Rate(requests=100, seconds=3600)))


async def test_workers_share_the_rate_through_redis(valkey_url: str) -> None:
    rate = Rate(requests=20, seconds=0.2)
    times: list[float] = []

    async def work(limiter: RedisLimiter) -> None:
        for _ in range(20):
            await limiter.acquire()
            times.append(asyncio.get_running_loop().time())

    async with (
        Redis.from_url(valkey_url) as one,
        Redis.from_url(valkey_url) as two,
        Redis.from_url(valkey_url) as three,
    ):
        await one.flushdb()
        await asyncio.gather(*(work(RedisLimiter(client, "account-7", rate)) for client in (one, two, three)))
    # 60 requests need three windows: two have to pass in full between the first and the last.
    assert max(times) - min(times) >= 2 * rate.seconds


async def test_two_accounts_do_not_slow_each_other(valkey_url: str) -> None:
    time = FakeTime()
    async with Redis.from_url(valkey_url) as client:
        await client.flushdb()
        for account in range(10):
            await RedisLimiter(client, f"account-{account}", Rate(requests=1, seconds=3600), time.clock).acquire()
    assert time.waits == []


def test_pauses_grow_up_to_a_cap_and_jitter_spreads_them() -> None:
    backoff = Backoff(base_s=1, cap_s=10)
    error = Unavailable("busy")
    assert [backoff.wait(n, error, 1.0) for n in range(1, 7)] == [1, 2, 4, 8, 10, 10]
    assert backoff.wait(3, error, 0.25) == 1.0
    assert backoff.wait(500, error, 1.0) == 10


def test_an_asked_for_wait_is_never_cut_short_below_the_cap() -> None:
    backoff = Backoff(asked_cap_s=100)
    assert 30 <= backoff.wait(1, RateLimited("slow", after=30), 0.9) <= 31
    assert 100 <= backoff.wait(1, RateLimited("slow", after=1e9), 0.9) <= 101
    assert backoff.wait(1, RateLimited("slow"), 0.5) == 0.5
