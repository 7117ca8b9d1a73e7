"""Settings of servers that speak TDS: where they are, how to sign in, and what a connection string says of both."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from connectors.sdk.context import Environment
from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import TUNNEL, Field, Number, Select, Text, Toggle, When
from connectors.sdk.server_settings import TIME_LIMIT, authority
from connectors.sdk.tds import Server
from connectors.sdk.tds_entra import CERTIFICATE, SECRET, TENANT, token
from connectors.sdk.types import Choice

_STRING = "connection_string"
_CHOICES = {
    "password": Choice("password", "User and password", "A login of the server's own."),
    _STRING: Choice(_STRING, "Connection string", "Server=…;Database=…;User Id=…;Password=…;Encrypt=true"),
    SECRET: Choice(SECRET, "Service principal, client secret", "An app registered in Microsoft Entra."),
    CERTIFICATE: Choice(CERTIFICATE, "Service principal, certificate", "An app registered in Microsoft Entra."),
}
_NAMES = {
    "server": "server", "data source": "server", "address": "server", "addr": "server", "network address": "server",
    "database": "database", "initial catalog": "database", "user id": "user", "uid": "user", "user": "user",
    "password": "password", "pwd": "password", "encrypt": "encrypt", "trustservercertificate": "trust",
    "trust server certificate": "trust",
}  # fmt: skip
_UNKNOWN_SIGN_IN = ("authentication", "integrated security", "trusted_connection")
# No part can be read in two ways, so that whoever enters something odd does not wait for all of them.
_PART = re.compile(
    r"""([^=;]++)=\s*+((?:"(?:[^"]|"")*+"|'(?:[^']|'')*+'|\{(?:[^}]|}})*+})(?=\s*+(?:;|\Z))|[^;]*+)\s*+(?:;|\Z)"""
)
_YES = ("true", "yes", "1", "mandatory", "strict")


def server_fields(
    *ways: str, host: str = "sql.example.com", user: str, tunnel: bool = True, limit: bool = True
) -> tuple[Field, ...]:
    """The settings that every server of the family is asked for; ``ways`` to sign in, the first one by default."""
    apart = When(field="login", values=tuple(way for way in ways if way != _STRING)) if _STRING in ways else None
    by_password = When(field="login", values=("password",))
    place: tuple[Field, ...] = (
        Text(
            name="host",
            label="Host",
            help="The name alone, without http:// before or / behind.",
            placeholder=host,
            pattern=r"[^\s/\\,:]+",
            pattern_hint="A host name or address alone; the port has a field of its own.",
            max_length=128,
            when=apart,
        ),
        Number(name="port", label="Port", default=1433, minimum=1, maximum=65_535, when=apart),
        Text(name="database", label="Database", max_length=128, when=apart),
    )
    signing: tuple[Field, ...] = (
        Select(
            name="login",
            label="Sign in with",
            default=ways[0],
            style="cards",
            choices=tuple(_CHOICES[way] for way in ways),
        ),
        *place,
    )
    if "password" in ways:
        signing += (
            Text(name="user", label="User", help=user, max_length=128, when=by_password),
            Text(name="password", label="Password", required=False, secret=True, max_length=128, when=by_password),
        )
    if _STRING in ways:
        signing += (
            Text(
                name=_STRING,
                label="Connection string",
                placeholder="Server=sql.example.com,1433;Database=shop;User Id=headrace;Password=…;Encrypt=true",
                secret=True,
                max_length=4_000,
                when=When(field="login", values=(_STRING,)),
            ),
        )
    if SECRET in ways:
        signing += TENANT
    trust = Toggle(
        name="trust_certificate",
        label="Trust the server's certificate",
        help="It is then not checked. Connections are encrypted in any case; use this only on a network that you "
        "trust.",
        group="Security",
    )
    checked = authority(When(field="trust_certificate", values=(False,)))
    return (*signing, trust, checked, *((TUNNEL,) if tunnel else ()), *((TIME_LIMIT,) if limit else ()))


def server_of(config: Mapping[str, Any]) -> Server:
    """The server that a connection's settings name, but for its token."""
    shared = {"ca": str(config.get("ca") or ""), "trust": bool(config.get("trust_certificate"))}
    way = config.get("login")
    if way == _STRING:
        return _from_string(str(config.get(_STRING) or ""), shared)
    place = Server(
        host=str(config.get("host") or "").strip(),
        port=int(config.get("port") or 1433),
        database=str(config.get("database") or ""),
        **shared,  # type: ignore[arg-type]  # a text and a truth value, each by its name
    )
    if way in (SECRET, CERTIFICATE):
        return place
    return replace(place, user=str(config.get("user") or ""), password=str(config.get("password") or ""))


def signed(server: Server, config: Mapping[str, Any], environment: Environment) -> Server:
    """The server with an access token, where that is how to sign in."""
    way = str(config.get("login") or "")
    return replace(server, token=token(way, config, environment)) if way in (SECRET, CERTIFICATE) else server


def _from_string(given: str, shared: Mapping[str, Any]) -> Server:
    """As Microsoft's drivers read it; parts that do not concern us are left alone."""
    told: dict[str, str] = {}
    for key, value in _parts(given):
        name = key.lower()
        if name in _UNKNOWN_SIGN_IN and value.lower() not in ("false", "no", "sqlpassword"):
            raise _refused(f"{key} is none of the ways to sign in here.", "Use a login with User Id and Password.")
        if name in _NAMES:
            told[_NAMES[name]] = value
    address = told.get("server", "").removeprefix("tcp:").strip()
    host, _, port = address.partition(",")
    if not host:
        raise _refused("The connection string names no server.", "Write Server=host,1433;Database=…;User Id=….")
    if "\\" in host or (port and not port.strip().isdigit()):
        raise _refused(f"{address} names no port.", "Write Server=host,port: names of instances are not looked up.")
    # Without Encrypt=true drivers do not look at the certificate; what is sent is encrypted all the same.
    checks = told.get("encrypt", "true").lower() in _YES and told.get("trust", "").lower() not in _YES
    return Server(
        host=host.strip(),
        port=int(port or 1433),
        database=told.get("database", ""),
        user=told.get("user", ""),
        password=told.get("password", ""),
        ca=str(shared["ca"]),
        trust=bool(shared["trust"]) or not checks,
    )


def _parts(given: str) -> Iterator[tuple[str, str]]:
    for key, value in _PART.findall(given):
        yield key.strip(), _bare(value.strip())


def _bare(value: str) -> str:
    """A value without the quotes around it."""
    for opening, closing in (("'", "'"), ('"', '"'), ("{", "}")):
        if len(value) > 1 and value[0] == opening and value[-1] == closing:
            return value[1:-1].replace(closing * 2, closing)
    return value


def _refused(words: str, hint: str) -> ConfigError:
    return ConfigError(words, field=_STRING, hint=hint)
