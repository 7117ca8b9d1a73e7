"""Webhooks of a workspace, and what was or is to be delivered to them."""

from __future__ import annotations

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.urls import reverse

from notifications.choices import ChannelHealth, DeliveryState
from workspaces.scoping import TenantModel


class Webhook(TenantModel):
    """An address that a workspace's events are posted to, signed.

    ``secret_config`` holds the address and its signing secrets encrypted, since addresses often carry a secret in
    their path; ``shown_url`` is the address with that hidden. ``events`` are patterns of types. ``cursor`` is the
    place in the organization's audit chain up to which entries were looked at.
    """

    name = models.CharField(max_length=120)
    shown_url = models.CharField(max_length=400)
    events = models.JSONField(default=list)
    secret_config = models.TextField(default="", blank=True)
    secret_set_at = models.DateTimeField()
    old_secret_until = models.DateTimeField(null=True, blank=True)
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=400, default="", blank=True)
    cursor = models.BigIntegerField(default=0)
    health = models.CharField(max_length=10, choices=ChannelHealth.choices, default=ChannelHealth.UNTESTED)
    failing_since = models.DateTimeField(null=True, blank=True)
    last_sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=2_000, default="", blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="webhook_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The webhook's page."""
        return reverse("notifications:webhook", args=[self.workspace.slug, self.pk])


class WebhookDelivery(TenantModel):
    """One event for one webhook: written with what it tells of, posted afterwards until it arrives.

    A worker takes it by raising ``epoch``. ``message_id`` is the same for every attempt. What the latest attempt
    sent and got back is kept without secrets.
    """

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    message_id = models.CharField(max_length=60)
    type = models.CharField(max_length=120)
    body = models.JSONField(encoder=DjangoJSONEncoder)
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.WAITING)
    epoch = models.PositiveIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    available_at = models.DateTimeField()
    told_at = models.DateTimeField()
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    took_ms = models.PositiveIntegerField(null=True, blank=True)
    request_headers = models.JSONField(default=dict, blank=True)
    response_headers = models.JSONField(default=dict, blank=True)
    response_body = models.TextField(default="", blank=True)
    error = models.CharField(max_length=2_000, default="", blank=True)
    hint = models.CharField(max_length=2_000, default="", blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["available_at"], name="webhook_due", condition=Q(state__in=["waiting", "sending"])),
            models.Index(fields=["webhook", "-id"], name="webhook_newest"),
            models.Index(fields=["created_at"], name="webhook_old"),
        ]

    def __str__(self) -> str:
        return f"{self.type} to {self.webhook_id}"
