"""Addresses of notification channels, under ``/<workspace>/``."""

from __future__ import annotations

from django.urls import path

from notifications import views
from notifications.streams import views as streams
from notifications.webhooks import views as webhooks
from workspaces.permissions import Permission
from workspaces.routes import requires

app_name = "notifications"
manage = requires(Permission.MANAGE_WORKSPACE)
manage_organization = requires(Permission.MANAGE_ORGANIZATION)
_channel = "settings/channels/<int:channel_id>"
_webhook = "settings/webhooks/<int:webhook_id>"
_stream = "organization/audit-streams/<int:stream_id>"

urlpatterns = [
    path("settings/channels", manage(views.ChannelList.as_view()), name="channels"),
    path("settings/channels/new", manage(views.ChooseKind.as_view()), name="channel_kinds"),
    path("settings/channels/new/<slug:type_key>", manage(views.NewChannel.as_view()), name="channel_new"),
    path(_channel, manage(views.ChannelPage.as_view()), name="channel"),
    path(f"{_channel}/test", manage(views.TestChannel.as_view()), name="channel_test"),
    path(f"{_channel}/delete", manage(views.DeleteChannel.as_view()), name="channel_delete"),
    path(
        "settings/notifications/<int:notification_id>/retry",
        manage(views.RetryNotification.as_view()),
        name="notification_retry",
    ),
    path("settings/webhooks", manage(webhooks.WebhookList.as_view()), name="webhooks"),
    path("settings/webhooks/new", manage(webhooks.NewWebhook.as_view()), name="webhook_new"),
    path(_webhook, manage(webhooks.WebhookPage.as_view()), name="webhook"),
    path(f"{_webhook}/<slug:action>", manage(webhooks.WebhookAction.as_view()), name="webhook_action"),
    path(
        "settings/webhook-deliveries/<int:delivery_id>",
        manage(webhooks.DeliveryPage.as_view()),
        name="webhook_delivery",
    ),
    path("organization/audit-streams", manage_organization(streams.StreamList.as_view()), name="streams"),
    path(
        "organization/audit-streams/new/<slug:type_key>",
        manage_organization(streams.NewStream.as_view()),
        name="stream_new",
    ),
    path(_stream, manage_organization(streams.StreamPage.as_view()), name="stream"),
    path(f"{_stream}/<slug:action>", manage_organization(streams.StreamAction.as_view()), name="stream_action"),
]
