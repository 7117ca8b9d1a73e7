"""The audit log's own table. It names other rows by type and id only, so it knows no other app."""

from __future__ import annotations

from django.contrib.postgres.indexes import HashIndex
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from governance.audit.actors import ActorKind


class AuditEntry(models.Model):
    """One change: who did what to which thing, with the changed fields before and after.

    Written only by :func:`governance.audit.services.record` and
    :func:`governance.audit.services.record_event`, never changed but to erase a
    person's values. ``organization_id``/``workspace_id`` are plain numbers;
    row-level security walls them like any other workspace row. ``sequence``,
    ``salt``, ``digest`` and ``link`` are its place in the chain (see ``chain.py``),
    empty until it is sealed. The database keeps a column ``words`` beside these,
    which searches go by (see ``searching.py``).
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
    sequence = models.BigIntegerField(null=True)
    salt = models.BinaryField(max_length=16, null=True)
    digest = models.BinaryField(max_length=32, null=True)
    link = models.BinaryField(max_length=32, null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["workspace_id", "-id"], name="audit_workspace"),
            models.Index(fields=["organization_id", "-id"], name="audit_organization"),
            models.Index(fields=["workspace_id", "user_id", "-id"], name="audit_person"),
            models.Index(fields=["workspace_id", "resource_type", "resource_id", "-id"], name="audit_resource"),
            models.Index(fields=["at"], name="audit_time"),
            models.Index(fields=["workspace_id", "event", "-id"], name="audit_event"),
            models.Index(fields=["organization_id", "event", "-id"], name="audit_organization_event"),
            models.Index(fields=["organization_id", "user_id", "-id"], name="audit_organization_person"),
            models.Index(fields=["organization_id", "id"], name="audit_unsealed", condition=Q(sequence__isnull=True)),
            # What keys and Headrace itself do is a small part of most logs; people have indexes of their own.
            models.Index(
                fields=["workspace_id", "actor_kind", "actor_id", "-id"],
                name="audit_actor",
                condition=~Q(actor_kind="person"),
            ),
            models.Index(
                fields=["organization_id", "actor_kind", "-id"],
                name="audit_organization_actor",
                condition=~Q(actor_kind="person"),
            ),
            HashIndex(fields=["correlation_id"], name="audit_correlation"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["organization_id", "sequence"], name="audit_place_once", nulls_distinct=True
            )
        ]

    def __str__(self) -> str:
        return f"{self.actor_label} {self.event} {self.resource_label}"


class AuditChain(models.Model):
    """Where an organization's chain of entries begins and ends, how long it keeps them, and whether it verified.

    ``organization_id`` 0 is the chain of entries that belong to no organization. ``sequence`` and ``head`` are the
    last sealed entry's place and link; ``start_sequence`` and ``start_head`` those of the last one that retention
    deleted. The signature covers these four (see ``chain.py``).
    """

    organization_id = models.BigIntegerField(unique=True)
    sequence = models.BigIntegerField(default=0)
    head = models.BinaryField(max_length=32)
    start_sequence = models.BigIntegerField(default=0)
    start_head = models.BinaryField(max_length=32, default=bytes(32))
    signed_with = models.CharField(max_length=12, default="", blank=True)
    signature = models.BinaryField(max_length=32, default=b"")
    sealed_at = models.DateTimeField(null=True)
    retention_days = models.PositiveIntegerField(null=True)
    verifying_at = models.DateTimeField(null=True)
    verify_progress = models.PositiveSmallIntegerField(default=0)
    verified_at = models.DateTimeField(null=True)
    verdict = models.JSONField(null=True)

    def __str__(self) -> str:
        return f"chain of organization {self.organization_id}"
