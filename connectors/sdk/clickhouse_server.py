"""Where a ClickHouse server is and how to sign in there, by settings or by a connection string of its JDBC driver."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import Field, Number, Select, Text, Toggle, When
from connectors.sdk.types import Choice

_STRING = "connection_string"
_APART = When(field="login", values=("password",))
_SCHEME = re.compile(r"(?:jdbc:)?(?:clickhouse|ch)(?::(https?))?://", re.IGNORECASE)
_SETTING = "clickhouse_setting_"
_LISTS = ("custom_settings", "custom_http_params")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
# What a query is asked with besides its settings.
_OURS = frozenset({"database", "default_format", "password", "query", "query_id", "session_id", "user"})
# Settings by which a server leaves rows out of an answer that looks whole, or frames it otherwise than we read it.
_SHORTENING = frozenset({"limit", "offset", "partial_result_on_first_cancel", "skip_unavailable_shards"})
_OVERFLOW = re.compile(r".*_overflow_mode(_leaf)?")
_FRAMING = frozenset({"buffer_size", "compress", "wait_end_of_query"})
_NO = ("false", "0", "no")

FIELDS: tuple[Field, ...] = (
    Select(
        name="login",
        label="Connect with",
        default="password",
        style="cards",
        choices=(
            Choice("password", "Host, user and password"),
            Choice(_STRING, "Connection string", "jdbc:clickhouse:https://host:8443/database?user=…&password=…"),
        ),
    ),
    Text(
        name=_STRING,
        label="Connection string",
        help="As for the JDBC driver. Settings of the server are passed on; it is encrypted unless it says ssl=false.",
        placeholder="jdbc:clickhouse:https://host:8443/default?user=reader&password=…",
        secret=True,
        max_length=4_000,
        when=When(field="login", values=(_STRING,)),
    ),
    Text(name="host", label="Host", placeholder="….clickhouse.cloud", max_length=253, when=_APART),
    Number(
        name="port",
        label="HTTP port",
        help="8443 with encryption in most places, 8123 without.",
        default=8443,
        minimum=1,
        maximum=65_535,
        when=_APART,
    ),
    Text(name="database", label="Database", default="default", max_length=200, when=_APART),
    Text(name="user", label="User", help="A user that may only read is enough.", default="default", when=_APART),
    Text(name="password", label="Password", required=False, secret=True, when=_APART),
    Toggle(name="secure", label="Encrypt", help="Off only on a network that you trust.", default=True, when=_APART),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server. ``settings`` are those of its own that queries run with."""

    host: str
    port: int = 8443
    secure: bool = True
    database: str = "default"
    user: str = "default"
    password: str = field(default="", repr=False)
    settings: Mapping[str, str] = field(default_factory=dict)


def server_of(config: Mapping[str, Any], fixed: Mapping[str, str]) -> Server:
    """The server that a connection's settings name; ``fixed`` are settings that a string cannot change."""
    if config.get("login") == _STRING:
        return _from_string(str(config.get(_STRING) or ""), frozenset(fixed) | _OURS)
    return Server(
        host=str(config.get("host") or "").strip(),
        port=int(config.get("port") or 8443),
        secure=bool(config.get("secure", True)),
        database=str(config.get("database") or "default"),
        user=str(config.get("user") or "default"),
        password=str(config.get("password") or ""),
    )


def _from_string(given: str, reserved: frozenset[str]) -> Server:
    """Options that say how the driver works do not concern us, and are left alone."""
    told = given.strip()
    scheme = _SCHEME.match(told)
    if scheme is None:
        raise _refused("It does not begin as one.", "Write jdbc:clickhouse://host:8443/database?user=…&password=….")
    try:
        place = urlsplit(f"//{told[scheme.end() :]}")
        host, port = place.hostname, place.port
    except ValueError as error:
        raise _refused("Its host or port cannot be read.", "Write host:port.") from error
    if not host or "," in place.netloc:
        raise _refused("It does not name one host.", "Name one host, or the balancer before several.")
    options = dict(parse_qsl(place.query, keep_blank_values=True))
    secure = _encrypted((scheme[1] or "").lower(), options.get("ssl", "").lower())
    if secure and options.get("sslmode", "").lower() == "none":
        raise _refused("It asks not to check the certificate.", "Upload the authority of the server instead.")
    settings = dict(_settings(options))
    for name in sorted(settings):
        if why := _wrong(name, reserved):
            raise _refused(f"“{name}” cannot be set.", f"Leave it out: {why}.")
    return Server(
        host=host,
        port=port or (8443 if secure else 8123),
        secure=secure,
        database=options.get("database") or unquote(place.path.strip("/")) or "default",
        user=options.get("user") or unquote(place.username or "") or "default",
        password=options.get("password") or unquote(place.password or ""),
        settings=settings,
    )


def _encrypted(scheme: str, ssl: str) -> bool:
    """Whether to encrypt; a string that says both must not send a password in the clear."""
    if (scheme == "https" and ssl in _NO) or (scheme == "http" and ssl and ssl not in _NO):
        raise _refused(f"It says both {scheme}: and ssl={ssl}.", "Write https: to encrypt, or http: not to.")
    return scheme != "http" and ssl not in _NO


def _wrong(name: str, reserved: frozenset[str]) -> str:
    """Why a string may not change this setting; empty where it may."""
    if name in _SHORTENING or _OVERFLOW.fullmatch(name):
        return "the server would leave rows out of results unseen, and these would count as removed"
    if name in _FRAMING:
        return "results are read as they stream"
    return "queries of Headrace set it themselves" if name in reserved or not _NAME.fullmatch(name) else ""


def _settings(options: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in options.items():
        if name == "max_execution_time":
            yield name, value
        elif name.startswith(_SETTING):
            yield name.removeprefix(_SETTING), value
        elif name in _LISTS:
            yield from (pair.strip().partition("=")[::2] for pair in value.split(",") if pair.strip())


def _refused(what: str, hint: str) -> ConfigError:
    return ConfigError(f"The connection string cannot be used. {what}", field=_STRING, hint=hint)
