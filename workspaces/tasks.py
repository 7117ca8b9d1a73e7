"""Jobs of this app."""

from __future__ import annotations

import dramatiq
from django.conf import settings
from django.core.mail import send_mail
from django.db import close_old_connections
from django.urls import reverse

from workspaces.models import Invitation
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
