"""Ports on this machine that stand for hosts which cannot be connected to directly: behind an SSH server or a proxy,
or dialled by a driver that knows no way of ours (:mod:`~connectors.sdk.net.relay`).

The door to a host stays the same port while it is used, whatever happens to the way behind it. What nobody uses is
closed after :data:`IDLE_S`. All doors of a process live in one loop, in a thread of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from functools import cache
from typing import Any, TypeVar

from connectors.sdk.errors import ConnectorError

T = TypeVar("T")
IDLE_S = 60.0
SPARE_S = 20.0
_LOOK_S = 5.0
_CHUNK = 1 << 18
Channel = tuple[Any, Any]  # a reader and a writer, asyncio's or asyncssh's
Opener = Callable[[str, int], Awaitable[Channel]]
# Gives who came in (a reader and a writer) the far end; it may speak with them first.
Leader = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Channel]]


class Doors:
    """The doors of one way: ``reach`` opens a channel to a host, ``left`` is told when the last door is closed.

    ``broken`` are the errors with which a channel ends that breaks.
    """

    def __init__(
        self, reach: Opener, left: Callable[[], None] = lambda: None, broken: tuple[type[Exception], ...] = (OSError,)
    ) -> None:
        self._reach = reach
        self._left = left
        self._broken = broken
        self._lock = asyncio.Lock()
        self._doors: dict[tuple[str, int], tuple[Door, Spares]] = {}
        self._keeper: asyncio.Task[None] | None = None

    async def open(self, host: str, port: int) -> int:
        """The local port for a host, which a first channel has reached; raises what ``reach`` raises."""
        channel = await self._reach(host, port)
        async with self._lock:
            if (host, port) not in self._doors:
                self._doors[host, port] = await self._opened(host, port)
            door, spares = self._doors[host, port]
            door.used_at = time.monotonic()
            spares.keep(channel)
            if self._keeper is None or self._keeper.done():
                self._keeper = asyncio.create_task(self._tidy_up())
            return door.port

    async def _opened(self, host: str, port: int) -> tuple[Door, Spares]:
        spares = Spares()

        async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Channel:
            return spares.taken() or await self._reach(host, port)

        door = Door(lead, self._broken)
        await door.listen()
        return door, spares

    async def _tidy_up(self) -> None:
        """Close what nobody uses."""
        while self._doors:
            await asyncio.sleep(_LOOK_S)
            async with self._lock:
                for place, (door, spares) in list(self._doors.items()):
                    spares.drop(SPARE_S)
                    if door.idle:
                        del self._doors[place]
                        door.close()
                        spares.drop()
                if not self._doors:
                    self._left()


class Spares:
    """Channels that are open already, for whoever comes next."""

    def __init__(self) -> None:
        self._held: deque[tuple[float, Channel]] = deque()

    def keep(self, channel: Channel) -> None:
        """Hold a channel."""
        self._held.append((time.monotonic(), channel))

    def taken(self) -> Channel | None:
        """The first that is still alive."""
        while self._held:
            _, (reader, writer) = self._held.popleft()
            if not writer.is_closing() and not reader.at_eof():
                return reader, writer
            writer.close()
        return None

    def drop(self, older_than: float = 0) -> None:
        """Close channels that nobody came for."""
        limit = time.monotonic() - older_than
        while self._held and self._held[0][0] <= limit:
            self._held.popleft()[1][1].close()


class Door:
    """One port on 127.0.0.1 and what passes through it."""

    def __init__(self, lead: Leader, broken: tuple[type[Exception], ...] = (OSError,)) -> None:
        self._lead = lead
        self._broken = broken
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[Any] | None] = set()
        self.used_at = time.monotonic()

    async def listen(self) -> None:
        """Begin to take connections."""
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def idle(self) -> bool:
        """Whether nobody has come for a while."""
        return not self._passing and time.monotonic() - self.used_at > IDLE_S

    def close(self) -> None:
        """Take no more connections, and end those that are there."""
        if self._server is not None:
            self._server.close()
        for task in self._passing:
            if task is not None:
                task.cancel()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._passing.add(task := asyncio.current_task())
        try:
            far_reader, far_writer = await self._lead(reader, writer)
            try:
                await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer))
            finally:
                far_writer.close()
        except (ConnectorError, asyncio.CancelledError, *self._broken):  # type: ignore[misc]  # mypy cannot see a tuple
            pass  # the connection ends, which its user sees; cancelled is what a door does that closes
        finally:
            self._passing.discard(task)
            self.used_at = time.monotonic()
            writer.close()

    async def _copy(self, reader: Any, writer: Any) -> None:
        with contextlib.suppress(*self._broken):
            while data := await reader.read(_CHUNK):
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(RuntimeError, *self._broken):
            writer.write_eof()


@cache
def loop() -> asyncio.AbstractEventLoop:
    """The loop that serves this process's doors, in a thread of its own."""
    made = asyncio.new_event_loop()
    threading.Thread(target=made.run_forever, name="doors", daemon=True).start()
    return made


def run(work: Coroutine[Any, Any, T]) -> T:
    """Do something in that loop, from another thread."""
    return asyncio.run_coroutine_threadsafe(work, loop()).result()
