"""The only ways from an id to a channel or a notification of the current workspace."""

from __future__ import annotations

from typing import Any

from config.errors import NotFound
from connectors.sdk.validation import assemble, with_defaults
from connectors.secrets import decrypt
from governance.audit.actors import Actor
from notifications.channels import channel_type
from notifications.models import Channel, Notification
from workspaces.access import require
from workspaces.permissions import Permission


def channel_for(
    actor: Actor, channel_id: int, permission: Permission = Permission.MEMBER, *, lock: bool = False
) -> Channel:
    """A channel, if the actor has the permission in this workspace."""
    require(actor, permission)
    rows = Channel.objects.select_for_update(no_key=True) if lock else Channel.objects.select_related("created_by")
    found = rows.filter(pk=channel_id).first()
    if found is None:
        raise NotFound("There is no such notification channel in this workspace.")
    return found


def notification_for(actor: Actor, notification_id: int, permission: Permission = Permission.MEMBER) -> Notification:
    """A notification, if the actor has the permission in this workspace."""
    require(actor, permission)
    found = Notification.objects.filter(pk=notification_id).first()
    if found is None:
        raise NotFound("There is no such notification in this workspace.")
    return found


def settings_of(channel: Channel) -> dict[str, Any]:
    """The whole settings, credentials included: for sending, never for showing."""
    fields = channel_type(channel.type).fields
    return assemble(with_defaults(fields, channel.config), decrypt(channel.secret_config))
