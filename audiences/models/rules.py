"""Destination rules: which rows of a parent model a destination may get at all."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.urls import reverse

from audiences.models.schema import SchemaModel
from workspaces.scoping import TenantModel


class DestinationRule(TenantModel):
    """Conditions that every row of a parent model has to meet before a destination gets it.

    All of a destination's rules that are ``enabled`` hold, for every sync whose rows are of the parent model. They
    never change an audience.
    """

    parent_model = models.ForeignKey(SchemaModel, on_delete=models.PROTECT, related_name="destination_rules")
    destination = models.ForeignKey("connectors.Destination", on_delete=models.PROTECT, related_name="rules")
    name = models.CharField(max_length=200)
    definition = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    enabled = models.BooleanField(default=True)
    created_by = models.ForeignKey(
        "workspaces.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        indexes = [models.Index(fields=["workspace", "name"], name="destination_rule_name")]
        constraints = [
            models.UniqueConstraint(fields=["parent_model", "destination", "name"], name="destination_rule_once")
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The rule's page."""
        return reverse("audiences:destination_rule", args=[self.workspace.slug, self.pk])
