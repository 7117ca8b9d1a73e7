"""Subsets: the parts of a parent model's rows that people may build from."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.urls import reverse

from audiences.models.audiences import Audience
from audiences.models.schema import SchemaModel
from workspaces.models import ObjectGrant
from workspaces.permissions import object_permissions
from workspaces.scoping import TenantModel


class SubsetCategory(TenantModel):
    """A way to divide a parent model, such as its regions.

    Where it is ``required``, every audience of the parent model is in at least one of its subsets.
    """

    parent_model = models.ForeignKey(SchemaModel, on_delete=models.PROTECT, related_name="subset_categories")
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    required = models.BooleanField(default=False)
    created_by = models.ForeignKey(
        "workspaces.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["parent_model", "name"], name="subset_category_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The category's page."""
        return reverse("audiences:subset_category", args=[self.workspace.slug, self.pk])


class Subset(TenantModel):
    """Some rows of a category's parent model, by conditions: a definition without a limit, as JSON.

    Roles hold the right to build from it (:class:`SubsetGrant`).
    """

    category = models.ForeignKey(SubsetCategory, on_delete=models.CASCADE, related_name="subsets")
    name = models.CharField(max_length=200)
    definition = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    created_by = models.ForeignKey(
        "workspaces.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        default_permissions = ()
        permissions: ClassVar[Any] = object_permissions("subset")
        constraints = [models.UniqueConstraint(fields=["category", "name"], name="subset_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def grant_hint(self) -> str:
        """What it is a part of: subsets of several categories may have the same name."""
        return f"{self.category.name} of {self.category.parent_model.name}"

    def get_absolute_url(self) -> str:
        """The subset's page."""
        return reverse("audiences:subset", args=[self.workspace.slug, self.pk])


class AudienceSubset(TenantModel):
    """An audience is built from a subset. Those of one category widen it, each category narrows it."""

    audience = models.ForeignKey(Audience, on_delete=models.CASCADE, related_name="chosen")
    subset = models.ForeignKey(Subset, on_delete=models.PROTECT, related_name="chosen_by")

    class Meta:
        ordering = ["subset__category_id", "subset_id"]
        constraints = [models.UniqueConstraint(fields=["audience", "subset"], name="audience_subset_once")]

    def __str__(self) -> str:
        return f"{self.audience_id} in {self.subset_id}"


class SubsetGrant(ObjectGrant):
    """A right that a custom role holds on one subset."""

    side = "subset"
    related = ("category__parent_model",)

    content_object = models.ForeignKey(Subset, on_delete=models.CASCADE, related_name="grants")

    class Meta(ObjectGrant.Meta):
        abstract = False

    def __str__(self) -> str:
        return f"{self.role_id} on subset {self.content_object_id}"
