"""Talking to a Redis server or cluster: connections to whichever node a cluster names are judged and routed by us."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from redis import asyncio as redis_library
from redis.asyncio.cluster import RedisCluster
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterError,
    NoPermissionError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
)
from redis.exceptions import (
    ConnectionError as NoLine,
)
from redis.exceptions import (
    TimeoutError as NoAnswer,
)

from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, Unavailable
from connectors.sdk.tunnels import Route, route_async

# The types that are published for the library are those of an old version.
_library: Any = redis_library
_Plain: Any = _library.Connection
_Secure: Any = _library.SSLConnection
_Cluster: Any = RedisCluster
_CONNECT_S = 10.0
# Answers to a command that say nothing of its row, but of the server, the line or the user.
_STOPPING = (
    BusyLoadingError,
    ClusterError,
    NoAnswer,
    NoLine,
    NoPermissionError,
    ReadOnlyError,
    RedisClusterException,
)
Place = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server, or the node that a cluster is first asked at; ``nodes`` says where the nodes that it names are reached.

    ``authority`` is the text of a certificate file, for encrypted connections.
    """

    host: str
    port: int
    database: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    encrypted: bool = False
    authority: str = ""
    cluster: bool = False
    nodes: Mapping[Place, Place] = field(default_factory=dict)


@asynccontextmanager
async def opened(server: Server, environment: Environment, timeout_s: float) -> AsyncIterator[Any]:
    """A client of the library's; raises typed errors where there is no way to the server."""
    await route_async(environment, server.host, server.port)
    own: dict[str, Any] = {"environment": environment, "connection_class": _Routed}
    if server.encrypted:
        own |= {"connection_class": _Encrypted, "ssl_ca_data": server.authority or None}
        own |= {"ssl_min_version": ssl.TLSVersion.TLSv1_2}
    shared: dict[str, Any] = {
        "username": server.user or None,
        "password": server.password or None,
        "socket_connect_timeout": _CONNECT_S,
        "socket_timeout": timeout_s,
        "socket_keepalive": True,
        "client_name": "headrace",
    }
    client = _cluster(server, shared, own) if server.cluster else _single(server, shared, own)
    try:
        yield client
    finally:
        await client.aclose()


def _single(server: Server, shared: Mapping[str, Any], own: Mapping[str, Any]) -> Any:
    pool = _library.ConnectionPool(host=server.host, port=server.port, db=server.database, **shared, **own)
    return _library.Redis.from_pool(pool)


def _cluster(server: Server, shared: Mapping[str, Any], own: Mapping[str, Any]) -> Any:
    """The library makes connections of its own kinds to nodes; here they are of ours."""
    client = _Cluster(
        host=server.host, port=server.port, address_remap=lambda place: server.nodes.get(place, place), **shared
    )
    client.nodes_manager.connection_kwargs.update(own)
    more = {name: value for name, value in own.items() if name != "connection_class"}
    for node in client.nodes_manager.startup_nodes.values():
        node.connection_class = own["connection_class"]
        node.connection_kwargs.update(more)
    return client


class _Dialled:
    """A connection to a judged address, which may be at the end of a tunnel."""

    host: str
    port: int
    _way: Route

    def __init__(self, *, environment: Environment, **options: Any) -> None:
        super().__init__(**options)
        self._environment = environment

    async def _connect(self) -> None:
        self._way = await route_async(self._environment, self.host, int(self.port))
        await super()._connect()  # type: ignore[misc]  # the library's, which comes after this class

    def _connection_arguments(self) -> Mapping[str, Any]:
        asked = super()._connection_arguments()  # type: ignore[misc]  # as above
        return {**asked, "host": self._way.addresses[0], "port": self._way.port}


class _Routed(_Dialled, _Plain):  # type: ignore[misc]  # as above
    """In the clear."""


class _Encrypted(_Dialled, _Secure):  # type: ignore[misc]  # as above
    """Checks the certificate for the name that was judged."""

    def _connection_arguments(self) -> Mapping[str, Any]:
        return {**super()._connection_arguments(), "server_hostname": self.host}


@contextmanager
def typed() -> Iterator[None]:
    """Inside, the library's errors become typed ones."""
    try:
        yield
    except (RedisError, RedisClusterException, OSError) as error:
        raise redis_error(error) from error


def check_answer(answer: Any) -> None:
    """Raise where the answer to a command says that others can have no other."""
    if isinstance(answer, _STOPPING):
        raise redis_error(answer) from answer


def redis_error(error: BaseException) -> ConnectorError:
    """What an error of the library's means."""
    causes = list(_causes(error))
    if own := next((cause for cause in causes if isinstance(cause, ConnectorError)), None):
        return own
    words = str(error) or type(error).__name__
    if any(isinstance(cause, AuthenticationError) for cause in causes) or "NOAUTH" in words or "WRONGPASS" in words:
        return AuthError(words, hint="Check user and password.")
    if isinstance(error, NoPermissionError):
        return AuthError(words, hint="Allow this user the command and the keys (ACL SETUSER).")
    if isinstance(error, ReadOnlyError):
        return Unavailable(words, hint="The server is a replica: give the address of the primary.")
    if isinstance(error, NoAnswer):
        return Unavailable(words, in_doubt=True)
    if any(isinstance(cause, ssl.SSLError) for cause in causes) or "SSL" in words or "certificate" in words.lower():
        return ConfigError(words, field="tls", hint="Upload the authority of the server, or switch encryption off.")
    if "luster" in words and "disabled" in words:
        return ConfigError(words, field="cluster", hint="This is one server: switch the cluster off.")
    if isinstance(error, ResponseError) and not isinstance(error, BusyLoadingError | ClusterError):
        return ConfigError(words, field="database")
    return Unavailable(words, hint="Check host and port, and that the server is up.")


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
