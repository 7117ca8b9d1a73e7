"""Writes to syncs: create, configure, reset, delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from config.errors import Conflict
from config.queue import enqueue
from connectors import access as connections
from connectors.choices import Planner
from connectors.models import Destination
from connectors.sdk.expansion import array_column
from connectors.sdk.fields import Select
from connectors.secrets import decrypt, encrypt
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, snapshot, unchanged
from syncs import access
from syncs.choices import PendingReset
from syncs.codec import dump, load
from syncs.configuration import Checked, Proposal, check_proposal, sync_type_of
from syncs.engine.guardrails import Guardrails
from syncs.mappings import from_json, send_the_same, to_json
from syncs.models import Model, Sync
from syncs.renames import followed_renames, renamed
from syncs.schedules import Schedule
from syncs.services.naming import clean_name, free_slug
from syncs.services.schedules import apply_schedule
from syncs.tasks import discard_sync_files
from workspaces.scoping import current_workspace_id

AUDITED = (
    "name",
    "slug",
    "model",
    "destination",
    "sync_type",
    "mode",
    "removal",
    "first_run",
    "settings",
    "mappings",
)


def create_sync(
    *,
    actor: Actor,
    model: Model,
    destination: Destination,
    proposal: Proposal,
    schedule: Schedule | None = None,
    name: str = "",
    slug: str = "",
    schedule_enabled: bool = True,
) -> Sync:
    """Join a model and a destination: checks everything that can be checked, then stores it."""
    access.require_configure(actor, model.source_id, destination.pk)
    connections.require_ready(destination)
    checked = check_proposal(model, destination, proposal)
    return store_sync(
        actor=actor,
        model=model,
        destination=destination,
        checked=checked,
        schedule=schedule or Schedule.manual(),
        name=name,
        slug=slug,
        schedule_enabled=schedule_enabled,
    )


@service("sync.created")
def store_sync(
    *,
    actor: Actor,
    model: Model,
    destination: Destination,
    checked: Checked,
    schedule: Schedule,
    name: str = "",
    slug: str = "",
    schedule_enabled: bool = True,
) -> Sync:
    """Store a sync whose configuration has just been checked."""
    model = access.model_for(actor, model.pk)
    destination = connections.destination_for(actor, destination.pk, lock=True)
    access.require_configure(actor, model.source_id, destination.pk)
    sync = Sync(
        workspace_id=current_workspace_id(),
        model=model,
        destination=destination,
        name=clean_name(name) if name else "",
        slug=free_slug(Sync, slug or name or f"{model.slug}-to-{destination.slug}", chosen=bool(slug)),
        created_by_id=actor.user_id,
        schedule_enabled=schedule_enabled,
    )
    _configure(sync, checked)
    apply_schedule(sync, schedule, timezone.now())
    sync.save()
    record(sync, after={**snapshot(sync, AUDITED), "schedule": schedule.words})
    return sync


def update_sync(*, actor: Actor, sync: Sync, proposal: Proposal | None = None, name: str | None = None) -> Sync:
    """Change a sync's name or configuration; a run that is going on keeps what it started with."""
    access.require_configure(actor, sync.model.source_id, sync.destination_id)
    checked = None
    if proposal is not None:
        known = decrypt(sync.sealed_settings)
        checked = check_proposal(sync.model, sync.destination, proposal, stored_secrets=known)
    return store_sync_change(actor=actor, sync=sync, checked=checked, name=name)


@service("sync.updated")
def store_sync_change(*, actor: Actor, sync: Sync, checked: Checked | None, name: str | None) -> Sync:
    """Store a configuration that has just been checked.

    Where rows would look different now, the next run sends all known rows as changed; where mappings only
    follow columns that were renamed, those rows whose values differ.
    """
    sync = access.sync_to_configure(actor, sync.pk)
    before, sealed = snapshot(sync, AUDITED), decrypt(sync.sealed_settings)
    if name is not None:
        sync.name = clean_name(name) if name else ""
    if checked is not None:
        _configure(sync, checked)
    changed = changes(before, snapshot(sync, AUDITED))
    resealed = checked is not None and checked.cleaned.secrets != sealed
    if not changed and not resealed:
        unchanged()
        return sync
    if not _follows_renames(sync, before) and _sends_otherwise(sync, before):
        sync.pending_reprocess = True
    if _expansion(before["mappings"]) != _expansion(sync.mappings) and sync.pending_reset == PendingReset.NONE:
        # Rows have other keys now: what was delivered under the old ones tells nothing about them.
        sync.pending_reset = PendingReset.RESYNC
    sync.revision += 1
    sync.save()
    after = {**changed.after, "secret_settings": "changed"} if resealed else changed.after
    record(sync, before=changed.before, after=after)
    return sync


@service("sync.reset")
def reset_sync(*, actor: Actor, sync: Sync, reset: PendingReset) -> Sync:
    """Set what the next run does: send every row as added, or only remember the rows; or undo that."""
    sync = access.sync_to_configure(actor, sync.pk)
    before = sync.pending_reset
    if before == reset:
        unchanged()
        return sync
    sync.pending_reset = reset
    sync.save(update_fields=["pending_reset", "updated_at"])
    record(sync, before={"pending_reset": before}, after={"pending_reset": reset})
    return sync


@service("sync.guardrails_changed")
def set_guardrails(*, actor: Actor, sync: Sync, guardrails: Guardrails) -> Sync:
    """Set when a run is held before sending; a run that is going on keeps the limits it started with."""
    sync = access.sync_to_configure(actor, sync.pk)
    before, after = dump(load(Guardrails, sync.guardrails)), dump(guardrails)
    if before == after:
        unchanged()
        return sync
    sync.guardrails = after
    sync.save(update_fields=["guardrails", "updated_at"])
    record(sync, before=before, after=after)
    return sync


@service("sync.deleted")
def delete_sync(*, actor: Actor, sync: Sync) -> None:
    """Delete a sync, its runs and its change state; what it delivered stays at the destination."""
    sync = access.sync_to_configure(actor, sync.pk)
    if sync.runs.filter(finished_at__isnull=True).exists():
        raise Conflict("This sync is running.", hint="Cancel the run first.")
    record(sync, before=snapshot(sync, AUDITED))
    in_warehouse = (sync.baseline or {}).get("planner") == Planner.WAREHOUSE
    enqueue(discard_sync_files, sync.workspace_id, sync.pk, sync.model.source_id if in_warehouse else 0)
    sync.delete()


def _follows_renames(sync: Sync, before: Mapping[str, Any]) -> bool:
    """Whether mappings only follow renamed columns; then the baseline knows them by their new names too."""
    lost = set(sync.model.columns.filter(missing=True).values_list("name", flat=True))
    renames = followed_renames(from_json(before["mappings"]), from_json(sync.mappings), lost)
    if not renames or sync.baseline is None or before["sync_type"] != sync.sync_type:
        return False
    known = sync.baseline["columns"]
    if _aims_elsewhere(sync, before["settings"]) or set(renames.values()) & set(known):
        return False
    sync.baseline = {**sync.baseline, "columns": renamed(known, renames)}
    return True


def _sends_otherwise(sync: Sync, before: Mapping[str, Any]) -> bool:
    """Whether earlier rows would look different at the destination now, or would have gone elsewhere."""
    return (
        before["sync_type"] != sync.sync_type
        or not send_the_same(from_json(before["mappings"]), from_json(sync.mappings))
        or _aims_elsewhere(sync, before["settings"])
    )


def _expansion(stored: Sequence[Mapping[str, Any]]) -> str:
    """The array column whose elements identify rows, if any."""
    return next((array_column(str(m["value"])) for m in stored if m["identifier"] and m["kind"] == "column"), "")


def _aims_elsewhere(sync: Sync, before: Mapping[str, Any]) -> bool:
    """Whether rows now go to another table, list or object: what the settings pick at the destination."""
    declared = sync_type_of(sync.destination, sync.sync_type).settings
    pickers = [field.name for field in declared if isinstance(field, Select) and field.discover]
    return any(before.get(name) != sync.settings.get(name) for name in pickers)


def _configure(sync: Sync, checked: Checked) -> None:
    chosen = checked.configuration
    sync.sync_type, sync.mode = chosen.sync_type, chosen.mode.value
    sync.removal, sync.first_run = chosen.removal.value, chosen.first_run.value
    sync.settings, sync.sealed_settings = checked.cleaned.config, encrypt(checked.cleaned.secrets)
    sync.mappings = to_json(chosen.mappings)
