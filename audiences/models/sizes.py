"""How large audiences were."""

from __future__ import annotations

from django.db import models

from audiences.choices import SizeReason
from audiences.models.audiences import Audience
from workspaces.scoping import TenantModel


class AudienceSize(TenantModel):
    """How many members an audience had at a moment: a number, never who they were."""

    audience = models.ForeignKey(Audience, on_delete=models.CASCADE, related_name="sizes")
    at = models.DateTimeField()
    members = models.BigIntegerField()
    reason = models.CharField(max_length=10, choices=SizeReason.choices)

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["audience", "at"], name="audience_size_at"),
            models.Index(fields=["at"], name="audience_size_age"),
        ]

    def __str__(self) -> str:
        return f"{self.members} at {self.at}"
