"""Immutable files below one root, on a local folder or an object store.

A file appears whole or not at all: locally it is written beside its place,
flushed to disk and renamed; an object store gets it in one upload. Paths are
relative to the root, with forward slashes. Every failure is
:class:`~syncs.engine.errors.StorageFailed`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from syncs.engine.errors import StorageFailed

_UNFINISHED = ".unfinished-"
_COPY_LIFE_S = 6 * 3600


class Storage:
    """A root and what can be done below it. Cheap to make; safe to share between threads.

    ``url`` is a local path or anything fsspec knows (``s3://bucket/folder``);
    ``options`` go to its file system. ``cache`` is the local folder into which
    remote files are downloaded for reading; without it the system's temporary one.
    """

    def __init__(self, url: str, options: Mapping[str, Any] | None = None, *, cache: str | Path | None = None) -> None:
        self._files, root = fsspec.core.url_to_fs(url, **(options or {}))
        self._root = str(root).rstrip("/")
        self._local = isinstance(self._files, LocalFileSystem)
        self._cache = Path(cache) if cache else Path(tempfile.gettempdir()) / "headrace-files"

    @contextmanager
    def writing(self, path: str) -> Iterator[Path]:
        """A local path to write to; the file takes its place when the block ends without error."""
        unfinished = self._unfinished(path)
        try:
            yield unfinished
            self._publish(unfinished, path)
        except OSError as error:
            raise _failed("write", path, error) from error
        finally:
            unfinished.unlink(missing_ok=True)

    def local(self, path: str) -> Path:
        """A local path that holds the file's content: itself, or a downloaded copy."""
        if self._local:
            place = Path(self._absolute(path))
            if not place.is_file():
                raise _failed("read", path, FileNotFoundError("it does not exist"))
            return place
        copy = self._copy_path(path)
        if not copy.exists():
            self._download(path, copy)
        copy.touch()
        return copy

    def exists(self, path: str) -> bool:
        """Whether the file is there."""
        return bool(self._files.exists(self._absolute(path)))

    def size(self, path: str) -> int:
        """Bytes of one file."""
        try:
            return int(self._files.size(self._absolute(path)) or 0)
        except OSError as error:
            raise _failed("read", path, error) from error

    def list(self, folder: str) -> list[str]:
        """Every file below a folder, sorted; empty where there is no such folder."""
        try:
            found = self._files.find(self._absolute(folder))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _failed("list", folder, error) from error
        start = len(self._root) + 1
        return sorted(name[start:] for name in found if _UNFINISHED not in name)

    def tree_size(self, folder: str) -> int:
        """Bytes of every file below a folder."""
        return sum(self.size(path) for path in self.list(folder))

    def delete(self, path: str) -> None:
        """Remove one file; nothing happens where it is gone."""
        try:
            self._files.rm_file(self._absolute(path))
        except FileNotFoundError:
            pass
        except OSError as error:
            raise _failed("delete", path, error) from error
        if not self._local:
            self._copy_path(path).unlink(missing_ok=True)

    def delete_tree(self, folder: str) -> None:
        """Remove a folder and all below it; nothing happens where it is gone."""
        if not folder.strip("/"):
            raise StorageFailed("Refusing to delete the whole storage.")
        for path in [] if self._local else self.list(folder):
            self._copy_path(path).unlink(missing_ok=True)
        try:
            self._files.rm(self._absolute(folder), recursive=True)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise _failed("delete", folder, error) from error

    def _absolute(self, path: str) -> str:
        if ".." in path.split("/"):
            raise StorageFailed(f"“{path}” leaves the storage.")
        return f"{self._root}/{path.strip('/')}"

    def _unfinished(self, path: str) -> Path:
        if self._local:
            place = Path(self._absolute(path))
            place.parent.mkdir(parents=True, exist_ok=True)
            return place.with_name(f"{_UNFINISHED}{os.getpid()}-{os.urandom(4).hex()}-{place.name}")
        self._cache.mkdir(parents=True, exist_ok=True)
        return self._cache / f"{_UNFINISHED}{os.urandom(8).hex()}"

    def _publish(self, unfinished: Path, path: str) -> None:
        if not self._local:
            self._files.put_file(str(unfinished), self._absolute(path))
            unfinished.replace(self._copy_path(path))  # the next stage reads it on this machine, most likely
            return
        _flush(unfinished)
        place = Path(self._absolute(path))
        unfinished.replace(place)
        _flush(place.parent)

    def _copy_path(self, path: str) -> Path:
        digest = sha256(self._absolute(path).encode()).hexdigest()[:32]
        return self._cache / f"{digest}-{Path(path).name}"

    def _download(self, path: str, copy: Path) -> None:
        self._cache.mkdir(parents=True, exist_ok=True)
        _forget_old_copies(self._cache)
        unfinished = self._cache / f"{_UNFINISHED}{os.urandom(8).hex()}"
        try:
            self._files.get_file(self._absolute(path), str(unfinished))
            unfinished.replace(copy)
        except OSError as error:
            raise _failed("read", path, error) from error
        finally:
            unfinished.unlink(missing_ok=True)


@contextmanager
def scratch(workdir: str | Path, prefix: str) -> Iterator[Path]:
    """A folder for files that nobody needs after the block, such as spilled joins."""
    Path(workdir).mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=workdir))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _forget_old_copies(cache: Path) -> None:
    """Local copies that nobody has asked for lately make room; they can be downloaded again."""
    oldest = time.time() - _COPY_LIFE_S
    for copy in cache.iterdir():
        with suppress(FileNotFoundError):
            if copy.stat().st_mtime < oldest:
                copy.unlink()


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _failed(verb: str, path: str, error: OSError) -> StorageFailed:
    return StorageFailed(f"Cannot {verb} “{path}” in the storage: {error.strerror or error}.")
