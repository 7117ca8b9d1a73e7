"""Channels, the outbox, webhooks and audit streams."""

from notifications.models.channels import Channel, Notification
from notifications.models.streams import AuditStream
from notifications.models.webhooks import Webhook, WebhookDelivery

__all__ = ["AuditStream", "Channel", "Notification", "Webhook", "WebhookDelivery"]
