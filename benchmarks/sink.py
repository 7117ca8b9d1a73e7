"""An HTTP server that reads every body, counts, and says yes."""

from __future__ import annotations

import sys

from aiohttp import web


async def take(request: web.Request) -> web.Response:
    """Read the whole body, as a real service would."""
    await request.read()
    return web.Response(text="{}", content_type="application/json")


def main() -> None:
    """Serve on the port given as the only argument."""
    app = web.Application(client_max_size=100_000_000)
    app.router.add_route("*", "/{path:.*}", take)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()
