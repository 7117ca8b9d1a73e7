"""Talking to somebody's SQL Server, Synapse or Fabric: connections, statements, and what each failure means.

Addresses are dialled here, also the one that a server sends a connection on to (Azure does), each through the
guarded door. The driver reads and writes packets; see :mod:`connectors.sdk.tds_wire` for what carries them.
"""

from __future__ import annotations

import logging
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import pytds
from pytds.row_strategies import tuple_row_strategy
from pytds.tds_base import TDS74, TDS_DONE_CANCELLED, TDS_ODBC_ON, PreLoginEnc, _TdsLogin
from pytds.tds_base import Column as WireColumn
from pytds.tds_socket import _TdsSocket
from pytds.tds_types import IntType, NVarCharMaxType

from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, QueryError, Unavailable
from connectors.sdk.net.sockets import dial
from connectors.sdk.net.tls import mode_context
from connectors.sdk.tds_wire import Wire, secure

# The driver's errors, those of sockets, and what it raises where bytes are none of the protocol.
FAILURES = (pytds.Error, OSError, ValueError, OverflowError, struct.error, AssertionError, IndexError)
_HOPS = 4
_PACKET_BYTES = 16_384
_AFTER_STOP_S = 30.0
_LIMIT, _CANCELLED = "limit", "cancelled"
_ENGLISH = 1033

# It logs the beginning of each statement, and the SQL of customers does not belong in logs.
logging.getLogger("pytds").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where a server is and how to log in: with user and password, or with an access token in their place.

    ``trust``: its certificate is not checked. ``ca`` is the text of a file with authorities to trust besides.
    """

    host: str
    port: int = 1433
    database: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    trust: bool = False
    ca: str = ""

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return f"{self.host}:{self.port}"


class Session:
    """Statements of one connection. Its methods block; :meth:`stop` may be called from another thread.

    ``limit_s``: how long a statement may take, its rows included.
    """

    def __init__(self, connected: Any, wire: Wire, limit_s: float | None = None) -> None:
        self._connected = connected
        self._main = connected.main_session
        self._wire = wire
        self._limit_s = limit_s
        self._lock = threading.Lock()
        self._running = False
        self._stopped = ""
        self._impatient: threading.Timer | None = None

    def small(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query that has few."""
        return [row for rows in self.stream(sql, 1_000) for row in rows]

    def columns(self, sql: str) -> list[Any]:
        """The driver's columns of a query that gives no rows."""
        with self._asked(sql):
            found = list(self._main.res_info.columns) if self._main.res_info else []
            self._finish()
        return found

    def run(self, sql: str) -> int:
        """Run a statement; how many rows its last part touched, -1 where the server does not say."""
        with self._asked(sql):
            self._finish()
            return int(self._main.rows_affected)

    def stream(self, sql: str, batch_rows: int) -> Iterator[list[tuple[Any, ...]]]:
        """Run a query and fetch its rows from the wire, some at a time."""
        with self._asked(sql):
            held: list[tuple[Any, ...]] = []
            while self._main.res_info is not None and (row := self._main.fetchone()) is not None:
                held.append(row)
                if len(held) >= batch_rows:
                    yield held
                    held = []
            # A query that was stopped ends like one that is done, but for this.
            self._check()
            if held:
                yield held

    def load(self, table: str, numbers: Sequence[str], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Load rows into a table in bulk: first columns of whole numbers, then columns of text of any length."""
        columns = [WireColumn(name, IntType()) for name in numbers]
        columns += [WireColumn(name, NVarCharMaxType()) for name in names]
        declared = ", ".join(f"[{c.column_name}] {c.type.get_declaration()}" for c in columns)
        self.run(f"INSERT BULK {table}({declared})")
        with self._answered(lambda: self._main.submit_bulk(columns, rows)):
            self._finish()

    def begin(self) -> None:
        """Begin a transaction, which nothing but closing the connection ends."""
        with self._patient():
            self._main.begin_tran()

    @contextmanager
    def transaction(self, unsure: Callable[[Exception], ConnectorError]) -> Iterator[None]:
        """What happens inside is done as a whole; ``unsure`` makes the error where the outcome is not known."""
        main = self._main
        main._env.autocommit = False
        try:
            try:
                self.begin()
                yield
            except BaseException:
                with suppress(*FAILURES), self._patient():
                    main.rollback(cont=False)
                raise
            try:
                with self._patient():
                    main.commit(cont=False)
            except FAILURES as error:
                raise unsure(error) from error
        finally:
            main._env.autocommit = True

    @contextmanager
    def _patient(self) -> Iterator[None]:
        """Hang up on a server that does not answer what takes no time."""
        timer = threading.Timer(_AFTER_STOP_S, self._wire.abort)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def stop(self, why: str = _CANCELLED) -> None:
        """Stop the statement on the server; nothing where none runs."""
        with self._lock:
            if not self._running or self._stopped:
                return
            self._stopped = why
        with suppress(OSError):  # the connection is gone, and with it the statement
            self._wire.attention()
        self._impatient = threading.Timer(_AFTER_STOP_S, self._wire.abort)
        self._impatient.daemon = True
        self._impatient.start()

    def close(self) -> None:
        """Hang up; a transaction that is open is rolled back by the server."""
        self.stop()
        if self._impatient:
            self._impatient.cancel()
        self._connected.close()

    def _finish(self) -> None:
        """Read what is left of the answer; errors in it are raised."""
        while self._main.next_set() is not False:
            pass
        self._check()

    def _asked(self, sql: str) -> AbstractContextManager[None]:
        return self._answered(lambda: self._main.submit_plain_query(sql))

    @contextmanager
    def _answered(self, send: Callable[[], None]) -> Iterator[None]:
        """A request from being sent until what follows of its answer is read or given up."""
        timer = threading.Timer(self._limit_s, self.stop, (_LIMIT,)) if self._limit_s else None
        self._stopped = ""
        if self._impatient:
            self._impatient.cancel()
        try:
            send()
            with self._lock:
                self._running = True
            if timer:
                timer.daemon = True
                timer.start()
            self._main.begin_response()
            self._main.find_result_or_done()
            self._check()
            yield
        except FAILURES as error:
            if self._stopped:
                raise self._stop_error() from error
            raise
        finally:
            if timer:
                timer.cancel()
            if self._main.state == pytds.tds_base.TDS_IDLE:
                self._running = False

    def _check(self) -> None:
        if self._main.done_flags & TDS_DONE_CANCELLED:
            raise self._stop_error()

    def _stop_error(self) -> QueryError:
        if self._stopped == _LIMIT:
            return QueryError(
                f"The query took longer than {self._limit_s:g} seconds.",
                hint="Raise the query time limit of this source, or make the query lighter.",
            )
        return QueryError("The query was cancelled.")


def connect(
    server: Server, environment: Environment, *, transaction: bool = False, limit_s: float | None = None
) -> Session:
    """A connection to addresses that may be called; raises typed errors.

    ``transaction``: everything happens in one, which is rolled back when the connection is closed.
    """
    if not server.host:
        raise ConfigError("Give the host.", field="host")
    at = server
    for _ in range(_HOPS):
        try:
            session, onwards = _attempt(at, environment, limit_s)
            if session is None:
                at = replace(at, host=onwards["server"].partition("\\")[0], port=onwards["port"])
                continue
            if transaction:
                session.begin()
            return session
        except FAILURES as error:
            raise connect_error(error, at) from error
    raise Unavailable(f"{server.place} sends connections on and on.", hint="Check host and port.")


def _attempt(server: Server, environment: Environment, limit_s: float | None) -> tuple[Session | None, Any]:
    """A connection, or where the server sends it on to."""
    wire = Wire(dial(environment, server.host, server.port))
    try:
        connected = _TdsSocket(
            sock=wire, login=_login(server), autocommit=True, row_strategy=tuple_row_strategy, tzinfo_factory=None
        )
        main, context = connected.main_session, _context(server.trust, server.ca)
        main.process_prelogin = lambda login: secure(main, wire, context, server.host)
        onwards = connected.login()
        if onwards is None:
            wire.settimeout(None)  # a query may take longer than the handshake
            return Session(connected, wire, limit_s), None
    except BaseException:
        wire.close()
        raise
    wire.close()
    return None, onwards


@lru_cache(maxsize=64)  # reading the system's authorities takes longer than signing in
def _context(trust: bool, authority: str) -> ssl.SSLContext:
    context = mode_context("require" if trust else "verify-full", authority)
    # Inside packets the handshake is that of TLS 1.2 at most (MS-TDS, 2.2.6.5).
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def _login(server: Server) -> Any:
    login = _TdsLogin()
    login.client_host_name = login.app_name = login.library = "headrace"
    login.server_name, login.port = server.host, server.port
    login.database = server.database
    login.user_name, login.password = server.user, server.password
    login.access_token = server.token or None
    login.tds_version = TDS74
    login.client_lcid = _ENGLISH
    login.option_flag2 = TDS_ODBC_ON
    login.enc_flag = PreLoginEnc.ENCRYPT_ON
    login.blocksize = _PACKET_BYTES
    login.bytes_to_unicode = True
    return login


_LOGIN = (18456, 18486, 18487, 18488, 18452, 18461, 18470)
_FIREWALL = (40615, 40914, 47073)
_BUSY = (10928, 10929, 17809, 40197, 40501, 40613, 49918, 49919, 49920, 42109)
_NAMES = "Give each column of the query a name of its own: SELECT … AS name."
_HINTS = {8155: _NAMES, 8156: _NAMES, 8621: "Make the query lighter.", 8623: "Make the query lighter."}
_DENIED = (229, 230, 262, 300, 916, 297)


def connect_error(error: Exception, server: Server) -> ConnectorError:
    """Why no connection came about, and what to change."""
    code, words = number_and_words(error)
    if isinstance(error, ssl.SSLError):
        return ConfigError(
            f"{server.place}: {words}",
            field="trust_certificate",
            hint="Upload the certificate authority of this server and use the host name it certifies; on a network "
            "that you trust you can also trust the certificate unseen.",
        )
    if code in _FIREWALL or "sp_set_firewall_rule" in words:
        return AuthError(words, hint="Add this machine's address to the server's firewall rules; that takes minutes.")
    if code in (4060, 911, 4064):
        return ConfigError(words, field="database", hint="Check the database's name, and that the user may open it.")
    if code in _LOGIN:
        return AuthError(
            words, hint="Check user and password, and that the server admits logins of its own, not of Windows only."
        )
    if code in _BUSY:
        return Unavailable(words, hint="The database is starting up or has no connection to spare: try again later.")
    if isinstance(error, ConnectionRefusedError) or "refused" in words:
        hint = "Nothing listens there: check host and port, and that the server accepts connections from here."
        return Unavailable(f"{server.place}: {words}", hint=hint)
    if isinstance(error, TimeoutError):
        hint = "Usually a firewall: let this machine's address through, or check host and port."
        return Unavailable(f"{server.place}: {words}", hint=hint)
    return Unavailable(
        f"{server.place}: {words}", hint="What answers there may not speak TDS: check host, port and the network."
    )


def statement_error(error: Exception, sent: str = "", model: str = "") -> ConnectorError:
    """The server's refusal of a statement, in its own words, with the line in ``model`` where ``sent`` has it."""
    code, words = number_and_words(error)
    if isinstance(error, OverflowError):
        return QueryError(
            "A column holds a moment outside the years 1 to 9999.",
            hint="Replace such values in the query, or cast the column to text.",
        )
    if code in _DENIED:
        return AuthError(words, hint="Grant this user SELECT on the table.")
    if code in (1205, 3960):
        return Unavailable(words, hint="Others were at the same rows: try again.")
    if not isinstance(error, pytds.DatabaseError):
        return Unavailable(words, hint="The connection broke off: the next run starts over.")
    place = _position(getattr(error, "line", 0) or 0, sent, model)
    return QueryError(words, position=place, hint=_HINTS.get(code, ""))


def number_and_words(error: Exception) -> tuple[int, str]:
    """The server's number and words."""
    words = error.args[0] if isinstance(error, pytds.Error) and error.args else error
    return int(getattr(error, "msg_no", 0) or 0), " ".join(str(words).split()) or type(error).__name__


def _position(line: int, sent: str, model: str) -> int | None:
    """Where in the model the line begins that the server names of what it was sent."""
    lines: Sequence[str] = sent.splitlines()
    words = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    return model.find(words) if words and model.count(words) == 1 else None
