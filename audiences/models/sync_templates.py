"""Templates of audience syncs, and which syncs follow them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.urls import reverse

from audiences.models.schema import SchemaModel
from workspaces.scoping import TenantModel

PATH = 500


class SyncTemplate(TenantModel):
    """How audiences of a parent model are sent to a destination: a sync's configuration, schedule and guardrails.

    ``state`` is what of a sync needs approval (:func:`syncs.drafts.state.sync_state`), without the credentials, which
    ``sealed_settings`` holds encrypted by path. Its syncs are the same in all parts but those that are ``unlocked``
    (paths as in :mod:`syncs.locks`); of these, whoever adds a sync has to fill in what is ``left_blank``.
    """

    parent_model = models.ForeignKey(SchemaModel, on_delete=models.PROTECT, related_name="sync_templates")
    destination = models.ForeignKey(
        "connectors.Destination", on_delete=models.PROTECT, related_name="audience_sync_templates"
    )
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    state = models.JSONField(encoder=DjangoJSONEncoder)
    sealed_settings = models.TextField(blank=True)
    unlocked = ArrayField(models.CharField(max_length=PATH), default=list, blank=True)
    left_blank = ArrayField(models.CharField(max_length=PATH), default=list, blank=True)
    created_by = models.ForeignKey(
        "workspaces.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        indexes = [models.Index(fields=["workspace", "name"], name="sync_template_name")]
        constraints = [models.UniqueConstraint(fields=["parent_model", "name"], name="sync_template_once")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The template's page."""
        return reverse("audiences:sync_template", args=[self.workspace.slug, self.pk])


class TemplatedSync(TenantModel):
    """A sync that follows a template; in its ``overridden`` parts, as far as they are unlocked, it goes its own way."""

    template = models.ForeignKey(SyncTemplate, on_delete=models.PROTECT, related_name="derived")
    sync = models.OneToOneField("syncs.Sync", on_delete=models.CASCADE, related_name="templated")
    overridden = ArrayField(models.CharField(max_length=PATH), default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.sync_id} follows template {self.template_id}"
