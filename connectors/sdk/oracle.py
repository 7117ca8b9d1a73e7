"""Talking to an Oracle database with its driver in thin mode: connections, and what each failure means.

The driver dials by itself, so it goes through a port of ours: encrypted connections (TCPS) as through an HTTP proxy,
which also judges the nodes that a listener sends clients on to. Without encryption the listener's answer is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from connectors.sdk.context import Environment
from connectors.sdk.drivers import driver
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, QueryError, Unavailable
from connectors.sdk.net.relay import proxied, relayed
from connectors.sdk.net.tls import Wallet, mode_context
from connectors.sdk.tunnels import route

PACKAGE = "oracledb"
CONNECT_S = 20.0
_HEADER = 8
_ACCEPT, _REFUSE, _REDIRECT = 2, 4, 5
_CODE = re.compile(r"\b(ORA|DPY)-\d+")
_OURS = re.compile(r'host "127\.0\.0\.1" port \d+')  # where the driver believes the server to be
_REDIRECTED = "The listener sends connections on to another address."
SESSION = (
    "ALTER SESSION SET TIME_ZONE = '+00:00'",
    "ALTER SESSION SET NLS_NUMERIC_CHARACTERS = '.,'",
    "SET TRANSACTION READ ONLY",
)

Connection = Any  # the driver's, which may not be installed


def connector() -> Any:
    """The driver."""
    return driver("oracledb", PACKAGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where a database is and how to log in. ``ca`` is the text of a certificate file."""

    host: str
    port: int
    service: str
    user: str
    password: str = field(default="", repr=False)
    sslmode: str = "require"
    ca: str = ""
    wallet: Wallet | None = None

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Server:
        """The server that a connection's settings name."""
        return cls(
            host=str(config.get("host") or "").strip(),
            port=int(config.get("port") or 1521),
            service=str(config.get("database") or "").strip(),
            user=str(config.get("user") or ""),
            password=str(config.get("password") or ""),
            sslmode=str(config.get("sslmode") or "require"),
            ca=str(config.get("ca") or ""),
            wallet=_wallet(config),
        )


def _wallet(config: Mapping[str, Any]) -> Wallet | None:
    pem = str(config.get("wallet") or "")
    return Wallet(pem, str(config.get("wallet_password") or "")) if pem else None


@contextmanager
def connect(server: Server, environment: Environment) -> Iterator[Connection]:
    """A connection whose session only reads; raises typed errors."""
    if not server.host:
        raise ConfigError("Give the host.", field="host")
    library = connector()
    turned: list[ConnectorError] = []
    with _way(server, environment, turned) as place:
        try:
            connection = library.connect(
                **place,
                user=server.user,
                password=server.password,
                service_name=server.service,
                tcp_connect_timeout=CONNECT_S,
                retry_count=0,
                disable_oob=True,  # urgent bytes do not pass the port
                program="headrace",
            )
        except (library.Error, OSError) as error:
            raise turned[0] if turned else connect_error(error, server) from error
        try:
            yield connection
        finally:
            with suppress(library.Error, OSError):
                connection.close()


@contextmanager
def _way(server: Server, environment: Environment, turned: list[ConnectorError]) -> Iterator[dict[str, Any]]:
    """What the driver is told to connect to."""
    if server.sslmode == "disable":
        with relayed(environment, server.host, server.port, lambda reader: Listening(reader, turned)) as port:
            yield {"protocol": "tcp", "host": "127.0.0.1", "port": port}
        return
    route(environment, server.host, server.port)  # the proxy would judge it, in words of the driver's
    with proxied(environment) as proxy:
        yield {
            "protocol": "tcps",
            "host": server.host,
            "port": server.port,
            "https_proxy": "127.0.0.1",
            "https_proxy_port": proxy,
            "ssl_context": mode_context(server.sslmode, server.ca, server.wallet),
            "ssl_server_dn_match": server.sslmode == "verify-full",
        }


class Listening:
    """What a listener answers until a session begins: the driver would dial the address of a redirection by itself."""

    def __init__(self, reader: Any, turned: list[ConnectorError]) -> None:
        self._reader = reader
        self._turned = turned
        self._settled = False

    async def read(self, size: int) -> bytes:
        """The next packet until one settles it, then bytes as they come."""
        if self._settled:
            return bytes(await self._reader.read(size))
        head = await self._reader.readexactly(_HEADER)
        kind = head[4]
        if kind == _REDIRECT:
            hint = "Switch encryption on (TCPS), which follows it, or give the address of the database's own node."
            self._turned.append(ConfigError(_REDIRECTED, field="host", hint=hint))
            raise self._turned[-1]
        self._settled = kind in (_ACCEPT, _REFUSE)
        return bytes(head + await self._reader.readexactly(max(0, int.from_bytes(head[:2]) - _HEADER)))


def connect_error(error: Exception, server: Server) -> ConnectorError:
    """Why no connection came about, and what to change."""
    code, words = said(error)
    words = _OURS.sub(f'host "{server.host}" port {server.port}', words)
    if code in ("ORA-01017", "ORA-28000", "ORA-28001", "ORA-01045"):
        hint = "Check user and password, that the account is open, and that it may create sessions."
        return AuthError(words, hint=hint)
    if code in ("DPY-6001", "DPY-6003", "ORA-12514", "ORA-12505"):
        return ConfigError(words, field="database", hint="Give the service name as `lsnrctl services` lists it.")
    if code in ("DPY-3001", "DPY-3010", "DPY-3015"):
        hint = "The driver speaks to Oracle 12.1 and later, without native network encryption: use TCPS."
        return ConfigError(words, field="sslmode", hint=hint)
    if "CERTIFICATE" in words.upper() or "SSL" in words.upper() or code in ("DPY-6006", "DPY-6002"):
        hint = "Upload the certificate authority of this server, and use the host name it certifies."
        return ConfigError(words, field="sslmode", hint=hint)
    return Unavailable(
        f"{server.host}:{server.port}: {words}",
        hint="Check host and port, and whether the listener there is an encrypted one (TCPS).",
    )


def statement_error(error: Exception, sql: str = "") -> ConnectorError:
    """Oracle's refusal of a statement, in its own words, with the place in ``sql`` where it tells one."""
    code, words = said(error)
    if code == "ORA-01013":
        return QueryError("The query was cancelled.")
    if code == "DPY-4024":
        return QueryError(words, hint="Raise the query time limit of this source, or make the query lighter.")
    if code in ("ORA-00942", "ORA-01031", "ORA-41900"):
        hint = "Check the name, and grant this user SELECT on the table; unquoted names are upper case."
        return QueryError(words, position=_position(error, sql), hint=hint)
    if code == "ORA-01456":
        return QueryError(words, hint="A model only reads.")
    if code in ("ORA-00028", "ORA-02396", "ORA-03113", "ORA-03114", "DPY-1001", "DPY-4011") or isinstance(
        error, OSError
    ):
        return Unavailable(words, hint="The connection broke off: the next run starts over.")
    return QueryError(words, position=_position(error, sql))


def said(error: Exception) -> tuple[str, str]:
    """The code of a driver's error, and its words without what helps only its programmers."""
    told = error.args[0] if error.args else None
    lines = [line for line in str(getattr(told, "message", None) or error).splitlines() if line.strip()]
    # What kept a connection from coming about stands below the line that says so.
    lines = [line for line in lines if not line.startswith(("Help:", "See ", "DPY-6005"))] or lines
    code = _CODE.search(lines[0]) if lines else None
    return code[0] if code else str(getattr(told, "full_code", None) or ""), " ".join(" ".join(lines).split())


def _position(error: Exception, sql: str) -> int | None:
    place = int(getattr(error.args[0] if error.args else None, "offset", 0) or 0)
    return place if 0 < place < len(sql) else None
