"""Channels and messages that tests of this app share."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from django.db.models.functions import Now

from governance.audit.actors import Actor
from notifications import services
from notifications.choices import DeliveryState, Phase, Severity
from notifications.message import Message
from notifications.models import Channel, Notification
from notifications.sending import deliver
from tests.notifications.servers import ACCOUNT, AUTH_TOKEN, DATADOG_KEY, ROUTING_KEY, SIGNING_SECRET, SLACK_TOKEN


def settings_for(kind: str, url: str) -> dict[str, Any]:
    """Settings of a channel that the stand-ins take."""
    return {
        "email": {"addresses": "oncall@acme.test, data@acme.test"},
        "slack": {"method": "webhook", "webhook_url": f"{url}/services/T0/B0/secret"},
        "slack_bot": {"method": "bot", "token": SLACK_TOKEN, "channel": "C0123456789", "base_url": f"{url}/api"},
        "pagerduty": {"routing_key": ROUTING_KEY, "base_url": url},
        "datadog": {"api_key": DATADOG_KEY, "base_url": url, "tags": "team:growth, env:prod"},
        "webhook": {"endpoint": f"{url}/hooks/alerts", "signing_secret": SIGNING_SECRET},
        "sms": {
            "number": "+4915112345678",
            "sender": "+15005550006",
            "account_sid": ACCOUNT,
            "auth_token": AUTH_TOKEN,
            "base_url": url,
        },
    }[kind]


def a_channel(actor: Actor, kind: str, url: str = "", name: str = "", **changed: Any) -> Channel:
    """A channel of this kind."""
    return services.create_channel(
        actor=actor,
        type=kind.partition("_")[0],
        name=name or f"On call {kind}",
        values={**settings_for(kind, url), **changed},
    )


def a_message(**changed: Any) -> Message:
    """An alert that just began."""
    usual = Message(
        id=uuid4().hex,
        thread="alert-acme-12-fatal",
        phase=Phase.OPENED,
        severity=Severity.CRITICAL,
        title="Critical: Customers → CRM fails",
        summary="The run <3> failed & nothing was delivered.",
        at=datetime(2026, 11, 22, 3, 0, tzinfo=UTC),
        workspace="Acme",
        source="Customers → CRM",
        words="401: Invalid API key",
        advice="Replace the credentials, then test the connection again.",
        facts=(("Since", "22 Nov 2026, 03:00 UTC"),),
        url="http://127.0.0.1:8000/acme/syncs/12/runs/3",
        url_label="Open the run",
    )
    return replace(usual, **changed)


def work_off() -> None:
    """Send everything that is due, in this thread, until nothing is."""
    due = Notification.objects.filter(state=DeliveryState.WAITING, available_at__lte=Now()).order_by("pk")
    while row := due.first():
        attempts = row.attempts
        deliver(row.pk)
        row.refresh_from_db()
        assert row.attempts > attempts, f"{row} was due and nobody could take it"
