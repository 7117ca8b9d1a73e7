"""HTTP through an SSH tunnel or the operator's proxy: every connection is made to where the environment leads."""

from __future__ import annotations

from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from connectors.sdk.context import Environment
from connectors.sdk.net.guard import Guard, GuardedResolver, results
from connectors.sdk.tunnels import route_async


class RoutedConnector(aiohttp.TCPConnector):
    """Makes each connection by the environment's route; host names and TLS stay those of the request."""

    def __init__(self, environment: Environment, **options: Any) -> None:
        super().__init__(use_dns_cache=False, **options)
        self._environment = environment

    async def _resolve_host(self, host: str, port: int, traces: Any = None) -> list[ResolveResult]:
        way = await route_async(self._environment, host, port)
        return results(host, way.addresses, way.port)


def connector_for(environment: Environment, **options: Any) -> aiohttp.TCPConnector:
    """What makes an HTTP client's connections."""
    if environment.tunnel or environment.proxy:
        return RoutedConnector(environment, **options)
    return aiohttp.TCPConnector(resolver=GuardedResolver(Guard(environment)), ttl_dns_cache=60, **options)


class RoutedResolver(AbstractResolver):
    """For clients of other libraries, which take a resolver and no connector: names lead to where the route does."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        way = await route_async(self._environment, host, port)
        return results(host, way.addresses, way.port)

    async def close(self) -> None:
        """Nothing is held open."""
