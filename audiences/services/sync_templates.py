"""Writes to templates of audience syncs. A change reaches every sync that follows the template, or nothing changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from audiences import access
from audiences.models import SchemaModel, SyncTemplate
from audiences.services.checks import checked_name
from audiences.services.following import keep_filled_in, plans_for
from audiences.sync_templates import stand_in, whole_from, whole_of
from config.errors import Conflict, Invalid
from connectors import access as connections
from connectors.models import Destination
from connectors.secrets import decrypt, encrypt
from governance.approvals.choices import Way
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, unchanged
from syncs import locks
from syncs.blanks import Blanks
from syncs.configuration import Proposal, check_proposal, sync_type_of
from syncs.engine.guardrails import Guardrails
from syncs.locks import Locks, Whole
from syncs.schedules import Schedule
from workspaces.scoping import current_workspace_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What a template decides of its syncs. ``unlocked`` are the parts that each may have its own way."""

    proposal: Proposal
    schedule: Schedule = field(default_factory=Schedule.manual)
    guardrails: Guardrails = field(default_factory=Guardrails)
    unlocked: Iterable[str] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What a template decides, as it is stored: which parts are unlocked, and which of these are left blank."""

    whole: Whole
    unlocked: list[str]
    blank: list[str]


def create_sync_template(
    *,
    actor: Actor,
    parent: SchemaModel,
    destination: Destination,
    name: str,
    pattern: Pattern,
    description: str = "",
) -> SyncTemplate:
    """Add a template, checked as a sync of an audience would be."""
    parent = access.parent_for_templates(actor, parent.pk, destination.pk)
    connections.require_ready(destination)
    found = _checked(parent, destination, pattern)
    return store_sync_template(
        actor=actor,
        parent=parent,
        destination=destination,
        name=name,
        description=description,
        found=found,
    )


def clone_sync_template(*, actor: Actor, template: SyncTemplate, name: str = "") -> SyncTemplate:
    """Add a template like another one; no sync follows it yet."""
    original = access.sync_template_for(actor, template.pk)
    return store_sync_template(
        actor=actor,
        parent=original.parent_model,
        destination=original.destination,
        name=name or f"{original.name} (copy)"[:200],
        description=original.description,
        found=Found(whole_of(original), original.unlocked, original.left_blank),
    )


@service("sync_template.created")
def store_sync_template(
    *,
    actor: Actor,
    parent: SchemaModel,
    destination: Destination,
    name: str,
    description: str,
    found: Found,
) -> SyncTemplate:
    """Store a template whose configuration has just been checked."""
    parent = access.parent_for_templates(actor, parent.pk, destination.pk)
    template = SyncTemplate(
        workspace_id=current_workspace_id(),
        parent_model=parent,
        destination=connections.destination_for(actor, destination.pk, lock=True),
        name=checked_name(name, "template"),
        description=description.strip(),
        state=found.whole.state,
        sealed_settings=encrypt(found.whole.secrets),
        unlocked=found.unlocked,
        left_blank=found.blank,
        created_by_id=actor.user_id,
    )
    _check_name(template)
    template.save()
    record(template, after=_audited(template))
    return template


def update_sync_template(
    *,
    actor: Actor,
    template: SyncTemplate,
    name: str | None = None,
    description: str | None = None,
    pattern: Pattern | None = None,
    way: Way = Way.NOW,
) -> SyncTemplate:
    """Change a template and with it all syncs that follow it; what is ``None`` stays.

    Each sync is changed by the services of syncs: live, or as ``way`` says by a draft that waits for approval. All
    are checked before anything changes; where one cannot follow, it is named, and nothing changes.
    """
    template = access.sync_template_for(actor, template.pk)
    access.require_template_change(actor, template)
    if pattern is None:
        return store_template_change(actor=actor, template=template, name=name, description=description)
    known = decrypt(template.sealed_settings)
    found = _checked(template.parent_model, template.destination, pattern, known)
    wanted = Locks(
        name=template.name, url="", wanted=found.whole, open=frozenset(found.unlocked), blank=tuple(found.blank)
    )
    plans = plans_for(actor, template, wanted, way)
    changed = store_template_change(actor=actor, template=template, name=name, description=description, found=found)
    for plan in plans:
        plan.carry_out(actor, way)
    return changed


@service("sync_template.updated")
def store_template_change(
    *,
    actor: Actor,
    template: SyncTemplate,
    name: str | None = None,
    description: str | None = None,
    found: Found | None = None,
) -> SyncTemplate:
    """Store a change of a template that has just been checked, with the syncs that follow it."""
    template = access.sync_template_to_change(actor, template.pk)
    before, sealed = _audited(template), decrypt(template.sealed_settings)
    if name is not None:
        template.name = checked_name(name, "template")
        _check_name(template)
    if description is not None:
        template.description = description.strip()
    if found is not None:
        template.state, template.sealed_settings = dict(found.whole.state), encrypt(found.whole.secrets)
        template.unlocked, template.left_blank = found.unlocked, found.blank
    changed = changes(before, _audited(template))
    resealed = found is not None and dict(found.whole.secrets) != sealed
    if not changed and not resealed:
        unchanged()
        return template
    template.save()
    keep_filled_in(template)
    after = {**changed.after, "secret_settings": "changed"} if resealed else changed.after
    record(template, before=changed.before, after=after)
    return template


@service("sync_template.deleted")
def delete_sync_template(*, actor: Actor, template: SyncTemplate) -> None:
    """Delete a template that no sync follows."""
    template = access.sync_template_to_change(actor, template.pk)
    if count := template.derived.count():
        raise Conflict(
            f"{count:,} sync{' follows' if count == 1 else 's follow'} this template.",
            hint="Detach or delete them first.",
        )
    record(template, before=_audited(template))
    template.delete()


def _checked(
    parent: SchemaModel, destination: Destination, pattern: Pattern, known: dict[str, Any] | None = None
) -> Found:
    """What the template decides; what it leaves blank has to be unlocked."""
    model, columns = stand_in(parent)
    blanks = Blanks(list(pattern.unlocked))
    checked = check_proposal(model, destination, pattern.proposal, stored_secrets=known, columns=columns, blanks=blanks)
    whole = whole_from(checked, pattern.schedule, pattern.guardrails)
    return Found(whole, _unlocked(destination, whole, pattern.unlocked), blanks.left)


def _unlocked(destination: Destination, whole: Whole, asked: Iterable[str]) -> list[str]:
    """The parts to unlock, once each; raises for one that there is not."""
    kind = sync_type_of(destination, whole.state[locks.TYPE])
    known = {*locks.BEHAVIOUR, locks.SCHEDULE, locks.GUARDRAILS, locks.OTHER_FIELDS, *locks.parts_of(whole)}
    known |= {f"settings.{declared.name}" for declared in kind.settings}
    known -= {locks.TYPE} if kind.mapping else {locks.TYPE, locks.OTHER_FIELDS}
    wanted = sorted(set(asked))
    if unknown := [path for path in wanted if path not in known]:
        raise Invalid.field("unlocked", f"There is no such part: {', '.join(unknown)}.")
    return wanted


def _audited(template: SyncTemplate) -> dict[str, Any]:
    """What the log says of a template; credentials are none of it."""
    parts = {"unlocked": list(template.unlocked), "left_blank": list(template.left_blank)}
    own = {"name": template.name, "description": template.description, **parts}
    ends = {"parent_model": template.parent_model_id, "destination": template.destination_id}
    return {**own, **ends, **template.state}


def _check_name(template: SyncTemplate) -> None:
    same = SyncTemplate.objects.filter(parent_model_id=template.parent_model_id, name=template.name)
    if same.exclude(pk=template.pk).exists():
        raise Invalid.field("name", f"{template.parent_model} already has a template “{template.name}”.")
