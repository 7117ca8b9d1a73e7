"""Audiences: who of a parent model is meant."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.urls import reverse

from audiences.choices import CalculationKind, CalculationState
from audiences.models.schema import SchemaModel
from workspaces.models import Labelled
from workspaces.scoping import TenantModel


class Audience(Labelled, TenantModel):
    """Members of a parent model, by conditions.

    ``definition`` is an :class:`audiences.query.conditions.Definition` as JSON. ``size`` is how many members there
    were at ``sized_at``; nothing else about them is stored. ``enrichments`` are columns that its members have in this
    audience alone, calculated like traits (see :mod:`audiences.enrichments`). With ``sampled`` what people ask about it
    is asked of the sample of its parent model, where there is one. ``space`` is the part of the workspace whose people
    see it; without one everyone does. ``folder`` is where it and its syncs are filed. ``model`` is what its syncs read;
    it is made with the first of them, and is always in the same folder. ``base`` is the definition of the template that
    it has to keep asking, where the workspace required one when it was made.
    """

    model = models.OneToOneField("syncs.Model", null=True, on_delete=models.PROTECT, related_name="audience")
    parent_model = models.ForeignKey(SchemaModel, on_delete=models.PROTECT, related_name="audiences")
    space = models.ForeignKey(
        "workspaces.Space", null=True, blank=True, on_delete=models.RESTRICT, related_name="audiences"
    )
    folder = models.ForeignKey(
        "workspaces.Folder", null=True, blank=True, on_delete=models.SET_NULL, related_name="audiences"
    )
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    definition = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    enrichments = models.JSONField(default=list, blank=True, encoder=DjangoJSONEncoder)
    base = models.JSONField(null=True, blank=True, encoder=DjangoJSONEncoder)
    sampled = models.BooleanField(default=False)
    size = models.BigIntegerField(null=True)
    sized_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(
        "workspaces.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        indexes = [models.Index(fields=["workspace", "name"], name="audience_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The audience's page."""
        return reverse("audiences:audience", args=[self.workspace.slug, self.pk])


class Calculation(TenantModel):
    """A question that a worker asks the source about a definition; ``kind`` says which, ``question`` the rest of it.

    ``definition`` is the one on the page, saved or not; with an ``audience`` it is the saved one, whose size the
    answer to a question of size becomes; unless it is ``sampled``: then a sample is asked, and counts are of about how
    many there are. ``subset_ids`` are the subsets that it is counted in. ``counts`` is the
    answer: of a size ``members``, ``total``, and ``alone`` and ``after`` for each condition at the top; with a
    ``destination`` also ``sent``, whom its rules let through, and ``rules``, the name of each with whom it alone
    would. Answers are aggregates and are soon deleted. Whoever asks may give it up; a worker that notices stops the
    query. ``beat_at`` is when a worker last said that it is at it, or a message was last sent for it.
    """

    parent_model = models.ForeignKey(SchemaModel, on_delete=models.CASCADE, related_name="+")
    audience = models.ForeignKey(Audience, on_delete=models.CASCADE, null=True, related_name="calculations")
    kind = models.CharField(max_length=10, choices=CalculationKind.choices, default=CalculationKind.SIZE)
    question = models.JSONField(default=dict)
    definition = models.JSONField(encoder=DjangoJSONEncoder)
    subset_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    destination = models.ForeignKey("connectors.Destination", on_delete=models.CASCADE, null=True, related_name="+")
    sampled = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=CalculationState.choices, default=CalculationState.WAITING)
    counts = models.JSONField(default=dict)
    error_message = models.TextField(blank=True)
    error_hint = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    began_at = models.DateTimeField(null=True)
    beat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["created_at"], name="calculation_age")]

    def __str__(self) -> str:
        return f"Calculation {self.pk}"

    @property
    def live(self) -> bool:
        """Whether an answer may still come."""
        return self.state in (CalculationState.WAITING, CalculationState.RUNNING)
