"""People whom the histories of audiences leave out."""

from __future__ import annotations

from django.db import models

from audiences.models.schema import SchemaModel
from workspaces.scoping import TenantModel


class ForgottenMember(TenantModel):
    """A row of a parent model that no history of its audiences may hold again: a keyed hash of its primary key.

    Tombstones of ``syncs`` are of what a sync reads; an audience that was never sent has none. ``column`` is the
    primary key that was hashed.
    """

    parent_model = models.ForeignKey(SchemaModel, on_delete=models.CASCADE, related_name="forgotten_members")
    column = models.CharField(max_length=400)
    key = models.ForeignKey("syncs.ForgetKey", on_delete=models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64)
    case_id = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["parent_model", "column", "digest"], name="forgotten_member_once")
        ]

    def __str__(self) -> str:
        return f"forgotten member {self.pk}"
