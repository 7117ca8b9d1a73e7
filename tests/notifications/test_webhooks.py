"""Webhooks: what is sent, how it is signed, what happens when it does not arrive, and who may look."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone
from standardwebhooks.webhooks import WebhookVerificationError

from config.errors import Conflict, Denied, Invalid
from governance.audit.models import AuditEntry
from governance.audit.services import seal_entries
from notifications import services
from notifications.choices import DeliveryState
from notifications.models import Notification, Webhook, WebhookDelivery
from notifications.services.webhook_outbox import (
    MOST_ATTEMPTS,
    delete_old_deliveries,
    lagging_webhooks,
    look_at_audit,
    publish,
    resend_due_deliveries,
)
from notifications.webhooks import types
from notifications.webhooks.sending import deliver_event
from tests.notifications.receiver import Receiver
from tests.world import BUILDER, Place, World
from workspaces import services as workspaces
from workspaces.scoping import unscoped, workspace_scope

RUN = {"runId": "1"}


def a_webhook(place: Place, url: str, events: tuple[str, ...] = ("run.*",), name: str = "Ops") -> services.MadeWebhook:
    return services.create_webhook(actor=place.actor, name=name, url=url, events=list(events))


def tell(name: str = "run.failed", **data: Any) -> int:
    return publish(name, {**RUN, **data}, at=timezone.now())


def work_off() -> None:
    """Send everything that waits, due or not."""
    WebhookDelivery.objects.filter(state=DeliveryState.WAITING).update(available_at=Now())
    for pk in WebhookDelivery.objects.filter(state=DeliveryState.WAITING).order_by("pk").values_list("pk", flat=True):
        deliver_event(pk)


def look() -> None:
    """What the scheduler does every two seconds."""
    with unscoped("the scheduler serves everybody"):
        seal_entries(100_000)
        found = lagging_webhooks()
    for workspace, pk in found:
        with workspace_scope(workspace):
            while look_at_audit(pk):
                pass


def test_an_event_arrives_once_signed_as_the_specification_says(place: Place, receiver: Receiver) -> None:
    made = a_webhook(place, receiver.url)
    assert tell() == 1
    assert tell("sequence.ended") == 0
    work_off()
    work_off()
    (taken,) = receiver.taken
    assert taken.path == "/in/s3cret-path?token=t0ken"
    assert taken.verified(made.secret) == {"type": "run.failed", "timestamp": taken.body["timestamp"], "data": RUN}
    with pytest.raises(WebhookVerificationError):
        taken.verified(services.replace_secret(actor=place.actor, webhook=made.webhook).secret)
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.status, delivery.attempts) == ("sent", 204, 1)
    assert taken.headers["webhook-id"] == delivery.message_id
    made.webhook.refresh_from_db()
    assert made.webhook.health == "healthy"


def test_a_replaced_secret_and_the_old_one_sign_for_a_day(place: Place, receiver: Receiver) -> None:
    made = a_webhook(place, receiver.url)
    newer = services.replace_secret(actor=place.actor, webhook=made.webhook)
    tell()
    work_off()
    assert receiver.taken[0].verified(made.secret)
    assert receiver.taken[0].verified(newer.secret)
    Webhook.objects.update(old_secret_until=timezone.now())
    tell()
    work_off()
    assert receiver.taken[1].verified(newer.secret)
    with pytest.raises(WebhookVerificationError):
        receiver.taken[1].verified(made.secret)


def test_neither_address_nor_secret_shows_anywhere(place: Place, receiver: Receiver) -> None:
    made = a_webhook(place, receiver.url)
    receiver.answers = [(401, {})]
    tell()
    work_off()
    services.update_webhook(actor=place.actor, webhook=made.webhook, url=receiver.url + "&more=1")
    client = Client()
    client.force_login(place.owner)
    delivery = WebhookDelivery.objects.get()
    assert "no to" in delivery.response_body
    pages = [
        client.get(f"/acme/settings/{path}").content.decode()
        for path in ("webhooks", f"webhooks/{made.webhook.pk}", f"webhook-deliveries/{delivery.pk}")
    ]
    with unscoped("the test looks at every entry"):
        entries = json.dumps([[e.before, e.after] for e in AuditEntry.objects.all()])
    stored = json.dumps([made.webhook.shown_url, delivery.error, delivery.hint, str(delivery.request_headers)])
    for hidden in ("s3cret-path", made.secret, made.secret.removeprefix("whsec_")):
        assert not any(hidden in text for text in (*pages, entries, stored)), hidden
    assert made.webhook.shown_url == f"http://127.0.0.1:{receiver.port}/••••"
    assert "another" in entries, "that the address changed is told, not to what"


def test_what_does_not_arrive_is_tried_again_and_then_given_up(place: Place, receiver: Receiver) -> None:
    a_webhook(place, receiver.url)
    receiver.answers = [(503, {}), (429, {"Retry-After": "900"})] + [(500, {})] * MOST_ATTEMPTS
    tell()
    row = WebhookDelivery.objects.get()
    deliver_event(row.pk)
    row.refresh_from_db()
    assert (row.state, row.status) == ("waiting", 503)
    assert row.available_at > timezone.now() + timedelta(seconds=3)
    deliver_event(row.pk)
    assert len(receiver.taken) == 1, "not before its time"
    work_off()
    row.refresh_from_db()
    assert row.available_at > timezone.now() + timedelta(seconds=800), "as long as it asks"
    for _ in range(MOST_ATTEMPTS):
        work_off()
    row.refresh_from_db()
    assert (row.state, row.attempts, len(receiver.taken)) == ("failed", MOST_ATTEMPTS, MOST_ATTEMPTS)
    assert len({taken.headers["webhook-id"] for taken in receiver.taken}) == 1
    receiver.answers = []
    services.redeliver_webhook(actor=place.actor, delivery=row)
    work_off()
    row.refresh_from_db()
    assert (row.state, receiver.taken[-1].headers["webhook-id"]) == ("sent", row.message_id)


def test_an_event_whose_workers_die_is_given_up(place: Place, receiver: Receiver) -> None:
    a_webhook(place, receiver.url)
    tell()
    long_ago = timezone.now() - timedelta(hours=1)
    WebhookDelivery.objects.update(state="sending", attempts=MOST_ATTEMPTS, lease_until=long_ago, told_at=long_ago)
    assert resend_due_deliveries(timezone.now()) == 1
    deliver_event(WebhookDelivery.objects.get().pk)
    row = WebhookDelivery.objects.get()
    assert (row.state, receiver.taken) == ("failed", [])
    assert "died" in row.error


def test_a_webhook_that_takes_nothing_for_days_is_switched_off_and_its_admins_are_told(
    place: Place, receiver: Receiver
) -> None:
    made = a_webhook(place, receiver.url)
    receiver.answers = [(500, {}), (500, {})]
    tell()
    work_off()
    Webhook.objects.update(failing_since=timezone.now() - timedelta(days=4))
    work_off()
    made.webhook.refresh_from_db()
    assert not made.webhook.enabled
    assert "3 days" in made.webhook.disabled_reason
    assert tell() == 0
    notice = Notification.objects.get(topic=f"webhook:{made.webhook.pk}")
    assert (notice.person, notice.message["title"]) == (place.owner, "The webhook “Ops” was switched off")
    with pytest.raises(Conflict):
        services.test_webhook(actor=place.actor, webhook=made.webhook)
    services.update_webhook(actor=place.actor, webhook=made.webhook, enabled=True)
    work_off()
    assert WebhookDelivery.objects.get().state == "sent", "what waited is sent"


def test_an_address_that_is_gone_switches_off_at_once(place: Place, receiver: Receiver) -> None:
    made = a_webhook(place, receiver.url)
    receiver.answers = [(410, {})]
    tell()
    work_off()
    made.webhook.refresh_from_db()
    assert (made.webhook.enabled, WebhookDelivery.objects.get().state) == (False, "failed")


def test_private_addresses_are_refused(place: Place, settings: Any, receiver: Receiver) -> None:
    settings.OUTBOUND_ALLOW = []
    a_webhook(place, receiver.url)
    tell()
    work_off()
    row = WebhookDelivery.objects.get()
    assert receiver.taken == []
    assert "127.0.0.1" in row.error


def test_audit_entries_of_the_workspace_are_told_and_no_others(place: Place, world: World, receiver: Receiver) -> None:
    look()
    made = a_webhook(place, receiver.url, ("audit.api_key.*", "audit.webhook.created"))
    workspaces.create_api_key(actor=place.actor, workspace=place.workspace, name="Dagster")
    with workspace_scope(world.globex.workspace.pk):
        workspaces.create_api_key(actor=world.globex.actor, workspace=world.globex.workspace, name="Theirs")
    services.update_webhook(actor=place.actor, webhook=made.webhook, name="Operations")
    look()
    look()
    work_off()
    assert [t.body["type"] for t in receiver.taken] == ["audit.webhook.created", "audit.api_key.created"]
    said = receiver.taken[1].verified(made.secret)["data"]
    assert (said["resource"]["label"], said["actor"]["label"]) == ("Dagster", place.owner.email)
    entry = AuditEntry.objects.get(pk=int(said["id"]))
    assert receiver.taken[1].headers["webhook-id"] == f"msg_audit-{entry.pk}-{made.webhook.pk}"


def test_a_run_tells_when_it_starts_and_ends(place: Place, receiver: Receiver) -> None:
    a_webhook(place, receiver.url)
    run = place.rows["run"]
    work_off()
    started = [t.body for t in receiver.taken if t.body["type"] == "run.started"][-1]["data"]
    assert (started["runId"], started["status"]) == (str(run.pk), "enqueued")
    assert started["url"].endswith(f"/acme/syncs/{run.sync_id}/runs/{run.pk}")


@pytest.mark.parametrize(
    ("patterns", "words"),
    [
        ([], "at least one"),
        (["  "], "at least one"),
        (["nothing.like.it"], "covers no event"),
        (["run.["], "covers no event"),
        (["run.*"] + [f"audit.sync.{'x' * n}*" for n in range(60)], "At most"),
    ],
)
def test_patterns_that_cover_nothing_are_refused(place: Place, patterns: list[str], words: str) -> None:
    with pytest.raises(Invalid) as refused:
        services.create_webhook(actor=place.actor, name="X", url="https://x.example/", events=patterns)
    assert words in refused.value.fields["events"]


def test_patterns() -> None:
    assert types.matches(["run.*"], "run.failed")
    assert types.matches(["*"], "audit.sync.updated")
    assert not types.matches(["audit.sync.*", "run.held"], "audit.source.updated")
    assert types.wants_audit(["a*"])
    assert not types.wants_audit(["run.*"])
    assert {"run.failed", "audit.sync.updated", "audit.access.denied"} <= set(types.known())


@pytest.mark.parametrize("url", ["", "ftp://x", "https://", "https://user:pw@x.example", "x" * 3000])
def test_addresses_that_are_none_are_refused(place: Place, url: str) -> None:
    with pytest.raises(Invalid) as refused:
        services.create_webhook(actor=place.actor, name="X", url=url, events=["run.*"])
    assert "url" in refused.value.fields


def test_others_may_not_and_old_deliveries_go(place: Place, world: World, receiver: Receiver) -> None:
    made = a_webhook(place, receiver.url)
    for act in (
        lambda: services.create_webhook(actor=world.actor("editor"), name="N", url="https://x.example", events=["*"]),
        lambda: services.replace_secret(actor=world.actor("viewer"), webhook=made.webhook),
        lambda: services.delete_webhook(actor=world.actor("editor"), webhook=made.webhook),
    ):
        with pytest.raises(Denied):
            act()
    tell()
    work_off()
    WebhookDelivery.objects.update(created_at=timezone.now() - timedelta(days=31))
    assert delete_old_deliveries(timezone.now()) == 1


def test_the_api_does_what_the_pages_do(place: Place, receiver: Receiver) -> None:
    key = workspaces.create_api_key(actor=BUILDER, workspace=place.workspace, name="API", owner=place.owner)

    def call(method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = Client().generic(
            method,
            f"/api/v1/{path}",
            json.dumps(body or {}),
            content_type="application/json",
            headers={"Authorization": f"Bearer {key.secret}"},
        )
        assert answer.status_code == status, answer.content
        return answer.json() if answer.content else None

    made = call("POST", "webhooks", {"name": "Ops", "url": receiver.url, "events": ["run.held"]})
    assert made["secret"].startswith("whsec_")
    assert "secret" not in call("GET", f"webhooks/{made['id']}")
    assert call("PATCH", f"webhooks/{made['id']}", {"events": ["run.*"]})["events"] == ["run.*"]
    sent = call("POST", f"webhooks/{made['id']}/test")
    work_off()
    assert receiver.taken[0].verified(made["secret"])["type"] == "webhook.test"
    assert call("GET", f"webhooks/{made['id']}/deliveries")["data"][0]["status"] == 204
    assert call("POST", f"webhook-deliveries/{sent['id']}/redeliver")["state"] == "waiting"
    assert call("POST", f"webhooks/{made['id']}/secret")["secret"] != made["secret"]
    assert call("POST", "webhooks", {"name": "Ops", "url": "x", "events": ["no"]}, 422)["details"]
    call("DELETE", f"webhooks/{made['id']}", status=204)
    assert call("GET", "webhooks")["data"] == []


def test_pages_add_show_and_change_a_webhook(place: Place, receiver: Receiver) -> None:
    client = Client()
    client.force_login(place.owner)
    added = client.post(
        "/acme/settings/webhooks/new",
        {"name": "Ops", "url": receiver.url, "chosen": ["run.failed"], "patterns": "audit.sync.*\n"},
    )
    page = added.content.decode()
    assert "whsec_" in page
    assert added["Cache-Control"] == "no-store"
    webhook = Webhook.objects.get()
    assert webhook.events == ["run.failed", "audit.sync.*"]
    here = f"/acme/settings/webhooks/{webhook.pk}"
    assert "whsec_" not in client.get(here).content.decode()
    assert client.post("/acme/settings/webhooks/new", {"name": "Two", "url": "", "chosen": []}).status_code == 422
    assert client.post(here, {"name": "Ops", "url": "", "chosen": [], "patterns": "zz.*"}).status_code == 422
    assert client.post(f"{here}/test").status_code == 302
    work_off()
    delivery = WebhookDelivery.objects.get()
    assert "webhook.test" in client.get(f"/acme/settings/webhook-deliveries/{delivery.pk}").content.decode()
    assert client.post(f"/acme/settings/webhook-deliveries/{delivery.pk}").status_code == 302
    assert client.post(f"{here}/disable").status_code == 302
    assert "Switched off" in client.get(here).content.decode()
    assert "whsec_" in client.post(f"{here}/secret").content.decode()
    assert client.post(f"{here}/delete").status_code == 302
    with workspace_scope(place.workspace.pk):
        kept = AuditEntry.objects.filter(resource_type="webhook").order_by("pk").values_list("event", flat=True)
    assert list(kept) == [
        "webhook.created",
        "webhook.tested",
        "webhook.redelivered",
        "webhook.updated",
        "webhook.secret_replaced",
        "webhook.deleted",
    ]
