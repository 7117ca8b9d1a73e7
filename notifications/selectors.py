"""Reads that pages and other apps share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Q, QuerySet

from governance.audit.actors import Actor
from notifications.models import Channel, Notification
from workspaces.access import may, require
from workspaces.actors import person
from workspaces.models import OrganizationMember, User
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
    """Active people of the organization who may open this workspace, by e-mail."""
    members = OrganizationMember.objects.filter(user__is_active=True).select_related("user").order_by("user__email")
    return [member.user for member in members if may_read(member.user)]


def may_read(user: User) -> bool:
    """Whether a person may still be told about this workspace."""
    return user.is_active and may(person(user), Permission.MEMBER)


def readers(users: Iterable[User]) -> list[User]:
    """Those who may still be told."""
    return [user for user in users if may_read(user)]
