"""Channels that a workspace set up, and the outbox."""

from __future__ import annotations

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.urls import reverse

from notifications.choices import ChannelHealth, DeliveryState
from workspaces.scoping import TenantModel


class Channel(TenantModel):
    """A place that messages go to. ``secret_config`` holds its credentials encrypted, as connections do.

    ``health`` is what the latest message showed, test messages included; ``last_error``
    is in the other side's words.
    """

    name = models.CharField(max_length=120)
    type = models.CharField(max_length=20)
    config = models.JSONField(default=dict)
    secret_config = models.TextField(default="", blank=True)
    secret_set_at = models.JSONField(default=dict, blank=True)
    health = models.CharField(max_length=10, choices=ChannelHealth.choices, default=ChannelHealth.UNTESTED)
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
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="notification_channel_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The channel's page."""
        return reverse("notifications:channel", args=[self.workspace.slug, self.pk])


class Notification(TenantModel):
    """One message to one channel or person: written with what it tells of, in one transaction, and sent afterwards.

    A worker takes it by raising ``epoch``. Messages of one ``thread`` to the same
    place leave in order. ``topic`` is the sender's own reference ("alert:12").
    """

    channel = models.ForeignKey(Channel, null=True, blank=True, on_delete=models.CASCADE, related_name="notifications")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    recipient = models.CharField(max_length=320)
    topic = models.CharField(max_length=60)
    thread = models.CharField(max_length=200)
    message = models.JSONField(encoder=DjangoJSONEncoder)
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.WAITING)
    epoch = models.PositiveIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    available_at = models.DateTimeField()
    told_at = models.DateTimeField()
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    receipt = models.CharField(max_length=300, default="", blank=True)
    error = models.CharField(max_length=2_000, default="", blank=True)
    hint = models.CharField(max_length=2_000, default="", blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(channel__isnull=False) ^ Q(person__isnull=False), name="notification_one_recipient"
            ),
        ]
        indexes = [
            models.Index(
                fields=["available_at"], name="notification_due", condition=Q(state__in=["waiting", "sending"])
            ),
            models.Index(fields=["thread", "id"], name="notification_thread"),
            models.Index(fields=["workspace", "topic"], name="notification_topic"),
            models.Index(fields=["channel", "-id"], name="notification_of_channel"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} to {self.recipient}"
