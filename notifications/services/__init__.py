"""Every write of this app: channels through audited services, the outbox by whoever has something to tell."""

from notifications.services.channels import create_channel, delete_channel, store_test, update_channel
from notifications.services.outbox import queue_notification, retry_notification

__all__ = [
    "create_channel",
    "delete_channel",
    "queue_notification",
    "retry_notification",
    "store_test",
    "update_channel",
]
