"""Reaching a host: directly, or through an SSH server that stands before its network."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connectors.sdk.errors import ConfigError

if TYPE_CHECKING:
    from connectors.sdk.context import Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class SshServer:
    """An SSH server that forwards connections, and how to log in there.

    ``private_key`` is in OpenSSH's format; ``host_key`` is the one public key that the
    server must prove ("ssh-ed25519 AAAA…"), confirmed by a person.
    """

    host: str
    port: int
    user: str
    private_key: str = field(repr=False)
    host_key: str

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseTunnel:
    """A port of Headrace's own SSH server that a client inside a private network has lent to one service there."""

    name: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Route:
    """Addresses to connect to in place of a host's name, and the port there."""

    addresses: tuple[str, ...]
    port: int


def route(environment: Environment, host: str, port: int) -> Route:
    """How to reach ``host``: blocks while its name is resolved, or the tunnel or the proxy lets us through.

    A host behind a tunnel is resolved by the SSH server, in its own network; the SSH
    server itself must be one that may be called. A reverse tunnel leads to the one service
    that its client names, whatever host and port are asked for.
    """
    match environment.tunnel:
        case None:
            from connectors.sdk.net.proxy import way_to_blocking

            return way_to_blocking(environment, host, port)
        case ReverseTunnel() as tunnel:
            from connectors.sdk.net.reverse import local_port as lent_port

            return Route(("127.0.0.1",), lent_port(tunnel))
        case SshServer() as server:
            from connectors.sdk.net.ssh import local_port

            return Route(("127.0.0.1",), local_port(server, environment, host.strip("[]"), port))


async def route_async(environment: Environment, host: str, port: int) -> Route:
    """As :func:`route`, for an event loop."""
    return await asyncio.to_thread(route, environment, host, port)


def fingerprint(public_key: str) -> str:
    """The digest of a public key as ssh-keygen prints it ("SHA256:…"); ``ConfigError`` where it is none."""
    words = public_key.split()
    try:
        kind, blob = words[0].encode(), base64.b64decode(words[1], validate=True)
    except (IndexError, binascii.Error):
        kind, blob = b"", b""
    if not kind or blob[4 : 4 + len(kind)] != kind:
        raise ConfigError("This is not a public key.", field="host_key")
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
