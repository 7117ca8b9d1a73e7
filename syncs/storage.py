"""Where baselines, change sets and request traces are kept."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from syncs.engine import Storage


def storage() -> Storage:
    """The storage that the settings name."""
    return _open(settings.STORAGE_URL, repr(settings.STORAGE_OPTIONS))


def workdir() -> Path:
    """A local folder for what spills out of memory."""
    return Path(settings.DATA_DIR) / "work"


@lru_cache(maxsize=4)
def _open(url: str, options: str) -> Storage:
    """One a process and setting; ``options`` only tells settings apart."""
    from syncs.engine import Storage

    return Storage(url, settings.STORAGE_OPTIONS, cache=workdir() / "files")
