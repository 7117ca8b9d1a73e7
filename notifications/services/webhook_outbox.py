"""Events on their way to webhooks: written with what they tell of, tried again until they arrive or are given up.

Each step is bound to the epoch that the worker took the delivery with. A worker that dies between sending
and noting it is followed by another, under the same ``webhook-id``.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from config.queue import enqueue
from governance.audit.chain import content_of
from governance.audit.models import AuditChain, AuditEntry
from notifications.choices import ChannelHealth, DeliveryState
from notifications.models import Webhook, WebhookDelivery
from notifications.services.telling import tell_admins
from notifications.webhooks import types
from workspaces.models import Workspace

LEASE = timedelta(seconds=90)
# Seconds before each further attempt, give or take a fifth; after the last one the event is given up.
RETRY_DELAYS = (5, 30, 120, 600, 1_800, 7_200, 18_000, 36_000, 86_400)
MOST_ATTEMPTS = len(RETRY_DELAYS) + 1
PATIENCE = timedelta(seconds=15)
# A webhook that took nothing for so long is switched off.
GIVE_UP_AFTER = timedelta(days=3)
KEEP = timedelta(days=30)
LOOK_AT = 500


@dataclass(frozen=True, slots=True)
class HeldDelivery:
    """A worker's hold on a delivery."""

    delivery: WebhookDelivery
    epoch: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an attempt sent and got back, without secrets."""

    status: int | None = None
    took_ms: int = 0
    request_headers: Mapping[str, str] | None = None
    response_headers: Mapping[str, str] | None = None
    response_body: str = ""

    def columns(self) -> dict[str, Any]:
        """As the delivery keeps it."""
        return {
            "status": self.status,
            "took_ms": self.took_ms,
            "request_headers": dict(self.request_headers or {}),
            "response_headers": dict(self.response_headers or {}),
            "response_body": self.response_body,
        }


def publish(name: str, data: Mapping[str, Any], *, at: datetime) -> int:
    """Write an event for every webhook of the workspace in scope that wants it, inside the caller's transaction."""
    wanting = [webhook for webhook in Webhook.objects.filter(enabled=True) if types.matches(webhook.events, name)]
    for webhook in wanting:
        _queue(webhook, name, data, at)
    return len(wanting)


def queue_test(webhook: Webhook) -> WebhookDelivery:
    """Write an event that says only that it is a test."""
    data = {"webhook": webhook.name, "message": "This is a test from Headrace."}
    return _queue(webhook, types.TEST, data, timezone.now())


def lagging_webhooks() -> list[tuple[int, int]]:
    """(workspace, webhook) ids for which the audit chain has entries they have not looked at. Across workspaces."""
    chains = dict(AuditChain.objects.values_list("organization_id", "sequence"))
    found = Webhook.objects.filter(enabled=True).values_list(
        "workspace_id", "pk", "workspace__organization_id", "cursor"
    )
    return [(workspace, pk) for workspace, pk, organization, cursor in found if cursor < chains.get(organization, 0)]


@transaction.atomic
def look_at_audit(webhook_id: int) -> int:
    """Write events of the next sealed audit entries that a webhook wants, and move its cursor; how many entries."""
    webhook = (
        Webhook.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .filter(pk=webhook_id, enabled=True)
        .select_related("workspace")
        .first()
    )
    if webhook is None:
        return 0
    chain = AuditChain.objects.filter(organization_id=webhook.workspace.organization_id).first()
    last = min(chain.sequence if chain else 0, webhook.cursor + LOOK_AT)
    if types.wants_audit(webhook.events):
        entries = AuditEntry.objects.filter(
            organization_id=webhook.workspace.organization_id,
            workspace_id=webhook.workspace_id,
            sequence__gt=webhook.cursor,
            sequence__lte=last,
        )
        for entry in entries.order_by("sequence"):
            name = f"{types.AUDIT}{entry.event}"
            if types.matches(webhook.events, name):
                _queue(webhook, name, {**content_of(entry), "sequence": entry.sequence}, entry.at, f"audit-{entry.pk}")
    else:
        last = chain.sequence if chain else 0
    looked, webhook.cursor = last - webhook.cursor, last
    webhook.save(update_fields=["cursor"])
    return looked


def claim_delivery(delivery_id: int) -> HeldDelivery | None:
    """Take a delivery that is due; one whose workers died every time is given up instead."""
    row = _due().filter(pk=delivery_id)
    if row.filter(attempts__gte=MOST_ATTEMPTS).exists():
        words = "The workers that sent this event died, every time."
        row.update(state=DeliveryState.FAILED, lease_until=None, finished_at=Now(), error=words)
        return None
    taken = row.update(
        state=DeliveryState.SENDING, epoch=F("epoch") + 1, attempts=F("attempts") + 1, lease_until=Now() + LEASE
    )
    if not taken:
        return None
    delivery = WebhookDelivery.objects.select_related("webhook", "workspace").get(pk=delivery_id)
    return HeldDelivery(delivery, delivery.epoch)


@transaction.atomic
def delivered(held: HeldDelivery, attempt: Attempt) -> None:
    """The other side has it."""
    ended = {"state": DeliveryState.SENT, "lease_until": None, "finished_at": Now(), "error": "", "hint": ""}
    if _held(held).update(**ended, **attempt.columns()):
        Webhook.objects.filter(pk=held.delivery.webhook_id).update(
            health=ChannelHealth.HEALTHY, failing_since=None, last_sent_at=Now(), last_error=""
        )


@transaction.atomic
def failed(held: HeldDelivery, attempt: Attempt, error: str, hint: str, *, after: float | None, gone: bool) -> None:
    """Try later, at least as long as the other side asks; in the end give up. ``gone`` switches the webhook off."""
    words = {"error": error[:2_000], "hint": hint[:2_000], "lease_until": None}
    attempts = held.delivery.attempts
    if gone or attempts >= MOST_ATTEMPTS:
        ended: dict[str, Any] = {"state": DeliveryState.FAILED, "finished_at": Now()}
    else:
        delay = RETRY_DELAYS[attempts - 1] * random.uniform(0.8, 1.2)
        ended = {"state": DeliveryState.WAITING, "available_at": Now() + timedelta(seconds=max(delay, after or 0))}
    if not _held(held).update(**ended, **words, **attempt.columns()):
        return
    webhook = (
        Webhook.objects.select_for_update(no_key=True, of=("self",))
        .select_related("workspace")
        .get(pk=held.delivery.webhook_id)
    )
    now = timezone.now()
    webhook.health, webhook.last_error = ChannelHealth.FAILING, error[:2_000]
    webhook.failing_since = webhook.failing_since or now
    webhook.save(update_fields=["health", "last_error", "failing_since"])
    if gone:
        _switch_off(webhook, "The address answered 410: it is gone for good.")
    elif webhook.enabled and webhook.failing_since < now - GIVE_UP_AFTER:
        _switch_off(webhook, f"It took nothing for {GIVE_UP_AFTER.days} days.")


def resend_due_deliveries(now: datetime, *, limit: int = 500) -> int:
    """Tell the workers again of deliveries that nobody took. Across all workspaces."""
    with transaction.atomic():
        due = list(
            _due()
            .filter(told_at__lte=now - PATIENCE)
            .select_for_update(skip_locked=True, no_key=True, of=("self",))
            .order_by("available_at")[:limit]
        )
        WebhookDelivery.objects.filter(pk__in=[row.pk for row in due]).update(told_at=now)
        for row in due:
            tell(row)
    return len(due)


def delete_old_deliveries(now: datetime, *, limit: int = 10_000) -> int:
    """Delete what was delivered or given up a month ago. Across all workspaces."""
    old = WebhookDelivery.objects.filter(created_at__lt=now - KEEP, finished_at__isnull=False).order_by("created_at")
    return WebhookDelivery.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:limit])).delete()[0]


def tell(delivery: WebhookDelivery) -> None:
    """Tell a worker after the commit."""
    from notifications.tasks import send_webhook

    enqueue(send_webhook, delivery.workspace_id, delivery.pk)


def _queue(webhook: Webhook, name: str, data: Mapping[str, Any], at: datetime, identity: str = "") -> WebhookDelivery:
    now = timezone.now()
    delivery = WebhookDelivery.objects.create(
        workspace_id=webhook.workspace_id,
        webhook=webhook,
        message_id=f"msg_{identity}-{webhook.pk}" if identity else f"msg_{uuid4().hex}",
        type=name,
        body={"type": name, "timestamp": at.isoformat(), "data": data},
        available_at=now,
        told_at=now,
        created_at=now,
    )
    tell(delivery)
    return delivery


def _due() -> QuerySet[WebhookDelivery]:
    free = Q(state=DeliveryState.WAITING, available_at__lte=Now()) | Q(
        state=DeliveryState.SENDING, lease_until__lt=Now()
    )
    return WebhookDelivery.objects.filter(free, webhook__enabled=True)


def _held(held: HeldDelivery) -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(pk=held.delivery.pk, epoch=held.epoch, state=DeliveryState.SENDING)


def _switch_off(webhook: Webhook, reason: str) -> None:
    """Stop sending, and tell the admins; what waits stays until somebody switches it on again."""
    webhook.enabled, webhook.disabled_reason = False, reason
    webhook.save(update_fields=["enabled", "disabled_reason"])
    workspace: Workspace = webhook.workspace
    tell_admins(
        workspace,
        topic=f"webhook:{webhook.pk}",
        title=f"The webhook “{webhook.name}” was switched off",
        summary=f"{reason} Events of {workspace.name} are not sent to it any more.",
        words=webhook.last_error,
        advice="Correct the receiver, then switch the webhook on again on its page.",
        url=settings.BASE_URL + webhook.get_absolute_url(),
    )
