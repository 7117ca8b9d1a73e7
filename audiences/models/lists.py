"""Values that people uploaded, for conditions with more of them than anybody types."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.urls import reverse

from workspaces.scoping import TenantModel


class ValueList(TenantModel):
    """A list of different texts, in the order of the upload. ``size`` is how many there are."""

    name = models.CharField(max_length=200)
    values = models.JSONField(default=list, encoder=DjangoJSONEncoder)
    size = models.PositiveIntegerField()
    created_by = models.ForeignKey(
        "workspaces.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        indexes = [models.Index(fields=["workspace", "name"], name="value_list_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The list's page."""
        return reverse("audiences:list", args=[self.workspace.slug, self.pk])
