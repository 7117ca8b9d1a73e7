"""Whom runs leave out: keyed hashes of the primary keys of people who were forgotten."""

from __future__ import annotations

from django.db import models

from workspaces.scoping import TenantModel


class ForgetKey(TenantModel):
    """A secret that keys are hashed with, encrypted like any credential.

    ``rotate_secrets`` encrypts it anew; the secret itself stays, or its hashes would match nothing.
    """

    sealed = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"key {self.pk}"


class Tombstone(TenantModel):
    """A row of a model that no run may send or remember. ``column`` is the primary key that was hashed.

    ``fresh`` until nothing of the row is left: the baselines of syncs may hold it so long.
    """

    model = models.ForeignKey("syncs.Model", on_delete=models.CASCADE, related_name="tombstones")
    column = models.CharField(max_length=400)
    key = models.ForeignKey(ForgetKey, on_delete=models.PROTECT, related_name="tombstones")
    digest = models.CharField(max_length=64)
    case_id = models.BigIntegerField()
    fresh = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "column", "digest"], name="tombstone_once")]
        indexes = [models.Index(fields=["case_id"], name="tombstone_case")]

    def __str__(self) -> str:
        return f"tombstone {self.pk}"
