"""API keys and invitations: nothing stored here opens a door by itself."""

from __future__ import annotations

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from workspaces.models.people import User, UserGroup
from workspaces.scopes import KeyScope
from workspaces.scoping import OrganizationModel, TenantModel


def all_scopes() -> list[str]:
    """What a key could do before scopes were chosen."""
    return [scope.value for scope in KeyScope]


class ApiKey(TenantModel):
    """A key to one workspace that acts with its owner's rights there.

    ``prefix`` is shown to tell keys apart; ``digest`` is the SHA-256 of the whole
    key, whose 256 random bits make a slow hash pointless. ``scopes`` limit what it
    may be used for, for good: a key that could do more later is another key.
    """

    name = models.CharField(max_length=120)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    prefix = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=12, choices=KeyScope.choices), default=all_scopes)
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name

    def works(self, now: datetime) -> bool:
        """Whether it still opens anything."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    @property
    def scope_labels(self) -> list[str]:
        """Its scopes in the order they are offered."""
        return [scope.value for scope in KeyScope if scope.value in self.scopes]


class Invitation(OrganizationModel):
    """An open place in an organization for whoever has the link and the e-mail address.

    The link's token is an HMAC of id and ``nonce`` under the installation's secret
    key, so it can be shown again and is not in the database.
    """

    email = models.EmailField(max_length=254)
    is_admin = models.BooleanField(default=False)
    is_viewer = models.BooleanField(default=False)
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

    @property
    def expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at <= timezone.now()

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
