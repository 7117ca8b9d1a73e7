"""Blocking connections for drivers that take a socket or none of their own: to judged addresses, on the route there."""

from __future__ import annotations

import socket

from connectors.sdk.context import Environment
from connectors.sdk.tunnels import route

CONNECT_S = 10.0


def dial(environment: Environment, host: str, port: int) -> socket.socket:
    """Connected to the first address that answers, with :data:`CONNECT_S` as its time limit.

    Whoever takes it lifts that limit when the handshake is over. Raises ``OSError`` where nothing answers.
    """
    way, last = route(environment, host, port), None
    for address in way.addresses:
        try:
            opened = socket.create_connection((address, way.port), CONNECT_S)
        except OSError as error:
            last = error
            continue
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return opened
    raise last or OSError(f"{host} has no address")
