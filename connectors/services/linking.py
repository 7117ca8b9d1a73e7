"""Sources and destinations joining and leaving the links between workspaces."""

from __future__ import annotations

from typing import TypeVar

from connectors import access
from connectors.models import Connection, Destination, Source
from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged
from governance.environments.models import LinkedThing
from governance.environments.services import join_link, leave_link
from workspaces import access as rights

C = TypeVar("C", bound=Connection)


@service("source.linked")
def link_source(*, actor: Actor, source: Source, link_id: int | None = None) -> int:
    """Let a source stand for those of other workspaces in a link (a new one without an id); the link's id."""
    return _link(Source, actor, source, link_id)


@service("destination.linked")
def link_destination(*, actor: Actor, destination: Destination, link_id: int | None = None) -> int:
    """Let a destination stand for those of other workspaces in a link; the link's id."""
    return _link(Destination, actor, destination, link_id)


@service("source.unlinked")
def unlink_source(*, actor: Actor, source: Source) -> None:
    """Take a source out of its link; what was deployed stays as it is."""
    _unlink(Source, actor, source)


@service("destination.unlinked")
def unlink_destination(*, actor: Actor, destination: Destination) -> None:
    """Take a destination out of its link; what was deployed stays as it is."""
    _unlink(Destination, actor, destination)


def _link(model: type[C], actor: Actor, row: C, link_id: int | None) -> int:
    locked = _locked(model, actor, row)
    access.require_ready(locked)
    kind = locked.kind.value
    before = LinkedThing.objects.filter(kind=kind, thing_id=locked.pk).values_list("link_id", flat=True).first()
    link = join_link(
        kind=kind,
        pk=locked.pk,
        type=locked.type,
        workspace=locked.workspace,
        by=actor.label[:320],
        link_id=link_id,
    )
    if before == link.pk:
        unchanged()
    else:
        record(locked, after={"link": link.pk})
    return link.pk


def _unlink(model: type[C], actor: Actor, row: C) -> None:
    locked = _locked(model, actor, row)
    left = leave_link(kind=locked.kind.value, pk=locked.pk)
    if left is None:
        unchanged()
    else:
        record(locked, before={"link": left.link_id})


def _locked(model: type[C], actor: Actor, row: C) -> C:
    locked = access.connection_for(model, actor, row.pk, lock=True)
    rights.require(actor, access.CREATE[locked.kind])
    return locked
