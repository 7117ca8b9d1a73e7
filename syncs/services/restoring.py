"""Putting an earlier version of a model or sync back: an edit like any other, with its checks, rights and approvals."""

from __future__ import annotations

from typing import Any

from config.errors import Conflict, Invalid
from connectors.secrets import decrypt
from governance.approvals.access import open_draft
from governance.approvals.choices import Way
from governance.approvals.models import Draft
from governance.audit.actors import Actor
from governance.audit.services import record, service
from syncs import access
from syncs.configuration import check_proposal
from syncs.definitions import Definition, describe
from syncs.drafts import MODEL, SYNC
from syncs.drafts.state import definition_in, guardrails_in, model_state, proposal_in, schedule_in
from syncs.models import Model, Sync
from syncs.services.drafts import ModelChange, SyncChange, draft_model, draft_sync
from syncs.services.models import ColumnChoices, KeyChange, start_dependents, store_model_change
from syncs.services.syncs import store_sync_change
from syncs.versions import Version, live_state, version_of


def restore_model(
    *, actor: Actor, model: Model, version: int, way: Way, key_change: KeyChange | None = None
) -> Draft | None:
    """Put back the model as it was after the entry ``version``, live or as a draft; the draft, if that is what it is.

    The source is asked for the columns of the earlier query, so a table or column that is gone is told before anything
    changes.
    """
    model = access.defined_model_for(actor, model.pk)
    access.require_model_draft(actor, model)
    found = _restorable(MODEL, model, version)
    state, draft = found.state, None
    definition = definition_in(state)
    asked = definition != Definition.of(model)
    if way is Way.NOW:
        access.require_model_change(actor, model)
        stored = store_model_change(
            actor=actor,
            model=model,
            name=None,
            description=None,
            definition=definition if asked else None,
            primary_key=state["primary_key"],
            key_change=key_change,
            columns=describe(model.source, definition) if asked else None,
            choices=ColumnChoices(casts=state["casts"], off=state["off"]),
        )
        if key_change and key_change.run_now:
            start_dependents(actor, stored)
    else:
        change = ModelChange(
            definition=definition if asked else None,
            primary_key=state["primary_key"],
            key_change=key_change,
            columns=_columns(model, state),
        )
        draft = draft_model(actor=actor, model=model, change=change)
    note_restored_model(actor=actor, model=model, version=found.entry.pk, draft=draft)
    return draft


def restore_sync(*, actor: Actor, sync: Sync, version: int, way: Way) -> Draft | None:
    """Put back the sync as it was after the entry ``version``; its credentials stay as they are.

    The configuration is checked again: a column or field that is gone is told before anything changes.
    """
    sync = access.sync_for(actor, sync.pk)
    access.require_draft(actor, sync.model, sync.destination_id)
    found = _restorable(SYNC, sync, version)
    proposal, schedule, guardrails = proposal_in(found.state), schedule_in(found.state), guardrails_in(found.state)
    draft = None
    if way is Way.NOW:
        access.require_change(actor, sync)
        known = decrypt(sync.sealed_settings)
        checked = check_proposal(sync.model, sync.destination, proposal, stored_secrets=known)
        store_sync_change(actor=actor, sync=sync, checked=checked, name=None, schedule=schedule, guardrails=guardrails)
    else:
        change = SyncChange(proposal=proposal, schedule=schedule, guardrails=guardrails)
        draft = draft_sync(actor=actor, sync=sync, change=change)
    note_restored_sync(actor=actor, sync=sync, version=found.entry.pk, draft=draft)
    return draft


@service("model.restored")
def note_restored_model(*, actor: Actor, model: Model, version: int, draft: Draft | None) -> None:
    """Remember that the change came from an earlier version."""
    model = access.defined_model_for(actor, model.pk)
    access.require_model_draft(actor, model)
    record(model, after=_told(version, draft))


@service("sync.restored")
def note_restored_sync(*, actor: Actor, sync: Sync, version: int, draft: Draft | None) -> None:
    """Remember that the change came from an earlier version."""
    sync = access.sync_for(actor, sync.pk)
    access.require_draft(actor, sync.model, sync.destination_id)
    record(sync, after=_told(version, draft))


def _told(version: int, draft: Draft | None) -> dict[str, Any]:
    return {"audit_entry": version, **({"draft": draft.pk} if draft else {})}


def _restorable(kind: str, row: Model | Sync, version: int) -> Version:
    found = version_of(row, version)
    if found.obstacle:
        raise Conflict(f"This version cannot be restored. {found.obstacle}")
    if open_draft(kind, row.pk) is not None:
        raise Conflict(
            f"There is a draft of this {kind} already.", hint="Publish or delete it first.", code="draft_there"
        )
    if found.state == live_state(row):
        raise Invalid("Nothing differs from what is live.", code="nothing_changed")
    return found


def _columns(model: Model, state: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Casts and switches that differ from what is live."""
    live, wanted = model_state(model), {}
    for name in {*live["casts"], *state["casts"], *live["off"], *state["off"]}:
        cast, on = state["casts"].get(name, ""), name not in state["off"]
        if (cast, on) != (live["casts"].get(name, ""), name not in live["off"]):
            wanted[name] = {"override_type": cast, "enabled": on}
    return wanted
