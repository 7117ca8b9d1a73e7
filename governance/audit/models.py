"""The audit log's own table. It names other rows by type and id only, so it knows no other app."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from governance.audit.actors import ActorKind


class AuditEntry(models.Model):
    """One change: who did what to which thing, with the changed fields before and after.

    Written only by :func:`governance.audit.services.record`, never changed.
    ``organization_id``/``workspace_id`` are plain numbers; row-level security
    walls them like any other workspace row.
    """

    organization_id = models.BigIntegerField(null=True)
    workspace_id = models.BigIntegerField(null=True)
    at = models.DateTimeField(auto_now_add=True)
    event = models.CharField(max_length=80)
    actor_kind = models.CharField(max_length=10, choices=[(k.value, k.value) for k in ActorKind])
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=320)
    user_id = models.BigIntegerField(null=True)
    resource_type = models.CharField(max_length=40)
    resource_id = models.BigIntegerField(null=True)
    resource_label = models.CharField(max_length=400, blank=True)
    before = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    correlation_id = models.CharField(max_length=32)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["workspace_id", "-id"], name="audit_workspace"),
            models.Index(fields=["organization_id", "-id"], name="audit_organization"),
            models.Index(fields=["workspace_id", "user_id", "-id"], name="audit_person"),
            models.Index(fields=["workspace_id", "resource_type", "resource_id", "-id"], name="audit_resource"),
            BrinIndex(fields=["at"], name="audit_at"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_label} {self.event} {self.resource_label}"
