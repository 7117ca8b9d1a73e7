"""Copies of models, with the syncs that a person chooses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from config.errors import HeadraceError, Invalid
from connectors import access as connections
from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged
from syncs import access, locks
from syncs.configuration import check_proposal
from syncs.definitions import Definition
from syncs.drafts.state import guardrails_in, proposal_of, schedule_in, whole_of
from syncs.models import Model, ModelColumn, Sync
from syncs.services.models import create_model
from syncs.services.syncs import store_sync

Copied = TypeVar("Copied")


@dataclass(frozen=True, slots=True)
class Clone(Generic[Copied]):
    """A copy: what was copied, the syncs made for it, and what was wrong with those that could not be made."""

    of: Copied
    syncs: list[Sync] = field(default_factory=list)
    failed: list[tuple[Sync, str]] = field(default_factory=list)

    def take_along(self, syncs: Iterable[Sync], copy: Callable[[Sync], Sync]) -> None:
        """Copy these syncs; one that cannot be copied is left out and told."""
        for sync in syncs:
            try:
                self.syncs.append(copy(sync))
            except HeadraceError as error:
                self.failed.append((sync, f"{error.message} {error.hint}".strip()))


def clone_model(
    *,
    actor: Actor,
    model: Model,
    name: str,
    definition: Definition | None = None,
    primary_key: str = "",
    description: str | None = None,
    syncs: Sequence[Sync] = (),
) -> Clone[Model]:
    """Copy a model, its casts and descriptions, and these of its syncs. The copies lead lives of their own.

    Copied syncs have delivered nothing yet, and their schedules are off until somebody switches them on.
    Raises before anything is made where a right is missing; a sync that the changed query no longer suits
    is left out and told.
    """
    original = access.defined_model_for(actor, model.pk)
    foreign = [str(sync) for sync in syncs if sync.model_id != original.pk]
    if foreign:
        raise Invalid.field("syncs", f"Not a sync of this model: {', '.join(foreign)}.")
    for sync in syncs:
        access.require_configure(actor, original, sync.destination_id)
    copy = create_model(
        actor=actor,
        source=original.source,
        name=name,
        definition=definition or Definition.of(original),
        primary_key=primary_key or original.primary_key,
        description=original.description if description is None else description,
    )
    copy_columns(actor=actor, model=copy, original=original)
    clone = Clone(copy)
    clone.take_along(
        syncs,
        lambda sync: copy_sync(
            actor=actor, model=copy, original=sync, name=f"{sync} (copy)"[:200] if sync.name else ""
        ),
    )
    return clone


@service("model.column_changed")
def copy_columns(*, actor: Actor, model: Model, original: Model) -> None:
    """Give a model the casts, edited descriptions and switches that another one's columns of the same names have."""
    model = access.model_to_change(actor, model.pk)
    decided = {row.name: row for row in original.columns.all()}
    changed = []
    for row in model.columns.all():
        before = decided.get(row.name)
        if before is None or not (before.override_type or before.description_edited or not before.enabled):
            continue
        row.override_type = before.override_type
        row.enabled = before.enabled or row.name == model.primary_key
        if before.description_edited:
            row.description, row.description_edited = before.description, True
        changed.append(row)
    if not changed:
        unchanged()
        return
    ModelColumn.objects.bulk_update(changed, ["override_type", "enabled", "description", "description_edited"])
    record(model, after={"columns": [row.name for row in changed], "copied_from": original.pk})


def copy_sync(
    *,
    actor: Actor,
    model: Model,
    original: Sync,
    name: str,
    published: bool = True,
    derived: locks.Derivation | None = None,
    groups: Sequence[int] = (),
) -> Sync:
    """Add a sync of another model that is like this one; its schedule is off."""
    connections.require_ready(original.destination)
    whole = whole_of(original)
    return store_sync(
        actor=actor,
        model=model,
        destination=original.destination,
        checked=check_proposal(model, original.destination, proposal_of(whole), stored_secrets=whole.secrets),
        schedule=schedule_in(whole.state),
        guardrails=guardrails_in(whole.state),
        name=name,
        schedule_enabled=False,
        space=original.space,
        published=published,
        derived=derived,
        groups=groups,
    )
