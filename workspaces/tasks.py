"""Jobs of this app."""

from __future__ import annotations

import dramatiq
from django.conf import settings
from django.core.mail import send_mail
from django.urls import reverse

from workspaces.models import Invitation
from workspaces.scoping import unscoped
from workspaces.tokens import invitation_token


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
