"""An HTTP server on loopback that answers as it is told: late, never, half, or with an error.

It is strict: a request that was not expected is answered 599, and answers that nobody
fetched are an error of the test.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
from aiohttp import web

Fault = Literal["", "stall", "reset", "cut"]


@dataclass(frozen=True)
class Answer:
    """One canned answer. ``fault``: never answer, drop the line before answering, or break off inside the body."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: Fault = ""


@dataclass(frozen=True)
class Received:
    """A request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)


class UnusedAnswers(AssertionError):
    """The test prepared answers that were never asked for."""


class FakeHttp:
    """The server; ``answers`` are given in order, ``always`` after them; or ``ask`` says the answer to each request."""

    def __init__(
        self, answers: Sequence[Answer], always: Answer | None, ask: Callable[[Received], Answer] | None = None
    ) -> None:
        self._answers = list(answers)
        self._always = always
        self._ask = ask
        self._release = asyncio.Event()
        self.received: list[Received] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def opened(self) -> tuple[str, ...]:
        """What an environment must allow to reach it."""
        return (f"127.0.0.1:{self.port}",)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Note the request and answer as told."""
        body = await request.read()
        received = Received(request.method, request.path_qs, dict(request.headers), body)
        self.received.append(received)
        answer = self._ask(received) if self._ask else self._next()
        if answer is None:
            return web.Response(status=599, text="This request was not expected.")
        if answer.fault == "stall":
            await self._release.wait()
        if answer.fault in ("stall", "reset"):
            return self._dropped(request)
        if answer.fault == "cut":
            return await self._cut(request, answer)
        return web.Response(status=answer.status, body=answer.body, headers=dict(answer.headers))

    def _next(self) -> Answer | None:
        return self._answers.pop(0) if self._answers else self._always

    def _dropped(self, request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def _cut(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status, headers={"Content-Length": str(len(answer.body) + 100)})
        await response.prepare(request)
        await response.write(answer.body)
        return self._dropped(request)

    def finish(self) -> None:
        """Let stalled requests go; complain about answers that were left over."""
        self._release.set()
        if self._answers:
            raise UnusedAnswers(f"{len(self._answers)} prepared answers were never fetched.")

    def release(self) -> None:
        """Let stalled requests go."""
        self._release.set()


@asynccontextmanager
async def fake_http(
    *answers: Answer, always: Answer | None = None, ask: Callable[[Received], Answer] | None = None
) -> AsyncIterator[FakeHttp]:
    """Run the server; leaving the block normally checks that every answer was used."""
    fake = FakeHttp(answers, always, ask)
    app = web.Application(client_max_size=100_000_000)
    app.router.add_route("*", "/{path:.*}", fake.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.port = runner.addresses[0][1]
    try:
        yield fake
        fake.finish()
    finally:
        fake.release()
        await runner.cleanup()
