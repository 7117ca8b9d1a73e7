"""Addresses of the REST endpoints of channels, webhooks and audit streams, below ``/api/v1/``."""

from django.urls import path

from notifications import api
from notifications.streams import api as streams
from notifications.webhooks import api as webhooks

urlpatterns = [
    path("notification-channels", api.ChannelListView.as_view(), name="channels"),
    path("notification-channels/<api_id:channel_id>", api.ChannelView.as_view(), name="channel"),
    path("webhooks", webhooks.WebhookListView.as_view(), name="webhooks"),
    path("webhooks/<api_id:webhook_id>", webhooks.WebhookView.as_view(), name="webhook"),
    path("webhooks/<api_id:webhook_id>/secret", webhooks.WebhookSecretView.as_view(), name="webhook_secret"),
    path("webhooks/<api_id:webhook_id>/test", webhooks.WebhookTestView.as_view(), name="webhook_test"),
    path(
        "webhooks/<api_id:webhook_id>/deliveries", webhooks.WebhookDeliveriesView.as_view(), name="webhook_deliveries"
    ),
    path(
        "webhook-deliveries/<api_id:delivery_id>/redeliver",
        webhooks.WebhookRedeliverView.as_view(),
        name="webhook_redeliver",
    ),
    path("audit-streams", streams.AuditStreamListView.as_view(), name="audit_streams"),
    path("audit-streams/<api_id:stream_id>", streams.AuditStreamView.as_view(), name="audit_stream"),
    path("audit-streams/<api_id:stream_id>/test", streams.AuditStreamTestView.as_view(), name="audit_stream_test"),
    path("audit-streams/<api_id:stream_id>/pause", streams.PauseAuditStreamView.as_view(), name="audit_stream_pause"),
    path(
        "audit-streams/<api_id:stream_id>/resume", streams.ResumeAuditStreamView.as_view(), name="audit_stream_resume"
    ),
]
