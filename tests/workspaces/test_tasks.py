"""Invitations by mail, where a mail server is set."""

from __future__ import annotations

import pytest
from django.core import mail

from tests.world import World
from workspaces import services
from workspaces.tasks import send_invitation
from workspaces.tokens import invitation_token


def test_an_invitation_is_mailed_with_its_link(world: World) -> None:
    invitation = world.acme.rows["invitation"]
    send_invitation.fn(invitation.pk)
    [message] = mail.outbox
    assert message.to == ["new@acme.test"]
    assert f"/invitations/{invitation_token(invitation)}" in message.body
    assert "Acme" in message.subject


@pytest.mark.parametrize(("backend", "sends"), [("smtp", True), ("filebased", False)])
def test_without_a_mail_server_links_are_copied(settings: object, backend: str, sends: bool) -> None:
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{backend}.EmailBackend"  # type: ignore[attr-defined]
    assert services.sends_mail() is sends
