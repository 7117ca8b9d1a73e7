"""Looking at a workspace as somebody else would see it: begun and ended, and nothing else."""

from __future__ import annotations

from config.errors import Denied, Invalid
from governance.audit.actors import Actor
from governance.audit.services import record, service
from workspaces.access import grants_of, require
from workspaces.actors import person
from workspaces.models import GroupRole, OrganizationMember, Workspace
from workspaces.permissions import Permission


@service("look.started")
def start_look(*, actor: Actor, workspace: Workspace, member: OrganizationMember) -> None:
    """Remember that an admin looks as this person from now on."""
    check_look(actor, member)
    record(_place(workspace, member), after={"as": member.user.email}, label=member.user.email)


@service("look.ended")
def end_look(*, actor: Actor, workspace: Workspace, member: OrganizationMember) -> None:
    """Remember that it is over."""
    record(_place(workspace, member), before={"as": member.user.email}, label=member.user.email)


def check_look(actor: Actor, member: OrganizationMember) -> None:
    """Raise unless the actor may look as this person in the workspace of the scope.

    Workspace admins may, except as an organization admin, who may do more than they.
    """
    require(actor, Permission.MANAGE_WORKSPACE)
    if member.user_id == actor.user_id:
        raise Invalid("That is you.")
    if member.is_admin:
        require(actor, Permission.MANAGE_ORGANIZATION)
    if not grants_of(person(member.user)).allow((Permission.MEMBER,)):
        raise Denied(f"{member.user.display_name} cannot open this workspace.", hint="Give one of their groups a role.")


def _place(workspace: Workspace, member: OrganizationMember) -> GroupRole:
    """Where the entry belongs: this workspace, about this person. The row itself is not stored."""
    return GroupRole(pk=member.pk, workspace=workspace, organization_id=workspace.organization_id)
