"""For drivers that open sockets of their own: a port on 127.0.0.1 from which every connection is dialled by our door.

A driver is given that port in place of its server, or as its HTTP proxy. Names are resolved here, closed addresses
refused, and tunnels and the operator's proxy taken, for each connection that it opens and whatever host it names.

The port lives as long as its owner's block, and takes connections of this process alone: other users of the machine
could otherwise walk through it into a network that is opened for a connection, or along a tunnel.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psutil

from connectors.sdk.context import Environment
from connectors.sdk.errors import ConfigError, ConnectorError, Unavailable
from connectors.sdk.net.doors import Channel, Door, Leader, Spares, run
from connectors.sdk.net.sockets import dial

HEAD_S = 10.0
_PORTS = {"http": 80, "https": 443}
_HOP_BY_HOP = (b"connection:", b"proxy-")
_BROKEN = (OSError, ValueError, EOFError, asyncio.LimitOverrunError)
# Of its own: a dial waits for the doors' loop, whose own pool of threads resolves names meanwhile.
_DIALLERS = ThreadPoolExecutor(32, "relay")

Dialler = Callable[[str, int], Awaitable[Channel]]


@contextmanager
def relayed(
    environment: Environment, host: str, port: int, watch: Callable[[Any], Any] = lambda reader: reader
) -> Iterator[int]:
    """A port that leads to one server, which has just been reached; raises typed errors where it cannot be.

    ``watch`` makes of the reader of what the server sends one that looks at it; a typed error ends the connection.
    """
    spares = Spares()
    run(_keep(spares, environment, host, port))

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Channel:
        await _check_ours(writer)
        far_reader, far_writer = spares.taken() or await _dialled(environment, host, port)
        return watch(far_reader), far_writer

    try:
        with _open(lead) as local:
            yield local
    finally:
        run(_drop(spares))


@contextmanager
def proxied(environment: Environment) -> Iterator[int]:
    """The port of an HTTP proxy: CONNECT to any host and port that may be called, or one plain request a connection."""

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Channel:
        await _check_ours(writer)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HEAD_S)
        try:
            return await _led(environment, head, writer)
        except ConnectorError as error:
            status = 403 if isinstance(error, ConfigError) else 502
            words = error.message.encode("ascii", "replace").decode()
            writer.write(f"HTTP/1.1 {status} {words}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            raise

    with _open(lead) as local:
        yield local


@contextmanager
def _open(lead: Leader) -> Iterator[int]:
    door = Door(lead, _BROKEN)
    run(door.listen())
    try:
        yield door.port
    finally:
        run(_close(door))


async def _close(door: Door) -> None:
    door.close()


async def _keep(spares: Spares, environment: Environment, host: str, port: int) -> None:
    spares.keep(await _dialled(environment, host, port))


async def _drop(spares: Spares) -> None:
    spares.drop()


async def _dialled(environment: Environment, host: str, port: int) -> Channel:
    """A connection by our door."""
    loop = asyncio.get_running_loop()
    try:
        opened = await loop.run_in_executor(_DIALLERS, dial, environment, host, port)
    except OSError as error:
        words = str(error) or type(error).__name__
        raise Unavailable(
            f"{host}:{port}: {words}",
            hint="Check host and port, and that the server's firewall lets this machine's address through.",
        ) from error
    return await asyncio.open_connection(sock=opened)


async def _led(environment: Environment, head: bytes, writer: asyncio.StreamWriter) -> Channel:
    """The far end for a request to the proxy, which has been answered or passed on."""
    line, _, headers = head.partition(b"\r\n")
    method, target, version = line.decode("ascii").split(" ")
    url = urlsplit(f"//{target}" if method == "CONNECT" else target)
    port = url.port or _PORTS.get(url.scheme)
    if not url.hostname or not port:
        raise ConfigError("The request names no host and port.")
    channel = await _dialled(environment, url.hostname, port)
    if method == "CONNECT":
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return channel
    # A second request on this connection could be for another host, which would not be judged: it is the last.
    passed = [entry for entry in headers.split(b"\r\n") if entry and not entry.lower().startswith(_HOP_BY_HOP)]
    path = url._replace(scheme="", netloc="", fragment="").geturl() or "/"
    channel[1].write(b"\r\n".join((f"{method} {path} {version}".encode(), *passed, b"Connection: close", b"", b"")))
    return channel


async def _check_ours(writer: asyncio.StreamWriter) -> None:
    """Refuse whoever is not this process. Where the system does not tell who holds a connection, that stays open."""
    here, there = writer.get_extra_info("sockname"), writer.get_extra_info("peername")
    known = await asyncio.get_running_loop().run_in_executor(_DIALLERS, _own_connections)
    if (here, there) in known and (there, here) not in known:
        raise ConfigError("Another process came to a port that is lent to a driver of this one.")


def _own_connections() -> set[tuple[Any, Any]]:
    try:
        return {(tuple(c.laddr), tuple(c.raddr)) for c in psutil.Process().net_connections("tcp4")}
    except (psutil.Error, OSError, NotImplementedError):
        return set()
