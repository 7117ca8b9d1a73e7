"""Templates of audiences: conditions that others begin with."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.urls import reverse

from audiences.models.schema import SchemaModel
from audiences.query.templates import blanks_of
from workspaces.scoping import TenantModel


class AudienceTemplate(TenantModel):
    """Conditions on a parent model that new audiences begin with, or get beside their own.

    ``definition`` is an :class:`audiences.query.conditions.Definition` as JSON in which values may be left blank.
    What was made from a template is its own: it does not follow the template. Where audiences have to begin with
    templates (see :class:`StudioSettings`), only those count that somebody approved as they are now.
    """

    parent_model = models.ForeignKey(SchemaModel, on_delete=models.PROTECT, related_name="audience_templates")
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    definition = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(
        "workspaces.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_by = models.ForeignKey(
        "workspaces.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        indexes = [models.Index(fields=["workspace", "name"], name="audience_template_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def blank_count(self) -> int:
        """How many values are left to whoever uses it."""
        return sum(1 for _ in blanks_of(self.definition))

    def get_absolute_url(self) -> str:
        """The template's page."""
        return reverse("audiences:template", args=[self.workspace.slug, self.pk])
