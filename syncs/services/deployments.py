"""Models and syncs that are deployed here from another workspace: each in one transaction, linked and recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

from django.db import transaction
from django.utils import timezone

from config.errors import Conflict
from connectors import access as connections
from connectors.models import Destination, Source
from connectors.sdk.types import Column
from connectors.secrets import decrypt
from governance.approvals.access import open_draft
from governance.approvals.services import begin_draft, delete_draft, drop_draft, save_draft
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, snapshot
from governance.environments.models import DeploymentItem
from governance.environments.services import settle_item
from syncs import access
from syncs.choices import PendingReset
from syncs.configuration import Checked
from syncs.drafts import MODEL as MODEL_KIND
from syncs.drafts import SYNC as SYNC_KIND
from syncs.drafts.state import DEFINITION, definition_in, model_state, plain, sync_state
from syncs.drafts.state import described as described_as
from syncs.environments.copied import MODEL, Copy, fields_with
from syncs.models import Model, ModelColumn, Sync
from syncs.schedules import Schedule
from syncs.services import models as of_models
from syncs.services import syncs as of_syncs
from syncs.services.columns import reprocess_readers, store_columns
from syncs.services.naming import clean_name, free_slug
from syncs.services.schedules import apply_schedule
from workspaces import access as rights
from workspaces.permissions import CONFIGURE_FROM_SOURCE, Permission
from workspaces.scoping import current_workspace_id


@service("model.deployed")
def deploy_model(
    *,
    actor: Actor,
    source: Source,
    captured: Mapping[str, Any],
    described: Sequence[Column],
    counterpart: int | None,
    reset: PendingReset,
    item: DeploymentItem,
    as_draft: bool = False,
) -> Model:
    """Create or update a model as it is in another workspace, with its columns as the source here described them.

    ``as_draft`` makes a new one that is not live before it was approved; changes of a live one are proposed
    by :func:`propose_model`.
    """
    source = connections.source_for(actor, source.pk, lock=True)
    rights.require(actor, Permission.DRAFT_FROM_SOURCE if as_draft else CONFIGURE_FROM_SOURCE, source_id=source.pk)
    model = access.model_to_change(actor, counterpart) if counterpart else _new_model(source, captured, actor)
    if not as_draft:
        of_models.require_published(actor, model)
    model.published = not as_draft
    before = of_models.audited(model) if counterpart else {}
    former_key = model.primary_key
    for name in fields_with(MODEL, Copy.COPIED):
        setattr(model, name, captured[name])
    model.name = clean_name(model.name)
    model.columns_refreshed_at = timezone.now()
    model.revision += 1 if counterpart else 0
    model.save()
    if counterpart and former_key != model.primary_key:
        model.syncs.update(pending_reset=reset)
    if counterpart:
        drop_draft(MODEL_KIND, model.pk, actor)
    store_columns(model, described)
    _decide_columns(model, captured["columns"])
    if as_draft:
        begin_draft(MODEL_KIND, model.pk, model_state(model), actor)
    settle_item(item, model, remapped={}, by=actor.label[:320])
    changed = changes(before, of_models.audited(model))
    record(model, before=changed.before, after={**changed.after, **_origin(item)})
    return model


@service("sync.deployed")
def deploy_sync(
    *,
    actor: Actor,
    model: Model,
    destination: Destination,
    captured: Mapping[str, Any],
    checked: Checked,
    schedule: Schedule | None,
    counterpart: int | None,
    remapped: Mapping[str, Any],
    item: DeploymentItem,
    as_draft: bool = False,
) -> Sync:
    """Create or update a sync as it is in another workspace; a new one is disabled until somebody enables it.

    ``as_draft`` makes a new one that is not live before it was approved; changes of a live one are proposed
    by :func:`propose_sync`.
    """
    model = access.defined_model_for(actor, model.pk)
    destination = connections.destination_for(actor, destination.pk, lock=True)
    require = access.require_draft if as_draft else access.require_configure
    require(actor, model, destination.pk)
    if counterpart:
        sync = access.sync_to_configure(actor, counterpart)
        if (sync.model_id, sync.destination_id) != (model.pk, destination.pk):
            raise Conflict("The sync here joins another model or destination by now.", code="changed")
    else:
        sync = _new_sync(model, destination, captured, actor)
    if not as_draft:
        of_syncs.require_published_model(model)
        of_syncs.require_published(actor, sync)
    sync.published = not as_draft
    before = of_syncs.audited(sync) if counterpart else {}
    former = snapshot(sync, of_syncs.AUDITED) if counterpart else None
    sync.name = clean_name(captured["name"]) if captured["name"] else ""
    sync.guardrails = captured["guardrails"]
    of_syncs.configure(sync, checked)
    if former is not None:
        of_syncs.follow_change(sync, former)
        sync.revision += 1
        drop_draft(SYNC_KIND, sync.pk, actor)
    if schedule is not None:
        apply_schedule(sync, schedule, timezone.now())
    sync.save()
    if as_draft:
        begin_draft(SYNC_KIND, sync.pk, sync_state(sync), actor, sealed=sync.sealed_settings)
    settle_item(item, sync, remapped=dict(remapped), by=actor.label[:320])
    changed = changes(before, of_syncs.audited(sync))
    record(sync, before=changed.before, after={**changed.after, **_origin(item)})
    return sync


def propose_model(
    *,
    actor: Actor,
    counterpart: int,
    captured: Mapping[str, Any],
    columns: Sequence[Column],
    reset: PendingReset,
    item: DeploymentItem,
) -> Model:
    """Propose what was deployed as a draft of the live model; an older draft gives way."""
    model = access.defined_model_for(actor, counterpart)
    live = model_state(model)
    decided = {column.name: captured["columns"].get(column.name, {}) for column in columns}
    types = {column.name: column.type.value for column in columns}
    casts = {name: values.get("override_type", "") for name, values in decided.items()}
    off = (name for name, values in decided.items() if not values.get("enabled", True))
    proposed = live | plain({name: captured[name] for name in DEFINITION})
    proposed["casts"] = {name: cast for name, cast in casts.items() if cast and cast != types[name]}
    proposed["off"] = sorted(name for name in off if name != proposed["primary_key"])
    if definition_in(proposed) != definition_in(live):
        proposed["described"] = described_as(columns)
    if proposed["primary_key"] != live["primary_key"] and reset is not PendingReset.NONE:
        proposed |= {"reset": reset.value, "run_now": False}
    _propose(actor, MODEL_KIND, model, live, proposed, item, {})
    return model


def propose_sync(
    *,
    actor: Actor,
    counterpart: int,
    captured: Mapping[str, Any],
    checked: Checked,
    schedule: Schedule | None,
    remapped: Mapping[str, Any],
    item: DeploymentItem,
) -> Sync:
    """Propose what was deployed as a draft of the live sync; an older draft gives way."""
    sync = access.sync_for(actor, counterpart)
    known = decrypt(sync.sealed_settings)
    there = copy(sync)
    there.guardrails = captured["guardrails"]
    of_syncs.configure(there, checked)
    if schedule is not None:
        apply_schedule(there, schedule, timezone.now())
    sealed = there.sealed_settings if checked.cleaned.secrets != known else ""
    _propose(actor, SYNC_KIND, sync, sync_state(sync), sync_state(there), item, remapped, sealed=sealed)
    return sync


def _propose(
    actor: Actor,
    kind: str,
    row: Model | Sync,
    live: Mapping[str, Any],
    proposed: Mapping[str, Any],
    item: DeploymentItem,
    remapped: Mapping[str, Any],
    *,
    sealed: str = "",
) -> None:
    """Make it the only draft of what is there. A name is no part of one: where nothing else differs, none is made."""
    older = open_draft(kind, row.pk)
    if older is not None:
        delete_draft(actor=actor, draft=older)
    if sealed or proposed != live:
        save_draft(actor=actor, kind=kind, resource_id=row.pk, proposed=proposed, sealed=sealed, resealed=bool(sealed))
    with transaction.atomic():
        settle_item(item, row, remapped=dict(remapped), by=actor.label[:320])


def _new_model(source: Source, captured: Mapping[str, Any], actor: Actor) -> Model:
    return Model(
        workspace_id=current_workspace_id(),
        source=source,
        slug=free_slug(Model, captured["slug"]),
        created_by_id=actor.user_id,
    )


def _new_sync(model: Model, destination: Destination, captured: Mapping[str, Any], actor: Actor) -> Sync:
    return Sync(
        workspace_id=current_workspace_id(),
        model=model,
        destination=destination,
        slug=free_slug(Sync, captured["slug"]),
        created_by_id=actor.user_id,
        schedule_enabled=False,
    )


def _decide_columns(model: Model, decided: Mapping[str, Mapping[str, Any]]) -> None:
    """Give the columns the casts, switches and edited descriptions that they have in the other workspace."""
    changed, recast = [], []
    for row in model.columns.all():
        values = decided.get(row.name, {})
        override = "" if values.get("override_type", "") == row.type else values.get("override_type", "")
        if override != row.override_type and row.name != model.primary_key:
            recast.append(row.name)
        row.override_type = override
        row.enabled = values.get("enabled", True) or row.name == model.primary_key
        if values.get("description_edited"):
            row.description, row.description_edited = values["description"], True
        changed.append(row)
    ModelColumn.objects.bulk_update(changed, ["override_type", "enabled", "description", "description_edited"])
    reprocess_readers(model, recast)


def _origin(item: DeploymentItem) -> dict[str, Any]:
    """Where it came from, for the log of the workspace it came to."""
    origin = item.deployment.workspace
    return {"deployed_from": {"workspace": origin.name, item.kind: item.thing_id}}
