"""Copies of models, with the syncs that a person chooses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from config.errors import HeadraceError, Invalid
from connectors.sdk.validation import assemble
from connectors.secrets import decrypt
from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged
from syncs import access
from syncs.configuration import Proposal
from syncs.definitions import Definition
from syncs.mappings import from_json
from syncs.models import Model, ModelColumn, Sync
from syncs.services.models import create_model
from syncs.services.syncs import create_sync


@dataclass(frozen=True, slots=True)
class Clone:
    """A copy: its model, the syncs made for it, and by name what was wrong with those that could not be made."""

    model: Model
    syncs: list[Sync] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def clone_model(
    *,
    actor: Actor,
    model: Model,
    name: str,
    definition: Definition | None = None,
    primary_key: str = "",
    description: str | None = None,
    syncs: Sequence[Sync] = (),
) -> Clone:
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
    for sync in syncs:
        try:
            clone.syncs.append(_clone_sync(actor, copy, sync))
        except HeadraceError as error:
            clone.failed[str(sync)] = f"{error.message} {error.hint}".strip()
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


def _clone_sync(actor: Actor, model: Model, sync: Sync) -> Sync:
    proposal = Proposal(
        sync_type=sync.sync_type,
        mode=sync.mode,
        removal=sync.removal,
        first_run=sync.first_run,
        settings=assemble(sync.settings, decrypt(sync.sealed_settings)),
        mappings=from_json(sync.mappings),
    )
    return create_sync(
        actor=actor,
        model=model,
        destination=sync.destination,
        proposal=proposal,
        schedule=sync.schedule,
        name=f"{sync} (copy)" if sync.name else "",
        schedule_enabled=False,
        space=sync.space,
    )
