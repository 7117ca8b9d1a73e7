"""Traits: values that are calculated for the rows of a model."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F
from django.db.models.functions import Lower
from django.urls import reverse

from audiences.models.schema import SchemaModel
from workspaces.scoping import TenantModel


class Trait(TenantModel):
    """A value for each row of a model: how often somebody bought, what they spent, what they saw last.

    ``definition`` is an :class:`audiences.query.conditions.Trait` as JSON, whole and ready to be used. One made from a
    ``template`` follows it: its definition is the template's, with ``blanks`` filled in (operands by label) and
    narrowed by ``extra`` (a group of conditions), and is written anew whenever the template changes, unless its own
    logic ``overrides`` it. A template (``is_template``) is a blueprint; its definition may have blanks. Where people
    asked for it (``suggest``), its most frequent values are kept in ``suggestions`` as pairs of value and count. An
    archived one goes on working where it is used, and is offered nowhere.
    """

    model = models.ForeignKey(SchemaModel, on_delete=models.PROTECT, related_name="traits")
    template = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="derived")
    is_template = models.BooleanField(default=False)
    overrides = models.BooleanField(default=False)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    definition = models.JSONField(encoder=DjangoJSONEncoder)
    extra = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    blanks = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    suggest = models.BooleanField(default=False)
    suggestions = models.JSONField(default=list, blank=True)
    suggested_at = models.DateTimeField(null=True)
    suggest_error = models.TextField(blank=True)
    archived_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(
        "workspaces.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(F("model"), Lower("name"), name="trait_name_once")]
        indexes = [models.Index(fields=["workspace", "name"], name="trait_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The trait's page."""
        return reverse("audiences:trait", args=[self.workspace.slug, self.pk])

    @property
    def follows(self) -> bool:
        """Whether a change of its template changes it, too."""
        return self.template_id is not None and not self.overrides

    @property
    def method(self) -> str:
        """How it is calculated, as its definition says."""
        return str(self.definition.get("method", ""))
