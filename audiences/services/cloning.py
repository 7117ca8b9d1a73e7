"""Copies of audiences, with the syncs that a person chooses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from audiences import access
from audiences.models import Audience, ExperimentGroup, TemplatedSync
from audiences.selectors.experiments import groups_of_sync
from audiences.services.audiences import clone_audience
from audiences.services.experiments import GroupProposal, enable_experiment
from audiences.services.following import submit
from audiences.services.syncing import open_for_syncs
from audiences.sync_templates import template_of
from config.errors import HeadraceError, Invalid
from governance.approvals.access import open_draft, require_direct
from governance.approvals.choices import Way
from governance.audit.actors import Actor
from syncs import access as sync_access
from syncs import locks
from syncs.drafts import SYNC
from syncs.models import Model, Sync
from syncs.services.cloning import Clone, copy_sync
from workspaces.scoping import current_workspace_id


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copied sync takes over beside its configuration: a :class:`syncs.locks.Derivation`."""

    original: Sync
    template: TemplatedSync | None

    @property
    def made_from(self) -> Mapping[str, object]:
        """The sync that it is a copy of, and the template that it follows."""
        followed = {"template": self.template.template.name} if self.template else {}
        return {"copy_of": self.original.pk, **followed}

    def attach(self, sync: Sync) -> None:
        """Let the copy follow the template."""
        if self.template:
            TemplatedSync.objects.create(
                workspace_id=current_workspace_id(),
                template=self.template.template,
                sync=sync,
                overridden=self.template.overridden,
            )


def clone_with_syncs(
    *, actor: Actor, audience: Audience, name: str = "", syncs: Sequence[Sync] = (), way: Way = Way.NOW
) -> Clone[Audience]:
    """Copy an audience and these of its syncs. The copies lead lives of their own.

    Copied syncs have delivered nothing yet, and their schedules are off until somebody switches them on; they begin
    live, or as ``way`` says as drafts. One that follows a template goes on following it. Where one is for groups of
    an experiment, the copy is divided in the same way, by a new draw. Raises before anything is made where a right is
    missing; a sync that cannot be made is left out and told.
    """
    audience = access.audience_for(actor, audience.pk)
    foreign = [str(sync) for sync in syncs if audience.model_id is None or sync.model_id != audience.model_id]
    if foreign:
        raise Invalid.field("syncs", f"Not a sync of “{audience}”: {', '.join(foreign)}.")
    _require_rights(actor, syncs, way)
    clone = Clone(clone_audience(actor=actor, audience=audience, name=name))
    if not syncs:
        return clone
    meant = {sync: groups_of_sync(sync) for sync in syncs}
    try:
        model = open_for_syncs(actor=actor, audience=clone.of)
        groups = _divided_alike(actor, clone.of, next(filter(None, meant.values()), []))
    except HeadraceError as error:
        words = f"{error.message} {error.hint}".strip()
        return Clone(clone.of, failed=[(sync, words) for sync in syncs])

    def copy(sync: Sync) -> Sync:
        same = [groups[each.name].pk for each in meant[sync]]
        return _clone_sync(actor, model, _renamed(sync, audience, clone.of), sync, same, way)

    clone.take_along(syncs, copy)
    return clone


def _require_rights(actor: Actor, syncs: Sequence[Sync], way: Way) -> None:
    require = sync_access.require_configure if way is Way.NOW else sync_access.require_draft
    for sync in syncs:
        require(actor, sync.model, sync.destination_id)
        if way is Way.NOW:
            require_direct(actor)


def _divided_alike(actor: Actor, copy: Audience, some: Sequence[ExperimentGroup]) -> dict[str, ExperimentGroup]:
    """The groups of the copy by name, divided as the experiment of ``some`` of its groups is."""
    if not some:
        return {}
    original = some[0].experiment
    wanted = [GroupProposal(each.name, Decimal(each.share) / 100) for each in original.groups.all()]
    made = enable_experiment(actor=actor, audience=copy, groups=wanted, stratify=original.stratify)
    return {group.name: group for group in made.groups.all()}


def _clone_sync(actor: Actor, model: Model, name: str, sync: Sync, groups: Sequence[int], way: Way) -> Sync:
    template = template_of(sync)
    if template is None:
        locks.require_free(model)
    made = copy_sync(
        actor=actor,
        model=model,
        original=sync,
        name=name,
        published=way is Way.NOW,
        derived=Copied(sync, template),
        groups=groups,
    )
    submit(actor, open_draft(SYNC, made.pk), way)
    return made


def _renamed(sync: Sync, original: Audience, copy: Audience) -> str:
    """A copied sync's name: after its audience where the original's was; none where it had none."""
    if not sync.name:
        return ""
    behind = sync.name.removeprefix(original.name)
    return (f"{copy.name}{behind}" if behind != sync.name else f"{sync.name} (copy)")[:200]
