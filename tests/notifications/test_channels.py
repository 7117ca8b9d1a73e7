"""Each kind of channel against a stand-in that is as strict as the vendor's documentation."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.fernet import Fernet

from config.errors import Denied, Invalid, NotFound
from connectors.services import rotate_credentials
from notifications import services
from notifications.access import channel_for
from notifications.choices import Phase, Severity
from notifications.models import Channel, Notification
from notifications.sending import send_test
from notifications.signing import signed
from tests.notifications.servers import ROUTING_KEY, SIGNING_SECRET, SLACK_TOKEN, Mailbox, Vendors
from tests.notifications.support import a_channel, a_message, work_off
from tests.world import Place, World
from workspaces.scoping import workspace_scope

HTTP_KINDS = ("slack", "slack_bot", "pagerduty", "datadog", "webhook", "sms")


def send(channel: Channel, **changed: Any) -> Notification:
    services.queue_notification(message=a_message(**changed), topic="test:1", channel=channel)
    work_off()
    return Notification.objects.order_by("-pk")[0]


def test_mail_says_what_happened_and_joins_its_thread(place: Place, mailbox: Mailbox) -> None:
    channel = a_channel(place.actor, "email")
    message = a_message()
    first = send(channel, id=message.id, words="It’s “broken” – 数据\nsecond line")
    send(channel, phase=Phase.RESOLVED, severity=Severity.OK, title="Recovered:\n Customers → CRM")
    mails = mailbox.mails
    assert mailbox.subjects == ["Critical: Customers → CRM fails", "Recovered: Customers → CRM"]
    assert mails[0]["To"] == "oncall@acme.test, data@acme.test"
    body = mails[0].get_content().replace("\r\n", "\n")
    assert "It’s “broken” – 数据" in body
    assert "Open the run:\nhttp://127.0.0.1:8000/acme/syncs/12/runs/3" in body
    assert "What to do: Replace the credentials" in body
    assert mails[0]["References"] == mails[1]["References"] != mails[0]["Message-ID"]
    assert first.receipt == mails[0]["Message-ID"]
    assert mails[0]["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("kind", HTTP_KINDS)
def test_the_vendor_takes_every_message(place: Place, vendor: Vendors, kind: str) -> None:
    channel = a_channel(place.actor, kind, vendor.url)
    long = "x" * 9_000
    for changed in (
        {},
        {"title": long, "summary": long, "words": f"{long}\n{long}", "advice": long},
        {"words": "", "advice": "", "facts": (), "url": "", "title": "ümläut 数据 <!channel> & 'quotes'"},
        {"phase": Phase.REMINDER, "severity": Severity.WARNING},
        {"phase": Phase.RESOLVED, "severity": Severity.OK},
    ):
        sent = send(channel, **changed)
        assert (sent.state, sent.error) == ("sent", ""), vendor.refused
    assert len(vendor.received) == 5
    channel.refresh_from_db()
    assert channel.health == "healthy"


def test_slack_shows_text_and_no_markup_of_others(place: Place, vendor: Vendors) -> None:
    send(a_channel(place.actor, "slack_bot", vendor.url), words="<!channel> <script>")
    body = vendor.received[0].body
    section = body["blocks"][0]["text"]["text"]
    assert ">&lt;!channel&gt; &lt;script&gt;" in section
    assert "<http://127.0.0.1:8000/acme/syncs/12/runs/3|Open the run>" in section
    assert "The run &lt;3&gt; failed &amp; nothing" in section


def test_pagerduty_pages_once_a_matter_and_closes_it(place: Place, vendor: Vendors) -> None:
    channel = a_channel(place.actor, "pagerduty", vendor.url)
    send(channel)
    send(channel, phase=Phase.CHANGED, severity=Severity.WARNING)
    send(channel, thread="another")
    assert vendor.incidents == {"alert-acme-12-fatal": "warning", "another": "critical"}
    assert vendor.paged == 2
    send(channel, phase=Phase.RESOLVED, severity=Severity.OK)
    assert vendor.incidents == {"another": "critical"}


def test_datadog_tells_the_events_of_one_matter_together(place: Place, vendor: Vendors) -> None:
    channel = a_channel(place.actor, "datadog", vendor.url)
    first = send(channel)
    send(channel, phase=Phase.RESOLVED, severity=Severity.OK)
    send(channel, thread="another")
    bodies = [got.body for got in vendor.received]
    assert [body["alert_type"] for body in bodies] == ["error", "success", "error"]
    assert bodies[0]["aggregation_key"] == bodies[1]["aggregation_key"] != bodies[2]["aggregation_key"]
    assert {"workspace:Acme", "phase:opened", "team:growth", "env:prod"} <= set(bodies[0]["tags"])
    assert "http://127.0.0.1:8000/acme/syncs/12/runs/3" in bodies[0]["text"]
    assert first.receipt == "6000000000000000001"


def test_the_webhook_is_signed_and_keeps_its_id(place: Place, vendor: Vendors) -> None:
    message = a_message()
    headers = [{"name": "Authorization", "value": "Bearer of-ours", "secret": True}]
    sent = send(a_channel(place.actor, "webhook", vendor.url, headers=headers), id=message.id)
    got = vendor.received[0]
    assert sent.state == "sent"
    assert got.headers["webhook-id"] == got.body["id"] == message.id
    assert got.headers["authorization"] == "Bearer of-ours"
    assert (got.body["type"], got.body["timestamp"]) == ("alert.opened", "2026-11-22T03:00:00+00:00")
    assert got.body["data"]["facts"] == {"Since": "22 Nov 2026, 03:00 UTC"}
    # The example of the specification.
    example = signed(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert example == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_text_message_fits_and_keeps_its_link(place: Place, vendor: Vendors) -> None:
    send(a_channel(place.actor, "sms", vendor.url), summary="word " * 400)
    body = vendor.received[0].body
    assert len(body["Body"]) <= 300
    assert body["Body"].endswith("/acme/syncs/12/runs/3")
    assert (body["To"], body["From"]) == ("+4915112345678", "+15005550006")


@pytest.mark.parametrize(
    ("kind", "changed", "words"),
    [
        ("slack", {"webhook_url": "{url}/services/T0/B0/gone"}, "no_service"),
        ("slack_bot", {"token": "xoxb-other"}, "invalid_auth"),
        ("slack_bot", {"channel": "C9"}, "channel_not_found"),
        ("pagerduty", {"routing_key": "f" * 32}, "invalid"),
        ("datadog", {"api_key": "0" * 32}, "Forbidden"),
        ("webhook", {"signing_secret": "another-secret-of-enough-length"}, "signature does not fit"),
        ("sms", {"auth_token": "wrong"}, "Authenticate"),
        ("sms", {"number": "+15005550001"}, "Invalid 'To' Phone Number"),
    ],
)
def test_what_is_set_wrong_is_said_in_the_other_sides_words_and_not_tried_again(
    place: Place, vendor: Vendors, kind: str, changed: dict[str, str], words: str
) -> None:
    channel = a_channel(
        place.actor, kind, vendor.url, **{name: value.replace("{url}", vendor.url) for name, value in changed.items()}
    )
    failed = send(channel)
    assert (failed.state, failed.attempts) == ("failed", 1)
    assert words in failed.error
    channel.refresh_from_db()
    assert (channel.health, channel.last_error) == ("failing", failed.error)
    shown = failed.error + failed.hint + channel.last_error
    assert not any(secret in shown for secret in (SLACK_TOKEN, ROUTING_KEY, SIGNING_SECRET, "xoxb-other", "B0/gone"))


@pytest.mark.parametrize("kind", ["email", *HTTP_KINDS])
def test_a_test_message_leaves_nothing_open(place: Place, vendor: Vendors, mailbox: Mailbox, kind: str) -> None:
    channel = send_test(actor=place.actor, channel=a_channel(place.actor, kind, vendor.url))
    assert (channel.health, channel.last_error) == ("healthy", "")
    assert len(vendor.received) + len(mailbox.mails) == (2 if kind == "pagerduty" else 1)
    assert vendor.incidents == {}


def test_mail_servers_that_refuse_for_good_or_for_now_are_told_apart(place: Place, mailbox: Mailbox) -> None:
    channel = a_channel(place.actor, "email")
    mailbox.answers = ["550 5.1.1 No such mailbox"]
    refused = send(channel)
    assert (refused.state, refused.attempts) == ("failed", 1)
    assert "550 5.1.1 No such mailbox" in refused.error
    mailbox.answers = ["451 4.3.0 Try later"]
    later = send(channel)
    assert (later.state, later.attempts) == ("waiting", 1)
    assert "451" in later.error


def test_private_addresses_are_closed(place: Place, vendor: Vendors, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = []
    failed = send(a_channel(place.actor, "webhook", vendor.url))
    assert failed.state == "failed"
    assert "not a public address" in failed.error
    assert vendor.received == []


@pytest.mark.parametrize(
    ("kind", "changed", "field"),
    [
        ("email", {"addresses": "nobody"}, "addresses"),
        ("email", {"addresses": " "}, "addresses"),
        ("slack", {"webhook_url": "slack.com"}, "webhook_url"),
        ("slack_bot", {"channel": ""}, "channel"),
        ("pagerduty", {"routing_key": "short"}, "routing_key"),
        ("datadog", {"api_key": "short"}, "api_key"),
        ("webhook", {"signing_secret": "short"}, "signing_secret"),
        ("webhook", {"endpoint": "https://[hooks"}, "endpoint"),
        ("webhook", {"endpoint": "https://me:secret@hooks.test/x"}, "endpoint"),
        ("sms", {"number": "0151 123"}, "number"),
    ],
)
def test_wrong_settings_are_named(place: Place, kind: str, changed: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        a_channel(place.actor, kind, "https://vendor.test", **changed)
    assert field in refused.value.fields


def test_credentials_stay_with_their_address(place: Place) -> None:
    channel = a_channel(place.actor, "webhook", "https://hooks.acme.test")
    assert SIGNING_SECRET not in str(channel.config) + channel.secret_config
    kept = services.update_channel(actor=place.actor, channel=channel, name="Renamed", values={"signing_secret": ""})
    assert kept.name == "Renamed"
    with pytest.raises(Invalid) as refused:
        services.update_channel(actor=place.actor, channel=channel, values={"endpoint": "https://evil.test/x"})
    assert "signing_secret" in refused.value.fields
    with pytest.raises(Invalid) as refused:
        services.update_channel(actor=place.actor, channel=channel, values={"endpoint": "https://[evil"})
    assert "endpoint" in refused.value.fields
    with pytest.raises(Invalid, match="name"):
        a_channel(place.actor, "email", name="Renamed")


def test_only_managers_change_channels_and_only_of_their_workspace(world: World, place: Place) -> None:
    channel = a_channel(place.actor, "email")
    for name in ("editor", "viewer"):
        with pytest.raises(Denied):
            services.delete_channel(actor=world.actor(name), channel=channel)
        with pytest.raises(Denied):
            send_test(actor=world.actor(name), channel=channel)
        assert channel_for(world.actor(name), channel.pk) == channel
    with workspace_scope(world.globex.workspace.pk), pytest.raises(NotFound):
        services.update_channel(actor=world.globex.actor, channel=channel, name="Ours")
    services.delete_channel(actor=place.actor, channel=channel)
    assert not Channel.objects.exists()


def test_a_message_survives_its_storage() -> None:
    message = replace(a_message(), at=datetime(2026, 1, 1, tzinfo=UTC))
    assert type(message).from_json(message.to_json()) == message


def test_a_new_key_reaches_channels(place: Place, vendor: Vendors, settings: Any) -> None:
    channel = a_channel(place.actor, "pagerduty", vendor.url)
    settings.SECRET_KEYS = [Fernet.generate_key().decode(), *settings.SECRET_KEYS]
    rotate_credentials(actor=place.actor, workspace=place.workspace)
    settings.SECRET_KEYS = settings.SECRET_KEYS[:1]
    channel.refresh_from_db()
    assert send(channel).state == "sent"
