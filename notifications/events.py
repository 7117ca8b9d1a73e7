"""What this app tells the audit log. What is sent is the outbox's own history."""

from __future__ import annotations

from governance.audit.events import register

register("notification_channel.created", "added the notification channel")
register("notification_channel.updated", "changed the notification channel")
register("notification_channel.deleted", "deleted the notification channel")
register("notification_channel.tested", "sent a test message to the notification channel")
register("notification.retried", "asked for a notification to be sent again")
