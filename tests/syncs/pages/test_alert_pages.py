"""Pages of alerts and channels: thresholds, recipients, mutes, history, and who may change what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from notifications.models import Channel
from syncs.alerting.policy import effective_policy
from syncs.alerting.triggers import TRIGGERS
from syncs.choices import TriggerKind
from syncs.models import AlertPolicy, AlertState, Run, Sync
from tests.notifications.support import a_channel
from tests.syncs.app.shop import Shop


def text(response: Any, status: int = 200) -> str:
    assert response.status_code == status
    return str(response.content.decode())


def thresholds(**changed: Any) -> dict[str, Any]:
    """The destination's form as it is shown first, with nobody told."""
    sent: dict[str, Any] = {"to-TOTAL_FORMS": 0, "to-INITIAL_FORMS": 0, "reminder_hours": ""}
    for kind, trigger in TRIGGERS.items():
        rule = trigger.default
        for level in ("warning", "critical"):
            value = getattr(rule, level)
            sent[f"{kind}-{level}"] = "" if value is None else value
        if rule.enabled and not trigger.always_on:
            sent[f"{kind}-enabled"] = "on"
    sent |= {"rejected-unit": "rows", "throughput-window": "168"}
    return {**sent, **changed}


def own(**changed: Any) -> dict[str, Any]:
    """A sync's form, with everything left to its destination."""
    inherited = {f"{kind}-own": "inherited" for kind in TRIGGERS}
    return {**thresholds(), **inherited, "source": "destination", **changed}


def told(shop: Shop, *channels: Channel) -> dict[str, Any]:
    lines: dict[str, Any] = {"to-TOTAL_FORMS": len(channels) + 1, "to-0-who": f"person-{shop.place.owner.pk}"}
    lines["to-0-subscription"] = "critical"
    for number, channel in enumerate(channels, 1):
        lines |= {f"to-{number}-who": f"channel-{channel.pk}", f"to-{number}-subscription": "all"}
    return lines


def test_a_destination_sets_what_its_syncs_alert_at_and_a_sync_its_own(shop: Shop, owner: Client, sync: Sync) -> None:
    channel = a_channel(shop.actor, "email")
    address = f"/acme/destinations/{shop.destination.pk}/alerting"
    assert "On call email (E-mail)" in text(owner.get(address))
    sent = thresholds(
        **told(shop, channel), **{"rejected-warning": "5", "rejected-unit": "percent", "reminder_hours": "4"}
    )
    assert owner.post(address, sent).status_code == 302
    policy = effective_policy(sync)
    rule = policy.rules[TriggerKind.REJECTED]
    assert (rule.warning, rule.percent, policy.reminder_hours) == (5, True, 4)
    assert [(str(r), r.subscription) for r in policy.recipients] == [
        ("owner@acme.test", "critical"),
        ("On call email", "all"),
    ]
    page = text(owner.get(f"/acme/syncs/{sync.pk}/alerts"))
    assert "Warning from 5 % of the queried rows" in page
    changed = own(**{"fatal-own": "own", "fatal-critical": "3", "source": "sync", **told(shop)})
    assert owner.post(f"/acme/syncs/{sync.pk}/alerts", changed).status_code == 302
    policy = effective_policy(sync)
    assert policy.rules[TriggerKind.FATAL].critical == 3
    assert policy.rules[TriggerKind.REJECTED].warning == 5
    assert [str(r) for r in policy.recipients] == ["owner@acme.test"]


def test_what_cannot_work_is_said_at_its_line(shop: Shop, owner: Client, sync: Sync) -> None:
    address = f"/acme/destinations/{shop.destination.pk}/alerting"
    page = text(owner.post(address, thresholds(**{"rejected-warning": "9", "rejected-critical": "3"})), 422)
    assert "Must be above the threshold of the warning." in page
    twice = {**told(shop), "to-TOTAL_FORMS": 2, "to-1-who": f"person-{shop.place.owner.pk}", "to-1-subscription": "all"}
    assert "The same recipient is named twice." in text(owner.post(address, thresholds(**twice)), 422)
    assert not AlertPolicy.objects.exists()


def test_an_alert_shows_everywhere_and_can_be_muted(owner: Client, sync: Sync, run: Run) -> None:
    assert run.rejected == 1
    alerts = f"/acme/syncs/{sync.pk}/alerts"
    for address, words in (
        (alerts, "1 of 5 rows (20 %) was rejected in run 1."),
        (f"/acme/syncs/{sync.pk}", "1 warning"),
        ("/acme/syncs", "1 warning"),
        ("/acme/", "Active alerts"),
    ):
        assert words in text(owner.get(address))
    assert "Nobody is told of this sync’s alerts." in text(owner.get(alerts))
    assert owner.post(f"{alerts}/rejected/mute", {"for": "1d"})["Location"] == alerts
    page = text(owner.get(alerts))
    assert "Muted by owner@acme.test until" in page
    assert "1 muted" in text(owner.get("/acme/syncs"))
    owner.post(f"{alerts}/rejected/mute", {"for": "off"})
    assert AlertState.objects.get(trigger="rejected").muted_at is None
    assert owner.post(f"{alerts}/nonsense/mute", {"for": "1d"}).status_code == 404


@pytest.mark.parametrize(("name", "status"), [("editor", 302), ("viewer", 403)])
def test_who_may_set_alerting(
    shop: Shop, sync: Sync, browser_of: Callable[[str], Client], name: str, status: int
) -> None:
    browser = browser_of(name)
    assert browser.get(f"/acme/syncs/{sync.pk}/alerts").status_code == 200
    assert browser.get(f"/acme/destinations/{shop.destination.pk}/alerting").status_code == 200
    assert browser.post(f"/acme/syncs/{sync.pk}/alerts", own()).status_code == status
    assert browser.post(f"/acme/destinations/{shop.destination.pk}/alerting", thresholds()).status_code == status
    assert browser.post(f"/acme/syncs/{sync.pk}/alerts/fatal/mute", {"for": "1h"}).status_code == status
    assert browser.get("/acme/settings/channels").status_code == 403


def test_a_channel_is_added_tested_changed_and_deleted(owner: Client, shop: Shop, settings: Any) -> None:
    assert "No channels yet" in text(owner.get("/acme/settings/channels"))
    assert "PagerDuty" in text(owner.get("/acme/settings/channels/new"))
    form = {"name": "Data on call", "endpoint": "http://127.0.0.1:9/hook", "signing_secret": "short"}
    assert "at least 24 characters" in text(owner.post("/acme/settings/channels/new/webhook", form), 422)
    secret = "a-secret-of-thirty-two-characters"
    added = owner.post("/acme/settings/channels/new/webhook", {**form, "signing_secret": secret})
    channel = Channel.objects.get()
    assert added["Location"] == f"/acme/settings/channels/{channel.pk}"
    page = text(owner.get(added["Location"]))
    assert secret not in page
    owner.post(f"{added['Location']}/test")
    assert "The latest message did not arrive." in text(owner.get(added["Location"]))
    assert "Data on call" in text(owner.get("/acme/settings/channels"))
    renamed = {"name": "Night watch", "endpoint": form["endpoint"], "signing_secret": ""}
    assert owner.post(added["Location"], renamed).status_code == 302
    assert owner.post(f"{added['Location']}/delete").status_code == 302
    assert not Channel.objects.exists()
