"""Local files: a folder on the machine that runs Headrace, for air-gapped use and shared drives."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from connectors.sdk.destination import Destination, DestinationDefinition, Job, RowStreams
from connectors.sdk.errors import AuthError, ConfigError, ConnectorError, Gone, Unavailable
from connectors.sdk.fields import Text
from connectors.sdk.files import PGP_KEY, encrypted, file_plan, file_sync_type, pgp_keys, write_files
from connectors.sdk.local_paths import allowed_roots
from connectors.sdk.types import Verification


class LocalFilesDestination(Destination):
    """A folder that runs write files into."""

    definition = DestinationDefinition(
        key="local_files",
        name="Local files",
        category="Files",
        summary="Write files into a folder on the machine that runs Headrace.",
        docs_url="docs/destinations/local_files.md",
        fields=(
            Text(
                name="folder",
                label="Folder",
                help="Inside one of the folders the operator allows; a relative path starts at the first of them.",
                placeholder="exports",
            ),
            PGP_KEY,
        ),
        sync_types=(file_sync_type("Rows of a model become files in the folder."),),
        verification=Verification.SERVER,
    )

    async def check(self) -> None:
        """Looks whether the folder is there, or can be made, and takes files. Leaves nothing behind."""
        pgp_keys(self.config)
        await asyncio.to_thread(_check_folder, self._folder())

    def validate(self, job: Job) -> None:
        pgp_keys(self.config)
        file_plan(job)

    async def write(self, job: Job, rows: RowStreams) -> None:
        await write_files(job, rows, file_plan(job), encrypted(_Folder(self._folder()), self.config))

    async def put(self, path: str, data: bytes) -> None:
        async with encrypted(_Folder(self._folder()), self.config).open(path) as file:
            await file.write(data)

    def _folder(self) -> Path:
        text = str(self.config.get("folder") or "").strip()
        roots = allowed_roots(self.environment)
        folder = (roots[0] / text).resolve()
        if not any(folder.is_relative_to(root) for root in roots):
            allowed = ", ".join(str(root) for root in roots)
            raise ConfigError(
                "The folder is outside those that are allowed.", field="folder", hint=f"Allowed: {allowed}."
            )
        return folder


def _check_folder(folder: Path) -> None:
    there = next(p for p in (folder, *folder.parents) if p.exists())
    with _typed_errors(folder):
        if not there.is_dir():
            raise ConfigError(f"{there} is not a folder.", field="folder")
        if not os.access(there, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "Permission denied", str(there))


class _Folder:
    """Files appear under their names only when they are complete and on the disk."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @asynccontextmanager
    async def open(self, path: str) -> AsyncIterator[_File]:
        target = self._root / path
        with _typed_errors(target):
            file = await asyncio.to_thread(_begin, self._root, target)
            try:
                yield _File(file)
            except BaseException:
                _discard(file)
                raise
            await asyncio.to_thread(_finish, file, target)


class _File:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    async def write(self, data: bytes) -> None:
        await asyncio.to_thread(self._file.write, data)


def _begin(root: Path, target: Path) -> IO[bytes]:
    target.parent.mkdir(parents=True, exist_ok=True)
    # A link inside the folder must not lead out of it.
    if not target.parent.resolve().is_relative_to(root.resolve()):
        raise ConfigError("The file name leads out of the folder.", field="filename")
    # Closed by _finish or _discard.
    return tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name[:60]}.", suffix=".part", delete=False)


def _finish(file: IO[bytes], target: Path) -> None:
    try:
        file.flush()
        os.fsync(file.fileno())
        os.fchmod(file.fileno(), 0o666 & ~_umask())
        file.close()
        Path(file.name).replace(target)
    except BaseException:
        _discard(file)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """The rename itself survives a power cut only once the folder is on the disk too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _discard(file: IO[bytes]) -> None:
    with contextlib.suppress(OSError):
        file.close()
    with contextlib.suppress(OSError):
        Path(file.name).unlink()


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def _typed_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _typed(error, path) from error


def _typed(error: OSError, path: Path) -> ConnectorError:
    words = error.strerror or str(error)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return AuthError(f"{path}: {words}.", hint="Give the user that runs Headrace the right to write there.")
    if error.errno in (errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR, errno.EINVAL):
        return ConfigError(f"{path}: {words}.", field="filename", hint="Choose another file name.")
    if error.errno == errno.ENOENT:
        return Gone(f"{path}: {words}.")
    hint = "Free some space on the disk." if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return Unavailable(f"{path}: {words}.", hint=hint)
