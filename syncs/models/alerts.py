"""Alerts: who is told when, in which state each trigger of a sync is, and what became of it over time."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q

from syncs.choices import AlertLevel, Subscription, TriggerKind
from workspaces.scoping import TenantModel


def new_thread() -> str:
    """A name under which everything said of one trigger of one sync belongs together."""
    return uuid4().hex


class AlertPolicy(TenantModel):
    """Thresholds and recipients of a destination's syncs, or what one sync has of its own.

    ``rules`` holds a :class:`syncs.alerting.triggers.Rule` by trigger; what is missing is
    inherited. A sync's recipients replace the destination's only with ``own_recipients``.
    ``reminder_hours`` repeats the message of an alert that lasts; empty never does.
    """

    destination = models.OneToOneField(
        "connectors.Destination", null=True, blank=True, on_delete=models.CASCADE, related_name="alert_policy"
    )
    sync = models.OneToOneField(
        "syncs.Sync", null=True, blank=True, on_delete=models.CASCADE, related_name="alert_policy"
    )
    rules = models.JSONField(default=dict)
    own_recipients = models.BooleanField(default=False)
    reminder_hours = models.PositiveIntegerField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(destination__isnull=False) ^ Q(sync__isnull=False), name="alert_policy_one_owner"
            ),
        ]

    def __str__(self) -> str:
        return f"alerting of {self.destination or self.sync}"


class AlertRecipient(TenantModel):
    """A channel or a person that a policy tells."""

    policy = models.ForeignKey(AlertPolicy, on_delete=models.CASCADE, related_name="recipients")
    channel = models.ForeignKey(
        "notifications.Channel", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    subscription = models.CharField(max_length=10, choices=Subscription.choices, default=Subscription.ALL)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(channel__isnull=False) ^ Q(person__isnull=False), name="alert_recipient_one"
            ),
            models.UniqueConstraint(fields=["policy", "channel"], name="alert_recipient_channel"),
            models.UniqueConstraint(fields=["policy", "person"], name="alert_recipient_person"),
        ]

    def __str__(self) -> str:
        return str(self.channel or self.person)


class AlertState(TenantModel):
    """One trigger of one sync: how it stands, since when, and what was last said about it.

    See :mod:`syncs.alerting.machine`. ``run`` is the run that ``summary`` speaks of, ``judged_run``
    the id of the latest one that was looked at. A mute without an end has ``muted_at`` only.
    """

    sync = models.ForeignKey("syncs.Sync", on_delete=models.CASCADE, related_name="alert_states")
    trigger = models.CharField(max_length=20, choices=TriggerKind.choices)
    level = models.CharField(max_length=10, choices=AlertLevel.choices, default=AlertLevel.OK)
    announced = models.CharField(max_length=10, choices=AlertLevel.choices, default=AlertLevel.OK)
    since = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)
    value = models.FloatField(null=True, blank=True)
    summary = models.CharField(max_length=600, default="", blank=True)
    run = models.ForeignKey("syncs.Run", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    judged_run = models.BigIntegerField(null=True, blank=True)
    muted_at = models.DateTimeField(null=True, blank=True)
    muted_until = models.DateTimeField(null=True, blank=True)
    muted_by = models.CharField(max_length=320, default="", blank=True)
    thread = models.CharField(max_length=32, default=new_thread)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sync", "trigger"], name="alert_state_once")]
        indexes = [
            models.Index(fields=["workspace", "sync"], name="alert_active", condition=~Q(level="ok")),
            models.Index(fields=["sync"], name="alert_unannounced", condition=~Q(level=models.F("announced"))),
        ]

    def __str__(self) -> str:
        return f"{self.get_trigger_display()}: {self.get_level_display()}"

    def is_muted(self, now: datetime) -> bool:
        """Whether nobody is told now."""
        return self.muted_at is not None and (self.muted_until is None or now < self.muted_until)


class AlertTransition(TenantModel):
    """A change of a trigger's level: written once, never changed."""

    state = models.ForeignKey(AlertState, on_delete=models.CASCADE, related_name="transitions")
    before = models.CharField(max_length=10, choices=AlertLevel.choices)
    after = models.CharField(max_length=10, choices=AlertLevel.choices)
    at = models.DateTimeField()
    value = models.FloatField(null=True, blank=True)
    summary = models.CharField(max_length=600, default="", blank=True)
    run = models.ForeignKey("syncs.Run", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    muted = models.BooleanField(default=False)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["state", "-id"], name="alert_history")]

    def __str__(self) -> str:
        return f"{self.get_before_display()} → {self.get_after_display()}"

    @property
    def topic(self) -> str:
        """How its notifications name it."""
        return f"alert:{self.pk}"
