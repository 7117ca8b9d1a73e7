"""Drafting changes of models and syncs, and making drafts live.

A change is published, or kept as the one draft of its resource, as its author chooses and the
workspace's rule allows (:class:`~governance.approvals.choices.Way`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from config.errors import Conflict, Invalid
from config.queue import enqueue
from connectors.secrets import decrypt, encrypt
from governance.approvals import services as approvals
from governance.approvals.access import draft_for, open_draft
from governance.approvals.choices import Way
from governance.approvals.models import Draft
from governance.audit.actors import Actor
from syncs import access, locks
from syncs.choices import PendingReset
from syncs.codec import dump
from syncs.configuration import Proposal, check_proposal
from syncs.definitions import Definition, describe
from syncs.drafts import MODEL, SYNC
from syncs.drafts.state import (
    CONFIGURATION,
    SCHEDULE,
    checked_in,
    definition_in,
    described,
    described_in,
    guardrails_in,
    model_state,
    plain,
    proposal_in,
    put_model_state,
    put_sync_state,
    reset_in,
    schedule_in,
    sync_state,
    whole_of,
)
from syncs.engine.guardrails import Guardrails
from syncs.engine.spec import RunSpec
from syncs.mappings import to_json
from syncs.models import Model, ModelColumn, Preview, Sync
from syncs.schedules import Schedule
from syncs.services.columns import store_columns
from syncs.services.models import (
    ColumnChoices,
    KeyChange,
    apply_model_change,
    change_column,
    known_columns,
    override_column,
    require_key,
    start_dependents,
    store_model_change,
    switch_column,
    update_model,
)
from syncs.services.schedules import set_schedule
from syncs.services.syncs import apply_sync_change, set_guardrails, store_sync_change, update_sync
from syncs.tasks import discard_sync_files
from syncs.trial import spec_of

DEFINED = ("method", "sql", "table_schema", "table_name")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChange:
    """What to change of a model that needs approval; nothing stays as it is. ``columns`` are casts and switches."""

    definition: Definition | None = None
    primary_key: str | None = None
    key_change: KeyChange | None = None
    columns: Mapping[str, Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncChange:
    """What to change of a sync that needs approval; nothing stays as it is."""

    proposal: Proposal | None = None
    schedule: Schedule | None = None
    guardrails: Guardrails | None = None


def change_model(
    *, actor: Actor, model: Model, change: ModelChange, way: Way, revision: int | None = None
) -> Draft | None:
    """Publish a change, or keep it as the model's draft; the draft, if that is what became of it.

    Where there is a draft already the change goes into it, and publishing publishes all of it.
    """
    if way is Way.NOW and open_draft(MODEL, model.pk) is None:
        _publish_model_change(actor, model, change)
        return None
    draft = draft_model(actor=actor, model=model, change=change, revision=revision)
    return _published(actor, draft) if way is Way.NOW else draft


def change_sync(*, actor: Actor, sync: Sync, change: SyncChange, way: Way, revision: int | None = None) -> Draft | None:
    """Publish a change, or keep it as the sync's draft; the draft, if that is what became of it."""
    if way is Way.NOW and open_draft(SYNC, sync.pk) is None:
        if change.proposal is not None:
            update_sync(actor=actor, sync=sync, proposal=change.proposal)
        if change.schedule is not None:
            set_schedule(actor=actor, sync=sync, schedule=change.schedule)
        if change.guardrails is not None:
            set_guardrails(actor=actor, sync=sync, guardrails=change.guardrails)
        return None
    draft = draft_sync(actor=actor, sync=sync, change=change, revision=revision)
    return _published(actor, draft) if way is Way.NOW else draft


def draft_model(*, actor: Actor, model: Model, change: ModelChange, revision: int | None = None) -> Draft:
    """Keep a change of a model without making it live; asks the source about another query."""
    model = access.defined_model_for(actor, model.pk)
    access.require_model_draft(actor, model)
    draft = open_draft(MODEL, model.pk)
    state = dict(draft.proposed if draft else model_state(model))
    if change.definition is not None and change.definition != definition_in(state):
        state |= plain({name: getattr(change.definition, name) for name in DEFINED})
        state["described"] = described(describe(model.source, change.definition))
    state["primary_key"] = change.primary_key or state["primary_key"]
    columns = described_in(state)
    require_key(state["primary_key"], known_columns(model) if columns is None else columns)
    state |= _key_choice(model, state, change.key_change)
    for name, chosen in (change.columns or {}).items():
        _choose_column(actor, model, state, name, chosen)
    return approvals.save_draft(
        actor=actor, kind=MODEL, resource_id=model.pk, proposed=_tidy(model, state), revision=revision
    )


def draft_sync(*, actor: Actor, sync: Sync, change: SyncChange, revision: int | None = None) -> Draft:
    """Keep a change of a sync without making it live; checks a configuration as publishing would."""
    sync = access.sync_for(actor, sync.pk)
    access.require_draft(actor, sync.model, sync.destination_id)
    draft = open_draft(SYNC, sync.pk)
    state = dict(draft.proposed if draft else sync_state(sync))
    sealed = draft.sealed if draft else ""
    known = decrypt(sealed or sync.sealed_settings)
    secrets = known
    if change.proposal is not None:
        checked = check_proposal(sync.model, sync.destination, change.proposal, stored_secrets=known)
        chosen, secrets = checked.configuration, checked.cleaned.secrets
        values = {"settings": checked.cleaned.config, "mappings": to_json(chosen.mappings)}
        state |= plain({name: values.get(name, getattr(chosen, name, None)) for name in CONFIGURATION})
    if change.schedule is not None:
        timed = Sync()
        timed.schedule = change.schedule
        state |= plain({name: getattr(timed, name) for name in SCHEDULE})
    if change.guardrails is not None:
        state["guardrails"] = plain(dump(change.guardrails))
    resealed = secrets != known
    was = locks.Whole(draft.proposed if draft else sync_state(sync), known)
    locks.require_unlocked(sync, was, locks.Whole(state, secrets))
    return approvals.save_draft(
        actor=actor,
        kind=SYNC,
        resource_id=sync.pk,
        proposed=state,
        sealed=encrypt(secrets) if resealed else sealed,
        resealed=resealed,
        revision=revision,
    )


def publish_model(*, actor: Actor, draft: Draft) -> None:
    """Make an approved draft of a model live, exactly as it was reviewed, and start what was asked for with it."""
    model, state = access.defined_model_for(actor, draft.resource_id), draft.proposed
    access.require_model_approval(actor, model)
    change = _model_change_in(model, state)
    saved = store_model_change(
        actor=actor,
        model=model,
        name=None,
        description=None,
        draft=draft,
        **change,
    )
    if reset_in(state)[1]:
        start_dependents(actor, saved)


def publish_sync(*, actor: Actor, draft: Draft) -> None:
    """Make an approved draft of a sync live, exactly as it was reviewed; its configuration is checked again."""
    sync, state = access.sync_for(actor, draft.resource_id), draft.proposed
    access.require_approve(actor, sync.model, sync.destination_id)
    secrets = decrypt(draft.sealed or sync.sealed_settings)
    reconfigured = draft.is_new or bool(draft.sealed) or _differs(state, draft.base, CONFIGURATION)
    checked = None
    if reconfigured:
        checked = check_proposal(sync.model, sync.destination, proposal_in(state), stored_secrets=secrets)
    store_sync_change(
        actor=actor,
        sync=sync,
        checked=checked,
        name=None,
        schedule=schedule_in(state),
        guardrails=guardrails_in(state),
        draft=draft,
    )


def write_new_model(draft: Draft) -> None:
    """Put a draft's state on a model that was never published: drafts built on it see it there."""
    model = put_model_state(Model.objects.get(pk=draft.resource_id), draft.proposed)
    model.save()
    columns = described_in(draft.proposed)
    if columns is not None:
        store_columns(model, columns)
    for column in model.columns.all():
        column.override_type = draft.proposed["casts"].get(column.name, "")
        column.enabled = column.name not in draft.proposed["off"]
        column.save(update_fields=["override_type", "enabled"])


def write_new_sync(draft: Draft) -> None:
    """Put a draft's state on a sync that was never published."""
    sync = Sync.objects.select_related("model").get(pk=draft.resource_id)
    was = whole_of(sync)
    sync = put_sync_state(sync, draft.proposed)
    sync.sealed_settings = draft.sealed or sync.sealed_settings
    sync.save()
    locks.note_change(sync, was, whole_of(sync))


def discard_new_model(model: Model) -> None:
    """Delete a model that was never published."""
    drafted = model.syncs.count()
    if drafted:
        raise Conflict(f"{drafted:,} drafts of syncs use this model.", hint="Delete those first.")
    model.delete()


def discard_new_sync(sync: Sync) -> None:
    """Delete a sync that was never published; it has run nowhere."""
    enqueue(discard_sync_files, sync.workspace_id, sync.pk, 0)
    sync.delete()


def as_if_published(preview: Preview) -> tuple[Sync, RunSpec]:
    """The sync of a preview and what its next run would start with, had the preview's draft been published.

    Publishes it and takes that back: so it is what publishing does, pending resets and all.
    """
    draft = preview.draft
    assert draft is not None
    state = draft.proposed
    model = Model.objects.select_related("source").get(pk=preview.sync.model_id)
    change = _model_change_in(model, state) if draft.kind == MODEL and model.published else None
    with transaction.atomic():
        if change is not None:
            changed = Model.objects.select_for_update(no_key=True).get(pk=model.pk)
            apply_model_change(changed, **change)
            changed.save()
        if draft.kind == SYNC:
            sync = access.locked_sync(preview.sync_id)
            secrets = decrypt(draft.sealed or sync.sealed_settings)
            apply_sync_change(sync, checked_in(state, secrets), schedule_in(state), guardrails_in(state))
            sync.save()
        found = Sync.objects.select_related("model__source", "destination", "workspace").get(pk=preview.sync_id)
        spec = spec_of(found)
        transaction.set_rollback(True)
    return found, spec


def _publish_model_change(actor: Actor, model: Model, change: ModelChange) -> None:
    if change.definition is not None or change.primary_key is not None:
        update_model(
            actor=actor,
            model=model,
            definition=change.definition,
            primary_key=change.primary_key,
            key_change=change.key_change,
        )
    for name, chosen in (change.columns or {}).items():
        change_column(actor=actor, model=model, name=name, **chosen)


def _published(actor: Actor, draft: Draft) -> Draft | None:
    """Publish a draft by its author's own approval; the draft where that is not enough."""
    live = approvals.approve_and_publish(actor=actor, draft=draft, revision=draft.revision)
    return None if live else draft_for(actor, draft.pk)


def _model_change_in(model: Model, state: Mapping[str, Any]) -> dict[str, Any]:
    """A model's state as :func:`apply_model_change` takes it; asks the source where its query changes."""
    definition = definition_in(state)
    asked = definition != Definition.of(model) or not model.published
    reset, run_now = reset_in(state)
    return {
        "definition": definition if asked else None,
        "primary_key": state["primary_key"],
        "key_change": KeyChange(reset=reset, run_now=run_now) if reset else None,
        "columns": describe(model.source, definition) if asked else None,
        "choices": ColumnChoices(casts=state["casts"], off=state["off"]),
    }


def _key_choice(model: Model, state: Mapping[str, Any], key_change: KeyChange | None) -> dict[str, Any]:
    """What live syncs do with another key: a choice that comes with it."""
    syncs = model.published and model.syncs.filter(published=True).exists()
    if not syncs or state["primary_key"] == model.primary_key:
        return {"reset": "", "run_now": False}
    if key_change is not None and key_change.reset is not PendingReset.NONE:
        return {"reset": key_change.reset.value, "run_now": key_change.run_now}
    if state.get("reset"):
        return {}
    raise Invalid.field(
        "reset", "Choose what dependent syncs do with the new key: remember the rows, or send them all again."
    )


def _choose_column(actor: Actor, model: Model, state: dict[str, Any], name: str, chosen: Mapping[str, Any]) -> None:
    """Cast or switch one column of a state, with the checks that the live one has."""
    column = model.columns.filter(name=name).first()
    if column is None:
        column = next(
            (ModelColumn(name=c.name, type=c.type) for c in described_in(state) or () if c.name == name), None
        )
    if column is None:
        raise Invalid.field("name", f"The model has no column “{name}”.")
    if chosen.get("override_type") is not None:
        override_column(column, chosen["override_type"])
        casts = {key: kind for key, kind in state["casts"].items() if key != name}
        state["casts"] = {**casts, name: column.override_type} if column.override_type else casts
    if chosen.get("enabled") is not None:
        drafted = put_model_state(Model(pk=model.pk), state)
        switch_column(actor, drafted, column, bool(chosen["enabled"]))
        others = {key for key in state["off"] if key != name}
        state["off"] = sorted(others if chosen["enabled"] else others | {name})


def _tidy(model: Model, state: dict[str, Any]) -> dict[str, Any]:
    """Without what says nothing, so that a draft that was changed back equals what is live."""
    if not state.get("reset"):
        state = {name: value for name, value in state.items() if name not in ("reset", "run_now")}
    if model.published and definition_in(state) == Definition.of(model):
        state.pop("described", None)
    return state


def _differs(state: Mapping[str, Any], base: Mapping[str, Any] | None, names: tuple[str, ...]) -> bool:
    return base is None or any(state[name] != base[name] for name in names)
