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
from governance.approvals.access import require_direct
from governance.approvals.models import Draft
from governance.approvals.services import begin_draft, drop_draft, take_for_publishing
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, snapshot, unchanged
from syncs import access, areas, locks
from syncs.choices import PendingReset
from syncs.codec import dump, load
from syncs.configuration import Checked, Proposal, check_proposal, sync_type_of
from syncs.drafts import SYNC
from syncs.drafts.state import sync_state, timing, whole_of
from syncs.engine.guardrails import Guardrails
from syncs.mappings import from_json, send_the_same, to_json
from syncs.models import Model, Sync
from syncs.origins import origin_of
from syncs.renames import followed_renames, renamed
from syncs.schedules import Schedule
from syncs.services.alerting import close_alerts
from syncs.services.naming import clean_name, free_slug
from syncs.services.schedules import apply_schedule, next_due
from syncs.tasks import discard_sync_files
from workspaces.access import space_for
from workspaces.models import Space
from workspaces.scoping import current_workspace_id

AUDITED = (
    "name",
    "slug",
    "model",
    "destination",
    "space",
    "sync_type",
    "mode",
    "removal",
    "first_run",
    "settings",
    "mappings",
    "published",
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
    space: Space | None = None,
    published: bool = True,
    groups: Sequence[int] = (),
) -> Sync:
    """Join a model and a destination: checks everything that can be checked, then stores it, live or as a draft.

    With ``groups`` it sends those of an audience's experiment alone, from its first run on.
    """
    locks.require_free(model)
    areas.require_on(model)
    (access.require_configure if published else access.require_draft)(actor, model, destination.pk)
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
        space=space,
        published=published,
        groups=groups,
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
    space: Space | None = None,
    published: bool = True,
    guardrails: Guardrails | None = None,
    derived: locks.Derivation | None = None,
    groups: Sequence[int] = (),
) -> Sync:
    """Store a sync whose configuration has just been checked; ``derived`` is what it is made from."""
    model = access.model_for(actor, model.pk)
    if derived is None:
        locks.require_free(model)
    destination = connections.destination_for(actor, destination.pk, lock=True)
    (access.require_configure if published else access.require_draft)(actor, model, destination.pk)
    if published:
        require_direct(actor)
        require_published_model(model)
    if origin := origin_of(model):
        origin.require_sending(actor, model)
        space = origin.space_of(model)
    elif space is not None:
        space = space_for(actor, space.pk, lock=True)
    sync = Sync(
        workspace_id=current_workspace_id(),
        model=model,
        destination=destination,
        space=space,
        name=clean_name(name) if name else "",
        slug=free_slug(Sync, slug or name or f"{model.slug}-to-{destination.slug}", chosen=bool(slug)),
        created_by_id=actor.user_id,
        schedule_enabled=schedule_enabled,
        published=published,
    )
    configure(sync, checked)
    apply_schedule(sync, schedule, timezone.now())
    if guardrails is not None:
        sync.guardrails = dump(guardrails)
    sync.save()
    made_from: Mapping[str, object] = {}
    if derived is not None:
        derived.attach(sync)
        made_from = derived.made_from
    sent = {"groups": _narrowed(sync, groups)} if groups else {}
    if not published:
        begin_draft(SYNC, sync.pk, sync_state(sync), actor, sealed=sync.sealed_settings)
    record(sync, after={**snapshot(sync, AUDITED), "schedule": schedule.words, **made_from, **sent})
    return sync


def _narrowed(sync: Sync, groups: Sequence[int]) -> list[str]:
    origin = origin_of(sync.model)
    if origin is None or origin.narrow is None:
        raise Conflict("Only syncs of audiences are for experiment groups.")
    return origin.narrow(sync, groups)


def update_sync(*, actor: Actor, sync: Sync, proposal: Proposal | None = None, name: str | None = None) -> Sync:
    """Change a sync's name or configuration; a run that is going on keeps what it started with."""
    access.require_change(actor, sync)
    checked = None
    if proposal is not None:
        known = decrypt(sync.sealed_settings)
        checked = check_proposal(sync.model, sync.destination, proposal, stored_secrets=known)
    return store_sync_change(actor=actor, sync=sync, checked=checked, name=name)


@service("sync.updated")
def store_sync_change(
    *,
    actor: Actor,
    sync: Sync,
    checked: Checked | None,
    name: str | None,
    schedule: Schedule | None = None,
    guardrails: Guardrails | None = None,
    draft: Draft | None = None,
) -> Sync:
    """Store a configuration that has just been checked.

    Where rows would look different now, the next run sends all known rows as changed; where mappings only
    follow columns that were renamed, those rows whose values differ. With a ``draft`` this publishes it:
    whoever may approve may do that, and it is closed in the same transaction.
    """
    if draft is not None:
        sync = access.sync_to_publish(actor, sync.pk)
        require_published_model(sync.model)
        told = take_for_publishing(draft, actor)
    else:
        sync, told = access.sync_to_configure(actor, sync.pk), {}
        if checked is not None:
            require_published(actor, sync)
    if checked is not None and (origin := origin_of(sync.model)):
        origin.require_sending(actor, sync.model)
    before, sealed = audited(sync), decrypt(sync.sealed_settings)
    was = whole_of(sync)
    if name is not None:
        sync.name = clean_name(name) if name else ""
    apply_sync_change(sync, checked, schedule, guardrails)
    now = whole_of(sync)
    locks.require_unlocked(sync, was, now)
    if draft is not None and not sync.published:
        sync.published = True
        sync.next_run_at = next_due(sync, timezone.now())
    changed = changes(before, audited(sync))
    resealed = checked is not None and checked.cleaned.secrets != sealed
    if not changed and not resealed and not told:
        unchanged()
        return sync
    sync.revision += 1
    sync.save()
    locks.note_change(sync, was, now)
    after = {**changed.after, "secret_settings": "changed"} if resealed else changed.after
    record(sync, before=changed.before, after={**after, **told})
    return sync


def require_published(actor: Actor, sync: Sync) -> None:
    """Raise where what needs approval may not be changed directly: by the workspace's rule, or as it is a draft."""
    if not sync.published:
        raise Conflict("This sync is a draft.", hint="Change its draft, then publish it.", code="draft_only")
    require_direct(actor)


def require_published_model(model: Model) -> None:
    """Raise where the sync's model is only a draft: then the sync can be no more than one."""
    if not model.published:
        raise Conflict(f"The model “{model}” is a draft.", hint="Publish the model first.", code="model_is_draft")


def apply_sync_change(
    sync: Sync, checked: Checked | None, schedule: Schedule | None = None, guardrails: Guardrails | None = None
) -> None:
    """Put what needs approval on a locked sync (unsaved), with what follows from it for its next run."""
    before = snapshot(sync, AUDITED)
    if schedule is not None and schedule != sync.schedule:
        apply_schedule(sync, schedule, timezone.now())
    if guardrails is not None:
        sync.guardrails = dump(guardrails)
    if checked is not None:
        configure(sync, checked)
        follow_change(sync, before)


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
    require_published(actor, sync)
    before, after = dump(load(Guardrails, sync.guardrails)), dump(guardrails)
    if before == after:
        unchanged()
        return sync
    was = whole_of(sync)
    sync.guardrails = after
    now = whole_of(sync)
    locks.require_unlocked(sync, was, now)
    sync.save(update_fields=["guardrails", "updated_at"])
    locks.note_change(sync, was, now)
    record(sync, before=before, after=after)
    return sync


@service("sync.deleted")
def delete_sync(*, actor: Actor, sync: Sync) -> None:
    """Delete a sync, its runs and its change state; what it delivered stays at the destination."""
    sync = access.sync_to_configure(actor, sync.pk)
    if sync.runs.filter(finished_at__isnull=True).exists():
        raise Conflict("This sync is running.", hint="Cancel the run first.")
    drop_draft(SYNC, sync.pk, actor)
    record(sync, before=snapshot(sync, AUDITED))
    in_warehouse = used_warehouse(sync)
    enqueue(discard_sync_files, sync.workspace_id, sync.pk, sync.model.source_id if in_warehouse else 0)
    close_alerts(sync, timezone.now())
    sync.delete()


def used_warehouse(sync: Sync) -> bool:
    """Whether a run of the sync may have left tables in the warehouse, also one that failed or is long over."""
    planned_there = sync.runs.filter(spec__planner=Planner.WAREHOUSE)
    return (sync.baseline or {}).get("planner") == Planner.WAREHOUSE or planned_there.exists()


def follow_change(sync: Sync, before: Mapping[str, Any]) -> None:
    """Leave with a changed sync (unsaved) what its next run does; ``before`` is its :data:`AUDITED` snapshot."""
    if not _follows_renames(sync, before) and _sends_otherwise(sync, before):
        sync.pending_reprocess = True
    if _expansion(before["mappings"]) != _expansion(sync.mappings) and sync.pending_reset == PendingReset.NONE:
        # Rows have other keys now: what was delivered under the old ones tells nothing about them.
        sync.pending_reset = PendingReset.RESYNC


def configure(sync: Sync, checked: Checked) -> None:
    """Put a checked configuration on a sync (unsaved)."""
    chosen = checked.configuration
    sync.sync_type, sync.mode = chosen.sync_type, chosen.mode.value
    sync.removal, sync.first_run = chosen.removal.value, chosen.first_run.value
    sync.settings, sync.sealed_settings = checked.cleaned.config, encrypt(checked.cleaned.secrets)
    sync.mappings = to_json(chosen.mappings)


def audited(sync: Sync) -> dict[str, Any]:
    """What the log says of a sync: the schedule in words, and as earlier versions are restored from."""
    limits = dump(load(Guardrails, sync.guardrails))
    when = {"schedule": sync.schedule.whole_words, "timing": timing(sync)}
    return {**snapshot(sync, AUDITED), **when, "guardrails": limits}


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
