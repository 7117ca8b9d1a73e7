"""Which addresses may be called: the wall between people's settings and private networks.

A name is resolved once, each address is judged, and the connection is made to a
judged address, so that a name which resolves differently a moment later gains nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence

from aiohttp.abc import AbstractResolver, ResolveResult

from connectors.sdk.context import Environment
from connectors.sdk.errors import ConfigError, Unavailable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Hosts that one delivery calls; whatever rows make of them, memory stays small.
_REMEMBERED = 1_000
_HINT = "Private networks are closed to connectors. An operator can open this one with HEADRACE_OUTBOUND_ALLOW."


class Blocked(ConfigError):
    """The address lies on a private network that the operator has not opened."""

    code = "address_blocked"


class UnknownName(Unavailable):
    """The name is not known to the resolver that was asked."""


class Guard:
    """Judges hosts and addresses by the operator's limits."""

    def __init__(self, environment: Environment) -> None:
        self._all = "*" in environment.outbound_allow
        self._allowed = frozenset(entry.lower() for entry in environment.outbound_allow)
        self._passed: set[tuple[str, int]] = set()

    def opened(self, host: str, port: int) -> bool:
        """Whether the operator has opened this host and port by name."""
        return self._all or f"{host.lower()}:{port}" in self._allowed

    def check_literal(self, host: str, port: int) -> None:
        """Refuse ``host`` where it is itself a closed address; names are judged when resolved."""
        if (host, port) in self._passed:
            return
        bare = host.strip("[]")
        if (address := _literal(bare)) and not self.opened(bare, port) and not is_public(address):
            raise Blocked(f"{bare} is not a public address.", field="host", hint=_HINT)
        if len(self._passed) < _REMEMBERED:
            self._passed.add((host, port))

    async def resolve(self, host: str, port: int, family: int = socket.AF_UNSPEC) -> list[str]:
        """The addresses of ``host`` that may be called, in the resolver's order."""
        self.check_literal(host, port)
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(
                host.strip("[]"), port, family=socket.AddressFamily(family), type=socket.SOCK_STREAM
            )
        except (OSError, UnicodeError) as error:
            raise _unknown(host) from error
        return self._judged(host, port, [str(entry[4][0]) for entry in found])

    def resolve_blocking(self, host: str, port: int) -> list[str]:
        """As :meth:`resolve`, for drivers that block their thread."""
        self.check_literal(host, port)
        try:
            found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise _unknown(host) from error
        return self._judged(host, port, [str(entry[4][0]) for entry in found])

    def _judged(self, host: str, port: int, addresses: Sequence[str]) -> list[str]:
        if self.opened(host, port):
            return list(addresses)
        kept = [a for a in addresses if self.opened(a, port) or is_public(ipaddress.ip_address(a.split("%")[0]))]
        if not kept:
            raise Blocked(f"{host} leads to a private address.", field="host", hint=_HINT)
        return kept


def _literal(host: str) -> Address | None:
    """The address that ``host`` spells out, or ``None`` for a name."""
    try:
        return ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return None


def is_literal(host: str) -> bool:
    """Whether a host is an address already."""
    return _literal(host.strip("[]")) is not None


def _unknown(host: str) -> UnknownName:
    return UnknownName(f"The name {host} could not be resolved.", hint="Check the host name for a typing error.")


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet, also when wrapped in another one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(inner)
        if address.teredo or address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def results(host: str, addresses: Sequence[str], port: int) -> list[ResolveResult]:
    """Addresses as aiohttp takes them."""
    return [
        ResolveResult(
            hostname=host,
            host=address,
            port=port,
            family=socket.AF_INET6 if ":" in address else socket.AF_INET,
            proto=socket.IPPROTO_TCP,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
        for address in addresses
    ]


class GuardedResolver(AbstractResolver):
    """Name resolution for aiohttp that yields only judged addresses."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        addresses = await self._guard.resolve(host, port, family)
        return results(host, addresses, port)

    async def close(self) -> None:
        """Nothing is held open."""
