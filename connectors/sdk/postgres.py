"""Connecting to somebody's PostgreSQL: parameters, certificates, and what each failure means."""

from __future__ import annotations

import re
import ssl
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo

from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, QueryError, Unavailable
from connectors.sdk.net.guard import Blocked, Guard
from connectors.sdk.server_settings import VERIFYING
from connectors.sdk.tunnels import route

CONNECT_TIMEOUT_S = 10
# What libpq would read from the home of whoever runs Headrace (~/.pgpass, ~/.postgresql) is the
# operator's own: connections that people set up bring their credentials with them or have none.
_NO_FILE = "/nonexistent/headrace"
OPERATORS_OWN: dict[str, Any] = {"passfile": _NO_FILE, "sslcert": _NO_FILE, "sslkey": _NO_FILE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where a PostgreSQL is and how to log in. ``ca`` is the text of a certificate file."""

    host: str
    port: int
    database: str
    user: str
    password: str = field(default="", repr=False)
    sslmode: str = "prefer"
    ca: str = ""

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Server:
        """The server that a connection's settings name."""
        return cls(
            host=str(config.get("host") or "").strip(),
            port=int(config.get("port") or 5432),
            database=str(config.get("database") or ""),
            user=str(config.get("user") or ""),
            password=str(config.get("password") or ""),
            sslmode=str(config.get("sslmode") or "prefer"),
            ca=str(config.get("ca") or ""),
        )


@contextmanager
def conninfo(server: Server, environment: Environment) -> Iterator[str]:
    """A libpq connection string to an address that may be called.

    Use it for connecting only: the certificate file it may name goes at the end.
    """
    where = _address(server, environment)
    with _certificates(server) as certificates:
        yield make_conninfo(
            "",
            **where,
            **certificates,
            **OPERATORS_OWN,
            dbname=server.database,
            user=server.user,
            password=server.password,
            sslmode=server.sslmode,
            ssl_min_protocol_version="TLSv1.2",
            connect_timeout=CONNECT_TIMEOUT_S,
            application_name="headrace",
            client_encoding="UTF8",
            gssencmode="disable",
        )


def connect_error(error: Exception, server: Server) -> ConnectorError:
    """Why no connection came about, and what to change."""
    words = _words(str(error))
    place = f"{server.host}:{server.port}"
    for pattern, make in _CONNECT_FAILURES:
        if pattern.search(words):
            return make(words, place)
    return Unavailable(words or f"{place} gave no usable answer.", hint="Check host, port and the network between.")


def statement_error(sqlstate: str, message: str, *, position: int | None = None, hint: str = "") -> ConnectorError:
    """The server's refusal of a statement as one of our errors, in its own words.

    ``sqlstate`` may be empty where the driver lost it (in the middle of a result).
    """
    for pattern, make in _STATEMENT_FAILURES:
        if pattern.search(message):
            return make(message)
    if sqlstate == "42501":
        return AuthError(message, hint="Grant this user SELECT on the table and USAGE on its schema.")
    if sqlstate == "25006":
        return QueryError(message, hint="A model only reads.")
    if sqlstate[:2] in {"08", "53", "57", "58"}:
        return Unavailable(message)
    return QueryError(message, position=position, hint=hint)


def _address(server: Server, environment: Environment) -> dict[str, Any]:
    """``host``, the addresses that lead there, so that the name is not resolved a second time, and the port."""
    if not server.host:
        raise ConfigError("Give the host.", field="host")
    if server.host.startswith(("/", "@")):
        if environment.tunnel or not Guard(environment).opened(server.host, server.port):
            raise Blocked(
                "Local sockets are closed to connectors.",
                field="host",
                hint="Give a host name. An operator can open this socket with HEADRACE_OUTBOUND_ALLOW.",
            )
        return {"host": server.host, "port": server.port}
    if "," in server.host:
        raise ConfigError("Give one host, not several.", field="host")
    way = route(environment, server.host, server.port)
    host = server.host.strip("[]")
    return {"host": ",".join([host] * len(way.addresses)), "hostaddr": ",".join(way.addresses), "port": way.port}


@contextmanager
def _certificates(server: Server) -> Iterator[dict[str, str]]:
    if server.sslmode not in VERIFYING:
        yield {}
    elif server.ca:
        with tempfile.TemporaryDirectory(prefix="headrace-ca-") as folder:
            path = Path(folder) / "ca.pem"
            path.write_text(server.ca)
            yield {"sslrootcert": str(path)}
    else:
        yield {"sslrootcert": ssl.get_default_verify_paths().cafile or "system"}


def _words(text: str) -> str:
    """The last failure of libpq's report, without its preamble."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    joined = " ".join(lines)
    joined = re.sub(r"^(?:IO: )?(?:\[libpq\] )?(?:Failed to connect: )?", "", joined)
    return re.sub(r"^(?:connection failed: )?(?:connection to server [^:]*?failed: )?(?:FATAL:\s+)?", "", joined)


def _unavailable(hint: str) -> Callable[[str, str], ConnectorError]:
    return lambda words, place: Unavailable(f"{place}: {words}", hint=hint)


def _config(name: str, hint: str) -> Callable[[str, str], ConnectorError]:
    return lambda words, place: ConfigError(words, field=name, hint=hint)


def _auth(hint: str) -> Callable[[str, str], ConnectorError]:
    return lambda words, place: AuthError(words, hint=hint)


_ConnectFailure = tuple[re.Pattern[str], Callable[[str, str], ConnectorError]]
_CONNECT_FAILURES: tuple[_ConnectFailure, ...] = (
    (
        re.compile("could not translate host name|failed to resolve|could not be resolved"),
        _config("host", "Check the host name for a typing error."),
    ),
    (
        re.compile("[Cc]onnection refused"),
        _unavailable("Nothing listens there: check host and port, and that the server accepts connections from here."),
    ),
    (
        re.compile("timeout expired|timed out"),
        _unavailable("Usually a firewall: let this machine's address through, or check host and port."),
    ),
    (
        re.compile("No route to host|Network is unreachable"),
        _unavailable("The network between here and the server has no way there: check the host and your network."),
    ),
    (
        re.compile("password authentication failed|no password supplied|authentication failed"),
        _auth("Check user and password, then test again."),
    ),
    (re.compile('role ".*" does not exist'), _auth("Check the user name.")),
    (re.compile("is not permitted to log in"), _auth("Allow it: ALTER ROLE … LOGIN.")),
    (re.compile('database ".*" does not exist'), _config("database", "Check the name of the database.")),
    (re.compile("permission denied for database"), _auth("Grant it: GRANT CONNECT ON DATABASE … TO this user.")),
    (
        re.compile("no pg_hba.conf entry.*no encryption|pg_hba.conf rejects.*no encryption"),
        _config("sslmode", "The server wants encryption here, or does not know this machine: choose “require”."),
    ),
    (
        re.compile(r"pg_hba\.conf"),
        _auth("The server's administrator has to admit this machine's address in pg_hba.conf."),
    ),
    (
        re.compile("does not support SSL"),
        _config("sslmode", "The server offers no encryption: switch it on there, or choose “prefer” or “disable”."),
    ),
    (
        re.compile("certificate verify failed|does not match host name|root certificate|SSL error"),
        _config("sslmode", "Upload the certificate authority of this server, and use the host name it certifies."),
    ),
    (
        re.compile("invalid response to SSL negotiation|server closed the connection unexpectedly"),
        _config("port", "What answers there does not speak PostgreSQL: check host and port."),
    ),
    (
        re.compile("too many (?:connections|clients)|connection slots|starting up|shutting down|recovery mode"),
        _unavailable("The server takes no more connections at the moment: try again later."),
    ),
)

_StatementFailure = tuple[re.Pattern[str], Callable[[str], ConnectorError]]
_STATEMENT_FAILURES: tuple[_StatementFailure, ...] = (
    (
        re.compile("due to statement timeout"),
        lambda words: QueryError(words, hint="Raise the query time limit of this source, or make the query lighter."),
    ),
    (re.compile("due to user request"), lambda words: QueryError("The query was cancelled.")),
    (
        re.compile("conflict with recovery"),
        lambda words: Unavailable(
            words, hint="On the replica, raise max_standby_streaming_delay and max_standby_archive_delay."
        ),
    ),
    (
        re.compile("prepared statement .*does not exist"),
        lambda words: ConfigError(
            words, field="host", hint="A pooler in transaction mode is in between: give the server's own address."
        ),
    ),
    (
        re.compile("terminating connection|server closed the connection|no connection to the server|SSL connection"),
        lambda words: Unavailable(words, hint="The connection broke off: the next run starts over."),
    ),
)
