"""An HTTP server that enforces a limit: 429 beyond so many requests in any second, 413 for too many objects."""

from __future__ import annotations

import sys
import time
from collections import deque

import orjson
from aiohttp import web


def serve(port: int, objects: int, requests: int) -> None:
    """Enforce the limit over every second, not only full ones."""
    times: deque[float] = deque()
    counts: dict[str, float] = {"accepted": 0, "refused": 0, "first": 0.0, "last": 0.0}

    async def take(request: web.Request) -> web.Response:
        now = time.monotonic()
        body = await request.read()
        while times and times[0] <= now - 1.0:
            times.popleft()
        if len(times) >= requests:
            counts["refused"] += 1
            return web.Response(status=429, headers={"Retry-After": "1"})
        if len(orjson.loads(body)) > objects:
            return web.Response(status=413)
        times.append(now)
        counts["first"] = counts["first"] or now
        counts["last"] = now
        counts["accepted"] += 1
        return web.json_response({})

    async def tell(request: web.Request) -> web.Response:
        return web.json_response(counts)

    app = web.Application(client_max_size=100_000_000)
    app.router.add_get("/counts", tell)
    app.router.add_route("*", "/{path:.*}", take)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    serve(*map(int, sys.argv[1:]))
