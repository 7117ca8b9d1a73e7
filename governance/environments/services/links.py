"""Joining and leaving links. Called inside the services of the apps that own the things, within their transactions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from config.errors import Conflict, NotFound
from governance.environments.models import Link, LinkedThing
from workspaces.models import Workspace
from workspaces.services.checks import lock


def join_link(*, kind: str, pk: int, type: str, workspace: Workspace, by: str, link_id: int | None = None) -> Link:
    """Put a thing into a link, a new one where none is given; where it already is, nothing changes."""
    lock(f"links {workspace.organization_id}")
    own = LinkedThing.objects.select_related("link").filter(kind=kind, thing_id=pk).first()
    if own is not None and link_id in (None, own.link_id):
        return own.link
    if own is not None:
        _leave_alone(own)
    link = _link(link_id, kind=kind, type=type, organization_id=workspace.organization_id)
    if LinkedThing.objects.filter(link=link, workspace=workspace).exists():
        raise Conflict(
            f"Another {kind} of “{workspace}” is already in this link.",
            hint="Unlink that one first.",
            code="already_linked",
        )
    LinkedThing.objects.create(
        organization_id=workspace.organization_id, link=link, workspace=workspace, kind=kind, thing_id=pk, linked_by=by
    )
    return link


def leave_link(*, kind: str, pk: int) -> LinkedThing | None:
    """Take a thing out of its link; ``None`` where it was in none. Nothing that was deployed changes."""
    own = LinkedThing.objects.select_related("link").filter(kind=kind, thing_id=pk).first()
    if own is None:
        return None
    lock(f"links {own.organization_id}")
    own.delete()
    if not own.link.things.exists():
        own.link.delete()
    return own


def bind(*, kind: str, origin: tuple[int, int], pk: int, workspace: Workspace, by: str) -> LinkedThing:
    """Link what a deployment made with what it was made of: ``origin`` is that one's workspace id and id."""
    lock(f"links {workspace.organization_id}")
    first = LinkedThing.objects.select_related("link").filter(kind=kind, thing_id=origin[1]).first()
    link = first.link if first else Link.objects.create(organization_id=workspace.organization_id, kind=kind)
    common = {"organization_id": workspace.organization_id, "link": link, "kind": kind, "linked_by": by}
    if first is None:
        LinkedThing.objects.create(**common, workspace_id=origin[0], thing_id=origin[1])
    there = LinkedThing.objects.filter(link=link, workspace=workspace).first()
    if there is not None and there.thing_id != pk:
        raise Conflict(f"Somebody else has just deployed this {kind}.", hint="Look at the plan again.", code="changed")
    return there or LinkedThing.objects.create(**common, workspace=workspace, thing_id=pk)


def remember_values(there: LinkedThing, remapped: Mapping[str, Any]) -> None:
    """Keep which settings have another value there, so that the next deployment does not ask again."""
    if there.remapped != dict(remapped):
        there.remapped = dict(remapped)
        there.save(update_fields=["remapped"])


def forget_thing(kind: str, pk: int) -> None:
    """A thing was deleted: it leaves its link."""
    leave_link(kind=kind, pk=pk)


def _link(link_id: int | None, *, kind: str, type: str, organization_id: int) -> Link:
    if link_id is None:
        return Link.objects.create(organization_id=organization_id, kind=kind, type=type)
    link = Link.objects.filter(pk=link_id, kind=kind).first()
    if link is None:
        raise NotFound("There is no such link.")
    if link.type != type:
        raise Conflict(f"Only {kind}s of one type can be linked.", code="other_type")
    return link


def _leave_alone(own: LinkedThing) -> None:
    """Leave a link that nothing else is in; refused where the thing is really linked."""
    if own.link.things.exclude(pk=own.pk).exists():
        raise Conflict(f"This {own.kind} is already linked.", hint="Unlink it first.", code="already_linked")
    link = own.link
    own.delete()
    link.delete()
