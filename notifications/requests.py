"""Carries what happens to requests for approval to the people concerned, and to the workspace's channel."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from django.conf import settings
from django.utils import timezone

from governance.approvals.announcements import Announcement
from governance.approvals.choices import Happening
from governance.approvals.models import Draft
from notifications.choices import Phase, Severity
from notifications.message import Message, shortened
from notifications.models import Channel
from notifications.services.outbox import queue_notification
from workspaces.models import User, Workspace

_TITLES = {
    Happening.SUBMITTED: "Approval asked for",
    Happening.APPROVED: "Approved, more approvals needed",
    Happening.PUBLISHED: "Approved and published",
    Happening.DENIED: "Declined",
    Happening.WITHDRAWN: "Request withdrawn",
    Happening.VOIDED: "Changed, needs approval again",
}
_SENTENCES = {
    Happening.SUBMITTED: "{who} asks for approval of changes to the {noun} “{name}”.",
    Happening.APPROVED: "{who} approved the changes to the {noun} “{name}”. They are not live yet.",
    Happening.PUBLISHED: "{who} approved the changes to the {noun} “{name}”. They are live.",
    Happening.DENIED: "{who} declined the changes to the {noun} “{name}”. The draft is gone.",
    Happening.WITHDRAWN: "{who} withdrew the request to approve the {noun} “{name}”. The draft is kept.",
    Happening.VOIDED: "{who} changed the draft of the {noun} “{name}”. Earlier approvals do not count any more.",
}


def tell(told: Announcement) -> None:
    """Write one message to each person and to the channel, inside the caller's transaction."""
    message, topic = message_of(told), f"request:{told.draft.pk}"
    for user in User.objects.filter(pk__in=told.people, is_active=True):
        queue_notification(message=message, topic=topic, person=user)
    channel = Channel.objects.filter(pk=told.channel_id).first() if told.channel_id else None
    if channel is not None:
        queue_notification(message=message, topic=topic, channel=channel)


def places() -> Sequence[tuple[int, str]]:
    """The workspace's channels."""
    return list(Channel.objects.values_list("pk", "name"))


def message_of(told: Announcement) -> Message:
    """What happened, in the words of the person who did it."""
    draft, workspace = told.draft, Workspace.objects.get(pk=told.draft.workspace_id)
    who = told.actor.label
    return Message(
        id=uuid4().hex,
        thread=f"headrace-request-{draft.pk}",
        phase=Phase.INFO,
        severity=Severity.INFO,
        title=f"{_TITLES[told.happening]}: {draft.label}",
        summary=_SENTENCES[told.happening].format(who=who, noun=told.noun, name=draft.label),
        at=timezone.now(),
        workspace=workspace.name,
        source=draft.label,
        facts=_facts(told, draft),
        url=settings.BASE_URL + draft.get_absolute_url(),
        url_label="View the request",
    )


def _facts(told: Announcement, draft: Draft) -> tuple[tuple[str, str], ...]:
    facts = [("Kind", f"New {told.noun}" if draft.is_new else f"Change of a {told.noun}")]
    if draft.requested_label:
        facts.append(("Asked for by", draft.requested_label))
    if told.words:
        facts.append(("Reason" if told.happening is Happening.DENIED else "Comment", shortened(told.words, 1_000)))
    return tuple(facts)
