"""Local ports that stand for hosts which cannot be connected to directly: behind an SSH server, or a proxy.

A door stays the same port while it is used, whatever happens to the way behind it. What nobody uses is closed after
:data:`IDLE_S`. All doors of a process live in one loop, in a thread of its own.
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
        self._doors: dict[tuple[str, int], _Door] = {}
        self._keeper: asyncio.Task[None] | None = None

    async def open(self, host: str, port: int) -> int:
        """The local port for a host, which a first channel has reached; raises what ``reach`` raises."""
        channel = await self._reach(host, port)
        async with self._lock:
            door = self._doors.get((host, port))
            if door is None:
                door = _Door(self._reach, host, port, self._broken)
                await door.listen()
                self._doors[host, port] = door
            door.keep(channel)
            if self._keeper is None or self._keeper.done():
                self._keeper = asyncio.create_task(self._tidy_up())
            return door.port

    async def _tidy_up(self) -> None:
        """Close what nobody uses."""
        while self._doors:
            await asyncio.sleep(_LOOK_S)
            async with self._lock:
                for place, door in list(self._doors.items()):
                    door.drop_spares(SPARE_S)
                    if door.idle:
                        self._doors.pop(place).close()
                if not self._doors:
                    self._left()


class _Door:
    """One local port and what passes through it."""

    def __init__(self, reach: Opener, host: str, port: int, broken: tuple[type[Exception], ...]) -> None:
        self._reach, self._host, self._port, self._broken = reach, host, port, broken
        self._spare: deque[tuple[float, Channel]] = deque()
        self._server: asyncio.Server | None = None
        self.passing = 0
        self.used_at = time.monotonic()

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def idle(self) -> bool:
        """Whether nobody has come for a while."""
        return not self.passing and time.monotonic() - self.used_at > IDLE_S

    def keep(self, channel: Channel) -> None:
        """Hold a channel that is open already for whoever connects next."""
        self.used_at = time.monotonic()
        self._spare.append((self.used_at, channel))

    def drop_spares(self, older_than: float) -> None:
        """Close channels that nobody came for."""
        limit = time.monotonic() - older_than
        while self._spare and self._spare[0][0] <= limit:
            self._spare.popleft()[1][1].close()

    def close(self) -> None:
        self.drop_spares(0)
        if self._server is not None:
            self._server.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.passing += 1
        try:
            far_reader, far_writer = self._taken() or await self._reach(self._host, self._port)
            try:
                await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer))
            finally:
                far_writer.close()
        except (ConnectorError, *self._broken):  # type: ignore[misc]  # a tuple of classes, which mypy cannot see
            pass  # the connection ends, which its user sees
        finally:
            self.passing -= 1
            self.used_at = time.monotonic()
            writer.close()

    def _taken(self) -> Channel | None:
        while self._spare:
            _, (reader, writer) = self._spare.popleft()
            if not writer.is_closing() and not reader.at_eof():
                return reader, writer
        return None

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
