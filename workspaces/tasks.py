"""Jobs of this app."""

from __future__ import annotations

import dramatiq
from django.conf import settings
from django.core.mail import send_mail
from django.db import close_old_connections
from django.urls import reverse

from workspaces.models import Invitation, MembershipRequest, User, Workspace
from workspaces.scoping import unscoped
from workspaces.tokens import invitation_token


@dramatiq.actor(queue_name="upkeep")
def delete_workspace(workspace_id: int) -> None:
    """Delete what a workspace holds, and the workspace."""
    from workspaces.services.deleting import erase_workspace

    close_old_connections()
    try:
        erase_workspace(workspace_id)
    finally:
        close_old_connections()


@dramatiq.actor
def send_invitation(invitation_id: int) -> None:
    """Mail an invitation's link to the invited person."""
    with unscoped("a message carries only the invitation's id"):
        invitation = Invitation.objects.select_related("organization", "invited_by").get(pk=invitation_id)
    link = settings.BASE_URL + reverse("invitation", args=[invitation_token(invitation)])
    inviter = invitation.invited_by.display_name if invitation.invited_by else "An admin"
    send_mail(
        f"{inviter} invited you to {invitation.organization.name}",
        f"{inviter} invited you to {invitation.organization.name} on Headrace.\n\n"
        f"Join with this link until {invitation.expires_at:%d %b %Y}:\n{link}\n",
        settings.DEFAULT_FROM_EMAIL,
        [invitation.email],
    )


@dramatiq.actor
def send_membership_request(request_id: int) -> None:
    """Tell those who can answer that somebody asks to join their workspace."""
    from workspaces.membership import admins_to_tell

    with unscoped("a message carries only the request's id"):
        rows = MembershipRequest.objects.select_related("workspace__organization", "user")
        asked = rows.filter(pk=request_id).first()
    if asked is None:
        return
    link = settings.BASE_URL + reverse("workspaces:membership_requests", args=[asked.workspace.slug])
    words = f"\n\nThey wrote: {asked.message}" if asked.message else ""
    for address in admins_to_tell(asked):
        send_mail(
            f"{asked.user.email} asks to join {asked.workspace.name}",
            f"{asked.user.display_name} ({asked.user.email}) asks to join the workspace {asked.workspace.name} on "
            f"Headrace.{words}\n\nLet them in, or decline:\n{link}\n",
            settings.DEFAULT_FROM_EMAIL,
            [address],
        )


@dramatiq.actor
def send_membership_approved(workspace_id: int, user_id: int) -> None:
    """Tell somebody that they may open the workspace they asked for."""
    with unscoped("a message carries only ids"):
        workspace, user = Workspace.objects.get(pk=workspace_id), User.objects.get(pk=user_id)
    send_mail(
        f"You may open {workspace.name}",
        f"You were let into the workspace {workspace.name} on Headrace:\n"
        f"{settings.BASE_URL}{workspace.get_absolute_url()}\n",
        settings.DEFAULT_FROM_EMAIL,
        [user.email],
    )
