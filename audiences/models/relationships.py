"""How the models of a schema hang together."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from audiences.choices import Cardinality
from audiences.models.schema import NAME, SchemaModel
from workspaces.scoping import TenantModel


class Relationship(TenantModel):
    """Rows of one model that belong to rows of another: all ``keys`` (pairs of from, to) match.

    ``cardinality`` is read from ``from_model`` to ``to_model``. ``merged`` are the columns of ``to_model`` that also
    read as columns of ``from_model``, of which each has one there at most. A relationship with steps goes through
    other models and has no keys of its own.
    """

    from_model = models.ForeignKey(SchemaModel, on_delete=models.CASCADE, related_name="relationships")
    to_model = models.ForeignKey(SchemaModel, on_delete=models.CASCADE, related_name="relationships_to")
    name = models.CharField(max_length=200, blank=True)
    cardinality = models.CharField(max_length=20, choices=Cardinality.choices)
    keys = models.JSONField(default=list, blank=True)
    merged = ArrayField(models.CharField(max_length=NAME), default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name or f"{self.from_model} → {self.to_model}"


class ThroughStep(TenantModel):
    """One direct relationship on the way of a relationship that goes through others."""

    through = models.ForeignKey(Relationship, on_delete=models.CASCADE, related_name="steps")
    relationship = models.ForeignKey(Relationship, on_delete=models.CASCADE, related_name="used_by")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["through", "position"], name="through_step_position")]

    def __str__(self) -> str:
        return f"{self.position} of {self.through_id}"
