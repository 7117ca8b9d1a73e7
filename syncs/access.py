"""The only ways from an id to a model, sync or run of the current workspace.

Members read all configuration; changing a model needs the rights to draft and
publish from its source; changing a sync needs those of both its sides within
one group; running one needs the right to trigger on its destination. Row data
is a right of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from django.db.models import QuerySet

from config.errors import Denied, NotFound
from governance.audit.actors import Actor
from syncs.models import Model, Preview, Run, Sequence, SequenceRun, Sync
from workspaces import access
from workspaces.permissions import CONFIGURE_FROM_SOURCE, CONFIGURE_TO_DESTINATION, Permission

M = TypeVar("M", Model, Sync, Run, Preview, Sequence, SequenceRun)


def model_for(actor: Actor, model_id: int) -> Model:
    """A model that the actor may read."""
    access.require(actor, Permission.MEMBER)
    return _found(Model.objects.select_related("source", "created_by"), model_id, "model")


def model_to_change(actor: Actor, model_id: int) -> Model:
    """A model that the actor may change, locked: its source's rights and those of every dependent sync."""
    model = _found(Model.objects.select_for_update(no_key=True), model_id, "model")
    require_model_change(actor, model)
    return model


def require_model_change(actor: Actor, model: Model) -> None:
    """Raise unless the actor may change this model and everything that depends on it."""
    access.require(actor, CONFIGURE_FROM_SOURCE, source_id=model.source_id)
    for sync in model.syncs.all():
        if not may_configure(actor, model.source_id, sync.destination_id):
            raise Denied(
                f"The sync “{sync}” depends on this model, and you may not change it.",
                hint="Ask somebody who may publish on both the source and that sync's destination.",
            )


def sync_for(actor: Actor, sync_id: int) -> Sync:
    """A sync that the actor may read."""
    access.require(actor, Permission.MEMBER)
    return _found(_syncs(), sync_id, "sync")


def sync_by_slug(actor: Actor, slug: str) -> Sync:
    """A sync that the actor may read, by slug."""
    access.require(actor, Permission.MEMBER)
    sync = _syncs().filter(slug=slug).first()
    if sync is None:
        raise NotFound(f"There is no sync “{slug}” here.")
    return sync


def sync_to_configure(actor: Actor, sync_id: int) -> Sync:
    """A sync that the actor may change, locked."""
    sync = locked_sync(sync_id)
    require_configure(actor, sync.model.source_id, sync.destination_id)
    return sync


def sync_to_trigger(actor: Actor, sync_id: int) -> Sync:
    """A sync that the actor may run, locked."""
    sync = locked_sync(sync_id)
    access.require(actor, Permission.TRIGGER, destination_id=sync.destination_id)
    return sync


def sync_to_decide(actor: Actor, sync_id: int) -> Sync:
    """A sync whose held changes the actor may release or drop, locked."""
    sync = locked_sync(sync_id)
    access.require_both(
        actor,
        Permission.APPROVE_FROM_SOURCE,
        sync.model.source_id,
        Permission.APPROVE_TO_DESTINATION,
        sync.destination_id,
    )
    return sync


def may_decide(actor: Actor, sync: Sync) -> bool:
    """Whether the actor may release or drop the sync's held changes."""
    needs = (Permission.APPROVE_FROM_SOURCE, Permission.APPROVE_TO_DESTINATION)
    return access.may(actor, needs, source_id=sync.model.source_id, destination_id=sync.destination_id)


def require_try(actor: Actor, sync: Sync) -> None:
    """Raise unless one group may see the source's rows and run syncs to the destination."""
    access.require_both(actor, Permission.VIEW_ROWS, sync.model.source_id, Permission.TRIGGER, sync.destination_id)


def may_try(actor: Actor, sync: Sync) -> bool:
    """Whether the actor may send single rows of this sync."""
    needs = (Permission.VIEW_ROWS, Permission.TRIGGER)
    return access.may(actor, needs, source_id=sync.model.source_id, destination_id=sync.destination_id)


def locked_sync(sync_id: int) -> Sync:
    """A sync, locked; for the system's own jobs and the functions above."""
    rows = Sync.objects.select_for_update(no_key=True, of=("self",))
    return _found(rows.select_related("model__source", "destination"), sync_id, "sync")


def run_for(actor: Actor, run_id: int) -> Run:
    """A run that the actor may read."""
    access.require(actor, Permission.MEMBER)
    rows = Run.objects.select_related("sync__model__source", "sync__destination")
    return _found(rows, run_id, "run")


def preview_for(actor: Actor, preview_id: int) -> Preview:
    """A preview that the actor may read."""
    access.require(actor, Permission.MEMBER)
    rows = Preview.objects.select_related("sync__model__source", "sync__destination", "sync__last_run")
    return _found(rows, preview_id, "preview")


def sequence_for(actor: Actor, sequence_id: int) -> Sequence:
    """A sequence that the actor may read."""
    access.require(actor, Permission.MEMBER)
    return _found(Sequence.objects.select_related("last_run", "created_by"), sequence_id, "sequence")


def sequence_by_slug(actor: Actor, slug: str) -> Sequence:
    """A sequence that the actor may read, by slug."""
    access.require(actor, Permission.MEMBER)
    sequence = Sequence.objects.select_related("last_run").filter(slug=slug).first()
    if sequence is None:
        raise NotFound(f"There is no sequence “{slug}” here.")
    return sequence


def sequence_to_change(actor: Actor, sequence_id: int) -> Sequence:
    """A sequence that the actor may change and run, locked: that takes the right to run every sync in it."""
    rows = Sequence.objects.select_for_update(no_key=True, of=("self",)).select_related("last_run")
    sequence = _found(rows, sequence_id, "sequence")
    require_trigger_all(actor, Sync.objects.filter(sequence_steps__sequence=sequence))
    return sequence


def sequence_run_for(actor: Actor, run_id: int) -> SequenceRun:
    """A run of a sequence that the actor may read."""
    access.require(actor, Permission.MEMBER)
    return _found(SequenceRun.objects.select_related("sequence"), run_id, "run")


def require_trigger_all(actor: Actor, syncs: Iterable[Sync]) -> None:
    """Raise unless the actor may run every one of these syncs."""
    access.require(actor, Permission.TRIGGER)
    for sync in syncs:
        if not may_trigger(actor, sync):
            raise Denied(
                f"You may not run the sync “{sync}”, which belongs to this sequence.",
                hint="Ask somebody who may run syncs to all of its destinations.",
            )


def may_run_sequence(actor: Actor, destination_ids: Iterable[int]) -> bool:
    """Whether the actor may run syncs to all of these destinations, and so a sequence of them."""
    return access.may(actor, Permission.TRIGGER) and all(
        access.may(actor, Permission.TRIGGER, destination_id=pk) for pk in destination_ids
    )


def require_configure(actor: Actor, source_id: int, destination_id: int) -> None:
    """Raise unless one group may publish on both sides."""
    access.require_both(actor, CONFIGURE_FROM_SOURCE, source_id, CONFIGURE_TO_DESTINATION, destination_id)


def may_configure(actor: Actor, source_id: int, destination_id: int) -> bool:
    """Whether one group may publish on both sides."""
    needs = (*CONFIGURE_FROM_SOURCE, *CONFIGURE_TO_DESTINATION)
    return access.may(actor, needs, source_id=source_id, destination_id=destination_id)


def may_trigger(actor: Actor, sync: Sync) -> bool:
    """Whether the actor may run this sync."""
    return access.may(actor, Permission.TRIGGER, destination_id=sync.destination_id)


def may_view_rows(actor: Actor, source_id: int) -> bool:
    """Whether the actor may see row data of this source: the one redaction gate."""
    return access.may(actor, Permission.VIEW_ROWS, source_id=source_id)


def syncs_to_trigger(actor: Actor, syncs: Iterable[Sync]) -> list[Sync]:
    """Those of the syncs that the actor may run."""
    return [sync for sync in syncs if may_trigger(actor, sync)]


def _syncs() -> QuerySet[Sync]:
    return Sync.objects.select_related("model__source", "destination", "last_run", "created_by")


def _found(rows: QuerySet[M], pk: int, noun: str) -> M:
    row = rows.filter(pk=pk).first()
    if row is None:
        raise NotFound(f"There is no such {noun} here.")
    return row
