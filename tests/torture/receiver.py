"""The reference destination: a process of its own that keeps what it receives and misbehaves on demand.

``POST /{mode}/{sync}/{run}/{operation}`` takes a JSON list of rows and answers one
result a row. ``PUT /trouble`` sets how likely each request is to go wrong, ``GET /{sync}``
tells what is there, how often each key was inserted, and which rows came twice in a run.
Datagrams to the same port say what became of a request at its sender: that decides
whether a row that comes again may.
"""

from __future__ import annotations

import asyncio
import random
import socket
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Row = dict[str, Any]
# How likely each kind of trouble is among requests that go wrong. Those that end a whole run are rare.
TROUBLES = {
    "401": 1, "403": 1, "404": 1, "409": 4, "413": 6, "429": 8, "429 later": 8, "500": 6, "500 after": 8, "503": 4,
    "hang": 2, "hang after": 2, "reset": 6, "reset after": 8, "malformed": 3, "partial": 10, "locked": 6,
}  # fmt: skip
HANG_S = 1.6
# What a sender says of a request that it numbered; until then it waits for the answer, or was killed.
NUMBER_HEADER = "X-Request-Number"
READ, GIVEN_UP, WAITING = "read", "given up", "waiting"


Which = tuple[str, str, str]  # run, operation, key


@dataclass(slots=True)
class Arrival:
    """A row that came in a request: which one, when, and how the one before that brought it stood at that moment."""

    request: str
    order: int
    at: float
    earlier: Arrival | None
    before: str | None


@dataclass
class Table:
    """What one sync has brought. ``came`` holds the latest arrivals, ``done`` the latest of those carried out."""

    records: dict[str, Row] = field(default_factory=dict)
    inserts: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    repeats: list[dict[str, Any]] = field(default_factory=list)
    came: dict[Which, Arrival] = field(default_factory=dict)
    done: dict[Which, Arrival] = field(default_factory=dict)


class Receiver:
    """Tables by sync, and the troubles of the moment."""

    def __init__(self, words: socket.socket) -> None:
        self.tables: dict[str, Table] = {}
        self.share = 0.0
        self.random = random.Random()
        self._words = words
        self._said: dict[str, str] = {}
        self._busy = 0
        self._quiet = asyncio.Condition()

    async def trouble(self, request: web.Request) -> web.Response:
        """Set the share of requests that go wrong, and the seed of which; once those before have come to their end.

        What hangs is carried out long after its sender gave up: it must not undo what a later run brings.
        """
        wanted = await request.json()
        async with self._quiet:
            await self._quiet.wait_for(lambda: not self._busy)
        self.share = float(wanted["share"])
        self.random = random.Random(wanted["seed"])
        return web.json_response({})

    async def known(self, request: web.Request) -> web.Response:
        """Put records in, as if they had always been there."""
        table = self.tables.setdefault(request.match_info["sync"], Table())
        table.records.update({row["id"]: row for row in await request.json()})
        return web.json_response({})

    async def show(self, request: web.Request) -> web.Response:
        """What is there."""
        table = self.tables.get(request.match_info["sync"], Table())
        names = ("records", "inserts", "requests", "repeats")
        return web.json_response({name: getattr(table, name) for name in names})

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Rows arrive."""
        self._busy += 1
        try:
            return await self._take(request)
        finally:
            self._busy -= 1
            async with self._quiet:
                self._quiet.notify_all()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        mode, sync, run, operation = (request.match_info[name] for name in ("mode", "sync", "run", "operation"))
        table = self.tables.setdefault(sync, Table())
        rows = await request.json()
        table.requests += 1
        arrivals = self.arrived(table, (run, operation), rows, request.headers[NUMBER_HEADER])
        trouble = self._trouble()
        await asyncio.sleep(self.random.uniform(0.0, 0.03))
        match trouble.split():
            case ["429", *later]:
                asked = {"Retry-After": "1"} if later else {}
                return web.Response(status=429, headers=asked, text="slow down")
            case [code] if code.isdigit():
                return web.Response(status=int(code), text=f"{code}, as asked for")
            case ["hang"]:
                await asyncio.sleep(HANG_S)
            case ["reset"]:
                return self._cut(request)
        refused = self._some(rows) if trouble in ("partial", "locked") else set()
        results = self._apply(table, mode, operation, rows, refused, passing=trouble == "locked")
        self.refuse(table, {which: a for which, a in arrivals.items() if which[2] in refused})
        self.note(table, {which: a for which, a in arrivals.items() if which[2] not in refused})
        match trouble:
            case "500 after":
                return web.Response(status=500, text="it was too much, though it was done")
            case "hang after":
                await asyncio.sleep(HANG_S)
            case "reset after":
                return self._cut(request)
            case "malformed":
                return web.Response(text="<html>all is well</html>")
        return web.json_response(results, status=207 if refused else 200)

    def _trouble(self) -> str:
        if self.random.random() >= self.share:
            return ""
        return self.random.choices(list(TROUBLES), list(TROUBLES.values()))[0]

    def _some(self, rows: Sequence[Row]) -> set[str]:
        return {row["id"] for row in rows if self.random.random() < 0.3}

    def _apply(
        self, table: Table, mode: str, operation: str, rows: Sequence[Row], refused: set[str], *, passing: bool
    ) -> list[dict[str, Any]]:
        if mode == "all":
            table.records = {}
        for row in rows:
            key = row["id"]
            if key in refused:
                continue
            if operation == "removed":
                table.records.pop(key, None)
            elif mode == "update" and key not in table.records:
                continue
            else:
                table.inserts[key] += 1
                table.records[key] = row
        return [{"ok": row["id"] not in refused, "message": "not this one", "passing": passing} for row in rows]

    def arrived(self, table: Table, what: tuple[str, str], rows: Sequence[Row], request: str) -> dict[Which, Arrival]:
        """Rows come, whatever becomes of them."""
        self._listen()
        arrivals = {}
        for row in rows:
            which = (*what, row["id"])
            earlier = table.came.get(which)
            said = self._said.get(earlier.request, WAITING) if earlier else None
            arrivals[which] = table.came[which] = Arrival(request, table.requests, time.time(), earlier, said)
        return arrivals

    def refuse(self, table: Table, arrivals: dict[Which, Arrival]) -> None:
        """Rows that were refused brought nothing: what comes next is judged by what came before them."""
        for which, arrival in arrivals.items():
            if table.came[which] is not arrival:
                continue
            if arrival.earlier is None:
                del table.came[which]
            else:
                table.came[which] = arrival.earlier

    def note(self, table: Table, arrivals: dict[Which, Arrival]) -> None:
        """Rows carried out for the second time. The later arrival is judged, whichever was carried out later."""
        for which, arrival in arrivals.items():
            first, second = arrival, table.done.get(which)
            if second is not None:
                first, second = sorted((first, second), key=lambda a: a.order)
                run, operation, key = which
                ago, before = second.at - first.at, second.before
                table.repeats.append({"run": run, "operation": operation, "key": key, "before": before, "ago": ago})
            table.done[which] = second or first

    def _listen(self) -> None:
        """What senders have said up to now."""
        with suppress(BlockingIOError):
            while True:
                number, said = self._words.recv(200).decode().split(" ", 1)
                self._said[number] = said

    def _cut(self, request: web.Request) -> web.StreamResponse:
        """Break off the connection without a word."""
        if request.transport is not None:
            request.transport.abort()
        return web.Response()


def main() -> None:
    """Serve on the port given as the only argument."""
    asyncio.run(serve(int(sys.argv[1])))


async def serve(port: int) -> None:
    """Serve until killed."""
    with socket.socket(type=socket.SOCK_DGRAM) as words:
        words.bind(("127.0.0.1", port))
        words.setblocking(False)
        runner = web.AppRunner(app_of(Receiver(words)), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


def app_of(receiver: Receiver) -> web.Application:
    """Its addresses."""
    app = web.Application(client_max_size=100_000_000)
    app.router.add_put("/trouble", receiver.trouble)
    app.router.add_put("/{sync}", receiver.known)
    app.router.add_get("/{sync}", receiver.show)
    app.router.add_post("/{mode}/{sync}/{run}/{operation}", receiver.take)
    return app


if __name__ == "__main__":
    main()
