"""Copying all files of one storage into another, each read back and compared."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from syncs.engine.errors import StorageFailed
from syncs.engine.storage import Storage


@dataclass(frozen=True, slots=True)
class Copied:
    """What came of it. ``found`` files were at the other place already, the same to the byte."""

    files: int
    found: int
    bytes: int


def copy_all(source: Storage, target: Storage) -> Copied:
    """Copy every file; raises ``StorageFailed`` at the first that reads back differently.

    May be called again after it broke off: what arrived is compared, and not sent again.
    """
    there = target.sizes("")
    found, size = 0, 0
    files = source.sizes("")
    for path, length in sorted(files.items()):
        same = there.get(path) == length and _digest(source, path) == _digest(target, path)
        if not same:
            _copy(source, target, path)
        found += same
        size += length
        source.forget(path)
        target.forget(path)
    if missing := files.keys() - target.sizes("").keys():
        raise StorageFailed(f"{len(missing):,} files were copied and are not listed at the new place.")
    return Copied(len(files), found, size)


def _copy(source: Storage, target: Storage, path: str) -> None:
    expected = _digest(source, path)
    with target.writing(path) as unfinished:
        shutil.copyfile(source.local(path), unfinished)
    target.forget(path)
    if _digest(target, path) != expected:
        raise StorageFailed(f"“{path}” was copied and reads back differently.", hint="Nothing was changed. Try again.")


def _digest(place: Storage, path: str) -> str:
    with Path(place.local(path)).open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
