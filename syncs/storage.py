"""Where baselines, change sets and request traces are kept."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from django.conf import settings

from config.postgres.compiled import Compiled

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from syncs.engine import Storage
    from syncs.models import WorkspaceStorage

_MOST_OPEN = 32
_own: dict[tuple[str, ...], Storage] = {}
_lock = Lock()


def storage(workspace_id: int | None = None) -> Storage:
    """The storage of a workspace, that of the scope if none is named: its own bucket, or the installation's."""
    own = own_storage(workspace_id)
    return managed_storage() if own is None else _opened(own)


def managed_storage() -> Storage:
    """The storage that the settings name."""
    return _open(settings.STORAGE_URL, repr(settings.STORAGE_OPTIONS))


def own_storage(workspace_id: int | None = None) -> WorkspaceStorage | None:
    """The bucket that a workspace keeps its files in, if it has chosen one."""
    if workspace_id is None:
        return _HERE.first()
    return _with_credentials().filter(workspace_id=workspace_id).first()


def _with_credentials() -> QuerySet[WorkspaceStorage]:
    from syncs.models import WorkspaceStorage

    return WorkspaceStorage.objects.select_related("credential")


# A run asks before each of its files.
_HERE = Compiled(_with_credentials, walled=True)


def workdir() -> Path:
    """A local folder for what spills out of memory."""
    return Path(settings.DATA_DIR) / "work"


@lru_cache(maxsize=4)
def _open(url: str, options: str) -> Storage:
    """One a process and setting; ``options`` only tells settings apart."""
    from syncs.engine import Storage

    return Storage(url, settings.STORAGE_OPTIONS, cache=workdir() / "files")


def _opened(own: WorkspaceStorage) -> Storage:
    """One a process, place and credential: a replaced secret counts from the next call on."""
    from syncs.own_storage import open_storage

    place = (own.provider, own.bucket, own.prefix, own.region, own.project, own.account)
    key = (str(own.workspace_id), *place, own.credential.sealed, repr(own.credential.config))
    with _lock:
        found = _own.get(key)
        if found is None:
            while len(_own) >= _MOST_OPEN:
                del _own[next(iter(_own))]
            found = _own[key] = open_storage(own, managed_storage(), cache=workdir() / "files")
        return found
