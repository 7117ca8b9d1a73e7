"""The two workspaces of a link or deployment, each with who acts there, and what may lie between them.

A person acts in both with their own grants. An API key acts in its own workspace only, so a
program brings a second key for the other one.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from config.errors import Invalid, NotFound
from governance.audit.actors import Actor
from workspaces.access import workspaces_of
from workspaces.models import Workspace
from workspaces.scoping import unscoped, workspace_scope


@dataclass(frozen=True, slots=True)
class Side:
    """A workspace, and who acts in it."""

    workspace: Workspace
    actor: Actor

    def scope(self) -> AbstractContextManager[None]:
        """Everything inside sees this workspace."""
        return workspace_scope(self.workspace.pk)


def environments_of(here: Side) -> list[Workspace]:
    """The other workspaces of the organization that this person may open, by name."""
    actor, workspace = here.actor, here.workspace
    if actor.user_id is None:
        return []
    with unscoped("a person's other workspaces lie outside this one's scope"):
        rows = workspaces_of(actor.user_id).filter(organization_id=workspace.organization_id)
        return list(rows.exclude(pk=workspace.pk))


def environment_for(here: Side, slug: str) -> Side:
    """One of :func:`environments_of`, with the same person acting there."""
    found = next((workspace for workspace in environments_of(here) if workspace.slug == slug), None)
    if found is None:
        raise NotFound("There is no such workspace in this organization, or you are not a member of it.")
    return Side(found, here.actor)


def require_one_organization(one: Side, other: Side) -> None:
    """Refuse what would lead out of the organization, or nowhere."""
    if one.workspace.organization_id != other.workspace.organization_id:
        raise NotFound("There is no such workspace in this organization.")
    if one.workspace.pk == other.workspace.pk:
        raise Invalid.field("target", "Choose another workspace than this one.")
