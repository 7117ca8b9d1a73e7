"""The only ways from an id to a model, sync or run of the current workspace.

Members read all configuration; changing a model needs the rights to draft and
publish from its source; changing a sync needs those of both its sides within
one group; drafting alone, or approving what was drafted, needs that one of the two.
Running one needs the right to trigger on its destination. Row data is a right of its own.
A sync of a space that the actor does not see is not found, and neither are its runs, its
previews and the sequences it stands in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from django.db.models import Exists, OuterRef, QuerySet

from config.errors import Denied, NotFound
from governance.audit.actors import Actor
from syncs import areas, sides
from syncs.choices import ModelMethod
from syncs.models import Model, Preview, Run, Sequence, SequenceRun, SequenceStep, Sync
from workspaces import access
from workspaces.actors import person
from workspaces.areas import off_here
from workspaces.models import User
from workspaces.permissions import CONFIGURE_FROM_SOURCE, CONFIGURE_TO_DESTINATION, Permission
from workspaces.scoping import TenantModel

DRAFT = (Permission.DRAFT_FROM_SOURCE, Permission.DRAFT_TO_DESTINATION)
APPROVE = (Permission.APPROVE_FROM_SOURCE, Permission.APPROVE_TO_DESTINATION)
CONFIGURE = (*CONFIGURE_FROM_SOURCE, *CONFIGURE_TO_DESTINATION)
TRY = (Permission.VIEW_ROWS, Permission.TRIGGER)
M = TypeVar("M", Model, Sync, Run, Preview, Sequence, SequenceRun)
R = TypeVar("R", bound=TenantModel)
SOMEWHERE_ELSE = "a sync in a space that you do not see"


def syncs_in_view(actor: Actor) -> QuerySet[Sync]:
    """The syncs that the actor sees; every list, count, search and picker begins with these."""
    return access.in_view(Sync.objects.all(), actor)


def models_in_view(actor: Actor) -> QuerySet[Model]:
    """The models that people define; every list, count, search and picker begins with these.

    Those of audiences are not among them: people meet the audience itself.
    """
    return Model.objects.exclude(method=ModelMethod.AUDIENCE)


def syncs_on(actor: Actor) -> QuerySet[Sync]:
    """Those of them that people meet in lists, counts and searches: not the syncs of areas that are switched off."""
    rows = syncs_in_view(actor)
    return rows.exclude(areas.of_areas(off)) if (off := off_here()) else rows


def sees(user: User, sync: Sync) -> bool:
    """Whether a person sees this sync: they may open the workspace, and are shown the sync's space."""
    actor = person(user)
    return access.may(actor, Permission.MEMBER) and syncs_in_view(actor).filter(pk=sync.pk).exists()


def of_syncs_on(rows: QuerySet[R], actor: Actor) -> QuerySet[R]:
    """Only the rows whose ``sync`` the actor sees and whose area is not switched off."""
    rows = of_syncs_in_view(rows, actor)
    return rows.exclude(areas.of_areas(off, "sync__")) if (off := off_here()) else rows


def of_syncs_in_view(rows: QuerySet[R], actor: Actor) -> QuerySet[R]:
    """Only the rows whose ``sync`` the actor sees: runs, previews, alerts.

    A condition of its own rather than a join, so that the newest few of many are still found by index.
    """
    if access.spaces_of(actor) is None:
        return rows
    return rows.filter(Exists(syncs_in_view(actor).filter(pk=OuterRef("sync_id"))))


def sequences_in_view(actor: Actor) -> QuerySet[Sequence]:
    """The sequences of whose syncs the actor sees every one."""
    if access.spaces_of(actor) is None:
        return Sequence.objects.all()
    steps = SequenceStep.objects.filter(sequence=OuterRef("pk"), sync__isnull=False)
    return Sequence.objects.filter(~Exists(steps.exclude(sync__in=syncs_in_view(actor))))


def names_in_view(actor: Actor, syncs: Iterable[Sync]) -> str:
    """Syncs as part of a message; those in other spaces are counted, not named."""
    rows = list(syncs)
    seen = set(syncs_in_view(actor).filter(pk__in=[sync.pk for sync in rows]).values_list("pk", flat=True))
    names = [str(sync) for sync in rows if sync.pk in seen]
    words = [*names[:6], *([f"{len(names) - 6:,} more"] if len(names) > 6 else [])]
    return ", ".join([*words, *([SOMEWHERE_ELSE] if len(names) < len(rows) else [])])


def model_for(actor: Actor, model_id: int) -> Model:
    """A model that the actor may read."""
    access.require(actor, Permission.MEMBER)
    return _in_use(actor, _found(Model.objects.select_related("source", "created_by", "folder"), model_id, "model"))


def defined_model_for(actor: Actor, model_id: int) -> Model:
    """A model with a query or table of its own that the actor may read."""
    access.require(actor, Permission.MEMBER)
    rows = models_in_view(actor).select_related("source", "created_by", "folder")
    return _in_use(actor, _found(rows, model_id, "model"))


def model_to_change(actor: Actor, model_id: int) -> Model:
    """A model that the actor may change, locked: its source's rights and those of every dependent sync."""
    model = _in_use(actor, _found(Model.objects.select_for_update(no_key=True), model_id, "model"))
    require_model_change(actor, model)
    return model


def model_to_publish(actor: Actor, model_id: int) -> Model:
    """A model whose approved draft the actor may make live, locked."""
    model = _in_use(actor, _found(Model.objects.select_for_update(no_key=True), model_id, "model"))
    require_model_approval(actor, model)
    return model


def require_model_change(actor: Actor, model: Model) -> None:
    """Raise unless the actor may change this model and everything that depends on it.

    One that was never published is changed by who may draft it.
    """
    if not model.published:
        require_model_draft(actor, model)
        return
    _require_model(actor, model, CONFIGURE_FROM_SOURCE, CONFIGURE_TO_DESTINATION, "change", "draft and publish")


def require_model_draft(actor: Actor, model: Model) -> None:
    """Raise unless the actor may propose changes of this model and of everything that depends on it."""
    _require_model(actor, model, DRAFT[:1], DRAFT[1:], "draft changes of", "draft")


def require_model_approval(actor: Actor, model: Model) -> None:
    """Raise unless the actor may approve changes of this model and of everything that depends on it."""
    _require_model(actor, model, APPROVE[:1], APPROVE[1:], "approve changes of", "publish")


def sync_for(actor: Actor, sync_id: int) -> Sync:
    """A sync that the actor may read."""
    access.require(actor, Permission.MEMBER)
    sync = _found(_syncs(actor), sync_id, "sync")
    _in_use(actor, sync.model)
    return sync


def sync_by_slug(actor: Actor, slug: str) -> Sync:
    """A sync that the actor may read, by slug."""
    access.require(actor, Permission.MEMBER)
    sync = _syncs(actor).filter(slug=slug).first()
    if sync is None:
        raise NotFound(f"There is no sync “{slug}” here.")
    _in_use(actor, sync.model)
    return sync


def sync_to_configure(actor: Actor, sync_id: int) -> Sync:
    """A sync that the actor may change, locked."""
    sync = _locked_in_view(actor, sync_id)
    require_change(actor, sync)
    return sync


def require_change(actor: Actor, sync: Sync) -> None:
    """Raise unless the actor may change this sync; one that was never published is changed by who may draft it."""
    (require_configure if sync.published else require_draft)(actor, sync.model, sync.destination_id)


def may_change(actor: Actor, sync: Sync) -> bool:
    """Whether the actor may change this sync."""
    return (may_configure if sync.published else may_draft)(actor, sync.model, sync.destination_id)


def sync_to_publish(actor: Actor, sync_id: int) -> Sync:
    """A sync whose approved draft the actor may make live, locked."""
    sync = _locked_in_view(actor, sync_id)
    require_approve(actor, sync.model, sync.destination_id)
    return sync


def sync_to_draft(actor: Actor, sync_id: int) -> Sync:
    """A sync that the actor may move and label, locked: whoever may propose changes of both its sides."""
    sync = _locked_in_view(actor, sync_id)
    require_draft(actor, sync.model, sync.destination_id)
    return sync


def model_to_draft(actor: Actor, model_id: int) -> Model:
    """A model that the actor may move and label, locked."""
    rows = Model.objects.select_for_update(no_key=True, of=("self",)).select_related("folder")
    model = _in_use(actor, _found(rows, model_id, "model"))
    sides.require(actor, model, DRAFT[:1])
    return model


def sync_to_trigger(actor: Actor, sync_id: int) -> Sync:
    """A sync that the actor may run, locked."""
    sync = _locked_in_view(actor, sync_id)
    access.require(actor, Permission.TRIGGER, destination_id=sync.destination_id)
    return sync


def sync_to_decide(actor: Actor, sync_id: int) -> Sync:
    """A sync whose held changes the actor may release or drop, locked."""
    return sync_to_publish(actor, sync_id)


def may_decide(actor: Actor, sync: Sync) -> bool:
    """Whether the actor may release or drop the sync's held changes."""
    return sides.may(actor, sync.model, APPROVE, sync.destination_id)


def require_try(actor: Actor, sync: Sync) -> None:
    """Raise unless one group may see the model's rows and run syncs to the destination."""
    if not may_try(actor, sync):
        sides.require(actor, sync.model, TRY, sync.destination_id)


def may_try(actor: Actor, sync: Sync) -> bool:
    """Whether the actor may send single rows of this sync."""
    if sides.may(actor, sync.model, TRY, sync.destination_id):
        return True
    return access.may(actor, TRY, source_id=sync.model.source_id, destination_id=sync.destination_id)


def locked_sync(sync_id: int) -> Sync:
    """A sync, locked; for the system's own jobs."""
    return _found(_lockable(Sync.objects.all()), sync_id, "sync")


def run_for(actor: Actor, run_id: int) -> Run:
    """A run that the actor may read."""
    access.require(actor, Permission.MEMBER)
    rows = Run.objects.select_related("sync__model__source", "sync__destination")
    run = _found(of_syncs_in_view(rows, actor), run_id, "run")
    _in_use(actor, run.sync.model)
    return run


def preview_for(actor: Actor, preview_id: int) -> Preview:
    """A preview that the actor may read."""
    access.require(actor, Permission.MEMBER)
    rows = Preview.objects.select_related("sync__model__source", "sync__destination", "sync__last_run", "draft")
    preview = _found(of_syncs_in_view(rows, actor), preview_id, "preview")
    _in_use(actor, preview.sync.model)
    return preview


def sequence_for(actor: Actor, sequence_id: int) -> Sequence:
    """A sequence that the actor may read."""
    access.require(actor, Permission.MEMBER)
    return _found(sequences_in_view(actor).select_related("last_run", "created_by"), sequence_id, "sequence")


def sequence_by_slug(actor: Actor, slug: str) -> Sequence:
    """A sequence that the actor may read, by slug."""
    access.require(actor, Permission.MEMBER)
    sequence = sequences_in_view(actor).select_related("last_run").filter(slug=slug).first()
    if sequence is None:
        raise NotFound(f"There is no sequence “{slug}” here.")
    return sequence


def sequence_to_change(actor: Actor, sequence_id: int) -> Sequence:
    """A sequence that the actor may change and run, locked: that takes the right to run every sync in it."""
    rows = sequences_in_view(actor).select_for_update(no_key=True, of=("self",)).select_related("last_run")
    sequence = _found(rows, sequence_id, "sequence")
    require_trigger_all(actor, Sync.objects.filter(sequence_steps__sequence=sequence))
    return sequence


def sequence_run_for(actor: Actor, run_id: int) -> SequenceRun:
    """A run of a sequence that the actor may read."""
    access.require(actor, Permission.MEMBER)
    rows = SequenceRun.objects.filter(sequence__in=sequences_in_view(actor)).select_related("sequence")
    return _found(rows, run_id, "run")


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


def require_configure(actor: Actor, model: Model, destination_id: int) -> None:
    """Raise unless one group may publish on both sides."""
    sides.require(actor, model, CONFIGURE, destination_id)


def may_configure(actor: Actor, model: Model, destination_id: int) -> bool:
    """Whether one group may publish on both sides."""
    return sides.may(actor, model, CONFIGURE, destination_id)


def require_draft(actor: Actor, model: Model, destination_id: int) -> None:
    """Raise unless one group may propose changes on both sides."""
    sides.require(actor, model, DRAFT, destination_id)


def may_draft(actor: Actor, model: Model, destination_id: int) -> bool:
    """Whether one group may propose changes on both sides."""
    return sides.may(actor, model, DRAFT, destination_id)


def may_draft_model(actor: Actor, model: Model) -> bool:
    """Whether the actor may propose changes of this model and of everything that depends on it."""
    try:
        require_model_draft(actor, model)
    except Denied:
        return False
    return True


def require_approve(actor: Actor, model: Model, destination_id: int) -> None:
    """Raise unless one group may approve changes on both sides."""
    sides.require(actor, model, APPROVE, destination_id)


def may_trigger(actor: Actor, sync: Sync) -> bool:
    """Whether the actor may run this sync."""
    return access.may(actor, Permission.TRIGGER, destination_id=sync.destination_id)


def may_view_source_rows(actor: Actor, source_id: int) -> bool:
    """Whether the actor may see whatever this source answers."""
    return access.may(actor, Permission.VIEW_ROWS, source_id=source_id)


def may_view_rows(actor: Actor, model: Model) -> bool:
    """Whether the actor may see this model's rows, by its source or its parent model: the one redaction gate."""
    return may_view_source_rows(actor, model.source_id) or sides.may(actor, model, (Permission.VIEW_ROWS,))


def syncs_to_trigger(actor: Actor, syncs: Iterable[Sync]) -> list[Sync]:
    """Those of the syncs that the actor may run."""
    return [sync for sync in syncs if may_trigger(actor, sync)]


def _syncs(actor: Actor) -> QuerySet[Sync]:
    return syncs_in_view(actor).select_related(
        "model__source", "destination", "last_run", "created_by", "space", "model__folder"
    )


def _lockable(syncs: QuerySet[Sync]) -> QuerySet[Sync]:
    return syncs.select_for_update(no_key=True, of=("self",)).select_related("model__source", "destination")


def _locked_in_view(actor: Actor, sync_id: int) -> Sync:
    sync = _found(_lockable(syncs_in_view(actor)), sync_id, "sync")
    _in_use(actor, sync.model)
    return sync


def _in_use(actor: Actor, model: Model) -> Model:
    """The model, unless the area that its syncs belong to is switched off; the system's own work goes on."""
    if not actor.is_system:
        areas.require_on(model)
    return model


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _require_model(
    actor: Actor,
    model: Model,
    on_source: tuple[Permission, ...],
    on_destination: tuple[Permission, ...],
    doing: str,
    right: str,
) -> None:
    """The rights on the model's source, and together with those on the destination of every dependent sync."""
    if model.of_audience:
        raise Denied("This model belongs to an audience.", hint="Change the audience in its place.")
    access.require(actor, on_source, source_id=model.source_id)
    needs = (*on_source, *on_destination)
    for sync in model.syncs.all():
        if not sides.may(actor, model, needs, sync.destination_id):
            named = syncs_in_view(actor).filter(pk=sync.pk).exists()
            raise Denied(
                f"{f'The sync “{sync}”' if named else _capital(SOMEWHERE_ELSE)} depends on this model, "
                f"and you may not {doing} it.",
                hint=f"Ask somebody who may {right} on both the source and that sync's destination.",
            )


def _found(rows: QuerySet[M], pk: int, noun: str) -> M:
    row = rows.filter(pk=pk).first()
    if row is None:
        raise NotFound(f"There is no such {noun} here.")
    return row
