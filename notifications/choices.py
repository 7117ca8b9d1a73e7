"""Fixed vocabularies of messages and of the outbox."""

from __future__ import annotations

from enum import StrEnum

from django.db import models


class Phase(StrEnum):
    """Where the matter that a message tells of stands. ``INFO`` messages stand for themselves."""

    OPENED = "opened"
    CHANGED = "changed"
    REMINDER = "reminder"
    RESOLVED = "resolved"
    INFO = "info"


class Severity(StrEnum):
    """How bad it is."""

    CRITICAL = "critical"
    WARNING = "warning"
    OK = "ok"
    INFO = "info"


class DeliveryState(models.TextChoices):
    """Where a notification is on its way."""

    WAITING = "waiting", "Waiting to be sent"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Sent"
    FAILED = "failed", "Not delivered"


class ChannelHealth(models.TextChoices):
    """What the latest message to a channel showed."""

    UNTESTED = "untested", "Untested"
    HEALTHY = "healthy", "Working"
    FAILING = "failing", "Failing"
