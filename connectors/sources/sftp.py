"""SFTP: CSV files of an SSH server as tables."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import asyncssh

from connectors.sdk.context import Environment
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, Unavailable
from connectors.sdk.fields import TUNNEL, FileUpload, Number, Select, Text, When
from connectors.sdk.file_source import FileSource, Listed, missing
from connectors.sdk.net.ssh import host_key_of
from connectors.sdk.source import SourceDefinition
from connectors.sdk.tunnels import fingerprint, route_async
from connectors.sdk.types import Choice, Verification

_CONNECT_S = 15.0
_DEEPEST, _MOST = 16, 50_000  # folders into each other, entries looked at
PASSWORD, KEY = "password", "key"


class SftpSource(FileSource):
    """The files below one folder of a server."""

    endings = (".csv",)

    definition: ClassVar[SourceDefinition] = SourceDefinition(
        key="sftp",
        name="SFTP",
        category="Files",
        summary="CSV files on a server that is reached by SFTP.",
        docs_url="docs/sources/sftp.md",
        dialect="duckdb",
        methods=("table", "sql"),
        table_word="File",
        verification=Verification.SERVER,
        fields=(
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
            Text(
                name="folder",
                label="Folder",
                help="Files are looked for below it. Left out, where the server puts this user.",
                required=False,
            ),
            Text(
                name="host_key",
                label="Host key",
                help=(
                    "The server's public key, so that no other can pose as it. Leave it empty and test the "
                    "connection: the answer shows the key, for you to compare with what the server's operator says."
                ),
                required=False,
                placeholder="ssh-ed25519 AAAA…",
                group="Security",
            ),
            TUNNEL,
        ),
    )

    def _list(self, prefix: str, most: int) -> Sequence[Listed]:
        return asyncio.run(self._listed(prefix, most))

    def _fetch(self, path: str, to: Path) -> None:
        asyncio.run(self._fetched(path, to))

    async def _listed(self, prefix: str, most: int) -> list[Listed]:
        """Folders that cannot hold such files are not looked into; what is no such file still counts as looked at."""
        found: list[Listed] = []
        looked_at = 0
        async with self._client() as sftp:
            waiting = deque([prefix.rpartition("/")[0] + "/" if "/" in prefix else ""])
            while waiting and len(found) < most:
                folder = waiting.popleft()
                with contextlib.suppress(*((asyncssh.SFTPNoSuchFile,) if folder else ())):
                    async for entry in sftp.scandir(self._below(folder)):
                        looked_at += 1
                        if looked_at > _MOST or folder.count("/") > _DEEPEST:
                            raise _too_much(folder)
                        name = str(entry.filename)
                        path, kind = f"{folder}{name}", entry.attrs.type
                        if name in (".", ".."):
                            continue
                        if kind == asyncssh.FILEXFER_TYPE_DIRECTORY and f"{path}/".startswith(prefix[: len(path) + 1]):
                            waiting.append(f"{path}/")
                        elif kind == asyncssh.FILEXFER_TYPE_REGULAR and path.startswith(prefix):
                            found.append(Listed(path, dt.datetime.fromtimestamp(entry.attrs.mtime or 0, dt.UTC)))
        return found[:most]

    async def _fetched(self, path: str, to: Path) -> None:
        if ".." in path.split("/") or path.startswith("/"):
            raise ConfigError("The path leads out of the folder.", hint="Begin it below the folder of the source.")
        async with self._client() as sftp:
            try:
                await sftp.get(self._below(path), str(to))
            except asyncssh.SFTPNoSuchFile as error:
                raise missing(path) from error

    def _below(self, path: str) -> str:
        folder = str(self.config.get("folder") or ".").rstrip("/") or "/"
        return f"{folder}/{path}" if path else folder

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[Any]:
        host, port = str(self.config.get("host") or "").strip(), int(self.config.get("port") or 22)
        way = await route_async(self.environment, host, port)
        try:
            async with (
                asyncssh.connect(
                    way.addresses[0],
                    way.port,
                    known_hosts=([await self._host_key(way.addresses[0], way.port)], [], []),
                    # What the operator's own account has lying about stays out of it.
                    config=[],
                    agent_path=None,
                    connect_timeout=_CONNECT_S,
                    login_timeout=_CONNECT_S,
                    **self._login(),
                ) as connection,
                connection.start_sftp_client() as sftp,
            ):
                yield sftp
        except asyncssh.SFTPNoSuchFile as error:
            hint = "Check the folder: relative ones begin where the server puts this user."
            raise ConfigError(f"There is no such folder: {error.reason}", field="folder", hint=hint) from error
        except (asyncssh.Error, OSError, TimeoutError) as error:
            raise _told(error, f"{host}:{port}") from error

    async def _host_key(self, address: str, port: int) -> Any:
        stated = str(self.config.get("host_key") or "").strip()
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

    def _login(self) -> dict[str, Any]:
        user = {"username": str(self.config.get("user") or "")}
        if self.config.get("login", PASSWORD) == PASSWORD:
            password = str(self.config.get("password") or "")
            return {**user, "password": password, "client_keys": [], "preferred_auth": "password,keyboard-interactive"}
        try:
            key = asyncssh.import_private_key(
                str(self.config.get("private_key") or ""), str(self.config.get("passphrase") or "") or None
            )
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError) as error:
            hint = "Upload it in OpenSSH's format, with its first and last line, and give its passphrase if it has one."
            raise ConfigError(f"The private key cannot be read: {error}", field="private_key", hint=hint) from error
        return {**user, "client_keys": [key], "preferred_auth": "publickey"}


def _too_much(folder: str) -> ConfigError:
    return ConfigError(
        f"There is too much below the folder: more than {_MOST:,} entries, or folders more than {_DEEPEST} deep "
        f"(at “{folder}”).",
        field="folder",
        hint="Choose a folder further down, or name a longer prefix.",
    )


def _told(error: Exception, place: str) -> ConnectorError:
    words = str(error) or type(error).__name__
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        hint = "Another server answers there, or its key was changed: ask its operator before you enter the new one."
        return AuthError(f"{place} shows another host key than the one stated.", hint=hint)
    if isinstance(error, asyncssh.PermissionDenied):
        return AuthError(f"{place}: {words}", hint="Check user and password or key.")
    if isinstance(error, asyncssh.SFTPPermissionDenied):
        return AuthError(f"{place}: {words}", hint="Let this user read the folder and its files.")
    return Unavailable(f"{place}: {words}", hint="Check host and port, and that the server offers SFTP.")
