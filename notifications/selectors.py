"""Reads that pages and other apps share."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q, QuerySet

from governance.audit.actors import Actor
from notifications.models import AuditStream, Channel, Notification, Webhook, WebhookDelivery
from workspaces.access import may, require
from workspaces.actors import person
from workspaces.models import GroupRole, OrganizationMember, User
from workspaces.permissions import Permission


def channels(actor: Actor, query: str = "") -> QuerySet[Channel]:
    """The channels of the workspace."""
    require(actor, Permission.MEMBER)
    rows = Channel.objects.all()
    return rows.filter(Q(name__icontains=query) | Q(type__icontains=query)) if query else rows


def deliveries_to(channel: Channel) -> QuerySet[Notification]:
    """What was sent to a channel, newest first."""
    return Notification.objects.filter(channel=channel).order_by("-id")


def deliveries_of(topics: Sequence[str]) -> dict[str, list[Notification]]:
    """Notifications by topic, oldest first, in one query."""
    found: dict[str, list[Notification]] = {topic: [] for topic in topics}
    rows = Notification.objects.filter(topic__in=topics).order_by("id") if topics else ()
    for row in rows:
        found[row.topic].append(row)
    return found


def people_here() -> list[User]:
    """Active people who may open this workspace, by e-mail: its organization's admins, and whose group has a role."""
    groups = GroupRole.objects.values("group")
    members = OrganizationMember.objects.filter(Q(is_admin=True) | Q(groups__group__in=groups), user__is_active=True)
    return [member.user for member in members.select_related("user").order_by("user__email").distinct()]


def may_read(user: User) -> bool:
    """Whether a person may still be told about this workspace."""
    return user.is_active and may(person(user), Permission.MEMBER)


def webhooks(actor: Actor, query: str = "") -> QuerySet[Webhook]:
    """The webhooks of the workspace."""
    require(actor, Permission.MANAGE_WORKSPACE)
    rows = Webhook.objects.all()
    return rows.filter(Q(name__icontains=query) | Q(shown_url__icontains=query)) if query else rows


def deliveries_of_webhook(webhook: Webhook) -> QuerySet[WebhookDelivery]:
    """What was and is to be sent to a webhook."""
    return WebhookDelivery.objects.filter(webhook=webhook)


def streams(actor: Actor, query: str = "") -> QuerySet[AuditStream]:
    """The audit streams of the organization."""
    require(actor, Permission.MANAGE_ORGANIZATION)
    rows = AuditStream.objects.all()
    return rows.filter(name__icontains=query) if query else rows
