"""Asking to join a workspace, and answering that.

Whoever asks is told the same whatever becomes of it, so that nobody learns which workspaces there are.
"""

from __future__ import annotations

from django.db.models import Q

from config.errors import Denied, Invalid
from config.queue import enqueue
from governance.audit.actors import Actor
from governance.audit.services import record, service, unchanged
from workspaces import access
from workspaces.membership import groups_to_let_into, membership_request_for, workspace_to_ask_for
from workspaces.models import GroupMember, MembershipRequest, OrganizationMember, RetiredSlug, User, UserGroup
from workspaces.permissions import Permission
from workspaces.scoping import unscoped
from workspaces.services.checks import lock

MOST_WORDS = 400


@service("membership_request.created")
def ask_for_membership(*, actor: Actor, slug: str, message: str = "") -> None:
    """Ask the admins of the workspace with this address to be let in. Nothing happens where one may not ask."""
    from workspaces.tasks import send_membership_request

    with unscoped("who asks is not in the workspace yet"):
        user = _person(actor)
        lock(f"membership requests of {user.pk}")
        workspace = workspace_to_ask_for(user, slug)
        if workspace is None or MembershipRequest.objects.filter(workspace=workspace, user=user).exists():
            unchanged()
            return
        words = " ".join(message.split())[:MOST_WORDS]
        asked = MembershipRequest.objects.create(workspace=workspace, user=user, message=words)
        record(asked, after={"email": user.email, "message": words})
        enqueue(send_membership_request, asked.pk)


@service("membership_request.deleted")
def give_up_membership_request(*, actor: Actor, slug: str) -> None:
    """Take back what one asked of the workspace with this address; nothing happens where one did not ask."""
    with unscoped("who asked is not in the workspace"):
        rows = MembershipRequest.objects.select_for_update(no_key=False, of=("self",))
        retired = RetiredSlug.objects.filter(slug=slug).values("workspace_id")
        asked = rows.filter(Q(workspace__slug=slug) | Q(workspace__in=retired), user=_person(actor)).first()
        if asked is None:
            unchanged()
            return
        record(asked, before={"email": asked.user.email})
        asked.delete()


@service("membership_request.deleted")
def decline_membership_request(*, actor: Actor, asked: MembershipRequest) -> None:
    """Let somebody who asked stay outside."""
    access.require(actor, Permission.MANAGE_WORKSPACE)
    asked = membership_request_for(asked.pk, lock=True)
    record(asked, before={"email": asked.user.email, "message": asked.message})
    asked.delete()


@service("membership_request.approved")
def approve_membership_request(*, actor: Actor, asked: MembershipRequest, group: UserGroup) -> OrganizationMember:
    """Let somebody who asked into a group that has a role in the workspace, and so into the organization."""
    from workspaces.tasks import send_membership_approved

    access.require(actor, Permission.MANAGE_WORKSPACE)
    asked = membership_request_for(asked.pk, lock=True)
    if workspace_to_ask_for(asked.user, asked.workspace.slug) is None:
        raise Invalid(f"{asked.user} cannot join this workspace any more.", hint="Decline what they asked for.")
    if group not in groups_to_let_into(actor, asked):
        raise Denied(
            f"You may not let {asked.user} into {group}.",
            hint="An organization admin lets new people in, and into groups that have roles elsewhere, too.",
        )
    member, joined = OrganizationMember.objects.get_or_create(
        organization_id=asked.workspace.organization_id, user=asked.user
    )
    GroupMember.objects.get_or_create(organization_id=member.organization_id, group=group, member=member)
    record(asked, before={"email": asked.user.email}, after={"group": group.name, "joined_organization": joined})
    enqueue(send_membership_approved, asked.workspace_id, asked.user_id)
    asked.delete()
    access.forget_grants()
    return member


def _person(actor: Actor) -> User:
    user = User.objects.filter(pk=actor.user_id, is_service=False).first() if actor.user_id else None
    if user is None:
        raise Denied("Only people ask to join.")
    return user
