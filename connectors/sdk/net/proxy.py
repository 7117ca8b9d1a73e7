"""Going out through the operator's proxy: every connection asks it, by CONNECT, to lead to the host.

So TLS stays between us and the host, and whatever speaks over a connection can go this way: HTTP, databases, SSH.
A door (:mod:`~connectors.sdk.net.doors`) stands for each host, since drivers know nothing of proxies.

What may be called is judged here as without a proxy. Names are resolved here, and the proxy is asked for a judged
address, so that it never decides what a name leads to. Where the operator says that it does (``resolves``), it is asked
for the name; names that are addresses, or lead to closed ones as seen from here, or belong to private networks by their
looks, are refused still, and the rest is up to the proxy.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Self
from urllib.parse import quote, unquote, urlsplit

from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, Unavailable
from connectors.sdk.net.doors import Channel, Doors, run
from connectors.sdk.net.guard import Blocked, Guard, UnknownName
from connectors.sdk.net.tls import ssl_context
from connectors.sdk.tunnels import Route

CONNECT_S = 15.0
_MOST_BYTES = 65_536
_DEFAULT_PORTS = {"http": 80, "https": 443}
# Endings of names that no public resolver answers for.
_PRIVATE_NAMES = ("localhost", "local", "internal", "lan", "home.arpa", "corp", "intranet", "private")
_HINT = "The operator sets the proxy (HEADRACE_OUTBOUND_PROXY) and what goes around it (HEADRACE_OUTBOUND_NO_PROXY)."


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """The operator's proxy. ``around``: hosts that are connected to directly, as ``no_proxy`` lists write them."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    around: tuple[str, ...] = ()
    resolves: bool = False

    @classmethod
    def of(cls, url: str, around: tuple[str, ...] = (), *, resolves: bool = False) -> Self:
        """From an address like http://user:password@proxy:3128; raises ``ConfigError`` for anything else."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ConfigError("The address of the proxy is not a web address.", field="proxy") from error
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ConfigError(
                "The address of the proxy is not a web address.", field="proxy", hint="Write http://proxy:3128."
            )
        return cls(
            scheme=parts.scheme,
            host=parts.hostname,
            port=port or _DEFAULT_PORTS[parts.scheme],
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            around=around,
            resolves=resolves,
        )

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Its address, for clients that know proxies by themselves; with the password."""
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@" if self.user else ""
        return f"{self.scheme}://{login}{self.place}"

    def leads_to(self, host: str, port: int) -> bool:
        """Whether a host is reached through the proxy, and not around it."""
        return not any(_matches(entry, host.strip("[]").rstrip(".").lower(), port) for entry in self.around)

    @property
    def head(self) -> str:
        """The header that lets us in, with its line's end; empty without a user."""
        if not self.user:
            return ""
        pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return f"Proxy-Authorization: Basic {pair}\r\n"


async def way_to(environment: Environment, host: str, port: int) -> Route:
    """How to connect to a host: straight to its judged addresses, or through the proxy. In the loop of the doors."""
    guard, proxy = Guard(environment), environment.proxy
    if proxy is None or not proxy.leads_to(host, port):
        return Route(tuple(await guard.resolve(host, port)), port)
    named = await _asked_for(guard, proxy, host, port)
    return Route(("127.0.0.1",), await _doors(replace(proxy, around=())).open(named, port))


def way_to_blocking(environment: Environment, host: str, port: int) -> Route:
    """As :func:`way_to`, from a thread outside that loop."""
    if environment.proxy is None or not environment.proxy.leads_to(host, port):
        return Route(tuple(Guard(environment).resolve_blocking(host, port)), port)
    return run(way_to(environment, host, port))


async def _asked_for(guard: Guard, proxy: Proxy, host: str, port: int) -> str:
    """What the proxy is asked to connect to; raises :class:`Blocked` for what may not be called."""
    try:
        addresses = await guard.resolve(host, port)
    except UnknownName:
        if not proxy.resolves:
            raise
        if _looks_private(host) and not guard.opened(host, port):
            raise Blocked(f"{host} is a name of a private network.", field="host", hint=_HINT) from None
        return host.lower()
    if proxy.resolves:
        return host.strip("[]").lower()
    return next((address for address in addresses if ":" not in address), addresses[0])  # proxies often lack IPv6


def _looks_private(host: str) -> bool:
    name = host.rstrip(".").lower()
    return "." not in name or any(name.endswith(f".{ending}") for ending in _PRIVATE_NAMES)


@cache
def _doors(proxy: Proxy) -> Doors:
    """The one set of doors through a proxy; made in the loop's thread only."""

    async def reach(host: str, port: int) -> Channel:
        try:
            return await asyncio.wait_for(_connected(proxy, host, port), CONNECT_S)
        except ConnectorError:
            raise
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            words = str(error) or "no answer came"
            raise Unavailable(f"The proxy {proxy.place} gave no connection: {words}", hint=_HINT) from error

    return Doors(reach)


async def _connected(proxy: Proxy, host: str, port: int) -> Channel:
    """A connection to a host that the proxy has made."""
    tls = ssl_context(None) if proxy.scheme == "https" else None
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port, limit=_MOST_BYTES, ssl=tls)
    try:
        target = f"[{host}]:{port}" if ":" in host else f"{host.encode('idna').decode()}:{port}"
        writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{proxy.head}\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        _check(proxy, f"{host}:{port}", head.split(b"\r\n", 1)[0].decode("latin-1"))
    except BaseException:
        writer.close()
        raise
    return reader, writer


def _check(proxy: Proxy, target: str, line: str) -> None:
    """Raise unless the first line of the proxy's answer says that it leads to the host now."""
    words = line.split(None, 2)
    status = words[1] if len(words) > 1 and words[0].startswith("HTTP/") else ""
    said = " ".join(words[1:])[:200] or "no HTTP answer"
    if status == "407":
        raise AuthError(f"The proxy {proxy.place} wants a user and password: {said}", hint=_HINT)
    if status in ("403", "405"):
        raise ConfigError(
            f"The proxy {proxy.place} does not allow {target}: {said}", hint="Its administrator can allow it there."
        )
    if not status.startswith("2"):
        raise Unavailable(f"The proxy {proxy.place} could not connect to {target}: {said}", hint=_HINT)


def _matches(entry: str, host: str, port: int) -> bool:
    """Whether one entry of a ``no_proxy`` list means this host: a name with its subdomains, an address, a network."""
    wanted = entry.strip().lower()
    if wanted == "*":
        return True
    name, _, last = wanted.rpartition(":")
    if name and last.isdigit() and (":" not in name or name.startswith("[")):
        if int(last) != port:
            return False
        wanted = name
    wanted = wanted.strip("[]").lstrip(".").removeprefix("*.")
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return host == wanted or host.endswith(f".{wanted}")
