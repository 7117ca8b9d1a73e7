"""SFTP: a run's rows become files on a server that is reached by SSH."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import PurePosixPath
from typing import Any

import asyncssh

from connectors.sdk.destination import Destination, DestinationDefinition, Job, RowStreams
from connectors.sdk.errors import AuthError, ConfigError
from connectors.sdk.fields import TUNNEL, Text
from connectors.sdk.files import PGP_KEY, encrypted, file_plan, file_sync_type, pgp_keys, write_files
from connectors.sdk.sftp import HOST_KEY, LOGIN, sftp_client
from connectors.sdk.types import Verification

_RIGHTS = "Let this user write into the folder and its files; a folder for temporary files can be set apart."


class SftpDestination(Destination):
    """A folder of a server that runs write files into."""

    definition = DestinationDefinition(
        key="sftp",
        name="SFTP",
        category="Files",
        summary="Write files onto a server that is reached by SFTP.",
        docs_url="docs/destinations/sftp.md",
        fields=(
            *LOGIN,
            Text(
                name="folder",
                label="Folder",
                help="Files go below it. Left out, where the server puts this user.",
                required=False,
            ),
            Text(
                name="temporary_folder",
                label="Folder for temporary files",
                help="On the same file system. Left out, files grow beside their final name, with a dot in front.",
                required=False,
                group="Files",
            ),
            HOST_KEY,
            TUNNEL,
            PGP_KEY,
        ),
        sync_types=(file_sync_type("Rows of a model become files on the server."),),
        verification=Verification.SERVER,
    )

    async def check(self) -> None:
        """Logs in and looks for the folders. Whether they can be written to shows with the first file."""
        pgp_keys(self.config)
        async with self._client() as sftp:
            for name in ("folder", "temporary_folder"):
                given = str(self.config.get(name) or "").strip()
                if given and not await sftp.isdir(given):
                    raise ConfigError(f"There is no folder {given}.", field=name, hint="Make it on the server.")

    def validate(self, job: Job) -> None:
        pgp_keys(self.config)
        file_plan(job)

    async def write(self, job: Job, rows: RowStreams) -> None:
        async with self._client() as sftp:
            await write_files(job, rows, file_plan(job), encrypted(self._store(sftp), self.config))

    async def put(self, path: str, data: bytes) -> None:
        async with self._client() as sftp, encrypted(self._store(sftp), self.config).open(path) as file:
            await file.write(data)

    def _client(self) -> contextlib.AbstractAsyncContextManager[Any]:
        return sftp_client(self.config, self.environment, rights=_RIGHTS)

    def _store(self, sftp: Any) -> _Folder:
        folder = str(self.config.get("folder") or "").strip() or "."
        return _Folder(sftp, PurePosixPath(folder), str(self.config.get("temporary_folder") or "").strip())


class _Folder:
    """Files appear under their names only when they are complete."""

    def __init__(self, sftp: Any, root: PurePosixPath, temporary: str) -> None:
        self._sftp = sftp
        self._root = root
        self._temporary = temporary

    @asynccontextmanager
    async def open(self, path: str) -> AsyncIterator[Any]:
        target = self._root / path
        growing = (PurePosixPath(self._temporary) if self._temporary else target.parent) / f".{target.name}.part"
        try:
            await self._sftp.makedirs(str(target.parent), exist_ok=True)
            async with self._sftp.open(str(growing), "wb") as file:
                yield file
            await self._rename(str(growing), str(target))
        except BaseException:
            with contextlib.suppress(asyncssh.Error, OSError):
                await self._sftp.remove(str(growing))
            raise

    async def _rename(self, growing: str, target: str) -> None:
        try:
            await self._sftp.posix_rename(growing, target)
        except asyncssh.SFTPOpUnsupported:  # an old server, which renames only where nothing is
            with contextlib.suppress(asyncssh.SFTPNoSuchFile):
                await self._sftp.remove(target)
            await self._sftp.rename(growing, target)
        except asyncssh.SFTPError as error:
            raise AuthError(f"Renaming the temporary file to {target} failed: {error.reason}", hint=_RIGHTS) from error
