"""What people have put aside."""

from __future__ import annotations

from django.db import models

from workspaces.models.people import User
from workspaces.scoping import TenantModel


class DismissedHint(TenantModel):
    """A help that a person no longer wants to see in a workspace, such as its checklist."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    hint = models.CharField(max_length=40)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "user", "hint"], name="hint_dismissed_once")]

    def __str__(self) -> str:
        return f"{self.hint} for {self.user_id}"
