"""HTTP through an SSH tunnel: every host, also one that is an address already, is reached from behind it."""

from __future__ import annotations

import socket
from typing import Any

import aiohttp
from aiohttp.abc import ResolveResult

from connectors.sdk.context import Environment
from connectors.sdk.tunnels import route_async


class TunnelConnector(aiohttp.TCPConnector):
    """Makes each connection through the environment's tunnel; host names and TLS stay those of the request."""

    def __init__(self, environment: Environment, **options: Any) -> None:
        super().__init__(use_dns_cache=False, **options)
        self._environment = environment

    async def _resolve_host(self, host: str, port: int, traces: Any = None) -> list[ResolveResult]:
        way = await route_async(self._environment, host, port)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=way.port,
                family=socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in way.addresses
        ]
