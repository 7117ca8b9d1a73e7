"""The limits of a destination account, kept by all syncs and workers together in Redis.

Rates are logs of when requests left, concurrency is shared out among the
deliveries that are at work, and a pause that one delivery was asked for holds
all of them. Where Redis does not answer, each delivery keeps to its share of the
limits by itself, and for one window more after Redis is back: what others sent
in the meantime may be missing there.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Protocol, Self
from uuid import uuid4

from connectors.sdk.destination import Rate
from syncs.engine.limiter import MemoryLimiter, Unlimited, windows
from syncs.engine.retry import Clock

logger = logging.getLogger(__name__)
_Turn = asyncio.Future[bool]  # true when it came, false when its patience ran out
_ROUND_S, _HUNGRY_ROUND_S = 0.5, 0.05
_LIFE_S = 10.0  # of a share whose worker was killed
_ENTRIES = 10_000  # of a log; where more requests fit a window, an entry stands for several
# How many deliveries share an account when nobody could tell: a run sends so many parts side by side.
_USUAL_SHARERS = 4

# Times are the server's, in microseconds; lists hold the newest first.
# KEYS: the pause, then a log and a counter for each window. ARGV: requests wanted, then limit, window and
# requests an entry for each window. Returns how many may go now, and else how long to wait.
_TAKE = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local room, wait = tonumber(ARGV[1]), 0
local paused = tonumber(redis.call('GET', KEYS[1]) or 0)
if paused > now then return {0, paused - now} end
for i = 2, #KEYS, 2 do
  local limit, window, each = tonumber(ARGV[i * 1.5 - 1]), tonumber(ARGV[i * 1.5]), tonumber(ARGV[i * 1.5 + 1])
  local low, high = 0, redis.call('LLEN', KEYS[i])
  while low < high do
    local middle = math.floor((low + high) / 2)
    if tonumber(redis.call('LINDEX', KEYS[i], middle)) + window > now then low = middle + 1 else high = middle end
  end
  if low == 0 then redis.call('DEL', KEYS[i]) else redis.call('LTRIM', KEYS[i], 0, low - 1) end
  local free = limit - low * each
  if free < 1 then
    local blocking = math.max(0, math.floor(limit / each) - 1)
    wait = math.max(wait, tonumber(redis.call('LINDEX', KEYS[i], blocking)) + window - now)
  end
  room = math.min(room, free)
end
if wait > 0 then return {0, wait} end
for i = 2, #KEYS, 2 do
  local window, each, entries = tonumber(ARGV[i * 1.5]), tonumber(ARGV[i * 1.5 + 1]), room
  local life = math.ceil(window / 1000) + 1000
  if each > 1 then
    local before = tonumber(redis.call('GET', KEYS[i + 1]) or 0)
    entries = math.floor((before + room) / each)
    redis.call('SET', KEYS[i + 1], (before + room) % each, 'PX', life)
  end
  for _ = 1, entries do redis.call('LPUSH', KEYS[i], string.format('%.0f', now)) end
  redis.call('PEXPIRE', KEYS[i], life)
end
return {room, 0}
"""

# KEYS: who is at work until when, slots held, slots wanted, the pause. ARGV: who asks, wanted, limit,
# microseconds of life, requests on their way. Returns the slots of who asks, how many share, the pause left.
_SHARE = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local me, want, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], 0, now)) do
  redis.call('HDEL', KEYS[2], gone)
  redis.call('HDEL', KEYS[3], gone)
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, now)
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[4]), me)
redis.call('HSET', KEYS[3], me, want)
local all = redis.call('ZRANGE', KEYS[1], 0, -1)
table.sort(all)
local function fair(place) return math.floor(limit / #all) + (place <= limit % #all and 1 or 0) end
local held, hungry, mine = 0, false, 0
for place, who in ipairs(all) do
  if who == me then
    mine = fair(place)
  else
    local has = tonumber(redis.call('HGET', KEYS[2], who) or 0)
    held = held + has
    if has < math.min(fair(place), tonumber(redis.call('HGET', KEYS[3], who) or 0)) then hungry = true end
  end
end
local grant = math.max(0, math.min(want, hungry and mine or limit, limit - held))
redis.call('HSET', KEYS[2], me, math.max(grant, tonumber(ARGV[5])))
for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], 3600000) end
return {grant, #all, math.max(0, tonumber(redis.call('GET', KEYS[4]) or 0) - now)}
"""

_LEAVE = """
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
"""

# A pause never ends earlier because somebody else asks for a shorter one.
_PAUSE = """
local clock = redis.call('TIME')
local until_ = tonumber(clock[1]) * 1000000 + tonumber(clock[2]) + tonumber(ARGV[1])
if until_ > tonumber(redis.call('GET', KEYS[1]) or 0) then
  redis.call('SET', KEYS[1], string.format('%.0f', until_), 'PX', math.ceil(tonumber(ARGV[1]) / 1000) + 1000)
end
"""


class AsyncRedis(Protocol):
    """What is used of a ``redis.asyncio`` client."""

    def register_script(self, script: str) -> Any: ...


class SharedLimiter:
    """One delivery's hold on the limits of its destination account; an async context manager.

    ``name`` stands for the account. ``lost`` are the errors by which the client says that Redis does not answer.
    """

    def __init__(
        self,
        client: AsyncRedis,
        name: str,
        rates: Sequence[Rate],
        concurrency: int,
        *,
        lost: tuple[type[Exception], ...],
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or Clock()
        self._local = MemoryLimiter(*rates, clock=self._clock)
        self._windows = windows(rates)
        self._concurrency = max(1, concurrency)
        self._lost = lost
        self._me = uuid4().hex
        scripts = (_TAKE, _SHARE, _LEAVE, _PAUSE)
        self._take, self._share, self._leave, self._pause = (client.register_script(script) for script in scripts)
        prefix = f"headrace:limit:{name}"
        self._pause_key = f"{prefix}:pause"
        self._share_keys = [f"{prefix}:sharers", f"{prefix}:held", f"{prefix}:wanted"]
        logs = [f"{prefix}:sent:{kept.seconds:g}:{_each(kept)}" for kept in self._windows]
        self._log_keys = [key for log in logs for key in (log, f"{log}:rest")]
        self._sharers = _USUAL_SHARERS
        self._granted = 0
        self._active = 0
        self._most = self._concurrency  # slots that were wanted at once since the last round
        self._for_slot: deque[_Turn] = deque()
        self._for_rate: deque[_Turn] = deque()
        self._asked = asyncio.Event()
        self._alone_until = 0.0
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._renew()
        self._tasks = [asyncio.create_task(self._keep_share())]
        if self._windows:
            self._tasks.append(asyncio.create_task(self._hand_out()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(*self._lost):
            await self._leave(keys=self._share_keys, args=[self._me])

    async def enter(self, *, within: float = math.inf) -> bool:
        """Whether one more request may be on its way: waits for it, but no longer than ``within`` seconds."""
        self._most = max(self._most, self._active + len(self._for_slot) + 1)
        if self._active < self._slots:
            self._active += 1
            return True
        return await self._queued(self._for_slot, within)

    def leave(self) -> None:
        """The request that entered has its answer."""
        self._active -= 1
        self._wake()

    async def acquire(self, *, within: float = math.inf) -> bool:
        """Whether one request may be sent now: waits for it, but no longer than ``within`` seconds."""
        end = self._clock.now() + within
        while (paused := Unlimited.wait(self._local)) > 0:
            left = end - self._clock.now()
            if left <= 0:
                return False
            await self._clock.sleep(min(paused, left))
        if not self._windows:
            return True
        self._asked.set()
        return await self._queued(self._for_rate, max(0.0, end - self._clock.now()))

    async def pause(self, seconds: float) -> None:
        """Hold back every request to this account for so long."""
        await self._local.pause(seconds)
        with suppress(*self._lost):
            await self._pause(keys=[self._pause_key], args=[round(seconds * 1_000_000)])

    @property
    def _alone(self) -> bool:
        """Whether Redis is away, or was until so recently that it does not know what was sent."""
        return self._clock.now() < self._alone_until

    @property
    def _slots(self) -> int:
        return max(1, self._concurrency // self._sharers) if self._alone else self._granted

    async def _queued(self, queue: deque[_Turn], within: float) -> bool:
        for task in self._tasks:
            if task.done():  # only a defect ends them: nobody would ever be called up
                task.result()
        loop = asyncio.get_running_loop()
        turn: _Turn = loop.create_future()
        queue.append(turn)
        timer = loop.call_later(within, _give_up, turn) if within < math.inf else None
        try:
            return await turn
        except asyncio.CancelledError:
            if queue is self._for_slot and turn.done() and not turn.cancelled() and turn.result():
                self.leave()
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        while self._for_slot and self._active < self._slots:
            turn = self._for_slot.popleft()
            if not turn.done():
                self._active += 1
                turn.set_result(True)

    async def _keep_share(self) -> None:
        while True:
            hungry = bool(self._for_slot) and self._active < min(2, self._concurrency)
            await self._clock.sleep(_HUNGRY_ROUND_S if hungry else _ROUND_S)
            await self._renew()

    async def _renew(self) -> None:
        """Tell that we are at work and how much we want; learn how much is ours."""
        wanted, self._most = min(self._most, self._concurrency), max(1, self._active + len(self._for_slot))
        arguments = [self._me, wanted, self._concurrency, round(_LIFE_S * 1_000_000), self._active]
        try:
            granted, sharers, paused = await self._share(keys=[*self._share_keys, self._pause_key], args=arguments)
        except self._lost as error:
            self._lose(error)
        else:
            if self._alone_until == math.inf:
                self._alone_until = self._clock.now() + max((kept.seconds for kept in self._windows), default=0.0)
            self._granted, self._sharers = int(granted), max(1, int(sharers))
            if paused:
                await self._local.pause(int(paused) / 1_000_000)
        self._wake()

    def _lose(self, error: Exception) -> None:
        if self._alone_until < math.inf:
            logger.warning("Redis does not answer; keeping one part in %s of the limits: %s", self._sharers, error)
        self._alone_until = math.inf

    async def _hand_out(self) -> None:
        """Let requests go as the rates allow: all that wait ask at once, and go in the order they came."""
        try:
            while True:
                while self._for_rate and self._for_rate[0].done():
                    self._for_rate.popleft()
                if not self._for_rate:
                    self._asked.clear()
                    await self._asked.wait()
                    continue
                granted, wait = await self._ask(len(self._for_rate))
                for _ in range(granted):
                    self._let_go()
                if wait > 0:
                    await self._clock.sleep(wait)
        except Exception as error:
            for turn in self._for_rate:
                if not turn.done():
                    turn.set_exception(error)
            raise

    def _let_go(self) -> None:
        while self._for_rate:
            turn = self._for_rate.popleft()
            if not turn.done():
                self._local.note()
                turn.set_result(True)
                return

    async def _ask(self, wanted: int) -> tuple[int, float]:
        """How many requests may go now, and if none, how long to wait."""
        if self._alone:
            wait = self._local.wait(self._sharers)
            if wait > 0 or self._alone_until == math.inf:
                return (0, wait) if wait > 0 else (1, 0.0)
            wanted = 1
        arguments: list[int] = [wanted]
        for kept in self._windows:
            each = _each(kept)
            spare = each if each > 1 else 0
            arguments += [max(1, kept.requests - spare), round(kept.seconds * 1_000_000), each]
        try:
            granted, wait_us = await self._take(keys=[self._pause_key, *self._log_keys], args=arguments)
        except self._lost as error:
            self._lose(error)
            return 0, 0.0
        return int(granted), int(wait_us) / 1_000_000


def _each(kept: Rate) -> int:
    """How many requests an entry of the window's log stands for."""
    return -(-kept.requests // _ENTRIES)


def _give_up(turn: _Turn) -> None:
    if not turn.done():
        turn.set_result(False)
