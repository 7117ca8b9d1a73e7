"""The only ways from an id to a channel or a notification of the current workspace."""

from __future__ import annotations

from typing import Any

from config.errors import NotFound
from connectors.sdk.validation import assemble, with_defaults
from connectors.secrets import decrypt
from governance.audit.actors import Actor
from notifications.channels import channel_type
from notifications.models import AuditStream, Channel, Notification, Webhook, WebhookDelivery
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


def webhook_for(actor: Actor, webhook_id: int, *, lock: bool = False) -> Webhook:
    """A webhook, if the actor manages this workspace."""
    require(actor, Permission.MANAGE_WORKSPACE)
    rows = Webhook.objects.select_for_update(no_key=True) if lock else Webhook.objects.all()
    found = rows.filter(pk=webhook_id).first()
    if found is None:
        raise NotFound("There is no such webhook in this workspace.")
    return found


def webhook_delivery_for(actor: Actor, delivery_id: int) -> WebhookDelivery:
    """A delivery to a webhook, if the actor manages this workspace."""
    require(actor, Permission.MANAGE_WORKSPACE)
    found = WebhookDelivery.objects.select_related("webhook").filter(pk=delivery_id).first()
    if found is None:
        raise NotFound("There is no such delivery in this workspace.")
    return found


def stream_for(actor: Actor, stream_id: int, *, lock: bool = False) -> AuditStream:
    """An audit stream, if the actor manages the organization."""
    require(actor, Permission.MANAGE_ORGANIZATION)
    rows = AuditStream.objects.select_for_update(no_key=True) if lock else AuditStream.objects.all()
    found = rows.filter(pk=stream_id).first()
    if found is None:
        raise NotFound("There is no such audit stream in this organization.")
    return found


def settings_of(channel: Channel) -> dict[str, Any]:
    """The whole settings, credentials included: for sending, never for showing."""
    fields = channel_type(channel.type).fields
    return assemble(with_defaults(fields, channel.config), decrypt(channel.secret_config))
