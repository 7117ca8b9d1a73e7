"""Where an organization's audit log is streamed to."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from notifications.choices import ChannelHealth
from workspaces.scoping import OrganizationModel


class AuditStream(OrganizationModel):
    """A place that gets every entry of the audit log, in the order of its chain, at least once.

    ``cursor`` is the place of the last entry that is known to have arrived. A worker takes the stream by raising
    ``epoch``. ``config``/``secret_config`` are settings as its kind declares them, credentials encrypted.
    """

    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=20)
    config = models.JSONField(default=dict)
    secret_config = models.TextField(default="", blank=True)
    secret_set_at = models.JSONField(default=dict, blank=True)
    cursor = models.BigIntegerField(default=0)
    sent = models.BigIntegerField(default=0)
    health = models.CharField(max_length=10, choices=ChannelHealth.choices, default=ChannelHealth.UNTESTED)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_reason = models.CharField(max_length=400, default="", blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    available_at = models.DateTimeField()
    told_at = models.DateTimeField()
    epoch = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    last_sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=2_000, default="", blank=True)
    last_hint = models.CharField(max_length=2_000, default="", blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="audit_stream_name")]

    def __str__(self) -> str:
        return self.name
