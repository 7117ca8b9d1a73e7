"""Priority lists: which of several audiences has somebody who is in all of them."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

from audiences.models.audiences import Audience
from audiences.models.schema import SchemaModel
from workspaces.scoping import TenantModel


class PriorityList(TenantModel):
    """Audiences of one parent model in an order: whoever is in several is sent to the highest alone."""

    parent_model = models.ForeignKey(SchemaModel, on_delete=models.PROTECT, related_name="priority_lists")
    name = models.CharField(max_length=200)
    created_by = models.ForeignKey(
        "workspaces.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        indexes = [models.Index(fields=["workspace", "name"], name="priority_list_name")]
        constraints = [models.UniqueConstraint(fields=["parent_model", "name"], name="priority_list_once")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The list's page."""
        return reverse("audiences:priority_list", args=[self.workspace.slug, self.pk])


class PriorityPlace(TenantModel):
    """The place of an audience in the only list that it is in; the lowest position has the highest priority."""

    list = models.ForeignKey(PriorityList, on_delete=models.CASCADE, related_name="places")
    audience = models.OneToOneField(Audience, on_delete=models.CASCADE, related_name="priority")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["list", "position"], name="priority_position")]

    def __str__(self) -> str:
        return f"{self.position} of {self.list_id}"
