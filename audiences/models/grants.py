"""Rights that roles hold on single parent models."""

from __future__ import annotations

from django.db import models

from audiences.choices import ModelKind
from audiences.models.schema import SchemaModel
from workspaces.models import ObjectGrant


class ParentModelGrant(ObjectGrant):
    """A right that a custom role holds on one parent model."""

    side = "parent_model"
    only = {"kind": ModelKind.PARENT.value}

    content_object = models.ForeignKey(SchemaModel, on_delete=models.CASCADE, related_name="grants")

    class Meta(ObjectGrant.Meta):
        abstract = False

    def __str__(self) -> str:
        return f"{self.role_id} on parent model {self.content_object_id}"
