"""People who ask to be let in."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from workspaces.scoping import TenantModel


class MembershipRequest(TenantModel):
    """Somebody asks to join a workspace. The row goes when they are let in or not, or give it up; the log tells."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    message = models.CharField(max_length=400, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [models.UniqueConstraint(fields=["workspace", "user"], name="membership_request_once")]

    def __str__(self) -> str:
        return str(self.user)
