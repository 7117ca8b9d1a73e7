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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from syncs.engine.errors import StorageFailed

_UNFINISHED = ".unfinished-"
_COPY_LIFE_S = 6 * 3600
# What a failure of the store means and what to do, in words for people.
Explain = Callable[[BaseException], tuple[str, str]]


class Storage:
    """A root and what can be done below it. Cheap to make; safe to share between threads.

    ``url`` is a local path or anything fsspec knows (``s3://bucket/folder``);
    ``options`` go to its file system. ``cache`` is the local folder into which
    remote files are downloaded for reading; without it the system's temporary one.
    ``files`` is an open file system, where options are not enough to make it, and
    ``explain`` puts its errors into words.
    """

    def __init__(
        self,
        url: str,
        options: Mapping[str, Any] | None = None,
        *,
        cache: str | Path | None = None,
        files: Any = None,
        explain: Explain | None = None,
    ) -> None:
        if files is None:
            files, root = fsspec.core.url_to_fs(url, **(options or {}))
        else:
            root = files._strip_protocol(url)
        self._files, self._root = files, str(root).rstrip("/")
        self._explain = explain
        self._local = isinstance(self._files, LocalFileSystem)
        self._cache = Path(cache) if cache else Path(tempfile.gettempdir()) / "headrace-files"

    @contextmanager
    def writing(self, path: str) -> Iterator[Path]:
        """A local path to write to; the file takes its place when the block ends without error."""
        unfinished = self._unfinished(path)
        try:
            try:
                yield unfinished
            except OSError as error:
                raise _failed("write", path, error) from error
            with self._told("write", path):
                self._publish(unfinished, path)
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
        self._look_again()
        with self._told("read", path):
            return bool(self._files.exists(self._absolute(path)))

    def size(self, path: str) -> int:
        """Bytes of one file."""
        self._look_again()
        with self._told("read", path):
            return int(self._files.size(self._absolute(path)) or 0)

    def list(self, folder: str) -> list[str]:
        """Every file below a folder, sorted; empty where there is no such folder."""
        return sorted(self.sizes(folder))

    def sizes(self, folder: str) -> dict[str, int]:
        """Every file below a folder with its bytes: one listing."""
        self._look_again()
        with self._told("list", folder):
            try:
                found = self._files.find(self._absolute(folder), detail=True)
            except FileNotFoundError:
                return {}
        start = len(self._root) + 1
        return {name[start:]: int(about["size"] or 0) for name, about in found.items() if _UNFINISHED not in name}

    def delete(self, path: str) -> None:
        """Remove one file; nothing happens where it is gone."""
        with self._told("delete", path), suppress(FileNotFoundError):
            self._files.rm_file(self._absolute(path))
        self.forget(path)

    def forget(self, path: str) -> None:
        """Drop the local copy of a remote file, so that it is read again."""
        if not self._local:
            self._copy_path(path).unlink(missing_ok=True)

    def delete_tree(self, folder: str) -> None:
        """Remove a folder and all below it; nothing happens where it is gone."""
        if not folder.strip("/"):
            raise StorageFailed("Refusing to delete the whole storage.")
        if self._local:
            with self._told("delete", folder), suppress(FileNotFoundError):
                self._files.rm(self._absolute(folder), recursive=True)
            return
        paths = self.list(folder)
        for path in paths:
            self.forget(path)
        if paths:  # exactly these: a store's own idea of a folder may reach further
            with self._told("delete", folder), suppress(FileNotFoundError):
                self._files.rm([self._absolute(path) for path in paths])

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
            with self._told("read", path):
                self._files.get_file(self._absolute(path), str(unfinished))
                unfinished.replace(copy)
        finally:
            unfinished.unlink(missing_ok=True)

    def _look_again(self) -> None:
        """Other processes write here too: what this one saw before is not asked."""
        if not self._local:
            self._files.invalidate_cache()

    @contextmanager
    def _told(self, verb: str, path: str) -> Iterator[None]:
        """Every failure of the store in the words of this module; clients of stores raise errors of all kinds."""
        try:
            yield
        except StorageFailed:
            raise
        except OSError as error:
            raise self._failed(verb, path, error) from error
        except Exception as error:
            if self._local:
                raise
            raise self._failed(verb, path, error) from error

    def _failed(self, verb: str, path: str, error: Exception) -> StorageFailed:
        if self._explain is None:
            return _failed(verb, path, error)
        words, hint = self._explain(error)
        return StorageFailed(f"Cannot {verb} “{path}” in the workspace's own storage: {words}", hint=hint)


class MovedStorage(Storage):
    """A storage that took over from another one: new files are here, and what is only there is read from there.

    Files leave the other one as they are replaced, expire or are deleted; nothing is copied.
    """

    def __init__(self, url: str, before: Storage, **options: Any) -> None:
        super().__init__(url, **options)
        self.before = before

    @contextmanager
    def writing(self, path: str) -> Iterator[Path]:
        """As :meth:`Storage.writing`; a file of this path leaves the other storage."""
        with super().writing(path) as place:
            yield place
        self.before.delete(path)

    def local(self, path: str) -> Path:
        """A local path with the file's content, from whichever storage has it."""
        return super().local(path) if not self.before.exists(path) else self.before.local(path)

    def exists(self, path: str) -> bool:
        """Whether one of them has the file."""
        return self.before.exists(path) or super().exists(path)

    def size(self, path: str) -> int:
        """Bytes of one file."""
        return self.before.size(path) if self.before.exists(path) else super().size(path)

    def sizes(self, folder: str) -> dict[str, int]:
        """Every file of both below a folder, with its bytes."""
        return {**self.before.sizes(folder), **super().sizes(folder)}

    def delete(self, path: str) -> None:
        """Remove one file from both."""
        self.before.delete(path)
        super().delete(path)

    def delete_tree(self, folder: str) -> None:
        """Remove a folder and all below it from both."""
        self.before.delete_tree(folder)
        super().delete_tree(folder)


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


def _failed(verb: str, path: str, error: Exception) -> StorageFailed:
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return StorageFailed(f"Cannot {verb} “{path}” in the storage: {words}.")
