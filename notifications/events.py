"""What this app tells the audit log. What is sent is the outbox's own history."""

from __future__ import annotations

from governance.audit.events import register

register("notification_channel.created", "added the notification channel")
register("notification_channel.updated", "changed the notification channel")
register("notification_channel.deleted", "deleted the notification channel")
register("notification_channel.tested", "sent a test message to the notification channel")
register("notification.retried", "asked for a notification to be sent again")
register("webhook.created", "added the webhook")
register("webhook.updated", "changed the webhook")
register("webhook.deleted", "deleted the webhook")
register("webhook.secret_replaced", "replaced the webhook's signing secret")
register("webhook.tested", "sent a test event to the webhook")
register("webhook.redelivered", "sent an event to the webhook again")
register("audit_stream.created", "added the audit stream")
register("audit_stream.updated", "changed the audit stream")
register("audit_stream.paused", "paused the audit stream")
register("audit_stream.resumed", "resumed the audit stream")
register("audit_stream.deleted", "deleted the audit stream")
register("audit_stream.tested", "tested the audit stream")
