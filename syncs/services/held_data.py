"""Deleting what is held before its time is over."""

from __future__ import annotations

from django.utils import timezone

from config.errors import Conflict, NotFound
from governance.audit.actors import Actor
from governance.audit.services import record, service
from governance.privacy.access import require_privacy
from syncs import engine
from syncs.codec import load
from syncs.engine.spec import Baseline
from syncs.models import Preview, Run, Sync
from syncs.runspec import run_directory, sync_directory
from syncs.storage import storage
from workspaces.models import Workspace
from workspaces.scoping import current_workspace_id

WORDS = {
    "rows": "The rows and requests of runs that have ended are deleted.",
    "requests": "The requests and answers of runs that have ended are deleted.",
    "previews": "The previews are deleted.",
    "left": "The files are deleted.",
}


@service("held_data.deleted")
def delete_held_data(*, actor: Actor, kind: str, sync_id: int) -> str:
    """Delete rows, requests or previews of a sync, or files of one that no longer exists; what was done, in words.

    Files go before the transaction ends: should that fail, they are gone all the same, and this can be done again.
    """
    require_privacy(actor)
    if kind not in WORDS:
        raise NotFound("There is nothing of this kind to delete.")
    sync = Sync.objects.select_for_update(no_key=True).filter(pk=sync_id).first()
    if kind == "left":
        _delete_left(sync, sync_id)
        workspace = Workspace.objects.get(pk=current_workspace_id())
        record(workspace, after={"kind": kind, "sync": sync_id}, label=f"Sync {sync_id}")
        return WORDS[kind]
    if sync is None:
        raise NotFound("There is no such sync here.")
    number = _delete_previews(sync) if kind == "previews" else _delete_of_runs(sync, kind)
    record(sync, after={"kind": kind, "count": number})
    return WORDS[kind]


def _delete_left(sync: Sync | None, sync_id: int) -> None:
    if sync is not None or not sync_id:
        raise Conflict("This sync exists: its files are needed.")
    storage().delete_tree(sync_directory(current_workspace_id(), sync_id))


def _delete_previews(sync: Sync) -> int:
    ended = Preview.objects.filter(sync=sync, finished_at__isnull=False)
    ids = list(ended.values_list("pk", flat=True))
    for pk in ids:
        storage().delete_tree(f"{sync_directory(sync.workspace_id, sync.pk)}/previews/{pk}")
    ended.filter(pk__in=ids).delete()
    return len(ids)


def _delete_of_runs(sync: Sync, kind: str) -> int:
    baseline = load(Baseline, sync.baseline) if sync.baseline else None
    runs = Run.objects.filter(sync=sync, finished_at__isnull=False, traces_purged_at__isnull=True)
    ids = list(runs.values_list("pk", flat=True))
    now = timezone.now()
    for pk in ids:
        directory = run_directory(sync.workspace_id, sync.pk, pk)
        if kind == "rows":
            engine.expire_run(storage(), directory, baseline)
        else:
            storage().delete_tree(f"{directory}/exchanges")
    purged = {"traces_purged_at": now} if kind == "rows" else {}
    Run.objects.filter(pk__in=ids).update(requests_purged_at=now, **purged)
    return len(ids)
