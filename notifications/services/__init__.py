"""Every write of this app: people's through audited services, the outboxes' by whoever has something to tell."""

from notifications.services.channels import create_channel, delete_channel, store_test, update_channel
from notifications.services.outbox import queue_notification, retry_notification
from notifications.services.streams import (
    create_stream,
    delete_stream,
    pause_stream,
    resume_stream,
    store_stream_test,
    update_stream,
)
from notifications.services.webhooks import (
    MadeWebhook,
    create_webhook,
    delete_webhook,
    redeliver_webhook,
    replace_secret,
    test_webhook,
    update_webhook,
)

__all__ = [
    "MadeWebhook",
    "create_channel",
    "create_stream",
    "create_webhook",
    "delete_channel",
    "delete_stream",
    "delete_webhook",
    "pause_stream",
    "queue_notification",
    "redeliver_webhook",
    "replace_secret",
    "resume_stream",
    "retry_notification",
    "store_stream_test",
    "store_test",
    "test_webhook",
    "update_channel",
    "update_stream",
    "update_webhook",
]
