"""Reverse SSH tunnels: where their clients log in, which of them are connected, and what they are told to run."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, TypeVar

import redis
from django.conf import settings
from django.db import close_old_connections

from config.errors import Conflict
from config.operating.alive import connection as redis_connection
from connectors.choices import TunnelKind
from connectors.models import Tunnel
from connectors.sdk.lending import Guest, Place, Presence
from connectors.sdk.tunnels import ReverseTunnel
from workspaces.scoping import unscoped

T = TypeVar("T")
logger = logging.getLogger(__name__)
KEY = "headrace:reverse-tunnels"
SILENT_S = 20.0
_FIRST_UNPRIVILEGED = 1_024


@dataclass(frozen=True, slots=True)
class Front:
    """Where clients log in, as they reach it."""

    host: str
    port: int

    @property
    def known_hosts_name(self) -> str:
        """As a line of known_hosts begins."""
        return self.host if self.port == 22 else f"[{self.host}]:{self.port}"


def front() -> Front | None:
    """The address that the operator gave; nothing where there are no reverse tunnels."""
    return Front(*_split(settings.TUNNEL_ADDRESS, 22)) if settings.TUNNEL_ADDRESS else None


def required_front() -> Front:
    """As :func:`front`; raises where the operator has not enabled reverse tunnels."""
    found = front()
    if found is None:
        raise Conflict(
            "This installation takes no reverse tunnels.",
            hint="Its operator enables them with HEADRACE_TUNNEL_ADDRESS.",
            code="reverse_tunnels_off",
        )
    return found


def place() -> Place:
    """Where the server listens, outside and inside."""
    host, port = _split(settings.TUNNEL_LISTEN, 2222)
    return Place(host, port, settings.TUNNEL_INSIDE)


def ports() -> range:
    """The ports that tunnels get; ``ValueError`` where the setting names none."""
    first, _, last = settings.TUNNEL_PORTS.partition("-")
    found = range(int(first), int(last or first) + 1)
    if not found or found.start < _FIRST_UNPRIVILEGED or found.stop > 65_536:
        raise ValueError("HEADRACE_TUNNEL_PORTS names no range of ports between 1024 and 65535, like 42000-42999.")
    return found


def host_key() -> tuple[str, str]:
    """The server's private and public key, in OpenSSH's formats.

    Derived from the installation's secret, so that every process knows it, backups carry it, and a server that moves to
    another machine is still the one that clients trust.
    """
    return _host_key(settings.SECRET_KEY)


@cache
def _host_key(secret: str) -> tuple[str, str]:
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"headrace host key of reverse tunnels")
    key = Ed25519PrivateKey.from_private_bytes(derive.derive(secret.encode()))
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, plain)
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return private.decode(), public.decode()


def known_hosts_line() -> str:
    """What clients put into known_hosts, so that nobody can stand in for the server."""
    return f"{required_front().known_hosts_name} {host_key()[1]}"


def command(tunnel: Tunnel) -> str:
    """What the client runs; SERVICE_HOST and SERVICE_PORT are for its owner to fill in."""
    at = required_front()
    return (
        f"ssh -N -i {key_file(tunnel)} -p {at.port} \\\n"
        f"  -R 0.0.0.0:{tunnel.lent_port}:$SERVICE_HOST:$SERVICE_PORT \\\n"
        "  -o ExitOnForwardFailure=yes -o ServerAliveInterval=15 -o ServerAliveCountMax=3 \\\n"
        f"  {tunnel.handle}@{at.host}"
    )


def told(tunnel: Tunnel) -> dict[str, str]:
    """What the client's owner needs besides the key; nothing where the operator has closed the server."""
    if front() is None:
        return {}
    return {
        "command": command(tunnel),
        "known_hosts": known_hosts_line(),
        "key_file": key_file(tunnel),
    }


def key_file(tunnel: Tunnel) -> str:
    """What the file with the private key is called."""
    return f"{tunnel.handle}.pem"


def way(tunnel: Tunnel) -> ReverseTunnel:
    """The tunnel as the SDK knows it."""
    required_front()
    assert tunnel.lent_port is not None
    return ReverseTunnel(name=tunnel.name, host=settings.TUNNEL_INSIDE, port=tunnel.lent_port)


def presences(tunnels: Iterable[Tunnel]) -> dict[int, Presence]:
    """Which of these reverse tunnels are open now."""
    numbers = [tunnel.pk for tunnel in tunnels if tunnel.is_reverse]
    if not numbers:
        return {}
    client = redis_connection()
    try:
        told = client.hmget(KEY, [str(number) for number in numbers])
    except redis.RedisError as error:
        logger.debug("nobody knows which reverse tunnels are open: %s", error)
        return {}
    finally:
        client.close()
    found = {number: json.loads(words) for number, words in zip(numbers, told, strict=True) if words}
    limit = time.time() - SILENT_S
    return {n: Presence(told["since"], told["peer"]) for n, told in found.items() if told["seen"] > limit}


class HouseDesk:
    """What the server asks, answered from the database; which tunnels are open goes to Redis."""

    def __init__(self) -> None:
        # One thread, so that it keeps one connection.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="desk")

    async def guest(self, name: str) -> Guest | None:
        """Who logs in under this name."""
        return next(iter((await self._ask(lambda: _guests(handle=name[:64]))).values()), None)

    async def guests(self, tunnels: Iterable[int]) -> Mapping[int, Guest]:
        """Those of these tunnels that still exist."""
        wanted = list(tunnels)
        return await self._ask(lambda: _guests(pk__in=wanted)) if wanted else {}

    async def tell(self, present: Mapping[int, Presence]) -> None:
        """Which tunnels are open now."""
        await self._ask(lambda: _tell(present))

    async def _ask(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, _with_fresh_connection, work)


def _with_fresh_connection(work: Callable[[], T]) -> T:
    close_old_connections()
    try:
        return work()
    finally:
        close_old_connections()


def _guests(**which: Any) -> dict[int, Guest]:
    with unscoped("clients of every workspace's tunnels log in at one server"):
        rows = Tunnel.objects.filter(kind=TunnelKind.REVERSE, **which).values_list("pk", "public_key", "lent_port")
        return {pk: Guest(pk, public_key, port) for pk, public_key, port in rows if port is not None}


def _tell(present: Mapping[int, Presence]) -> None:
    client = redis_connection()
    try:
        with client.pipeline() as pipeline:
            pipeline.delete(KEY)
            if present:
                now = time.time()
                pipeline.hset(KEY, mapping={str(n): json.dumps({**asdict(p), "seen": now}) for n, p in present.items()})
            pipeline.execute()
    finally:
        client.close()


def _split(address: str, port: int) -> tuple[str, int]:
    """Host and port of ``host:port``; an address of IPv6 stands in brackets."""
    host, colon, last = address.rpartition(":")
    if colon and last.isdigit() and not (":" in host and not host.startswith("[")):
        return host.strip("[]"), int(last)
    return address.strip("[]"), port
