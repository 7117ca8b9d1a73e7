"""A workspace with vendors and a mail server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.notifications.receiver import Receiver, receiving
from tests.notifications.servers import Mailbox, Vendors, mail_server, vendors

if TYPE_CHECKING:
    from tests.world import Place, World


@pytest.fixture
def vendor(settings: Any) -> Iterator[Vendors]:
    """Slack, PagerDuty, Twilio and a webhook receiver, reachable."""
    settings.OUTBOUND_ALLOW = ["*"]
    with vendors() as running:
        yield running


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    """The operator's mail server."""
    with mail_server() as box:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", box.port
        yield box


@pytest.fixture
def place(world: World) -> Iterator[Place]:
    """The first workspace, entered."""
    from workspaces.scoping import workspace_scope

    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """A program that takes webhooks, reachable."""
    settings.OUTBOUND_ALLOW = ["*"]
    with receiving() as running:
        yield running
