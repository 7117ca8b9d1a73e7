"""The way into reverse tunnels: ports of Headrace's own SSH server, each lent by a client inside a private network."""

from __future__ import annotations

import asyncio
from functools import cache

from connectors.sdk.errors import Unavailable
from connectors.sdk.net.doors import Channel, Doors, run
from connectors.sdk.tunnels import ReverseTunnel

CONNECT_S = 5.0
# A client that reaches no service hangs up at once; one that does keeps quiet, or the service greets.
SETTLE_S = 1.5


def local_port(tunnel: ReverseTunnel) -> int:
    """A port on 127.0.0.1 that leads to the service; ``Unavailable`` while no client lends one."""
    return run(_door(tunnel))


def check(tunnel: ReverseTunnel) -> None:
    """Connect, and see whether the client's side holds; raises as :func:`local_port`."""
    run(_checked(tunnel))


async def _door(tunnel: ReverseTunnel) -> int:
    return await _doors(tunnel).open(tunnel.host, tunnel.port)


@cache
def _doors(tunnel: ReverseTunnel) -> Doors:
    """The one set of doors into a tunnel; made in the loop's thread only."""

    async def reach(host: str, port: int) -> Channel:
        return await _connected(tunnel)

    return Doors(reach)


async def _connected(tunnel: ReverseTunnel) -> Channel:
    try:
        return await asyncio.wait_for(asyncio.open_connection(tunnel.host, tunnel.port), CONNECT_S)
    except (OSError, TimeoutError) as error:
        raise Unavailable(
            f"No client is connected to the reverse tunnel “{tunnel.name}”.",
            hint="Start its ssh command on the machine in your network, and let something keep it running there.",
        ) from error


async def _checked(tunnel: ReverseTunnel) -> None:
    reader, writer = await _connected(tunnel)
    try:
        greeting = await asyncio.wait_for(reader.read(1), SETTLE_S)
    except TimeoutError:
        return
    except OSError:
        greeting = b""
    finally:
        writer.close()
    if not greeting:
        raise Unavailable(
            f"The client of “{tunnel.name}” is connected, and the service hung up or was not reached.",
            hint="Check SERVICE_HOST and SERVICE_PORT in its ssh command. On that machine, try: nc -z host port",
        )
