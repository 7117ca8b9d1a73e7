"""Addresses of notification channels, under ``/<workspace>/``."""

from __future__ import annotations

from django.urls import path

from notifications import views
from workspaces.permissions import Permission
from workspaces.routes import requires

app_name = "notifications"
manage = requires(Permission.MANAGE_WORKSPACE)
_channel = "settings/channels/<int:channel_id>"

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
]
