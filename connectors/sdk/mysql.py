"""Talking to somebody's MySQL or MariaDB: connections, what each failure means, and what the driver leaves out.

The driver hands out values as the bytes that the server wrote; Arrow reads them in bulk.
"""

from __future__ import annotations

import contextlib
import re
import ssl
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pymysql
from pymysql.constants import COMMAND, ER
from pymysql.converters import encoders
from pymysql.protocol import FieldDescriptorPacket

from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, QueryError, Unavailable
from connectors.sdk.net.sockets import CONNECT_S, dial
from connectors.sdk.net.tls import mode_context

CANCELLED, TIMED_OUT = (1317, 1927, 2013), (3024, 1969)
_NEAR = re.compile(r" near '(?P<text>.*)' at line (?P<line>\d+)$", re.DOTALL)

Connection: TypeAlias = Any  # pymysql's, which ships no types
Row = Sequence[bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where a server is and how to log in. ``ca`` is the text of a certificate file."""

    host: str
    port: int
    database: str
    user: str
    password: str = field(default="", repr=False)
    sslmode: str = "require"
    ca: str = ""

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Server:
        """The server that a connection's settings name."""
        return cls(
            host=str(config.get("host") or "").strip(),
            port=int(config.get("port") or 3306),
            database=str(config.get("database") or ""),
            user=str(config.get("user") or ""),
            password=str(config.get("password") or ""),
            sslmode=str(config.get("sslmode") or "require"),
            ca=str(config.get("ca") or ""),
        )

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return f"{self.host}:{self.port}"


def connect(server: Server, environment: Environment, *, flags: int = 0, read_s: float | None = None) -> Connection:
    """A connection to an address that may be called; raises typed errors.

    ``flags`` are the protocol's, ``read_s`` is how long to wait for an answer.
    """
    if not server.host:
        raise ConfigError("Give the host.", field="host")
    connection = pymysql.connect(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password,
        database=server.database or None,
        charset="utf8mb4",
        use_unicode=False,
        conv=encoders,
        # Files of this machine are never sent, whatever the server asks for.
        local_infile=False,
        client_flag=flags,
        defer_connect=True,
        program_name="headrace",
        read_timeout=CONNECT_S,
        **_encryption(server),
    )
    try:
        connection.connect(sock=dial(environment, server.host, server.port))
    except (pymysql.Error, ssl.SSLError, OSError) as error:
        raise connect_error(error, server) from error
    connection._read_timeout = read_s  # a query may take longer than the handshake
    return connection


def prepared_fields(connection: Connection, sql: str) -> list[FieldDescriptorPacket]:
    """The columns of a query, which the server parses and does not run."""
    connection._execute_command(COMMAND.COM_STMT_PREPARE, sql)
    first = connection._read_packet().get_all_data()
    statement, columns, parameters = struct.unpack_from("<IHH", first, 1)
    _definitions(connection, parameters)
    found = _definitions(connection, columns)
    connection._execute_command(COMMAND.COM_STMT_CLOSE, struct.pack("<I", statement))
    if parameters:
        raise QueryError("The query has placeholders such as ?.", hint="Write the values into the query.")
    return found


def run_fields(connection: Connection, sql: str) -> list[FieldDescriptorPacket]:
    """Run a query that gives no rows, for its columns."""
    connection.query(sql)
    assert connection._result is not None
    return list(connection._result.fields or [])


def stream(connection: Connection, sql: str, batch_rows: int) -> Iterator[list[Row]]:
    """Run a query and fetch its rows from the wire, some at a time."""
    connection.query(sql, unbuffered=True)
    result = connection._result
    assert result is not None
    held: list[Row] = []
    while (row := result._read_rowdata_packet_unbuffered()) is not None:
        held.append(row)
        if len(held) >= batch_rows:
            yield held
            held = []
    if held:
        yield held


def leave(connection: Connection) -> None:
    """Close at once; the driver would first read the rest of an open result."""
    result = connection._result
    if result is not None:
        result.unbuffered_active = False
    connection._force_close()


def kill(server: Server, environment: Environment, thread: int) -> None:
    """Stop the query of a connection on the server; over a second connection, as the first is busy."""
    with contextlib.suppress(ConnectorError, pymysql.Error, OSError):
        other = connect(server, environment)
        try:
            other.query(f"KILL QUERY {int(thread)}")
        finally:
            other.close()


def connect_error(error: Exception, server: Server) -> ConnectorError:
    """Why no connection came about, and what to change."""
    code, words = _told(error)
    if isinstance(error, ssl.SSLError) or code == 2026 or "CERTIFICATE" in words:
        hint = (
            "Switch encryption on at the server, or choose “Off” on a network that you trust."
            if "doesn't support" in words
            else "Upload the certificate authority of this server, and use the host name it certifies."
        )
        return ConfigError(words, field="sslmode", hint=hint)
    if code in (ER.ACCESS_DENIED_ERROR, 1698, 1862, 3118):
        return AuthError(words, hint="Check user and password, and that the user may log in from this machine.")
    if code == 1130:
        return AuthError(words, hint="The server's administrator has to admit this machine's address for the user.")
    if code == ER.BAD_DB_ERROR:
        return ConfigError(words, field="database", hint="Check the name of the database.")
    if code == ER.DBACCESS_DENIED_ERROR:
        return AuthError(words, hint="Grant it: GRANT SELECT ON … TO this user.")
    if isinstance(error, ConnectionRefusedError) or "refused" in words:
        hint = "Nothing listens there: check host and port, and that the server accepts connections from here."
        return Unavailable(f"{server.place}: {words}", hint=hint)
    if isinstance(error, TimeoutError) or "timed out" in words:
        hint = "Usually a firewall: let this machine's address through, or check host and port."
        return Unavailable(f"{server.place}: {words}", hint=hint)
    if code in (1040, 1203):
        return Unavailable(words, hint="The server takes no more connections at the moment: try again later.")
    return Unavailable(
        f"{server.place}: {words}", hint="What answers there may not speak MySQL: check host, port and the network."
    )


def statement_error(error: Exception, sql: str = "") -> ConnectorError:
    """The server's refusal of a statement, in its own words, with the place in ``sql`` where it tells one."""
    code, words = _told(error)
    if code in TIMED_OUT:
        return QueryError(words, hint="Raise the query time limit of this source, or make the query lighter.")
    if code == 1317:
        return QueryError("The query was cancelled.")
    if code in (1044, 1045, 1142, 1143, 1227, 1370):
        return AuthError(words, hint="Grant this user SELECT on the table.")
    if code == 1792:
        return QueryError(words, hint="A model only reads.")
    if code in (1053, 1927, 2006, 2013) or isinstance(error, OSError):
        return Unavailable(words, hint="The connection broke off: the next run starts over.")
    return QueryError(words, position=_position(words, sql))


def _told(error: Exception) -> tuple[int, str]:
    if isinstance(error, pymysql.Error) and len(error.args) > 1:
        return int(error.args[0] or 0), str(error.args[1])
    return 0, str(error)


def _position(words: str, sql: str) -> int | None:
    found = _NEAR.search(words)
    if not sql or not found:
        return None
    place = sql.find(found["text"])
    return place if place >= 0 else None


def _definitions(connection: Connection, count: int) -> list[FieldDescriptorPacket]:
    found = [connection._read_packet(FieldDescriptorPacket) for _ in range(count)]
    if count:
        connection._read_packet()  # the end of the list
    return found


def _encryption(server: Server) -> dict[str, Any]:
    if server.sslmode == "disable":
        return {"ssl_disabled": True}
    return {"ssl": mode_context(server.sslmode, server.ca)}
