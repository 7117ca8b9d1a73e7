"""API keys and invitations: nothing stored here opens a door by itself."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from workspaces.models.people import User, UserGroup
from workspaces.scoping import OrganizationModel, TenantModel


class ApiKey(TenantModel):
    """A key to one workspace that acts with its owner's rights there.

    ``prefix`` is shown to tell keys apart; ``digest`` is the SHA-256 of the whole
    key, whose 256 random bits make a slow hash pointless.
    """

    name = models.CharField(max_length=120)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    prefix = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class Invitation(OrganizationModel):
    """An open place in an organization for whoever has the link and the e-mail address.

    The link's token is an HMAC of id and ``nonce`` under the installation's secret
    key, so it can be shown again and is not in the database.
    """

    email = models.EmailField(max_length=254)
    is_admin = models.BooleanField(default=False)
    nonce = models.CharField(max_length=64)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.email

    def is_open(self, now: datetime) -> bool:
        """Whether the link still works."""
        return self.accepted_at is None and self.withdrawn_at is None and now < self.expires_at


class InvitationGroup(OrganizationModel):
    """A group that the invited person joins."""

    invitation = models.ForeignKey(Invitation, on_delete=models.CASCADE, related_name="groups")
    group = models.ForeignKey(UserGroup, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["invitation", "group"], name="invitation_group_once")]

    def __str__(self) -> str:
        return f"{self.invitation_id} to {self.group_id}"
