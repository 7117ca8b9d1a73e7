"""Talking to a MongoDB deployment: where it is, connections, and what each failure means.

The driver finds the members of a deployment by itself and dials each of them, for rows and to watch over them. All
those connections are made in one place of the driver, where ours stands: they are dialled by our door, and TLS is the
standard library's, with the certificate checked for the name that was dialled.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from socket import IPPROTO_TCP, TCP_NODELAY, socket
from typing import Any, TypeVar

from connectors.sdk.context import Environment
from connectors.sdk.drivers import driver
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, Gone, RateLimited, Unavailable
from connectors.sdk.net.sockets import dial
from connectors.sdk.net.tls import Tls, ssl_context

T = TypeVar("T")
Address = tuple[str, int]
PACKAGE, PORT = "pymongo", 27017
# Failures that pass: elections, locks, a server that is stopped or short of something, a service's own limits.
PASSING = frozenset((6, 7, 50, 64, 89, 91, 112, 189, 225, 246, 262, 9001, 10107, 11600, 11602, 13435, 13436, 16500))
_THROTTLED = frozenset((16500,))  # compatible services sell requests by the second
_LOGIN, _RIGHTS = frozenset((11, 18, 334, 8000)), frozenset((13,))
_NO_COLLECTION = 26
_FIND_S = 10
_PASSED_ON = ("authsource", "authmechanism", "replicaset", "directconnection", "loadbalanced", "retrywrites", "w",
              "wtimeoutms", "journal", "serverselectiontimeoutms")  # fmt: skip
_MECHANISMS = ("DEFAULT", "SCRAM-SHA-1", "SCRAM-SHA-256", "PLAIN")
# Of these the driver needs none here, or Headrace decides.
_LEFT_OUT = (
    "appname compressors connecttimeoutms heartbeatfrequencyms localthresholdms maxconnecting maxidletimems "
    "maxpoolsize maxstalenessseconds minpoolsize readconcernlevel readpreference readpreferencetags retryreads "
    "servermonitoringmode sockettimeoutms srvmaxhosts srvservicename ssl timeoutms tls uuidrepresentation "
    "waitqueuetimeoutms zlibcompressionlevel"
)
_FILES = "Files of this machine are not read: upload the certificate authority below."
_UNREADABLE = (
    "Copy it anew from your deployment (Connect → Drivers), with the password put in and its special characters "
    "percent-encoded."
)
_REACH = "Check host and port, and that the network access list or firewall lets this machine's address through."
_MEMBERS = (
    "The deployment names this address as one of its members. Open it for Headrace, connect through a tunnel, or "
    "switch on “Only this server”."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A deployment by the members to begin with, and how to log in. ``ca`` is the text of a certificate file."""

    seeds: tuple[Address, ...]
    database: str
    user: str = ""
    password: str = field(default="", repr=False)
    encrypted: bool = True
    ca: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Server:
        """The deployment that a connection's settings name; a list of members is looked up (DNS)."""
        if config.get("at") == "uri":
            return _by_uri(str(config.get("uri") or "").strip(), config)
        host = str(config.get("host") or "").strip()
        seeds: tuple[Address, ...] = ((host, int(config.get("port") or PORT)),)
        options: dict[str, Any] = {}
        if config.get("srv"):
            found = _read(f"mongodb+srv://{host}/", "host")
            seeds, options = tuple(found["nodelist"]), _options(found["options"])
        if config.get("direct"):
            options["directconnection"] = True
        if source := str(config.get("auth_source") or ""):
            options["authsource"] = source
        return cls(
            seeds=seeds,
            database=str(config.get("database") or ""),
            user=str(config.get("user") or ""),
            password=str(config.get("password") or ""),
            encrypted=bool(config.get("tls", True)),
            ca=str(config.get("ca") or ""),
            options=options,
        )


def _by_uri(uri: str, config: Mapping[str, Any]) -> Server:
    found = _read(uri, "uri")
    said = {name.lower(): value for name, value in found["options"].items()}
    encrypted = bool(said.get("tls", said.get("ssl", bool(found["fqdn"]))))
    if said.get("authmechanism") == "PLAIN" and not encrypted:
        raise ConfigError("The mechanism PLAIN sends the password as it is.", field="uri", hint="Add tls=true.")
    return Server(
        seeds=tuple(found["nodelist"]),
        database=str(config.get("database") or found["database"] or ""),
        user=found["username"] or "",
        password=found["password"] or "",
        encrypted=encrypted,
        ca=str(config.get("ca") or ""),
        options=_options(said, str(found["database"] or "")),
    )


def _read(uri: str, field: str) -> dict[str, Any]:
    """What a connection string says. The driver's words may hold parts of it, and so a password: they are left out."""
    library, parser = driver("pymongo", PACKAGE), driver("pymongo.uri_parser", PACKAGE)
    failures = (library.errors.PyMongoError, ValueError, TypeError)
    try:
        # At first as it stands: checking options opens the files that they name, and srv asks the name service.
        plain = parser.parse_uri(re.sub(r"^mongodb\+srv:", "mongodb:", uri), validate=False)
        _check_names(plain["options"])
    except failures as error:
        raise ConfigError("This cannot be read.", field=field, hint=_UNREADABLE) from error
    try:
        found: dict[str, Any] = parser.parse_uri(uri, normalize=False)
    except failures as error:
        if not uri.startswith("mongodb+srv:"):
            raise ConfigError("An option has a value that it cannot have.", field=field, hint=_UNREADABLE) from error
        words = f"The members of {plain['nodelist'][0][0]} could not be looked up (its SRV record)."
        raise ConfigError(words, field=field, hint="Only hosts of mongodb+srv:// addresses have a list.") from error
    if any(port is None for _, port in found["nodelist"]):
        raise ConfigError("Sockets of this machine cannot be connected to.", field=field)
    return found


def _check_names(said: Mapping[str, Any]) -> None:
    for name in sorted(map(str.lower, said)):  # one option may stand for several, in any order
        if name not in _PASSED_ON and name not in _LEFT_OUT.split():
            hint = _FILES if name.endswith("file") else "Leave it out."
            raise ConfigError(f"The connection string's option “{name}” cannot be used here.", field="uri", hint=hint)


def _options(said: Mapping[str, Any], database: str = "") -> dict[str, Any]:
    """The options that are passed on; :class:`ConfigError` names one that cannot be kept to."""
    said = {name.lower(): value for name, value in said.items()}
    if said.get("authmechanism", "DEFAULT") not in _MECHANISMS:
        hint = f"Headrace logs in with user and password ({', '.join(_MECHANISMS[1:])})."
        raise ConfigError(f"{said['authmechanism']} is not offered.", field="uri", hint=hint)
    if said.get("w") == 0:
        raise ConfigError("With w=0 nobody answers whether a row was written.", field="uri", hint="Leave it out.")
    kept = {name: value for name, value in said.items() if name in _PASSED_ON}
    return {"authsource": database, **kept} if database else kept


class Database:
    """One database of a deployment, over connections that are made when they are needed. Blocks.

    Raises typed errors at once where no member to begin with can be reached.
    """

    def __init__(self, server: Server, environment: Environment, read_s: float) -> None:
        library = driver("pymongo", PACKAGE)
        self._line = Line(environment, ssl_context(Tls(authority=server.ca)) if server.encrypted else None)
        self._line.reach(server.seeds)
        login = {"username": server.user, "password": server.password} if server.user else {}
        settings = {"w": "majority", "serverselectiontimeoutms": _FIND_S * 1_000, **server.options, **login}
        try:
            self._client = library.MongoClient(
                [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in server.seeds],
                connect=False,
                appname="headrace",
                sockettimeoutms=int(read_s * 1_000),
                maxpoolsize=8,
                tz_aware=True,
                datetime_conversion="DATETIME_MS",  # people's dates may lie outside of Python's
                _pool_class=_pool(self._line),
                **settings,
            )
            self._database = self._client[server.database]
        except (library.errors.PyMongoError, ValueError, TypeError) as error:
            self._line.hang_up()
            raise ConfigError(str(error), field="database") from error

    def ask(self, question: Callable[[Any], T]) -> T:
        """What the driver's database answers to a question; raises typed errors."""
        with self._line.told():
            return question(self._database)

    def close(self) -> None:
        """Leave; never raises."""
        with suppress(driver("pymongo", PACKAGE).errors.PyMongoError, OSError):
            self._client.close()
        self._line.hang_up()


@contextmanager
def connected(config: Mapping[str, Any], environment: Environment, read_s: float) -> Iterator[Database]:
    """The database that a connection's settings name; raises typed errors."""
    database = Database(Server.of(config), environment, read_s)
    try:
        yield database
    finally:
        database.close()


class Line:
    """How the connections of one client are dialled, and why the latest to each address could not be."""

    def __init__(self, environment: Environment, tls: ssl.SSLContext | None) -> None:
        self._environment = environment
        self._tls = tls
        self._ready: dict[Address, socket] = {}
        self._failed: dict[Address, Exception] = {}

    def reach(self, seeds: tuple[Address, ...]) -> None:
        """Connect to the first member that answers, so that what goes wrong is said before the driver begins."""
        for seed in seeds:
            with suppress(OSError, ConnectorError):
                self._ready[seed] = self.dialled(*seed)
                return
        for host, port in seeds:
            raise self._told(host, port)
        raise ConfigError("Give the host.", field="host")

    def dialled(self, host: str, port: int) -> socket:
        """A connection to one member, encrypted where that is wanted."""
        if ready := self._ready.pop((host, port), None):
            return ready
        try:
            opened = dial(self._environment, host, port)
            try:
                opened.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
                made = self._tls.wrap_socket(opened, server_hostname=host) if self._tls else opened
            except BaseException:
                opened.close()
                raise
        except (OSError, ConnectorError) as error:
            self._failed[host, port] = error
            raise
        self._failed.pop((host, port), None)
        return made

    def hang_up(self) -> None:
        """Close what nobody took over."""
        while self._ready:
            self._ready.popitem()[1].close()

    @contextmanager
    def told(self) -> Iterator[None]:
        """The driver's errors as ours."""
        errors = driver("pymongo", PACKAGE).errors
        try:
            yield
        except errors.ServerSelectionTimeoutError as error:
            for (host, port), failure in list(self._failed.items()):
                if isinstance(failure, ConnectorError | ssl.SSLError):
                    raise self._told(host, port, hint=_MEMBERS) from error
            for host, port in list(self._failed):
                raise self._told(host, port) from error
            words = str(error).partition(", Timeout:")[0]
            raise Unavailable(words, hint="Check encryption, and that the deployment has a primary.") from error
        except errors.OperationFailure as error:
            raise refusal(error) from error
        except errors.ConnectionFailure as error:
            raise Unavailable(str(error), in_doubt=True) from error
        except errors.PyMongoError as error:
            raise ConfigError(str(error), hint="Check the settings of the connection.") from error

    def _told(self, host: str, port: int, hint: str = "") -> ConnectorError:
        failure = self._failed[host, port]
        words = f"{host}:{port}: {getattr(failure, 'message', '') or str(failure) or type(failure).__name__}"
        if isinstance(failure, ConfigError):
            return ConfigError(words, field="host", hint=hint or failure.hint)
        if isinstance(failure, ssl.SSLCertVerificationError):
            return ConfigError(words, field="ca", hint="Upload the authority that signed the server's certificate.")
        if isinstance(failure, ssl.SSLError):
            return ConfigError(words, field="tls", hint="Switch encryption on only where the server offers it.")
        return Unavailable(words, hint=hint or _REACH)


def refusal(error: Any) -> ConnectorError:
    """Why the server refused a command."""
    words, code = str((error.details or {}).get("errmsg") or error), error.code
    if code in _LOGIN:
        return AuthError(words, hint="Check user and password, and the database that the user was made in.")
    if code in _RIGHTS and "requires authentication" in words:
        return AuthError(words, hint="Give user and password.")
    if code in _RIGHTS:
        return AuthError(words, hint="Give the user the role readWrite on this database.")
    if code in _THROTTLED:
        return RateLimited(words)
    if code in PASSING or driver("pymongo", PACKAGE).errors.WTimeoutError in type(error).__mro__:
        return Unavailable(words, in_doubt=True)
    if code == _NO_COLLECTION:
        return Gone(words)
    return ConfigError(words, field="collection")


_LINE: ContextVar[Line] = ContextVar("line of MongoDB's connections")


def _pool(line: Line) -> type[Any]:
    """The driver's pool, whose connections go out by this line, also those that watch over members."""

    class Pool(_module().Pool):  # type: ignore[misc]  # the driver may not be installed
        """One member's connections."""

        def connect(self, *given: Any, **named: Any) -> Any:
            token = _LINE.set(line)
            try:
                return super().connect(*given, **named)
            finally:
                _LINE.reset(token)

    return Pool


@cache
def _module() -> Any:
    """The driver's module of pools, which has its connections made here from now on."""
    module: Any = driver("pymongo.synchronous.pool", PACKAGE)
    interface: Any = driver("pymongo.network_layer", PACKAGE).NetworkingInterface
    of_the_driver = module._configured_socket_interface

    def connection(address: Address, options: Any, *more: Any) -> Any:
        if (line := _LINE.get(None)) is None:  # not of our pools: somebody else uses the driver in this process
            return of_the_driver(address, options, *more)
        made = line.dialled(*address)
        made.settimeout(options.socket_timeout)
        return interface(made)

    module._configured_socket_interface = connection
    return module
