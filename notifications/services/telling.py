"""Notices of Headrace itself to the admins of an organization: something of theirs was switched off."""

from __future__ import annotations

from uuid import uuid4

from django.utils import timezone

from notifications.choices import Phase, Severity
from notifications.message import Message
from notifications.services.outbox import queue_notification
from workspaces.models import OrganizationMember, Workspace
from workspaces.scoping import workspace_scope

MOST = 20


def tell_admins(
    workspace: Workspace, *, topic: str, title: str, summary: str, words: str, advice: str, url: str
) -> int:
    """Write a message to each admin of the workspace's organization, inside the caller's transaction; how many."""
    with workspace_scope(workspace.pk):
        admins = OrganizationMember.objects.filter(is_admin=True, user__is_active=True).select_related("user")[:MOST]
        for member in admins:
            identity = uuid4().hex
            message = Message(
                id=identity,
                thread=f"{topic}-{identity}",
                phase=Phase.INFO,
                severity=Severity.WARNING,
                title=title,
                summary=summary,
                at=timezone.now(),
                workspace=workspace.name,
                source="Headrace",
                words=words,
                advice=advice,
                url=url,
            )
            queue_notification(message=message, topic=topic, person=member.user)
    return len(admins)
