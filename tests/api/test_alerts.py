"""Alerts, notification channels and test rows over the REST API."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from governance.audit.models import AuditEntry
from syncs.models import AlertState, Sync
from tests.api.calls import Call
from tests.syncs.app.shop import Shop
from tests.world import World

HOOK = {
    "type": "webhook",
    "name": "Ops",
    "configuration": {"endpoint": "https://ops.example/hook", "signing_secret": "whsec_b3BzLXNlY3JldC1vZi10ZXN0cw=="},
}


@pytest.fixture
def sync(shop: Shop) -> Sync:
    shop.fill(2)
    return shop.sync(shop.model())


def test_thresholds_and_recipients_are_set_and_held_against_the_layer_below(
    world: World, sync: Sync, call: Call
) -> None:
    made = call("post", "/notification-channels", HOOK)
    assert made.status_code == 200, made.content
    channel = made.json()
    rules = {"rejected": {"enabled": True, "warning": 1.0, "critical": 10.0, "percent": True, "windowHours": 168}}
    theirs = {
        "rules": rules,
        "recipients": [{"channelId": channel["id"], "personId": None, "subscription": "critical"}],
        "reminderHours": 4,
    }
    there = f"/destinations/{sync.destination_id}/alerting"
    assert call("put", there, theirs).json() == theirs
    assert call("get", there).json() == theirs
    assert call("get", f"/syncs/{sync.pk}/alerting").json() == {"rules": {}, "recipients": None, "reminderHours": None}

    own = {"rules": {"duration": {"enabled": True, "warning": 5}}}
    saved = call("put", f"/syncs/{sync.pk}/alerting", own).json()
    assert saved["rules"]["duration"]["warning"] == 5.0
    lines = {line["trigger"]: line for line in call("get", f"/syncs/{sync.pk}/alerts").json()["data"]}
    assert {name: line["rulesFrom"] for name, line in lines.items()} == {
        "fatal": "default", "rejected": "destination", "held": "default", "model_size": "default",
        "duration": "sync", "throughput": "default", "consent": "default",
    }  # fmt: skip
    assert (
        lines["rejected"]["sentence"] == "Warning from 1 % of the queried rows, Critical from 10 % of the queried rows"
    )
    assert AuditEntry.objects.filter(event="sync.alerting_changed").count() == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"rules": {"fatal": {"enabled": False}}}, "fatal.enabled"),
        ({"rules": {"weather": {"warning": 1}}}, "rules"),
        ({"recipients": [{"personId": "99999"}]}, "recipients"),
        ({"recipients": [{"personId": "1' OR 1=1"}]}, "recipients"),
        ({"reminderHours": 0}, "reminderHours"),
    ],
)
def test_alerting_that_makes_no_sense_names_what_is_wrong(sync: Sync, call: Call, wrong: Any, field: str) -> None:
    answer = call("put", f"/syncs/{sync.pk}/alerting", wrong)
    assert answer.status_code == 422
    assert field in answer.json()["details"]


def test_what_alerts_is_listed_and_muted(sync: Sync, call: Call) -> None:
    AlertState.objects.create(
        workspace_id=sync.workspace_id, sync=sync, trigger="fatal", level="critical", since=timezone.now()
    )
    (alert,) = call("get", "/alerts").json()["data"]
    assert (alert["syncId"], alert["trigger"], alert["level"], alert["muted"]) == (
        str(sync.pk), "fatal", "critical", False
    )  # fmt: skip
    mute = f"/syncs/{sync.pk}/alerts/fatal/mute"
    assert call("post", mute, {"hours": 2}).status_code == 204
    assert call("get", "/alerts").json()["data"][0]["muted"] is True
    assert call("delete", mute).status_code == 204
    assert call("get", "/alerts").json()["data"][0]["muted"] is False
    assert call("post", f"/syncs/{sync.pk}/alerts/weather/mute").status_code == 404
    assert call("post", mute, {"hours": -1}).status_code == 422


def test_channels_take_credentials_and_never_give_them(world: World, call: Call) -> None:
    pager = {"type": "pagerduty", "configuration": {"routing_key": "R" * 32}}
    made = call("post", "/notification-channels", pager)
    assert made.status_code == 200, made.content
    path = f"/notification-channels/{made.json()['id']}"
    assert "R" * 32 not in made.content.decode() + call("get", path).content.decode()
    assert call("patch", path, {"name": "Night"}).json()["name"] == "Night"
    assert [c["name"] for c in call("get", "/notification-channels").json()["data"]] == ["Night"]
    assert call("delete", path).status_code == 204
    assert call("get", path).status_code == 404


def test_one_row_is_sent_and_nothing_is_remembered(shop: Shop, sync: Sync, call: Call) -> None:
    sent = call("post", f"/syncs/{sync.pk}/test-row", {"key": "1", "operation": "added", "edits": {"email": "x@y.z"}})
    assert sent.status_code == 200, sent.content
    assert sent.json()["status"] == "succeeded"
    assert sent.json()["values"]["email"] == "x@y.z"
    assert [row[1] for row in shop.there()] == ["x@y.z"]
    assert sync.runs.count() == 0
    assert call("post", f"/syncs/{sync.pk}/test-row", {"key": "none"}).status_code == 404
