"""Linking what stands for each other in two workspaces. Each side's change is its own audited transaction."""

from __future__ import annotations

from config.errors import Conflict, Denied, Invalid, NotFound
from governance.environments.models import LinkedThing
from governance.environments.registry import Linkable, Thing, linkable
from governance.environments.sides import Side, require_one_organization
from workspaces.access import require
from workspaces.models import Workspace
from workspaces.scoping import workspace_scope


def link_things(*, here: Side, kind: str, pk: int, there: Side, other_pk: int) -> None:
    """Link two things of one kind and type; each joins the link that the other is in already.

    Needs the right to create such things in every workspace of the link.
    """
    require_one_organization(here, there)
    owner = linkable_kind(kind)
    with here.scope():
        _link(owner, (here, pk), (there, other_pk))


def unlink_thing(*, here: Side, kind: str, pk: int) -> None:
    """Take a thing of this workspace out of its link. What was deployed stays as it is."""
    owner = linkable_kind(kind)
    thing = _thing(owner, here, pk)
    with here.scope():
        owner.leave(actor=here.actor, pk=thing.pk)


def linkable_kind(kind: str) -> Linkable:
    """A kind of thing that people link, or :class:`NotFound`."""
    owner = linkable(kind)
    if owner is None:
        raise NotFound("Only sources and destinations are linked by hand; deploying links models and syncs.")
    return owner


def _link(owner: Linkable, one: tuple[Side, int], another: tuple[Side, int]) -> None:
    (here, pk), (there, other_pk) = one, another
    own, other = _thing(owner, here, pk), _thing(owner, there, other_pk)
    if own.type != other.type:
        raise Invalid.field(
            "other", f"“{own.name}” is {own.type_name} and “{other.name}” is {other.type_name}: link two of one type."
        )
    links = {row.thing_id: row for row in LinkedThing.objects.filter(kind=owner.kind, thing_id__in=[pk, other_pk])}
    mine, theirs = links.get(pk), links.get(other_pk)
    if mine and theirs and mine.link_id == theirs.link_id:
        return
    for member in (mine, theirs):
        if member is not None:
            _require_everywhere(owner, member, here, there)
    if mine and theirs and _company(mine) and _company(theirs):
        raise Conflict(
            f"“{other.name}” is linked with something else already.", hint="Unlink it first.", code="already_linked"
        )
    first = (here, own) if mine and (not theirs or _company(mine)) else (there, other) if theirs else (here, own)
    second = (there, other) if first[0] is here else (here, own)
    with first[0].scope():
        link_id = owner.join(actor=first[0].actor, pk=first[1].pk, link_id=None)
    with second[0].scope():
        owner.join(actor=second[0].actor, pk=second[1].pk, link_id=link_id)


def _thing(owner: Linkable, side: Side, pk: int) -> Thing:
    with side.scope():
        thing = owner.thing(side.actor, pk)
        if thing is None:
            raise NotFound(f"There is no such {owner.kind} in “{side.workspace.name}”.")
        require(side.actor, owner.permission)
        return thing


def _company(member: LinkedThing) -> bool:
    """Whether anything else is in the link."""
    return LinkedThing.objects.filter(link=member.link_id).exclude(pk=member.pk).exists()


def _require_everywhere(owner: Linkable, member: LinkedThing, here: Side, there: Side) -> None:
    """A link says something about each of its workspaces, so it takes the right in all of them."""
    known = {here.workspace.pk, there.workspace.pk}
    others = LinkedThing.objects.filter(link=member.link_id).exclude(workspace__in=known)
    for workspace_id in others.values_list("workspace_id", flat=True):
        with workspace_scope(workspace_id):
            try:
                require(here.actor, owner.permission)
            except Denied as error:
                name = Workspace.objects.get(pk=workspace_id).name
                raise Denied(
                    f"The link reaches into “{name}” too, where you may not link {owner.kind}s.", hint=error.hint
                ) from error
