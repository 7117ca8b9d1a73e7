"""Limits of an account: never more than allowed in any window or at once, whoever asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import RedisError
from redis.asyncio import Redis

from connectors.sdk.destination import Rate
from connectors.sdk.errors import RateLimited, Unavailable
from syncs.engine.limiter import MemoryLimiter, window
from syncs.engine.retry import Backoff
from syncs.engine.shared_limiter import SharedLimiter
from tests.syncs.engine.support import FakeTime

LOST = (RedisError, OSError, TimeoutError)
# Nothing here waits so long: what would have to is refused, and the test goes on.
NOW = 0.0
# A server that does not answer fails a test by itself, and not by hanging.
ANSWER_S = 20.0


def most_in_any(times: Sequence[float], seconds: float) -> int:
    return max(sum(1 for other in times if time <= other < time + seconds) for time in times)


@given(
    rates=st.lists(
        st.builds(Rate, requests=st.integers(1, 60), seconds=st.sampled_from([0.1, 1.0, 10.0, 60.0])),
        min_size=1,
        max_size=3,
    ),
    gaps=st.lists(st.sampled_from([0.0, 0.01, 0.3, 5.0]), min_size=30, max_size=90),
)
def test_no_window_holds_more_requests_than_allowed(rates: list[Rate], gaps: list[float]) -> None:
    time = FakeTime()
    limiter = MemoryLimiter(*rates, clock=time.clock)
    times: list[float] = []

    async def send() -> None:
        for gap in gaps:
            assert await limiter.acquire()
            times.append(time.at)
            time.at += gap

    asyncio.run(send())
    for rate in rates:
        assert most_in_any(times, rate.seconds) <= rate.requests


async def test_a_burst_up_to_the_limit_does_not_wait() -> None:
    time = FakeTime()
    limiter = MemoryLimiter(Rate(requests=100, seconds=3600), clock=time.clock)
    for _ in range(100):
        await limiter.acquire()
    assert time.waits == []
    await limiter.acquire()
    assert sum(time.waits) == pytest.approx(window(Rate(requests=100, seconds=3600)))


async def test_a_high_rate_goes_out_evenly() -> None:
    time = FakeTime()
    limiter = MemoryLimiter(Rate(requests=1000, seconds=1), clock=time.clock)
    times: list[float] = []
    for _ in range(2000):
        await limiter.acquire()
        times.append(time.at)
    assert most_in_any(times, 0.08) <= 100
    assert 1.04 <= times[-1] - times[0] <= 2.1


async def test_patience_ends_a_wait() -> None:
    time = FakeTime()
    limiter = MemoryLimiter(Rate(requests=1, seconds=3600), clock=time.clock)
    assert await limiter.acquire()
    assert not await limiter.acquire(within=5)
    assert sum(time.waits) == 5


@pytest.fixture
async def redis(valkey_url: str) -> AsyncIterator[Redis[bytes]]:
    async with Redis.from_url(valkey_url, socket_timeout=ANSWER_S) as client:
        await client.flushdb()
        yield client


@asynccontextmanager
async def sharing(
    url: str, workers: int, rates: Sequence[Rate] = (), concurrency: int = 100, account: str = "account-7"
) -> AsyncIterator[list[SharedLimiter]]:
    """So many deliveries at work on one account, each with a connection of its own."""
    async with AsyncExitStack() as stack:
        limiters = []
        for _ in range(workers):
            client = await stack.enter_async_context(Redis.from_url(url, socket_timeout=ANSWER_S))
            limiter = SharedLimiter(client, account, rates, concurrency, lost=LOST)
            limiters.append(await stack.enter_async_context(limiter))
        yield limiters


async def test_workers_share_every_window_of_an_account(redis: Redis[bytes], valkey_url: str) -> None:
    rates = (Rate(requests=20, seconds=0.2), Rate(requests=50, seconds=3600))
    times: list[float] = []

    async def work(limiter: SharedLimiter) -> None:
        while await limiter.acquire(within=2):
            times.append(asyncio.get_running_loop().time())

    async with sharing(valkey_url, 3, rates) as limiters:
        await asyncio.gather(*(work(limiter) for limiter in limiters for _ in range(8)))
    assert len(times) == 50  # what an hour allows, and not one more
    assert max(times) - min(times) >= 2 * 0.2  # 50 requests need three windows: two pass in full


async def test_a_rate_of_millions_is_kept_in_a_short_log(redis: Redis[bytes], valkey_url: str) -> None:
    async with sharing(valkey_url, 1, [Rate(requests=1_000_000, seconds=3600)]) as (limiter,):
        for _ in range(1_000):
            assert await limiter.acquire(within=1)
    logs = [key async for key in redis.scan_iter("headrace:limit:account-7:sent:*:100")]
    assert [await redis.llen(log) for log in logs] == [10]


async def test_two_accounts_do_not_slow_each_other(redis: Redis[bytes], valkey_url: str) -> None:
    for account in range(5):
        async with sharing(valkey_url, 1, [Rate(requests=1, seconds=3600)], 1, f"account-{account}") as (limiter,):
            assert await limiter.acquire(within=1)


async def test_a_pause_that_one_worker_was_asked_for_holds_all(redis: Redis[bytes], valkey_url: str) -> None:
    async with sharing(valkey_url, 3, [Rate(requests=1000, seconds=3600)]) as (first, second, third):
        assert await second.acquire(within=1)
        await first.pause(3600)
        await third.pause(1)  # never shortens the other
        assert not await second.acquire(within=0.05)
        assert not await first.acquire(within=NOW)
    async with sharing(valkey_url, 1) as (later,):  # whoever starts while it lasts, with any settings
        assert not await later.acquire(within=NOW)


async def test_no_more_requests_are_on_their_way_than_the_account_allows(redis: Redis[bytes], valkey_url: str) -> None:
    on_their_way = most = done = 0

    async def work(limiter: SharedLimiter) -> None:
        nonlocal on_their_way, most, done
        for _ in range(5):
            assert await limiter.enter(within=20)
            on_their_way += 1
            most = max(most, on_their_way)
            await asyncio.sleep(0.01)
            on_their_way -= 1
            done += 1
            limiter.leave()

    async with sharing(valkey_url, 4, concurrency=6) as limiters:
        await asyncio.gather(*(work(limiter) for limiter in limiters for _ in range(6)))
    assert done == 4 * 6 * 5
    assert most <= 6


async def test_a_newcomer_gets_its_share_of_a_busy_account(redis: Redis[bytes], valkey_url: str) -> None:
    async def keep_busy(limiter: SharedLimiter) -> None:
        while True:
            await limiter.enter()
            await asyncio.sleep(0.01)
            limiter.leave()

    async with sharing(valkey_url, 1, concurrency=4) as (old,):
        busy = [asyncio.create_task(keep_busy(old)) for _ in range(4)]
        try:
            async with sharing(valkey_url, 1, concurrency=4) as (new,):
                assert [await new.enter(within=10), await new.enter(within=10)] == [True, True]
                new.leave()
                new.leave()
        finally:
            for task in busy:
                task.cancel()
            await asyncio.gather(*busy, return_exceptions=True)


class Failing:
    """A Redis that is there or not."""

    def __init__(self, client: Redis[bytes]) -> None:
        self._client = client
        self.away = False

    def register_script(self, text: str) -> Any:
        script = self._client.register_script(text)

        async def run(**options: Any) -> Any:
            if self.away:
                raise RedisError("gone")
            return await script(**options)

        return run


async def test_without_redis_a_worker_keeps_its_share_and_comes_back(redis: Redis[bytes]) -> None:
    faulty = Failing(redis)
    rate = Rate(requests=8, seconds=0.4)
    async with SharedLimiter(faulty, "account-7", [rate], 8, lost=LOST) as limiter:
        faulty.away = True
        times: list[float] = []
        for _ in range(12):
            assert await limiter.acquire(within=10)
            times.append(asyncio.get_running_loop().time())
        assert most_in_any(times, rate.seconds) <= rate.requests
        faulty.away = False
        for _ in range(20):
            assert await limiter.enter(within=10)
            assert await limiter.acquire(within=10)
            limiter.leave()
        assert [key async for key in redis.scan_iter("headrace:limit:account-7:sent:*")]


async def test_a_redis_that_was_never_there_stops_nobody(redis: Redis[bytes]) -> None:
    faulty = Failing(redis)
    faulty.away = True
    async with SharedLimiter(faulty, "account-7", [Rate(requests=8, seconds=60)], 8, lost=LOST) as limiter:
        assert [await limiter.enter(within=NOW) for _ in range(3)] == [True, True, False]  # a quarter of both
        assert [await limiter.acquire(within=0.05) for _ in range(3)] == [True, True, False]


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
