"""An HTTP server that reads every body, keeps it if told to, and says yes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

from aiohttp import web

KEPT = web.AppKey("kept", BinaryIO)


async def take(request: web.Request) -> web.Response:
    """Read the whole body, as a real service would."""
    body = await request.read()
    if kept := request.app.get(KEPT):
        kept.write(request.path.encode() + b"\t" + body + b"\n")
    return web.Response(text="{}", content_type="application/json")


def main() -> None:
    """Serve on the port given; a file given too gets a line a request: its path, a tab, its body."""
    app = web.Application(client_max_size=100_000_000)
    app.router.add_route("*", "/{path:.*}", take)
    if len(sys.argv) > 2:
        app[KEPT] = Path(sys.argv[2]).open("ab", buffering=1 << 20)  # noqa: SIM115  (open as long as the server)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
    if KEPT in app:
        app[KEPT].close()


if __name__ == "__main__":
    main()
