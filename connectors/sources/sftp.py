"""SFTP: CSV files of an SSH server as tables."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import asyncssh

from connectors.sdk.errors import ConfigError
from connectors.sdk.fields import TUNNEL, Text
from connectors.sdk.file_source import FileSource, Listed, missing
from connectors.sdk.sftp import HOST_KEY, LOGIN, sftp_client
from connectors.sdk.source import SourceDefinition
from connectors.sdk.types import Verification

_DEEPEST, _MOST = 16, 50_000  # folders into each other, entries looked at
_RIGHTS = "Let this user read the folder and its files."


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
            *LOGIN,
            Text(
                name="folder",
                label="Folder",
                help="Files are looked for below it. Left out, where the server puts this user.",
                required=False,
            ),
            HOST_KEY,
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
        async with sftp_client(self.config, self.environment, rights=_RIGHTS) as sftp:
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
        async with sftp_client(self.config, self.environment, rights=_RIGHTS) as sftp:
            try:
                await sftp.get(self._below(path), str(to))
            except asyncssh.SFTPNoSuchFile as error:
                raise missing(path) from error

    def _below(self, path: str) -> str:
        folder = str(self.config.get("folder") or ".").rstrip("/") or "/"
        return f"{folder}/{path}" if path else folder


def _too_much(folder: str) -> ConfigError:
    return ConfigError(
        f"There is too much below the folder: more than {_MOST:,} entries, or folders more than {_DEEPEST} deep "
        f"(at “{folder}”).",
        field="folder",
        hint="Choose a folder further down, or name a longer prefix.",
    )
