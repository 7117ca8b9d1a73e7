"""Where models and syncs are: folders, spaces and labels. None of it changes what a run does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from config.errors import Conflict
from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged
from syncs import access
from syncs.models import Model, Sequence, Sync
from syncs.origins import origin_of
from workspaces import access as rights
from workspaces.labels import changed_labels
from workspaces.models import Folder, Space
from workspaces.spaces import EVERYONE


def move_sync(*, actor: Actor, sync: Sync, folder: Folder | None) -> object:
    """Move a sync, which is to move its model or audience, and so every other sync of that."""
    access.require_draft(actor, sync.model, sync.destination_id)
    origin = origin_of(sync.model)
    if origin is not None:
        return origin.move(actor, sync.model, folder)
    return move_model(actor=actor, model=sync.model, folder=folder)


@service("model.moved")
def move_model(*, actor: Actor, model: Model, folder: Folder | None) -> Model:
    """Put a model and its syncs into a folder, or into none."""
    model = access.model_to_draft(actor, model.pk)
    if model.of_audience:
        raise Conflict("This model is where its audience is.", hint="Move the audience instead.")
    folder = folder and rights.folder_for(folder.pk)
    before = model.folder
    if before == folder:
        unchanged()
        return model
    model.folder = folder
    model.save(update_fields=["folder"])
    record(model, before={"folder": before and before.name}, after={"folder": folder and folder.name})
    return model


@service("sync.space_changed")
def move_sync_to_space(*, actor: Actor, sync: Sync, space: Space | None) -> Sync:
    """Let only a space's people see a sync, its runs and the sequences it stands in; without a space, everyone."""
    sync = access.sync_to_configure(actor, sync.pk)
    if sync.model.of_audience:
        raise Conflict("A sync of an audience is where its audience is.", hint="Move the audience instead.")
    if space is not None:
        space = rights.space_for(actor, space.pk, lock=True)
    before = sync.space
    if before == space:
        unchanged()
        return sync
    sync.space = space
    sync.save(update_fields=["space", "updated_at"])
    record(sync, before={"space": str(before or EVERYONE)}, after={"space": str(space or EVERYONE)})
    return sync


@service("sync.labelled")
def label_sync(*, actor: Actor, sync: Sync, add: Mapping[str, str], remove: Iterable[str] = ()) -> Sync:
    """Put labels on a sync, and take those with the keys of ``remove`` off."""
    sync = access.sync_to_draft(actor, sync.pk)
    _label(sync, add, remove)
    return sync


@service("model.labelled")
def label_model(*, actor: Actor, model: Model, add: Mapping[str, str], remove: Iterable[str] = ()) -> Model:
    """The same for a model."""
    model = access.model_to_draft(actor, model.pk)
    _label(model, add, remove)
    return model


@service("sequence.labelled")
def label_sequence(*, actor: Actor, sequence: Sequence, add: Mapping[str, str], remove: Iterable[str] = ()) -> Sequence:
    """The same for a sequence, by whoever may run it."""
    sequence = access.sequence_to_change(actor, sequence.pk)
    _label(sequence, add, remove)
    return sequence


def _label(row: Model | Sync | Sequence, add: Mapping[str, str], remove: Iterable[str]) -> None:
    before = row.labels
    row.labels = changed_labels(before, add, remove)
    if row.labels == before:
        unchanged()
        return
    row.save(update_fields=["labels"])
    record(row, before={"labels": before}, after={"labels": row.labels})
