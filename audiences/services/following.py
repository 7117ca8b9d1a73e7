"""Syncs that follow templates: made from one, kept like it, and set free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audiences import access
from audiences.models import Audience, ExperimentGroup, SyncTemplate, TemplatedSync
from audiences.selectors.settings import settings_here
from audiences.services.syncing import open_for_syncs
from audiences.sync_templates import locks_of, overridden, template_of, whole_from, whole_of
from config.errors import Conflict, HeadraceError, Invalid
from connectors import access as connections
from connectors.secrets import decrypt
from governance.approvals.access import open_draft, require_direct
from governance.approvals.choices import Way
from governance.approvals.models import Draft
from governance.approvals.services import submit_draft
from governance.audit.actors import Actor
from governance.audit.services import record, service
from syncs import access as sync_access
from syncs.configuration import Checked, Proposal, check_proposal
from syncs.drafts import SYNC
from syncs.drafts.state import guardrails_in, proposal_of, schedule_in
from syncs.drafts.state import whole_of as whole_of_sync
from syncs.locks import Locks, Whole, filled_in, locked_differences, merged, words_of
from syncs.models import Model, Sync
from syncs.services.drafts import SyncChange, draft_sync
from syncs.services.syncs import store_sync, store_sync_change
from workspaces.scoping import current_workspace_id


@dataclass(frozen=True, slots=True)
class FromTemplate:
    """What a new sync is made from: a :class:`syncs.locks.Derivation`."""

    template: SyncTemplate
    own: tuple[str, ...] = ()

    @property
    def made_from(self) -> Mapping[str, object]:
        """The template's name."""
        return {"template": self.template.name}

    def attach(self, sync: Sync) -> None:
        """Let the sync follow the template."""
        TemplatedSync.objects.create(
            workspace_id=current_workspace_id(), template=self.template, sync=sync, overridden=list(self.own)
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """How one sync follows a template that changes; ``draft`` is the draft that the change goes into, if any."""

    sync: Sync
    target: Whole
    checked: Checked
    draft: Draft | None

    def carry_out(self, actor: Actor, way: Way) -> None:
        """Change the sync, or its draft, through the services of syncs."""
        schedule, guardrails = schedule_in(self.target.state), guardrails_in(self.target.state)
        if way is Way.NOW and self.sync.published:
            store_sync_change(
                actor=actor,
                sync=self.sync,
                checked=self.checked,
                name=None,
                schedule=schedule,
                guardrails=guardrails,
            )
            return
        change = SyncChange(proposal=proposal_of(self.target), schedule=schedule, guardrails=guardrails)
        revision = self.draft.revision if self.draft else None
        draft = draft_sync(actor=actor, sync=self.sync, change=change, revision=revision)
        submit(actor, draft, way)


def apply_sync_templates(
    *,
    actor: Actor,
    audience: Audience,
    templates: Sequence[SyncTemplate],
    way: Way = Way.NOW,
    own: Mapping[int, Proposal] | None = None,
    groups: Mapping[int, Sequence[int]] | None = None,
) -> list[Sync]:
    """Add a sync of the audience for each template; all are checked before the first is made.

    They begin live, or as ``way`` says as drafts. ``own`` is by template's id the configuration that a sync has
    instead, within what the template leaves open; ``groups`` are those of the audience's experiment that it is for.
    """
    audience = access.audience_for(actor, audience.pk)
    access.require_build(actor, audience.parent_model_id)
    if not templates:
        raise Invalid.field("templates", "Choose at least one template.")
    chosen, narrowed = own or {}, groups or {}
    _require_fitting(audience, templates, {pk for pk, found in narrowed.items() if found})
    _require_filled_in([each for each in templates if each.pk not in chosen])
    model = audience.model or open_for_syncs(actor=actor, audience=audience)
    configured = [(each, *_configured(actor, model, each, way, chosen.get(each.pk))) for each in templates]
    made = []
    for template, checked, parts in configured:
        sync = store_sync(
            actor=actor,
            model=model,
            destination=template.destination,
            checked=checked,
            schedule=schedule_in(template.state),
            guardrails=guardrails_in(template.state),
            name=_named(audience, template, narrowed.get(template.pk, ())),
            space=audience.space,
            published=way is Way.NOW,
            derived=FromTemplate(template, parts),
            groups=narrowed.get(template.pk, ()),
        )
        submit(actor, open_draft(SYNC, sync.pk), way)
        made.append(sync)
    return made


@service("sync.detached")
def detach_sync(*, actor: Actor, sync: Sync) -> None:
    """Let a sync go its own way from now on: it stays as it is, and no template changes it any more."""
    sync = sync_access.sync_to_configure(actor, sync.pk)
    link = template_of(sync)
    if link is None:
        raise Conflict("This sync follows no template.")
    if settings_here().templates_required:
        raise Conflict(
            "In this workspace audiences are sent by templates only, so no sync can leave its template.",
            hint="A workspace admin can change that rule in the settings of the Customer Studio.",
            code="templates_required",
        )
    link.delete()
    record(sync, before={"template": link.template.name})


def follow_template(*, actor: Actor, sync: Sync, way: Way = Way.NOW) -> None:
    """Bring a sync up to date that fell behind its template, as after a declined draft."""
    sync = sync_access.sync_for(actor, sync.pk)
    link = template_of(sync)
    if link is None:
        raise Conflict("This sync follows no template.")
    plan = _plan(actor, link, locks_of(link.template), way)
    if plan is not None:
        plan.carry_out(actor, way)


def note_overrides(sync: Sync, before: Whole, after: Whole) -> None:
    """Remember in which parts a sync goes its own way after a change; its service has checked and audits it."""
    link = template_of(sync)
    if link is None:
        return
    own = overridden(link.template, link.overridden, before, after)
    if own != link.overridden:
        link.overridden = own
        link.save(update_fields=["overridden"])


def submit(actor: Actor, draft: Draft | None, way: Way) -> None:
    """Ask for approval of a draft that was just written, where that is what was asked for."""
    if draft is not None and way is Way.SUBMIT and not draft.submitted:
        submit_draft(actor=actor, draft=draft, revision=draft.revision)


def plans_for(actor: Actor, template: SyncTemplate, wanted: Locks, way: Way) -> list[Plan]:
    """How all syncs of a template are going to follow it.

    Raises :class:`Conflict` naming those that cannot, with why; nothing has changed by then.
    """
    links = TemplatedSync.objects.filter(template=template).select_related(
        "sync__model__source", "sync__destination", "template"
    )
    plans, failed = [], {}
    for link in links:
        try:
            plan = _plan(actor, link, wanted, way)
        except HeadraceError as error:
            failed[link.sync] = f"{error.message} {error.hint}".strip()
        else:
            plans += [plan] if plan is not None else []
    if failed:
        why = dict.fromkeys(failed.values())
        raise Conflict(
            f"Not every sync can follow: {sync_access.names_in_view(actor, failed)}. Nothing was changed.",
            hint=" ".join(why),
            code="cannot_follow",
        )
    return plans


def _plan(actor: Actor, link: TemplatedSync, wanted: Locks, way: Way) -> Plan | None:
    """How one sync follows; nothing where it is so already."""
    sync = link.sync
    live = way is Way.NOW and sync.published
    _require_right(actor, sync, live=live)
    draft = None if live else open_draft(SYNC, sync.pk)
    own = whole_of_sync(sync)
    if draft is not None:
        own = Whole(draft.proposed, own.secrets if not draft.sealed else decrypt(draft.sealed))
    target = merged(wanted, own, frozenset(link.overridden))
    if target == own:
        return None
    checked = check_proposal(sync.model, sync.destination, proposal_of(target), stored_secrets=target.secrets)
    return Plan(sync, target, checked, draft)


def _require_right(actor: Actor, sync: Sync, *, live: bool) -> None:
    sync_access.sync_for(actor, sync.pk)
    if live:
        sync_access.require_change(actor, sync)
        require_direct(actor)
    else:
        sync_access.require_draft(actor, sync.model, sync.destination_id)


def keep_filled_in(template: SyncTemplate) -> None:
    """Remember as their own what syncs say of that a changed template leaves blank from now on; for its service."""
    locks = locks_of(template)
    if not locks.blank:
        return
    for link in TemplatedSync.objects.filter(template=template).select_related("sync"):
        own = sorted({*link.overridden, *filled_in(locks, whole_of_sync(link.sync))})
        if own != link.overridden:
            link.overridden = own
            link.save(update_fields=["overridden"])


def _named(audience: Audience, template: SyncTemplate, groups: Sequence[int]) -> str:
    """What a sync is called: with its groups, as another may follow the same template for others."""
    names = list(ExperimentGroup.objects.filter(pk__in=groups).values_list("name", flat=True))
    suffix = f" ({', '.join(names)})" if names else ""
    return f"{audience.name}: {template.name}{suffix}"[:200]


def _require_filled_in(templates: Sequence[SyncTemplate]) -> None:
    for each in templates:
        if each.left_blank:
            raise Invalid(
                f"The template “{each.name}” leaves {' and '.join(map(words_of, each.left_blank))} for you to say.",
                hint="Fill that in before the sync is added.",
                code="template_blanks",
            )


def _require_fitting(audience: Audience, templates: Sequence[SyncTemplate], narrowed: set[int]) -> None:
    """Raise for templates that are not for this audience, or that send the same members the same way already."""
    foreign = [each.name for each in templates if each.parent_model_id != audience.parent_model_id]
    if foreign:
        raise Invalid.field(
            "templates", f"Only templates of {audience.parent_model} fit this audience, not {', '.join(foreign)}."
        )
    same = [each for each in templates if not each.left_blank and each.pk not in narrowed]
    used = TemplatedSync.objects.filter(template__in=same, sync__model_id=audience.model_id or 0)
    if names := list(used.values_list("template__name", flat=True)):
        raise Conflict(f"“{audience.name}” is sent by {', '.join(f'“{name}”' for name in names)} already.")


def _configured(
    actor: Actor, model: Model, template: SyncTemplate, way: Way, own: Proposal | None
) -> tuple[Checked, tuple[str, ...]]:
    """A template's configuration checked for this audience, and in which parts it is the sync's own."""
    destination = template.destination
    require = sync_access.require_configure if way is Way.NOW else sync_access.require_draft
    require(actor, model, destination.pk)
    if way is Way.NOW:
        require_direct(actor)
    connections.require_ready(destination)
    wanted = whole_of(template)
    try:
        checked = check_proposal(model, destination, own or proposal_of(wanted), stored_secrets=wanted.secrets)
    except Invalid as error:
        named = f"The template “{template.name}” cannot be used as it is: {error.message}"
        raise Invalid(named, fields=error.fields, hint=error.hint) from error
    if own is None:
        return checked, ()
    after = whole_from(checked, schedule_in(template.state), guardrails_in(template.state))
    if touched := locked_differences(locks_of(template), None, after):
        raise Invalid(
            f"Locked by the template “{template.name}”: {', '.join(map(words_of, touched))}.",
            fields=dict.fromkeys(touched, f"Locked by the template “{template.name}”."),
            code="locked_by_template",
        )
    return checked, tuple(overridden(template, [], None, after))
