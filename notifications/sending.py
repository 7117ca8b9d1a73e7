"""Carries one notification to its place, and test messages to channels."""

from __future__ import annotations

import logging
from uuid import uuid4

from django.utils import timezone

from config.errors import HeadraceError
from connectors.sdk.errors import ConnectorError, RateLimited, Unavailable
from governance.audit.actors import Actor
from notifications.access import channel_for, settings_of
from notifications.channels import channel_type
from notifications.channels.email import send_mail
from notifications.choices import Phase, Severity
from notifications.message import Message
from notifications.models import Channel, Notification
from notifications.selectors import may_read
from notifications.services import outbox
from notifications.services.channels import store_test
from workspaces.models import Workspace
from workspaces.permissions import Permission

logger = logging.getLogger(__name__)


def deliver(notification_id: int) -> None:
    """Send a notification, if it is free and its turn; whatever goes wrong is kept on its row."""
    held = outbox.claim(notification_id)
    if held is None:
        return
    try:
        receipt = _send(held.notification)
    except Unavailable as error:
        after = error.after if isinstance(error, RateLimited) else None
        outbox.put_off(held, error.message, error.hint, after=after)
    except (ConnectorError, HeadraceError) as error:
        outbox.give_up(held, error.message, error.hint)
    except Exception as error:
        logger.exception("notification %s could not be sent", notification_id)
        outbox.put_off(held, f"{type(error).__name__}: {error}", "The worker's log has the details.")
    else:
        outbox.mark_sent(held, receipt)


def send_test(*, actor: Actor, channel: Channel) -> Channel:
    """Send a test message now and remember what came of it."""
    channel = channel_for(actor, channel.pk, Permission.MANAGE_WORKSPACE)
    error, hint = "", ""
    try:
        for message in _test_messages(channel):
            channel_type(channel.type).deliver(settings_of(channel), message)
    except (ConnectorError, HeadraceError) as problem:
        error, hint = problem.message, problem.hint
    return store_test(actor=actor, channel=channel, error=error, hint=hint)


def _send(row: Notification) -> str:
    message = Message.from_json(row.message)
    if row.channel is not None:
        return channel_type(row.channel.type).deliver(settings_of(row.channel), message)
    assert row.person is not None
    if not may_read(row.person):
        raise HeadraceError(f"{row.person} may no longer open this workspace.", hint="Choose another recipient.")
    return send_mail([row.person.email], message)


def _test_messages(channel: Channel) -> list[Message]:
    workspace = Workspace.objects.get(pk=channel.workspace_id)
    opened = Message(
        id=uuid4().hex,
        thread=f"headrace-test-{uuid4().hex}",
        phase=Phase.OPENED,
        severity=Severity.INFO,
        title=f"Test message from {workspace.name}",
        summary=f"The channel “{channel.name}” works: alerts of {workspace.name} can be sent here.",
        at=timezone.now(),
        workspace=workspace.name,
        source="Headrace",
    )
    # An incident that was opened to test is closed at once.
    if channel.type != "pagerduty":
        return [opened]
    return [opened, Message.from_json({**opened.to_json(), "phase": Phase.RESOLVED, "id": uuid4().hex})]
