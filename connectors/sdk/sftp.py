"""Servers that are reached by SFTP: how to log in, and what each failure means."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncssh

from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, Unavailable
from connectors.sdk.fields import Field, FileUpload, Number, Select, Text, When
from connectors.sdk.net.ssh import host_key_of
from connectors.sdk.tunnels import fingerprint, route_async
from connectors.sdk.types import Choice

_CONNECT_S = 15.0
PASSWORD, KEY = "password", "key"

LOGIN: tuple[Field, ...] = (
    Text(name="host", label="Host", placeholder="sftp.example.com", max_length=253),
    Number(name="port", label="Port", default=22, minimum=1, maximum=65_535),
    Text(name="user", label="User", max_length=255),
    Select(
        name="login",
        label="Log in with",
        default=PASSWORD,
        choices=(Choice(PASSWORD, "Password"), Choice(KEY, "Private key")),
    ),
    Text(name="password", label="Password", secret=True, when=When(field="login", values=(PASSWORD,))),
    FileUpload(
        name="private_key",
        label="Private key",
        help="In OpenSSH's format, with its first and last line.",
        secret=True,
        max_bytes=50_000,
        when=When(field="login", values=(KEY,)),
    ),
    Text(
        name="passphrase",
        label="Passphrase of the key",
        secret=True,
        required=False,
        when=When(field="login", values=(KEY,)),
    ),
)
HOST_KEY = Text(
    name="host_key",
    label="Host key",
    help=(
        "The server's public key, so that no other can pose as it. Leave it empty and test the "
        "connection: the answer shows the key, for you to compare with what the server's operator says."
    ),
    required=False,
    placeholder="ssh-ed25519 AAAA…",
    group="Security",
)


@asynccontextmanager
async def sftp_client(config: Mapping[str, Any], environment: Environment, *, rights: str) -> AsyncIterator[Any]:
    """A client that is logged in; errors inside are typed. ``rights``: what this user must be allowed."""
    host, port = str(config.get("host") or "").strip(), int(config.get("port") or 22)
    way = await route_async(environment, host, port)
    try:
        async with (
            asyncssh.connect(
                way.addresses[0],
                way.port,
                known_hosts=([await _host_key(config, way.addresses[0], way.port)], [], []),
                # What the operator's own account has lying about stays out of it.
                config=[],
                agent_path=None,
                connect_timeout=_CONNECT_S,
                login_timeout=_CONNECT_S,
                **_login(config),
            ) as connection,
            connection.start_sftp_client() as sftp,
        ):
            yield sftp
    except asyncssh.SFTPNoSuchFile as error:
        hint = "Check the folder: relative ones begin where the server puts this user."
        raise ConfigError(f"There is no such folder: {error.reason}", field="folder", hint=hint) from error
    except (asyncssh.Error, OSError, TimeoutError) as error:
        raise _told(error, f"{host}:{port}", rights) from error


async def _host_key(config: Mapping[str, Any], address: str, port: int) -> Any:
    stated = str(config.get("host_key") or "").strip()
    if stated:
        try:
            return asyncssh.import_public_key(stated)
        except (asyncssh.KeyImportError, ValueError) as error:
            raise ConfigError("This is no public key.", field="host_key") from error
    # The way there was judged already; where it is a tunnel's or the proxy's, it begins on this machine.
    judged = Environment(outbound_allow=(f"{address}:{port}",))
    shown = await asyncio.to_thread(host_key_of, address, port, judged)
    key = " ".join(shown.split()[:2])
    raise ConfigError(
        f"The server shows the key {key}, {fingerprint(key)}.",
        field="host_key",
        hint="Compare it with what the server's operator says, then enter it as the host key.",
    )


def _login(config: Mapping[str, Any]) -> dict[str, Any]:
    user = {"username": str(config.get("user") or "")}
    if config.get("login", PASSWORD) == PASSWORD:
        password = str(config.get("password") or "")
        return {**user, "password": password, "client_keys": [], "preferred_auth": "password,keyboard-interactive"}
    try:
        key = asyncssh.import_private_key(
            str(config.get("private_key") or ""), str(config.get("passphrase") or "") or None
        )
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError) as error:
        hint = "Upload it in OpenSSH's format, with its first and last line, and give its passphrase if it has one."
        raise ConfigError(f"The private key cannot be read: {error}", field="private_key", hint=hint) from error
    return {**user, "client_keys": [key], "preferred_auth": "publickey"}


def _told(error: Exception, place: str, rights: str) -> ConnectorError:
    words = str(error) or type(error).__name__
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        hint = "Another server answers there, or its key was changed: ask its operator before you enter the new one."
        return AuthError(f"{place} shows another host key than the one stated.", hint=hint)
    if isinstance(error, asyncssh.PermissionDenied):
        return AuthError(f"{place}: {words}", hint="Check user and password or key.")
    if isinstance(error, asyncssh.SFTPPermissionDenied):
        return AuthError(f"{place}: {words}", hint=rights)
    return Unavailable(f"{place}: {words}", hint="Check host and port, and that the server offers SFTP.")
