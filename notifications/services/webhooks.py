"""Writes to webhooks, all by people and API keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from config.errors import Conflict, Invalid
from connectors.sdk.errors import ConfigError
from connectors.sdk.net.client import parse_url
from connectors.secrets import decrypt, encrypt
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, unchanged
from governance.selectors import chain_of
from notifications.access import webhook_delivery_for, webhook_for
from notifications.choices import ChannelHealth, DeliveryState
from notifications.models import Webhook, WebhookDelivery
from notifications.services.webhook_outbox import queue_test, tell
from notifications.signing import new_secret
from notifications.webhooks import types
from workspaces.access import require
from workspaces.models import Workspace
from workspaces.permissions import Permission
from workspaces.scoping import current_workspace_id

OVERLAP = timedelta(hours=24)
MOST = 50
MAX_NAME, MAX_URL = 120, 2_000


@dataclass(frozen=True, slots=True)
class MadeWebhook:
    """A webhook and its signing secret, which is shown once."""

    webhook: Webhook
    secret: str


@service("webhook.created")
def create_webhook(*, actor: Actor, name: str, url: str, events: Sequence[str]) -> MadeWebhook:
    """Add a webhook. It gets what happens from now on."""
    require(actor, Permission.MANAGE_WORKSPACE)
    if Webhook.objects.count() >= MOST:
        raise Conflict(f"A workspace has at most {MOST} webhooks.", hint="Delete one that nobody needs.")
    secret, now = new_secret(), timezone.now()
    address = _checked_url(url)
    chain = chain_of(Workspace.objects.get(pk=current_workspace_id()).organization_id)
    webhook = Webhook.objects.create(
        workspace_id=current_workspace_id(),
        name=_free_name(name),
        shown_url=masked_url(address),
        events=types.checked(events),
        secret_config=encrypt({"url": address, "secret": secret}),
        secret_set_at=now,
        cursor=chain.sequence if chain else 0,
        created_by_id=actor.user_id,
    )
    record(webhook, after=_facts(webhook))
    return MadeWebhook(webhook, secret)


@service("webhook.updated")
def update_webhook(
    *,
    actor: Actor,
    webhook: Webhook,
    name: str | None = None,
    url: str | None = None,
    events: Sequence[str] | None = None,
    enabled: bool | None = None,
) -> Webhook:
    """Change a webhook; what is not given stays. Switched on again, it gets what happens from then on."""
    webhook = webhook_for(actor, webhook.pk, lock=True)
    before, kept = _facts(webhook), decrypt(webhook.secret_config)
    if name is not None:
        webhook.name = _free_name(name, besides=webhook.pk)
    if events is not None:
        webhook.events = types.checked(events)
    if url:
        address = _checked_url(url)
        if address != kept["url"]:
            webhook.secret_config = encrypt({**kept, "url": address})
            webhook.shown_url, webhook.health = masked_url(address), ChannelHealth.UNTESTED
            before["address"] = "another"
    if enabled is not None and enabled != webhook.enabled:
        _switch(webhook, on=enabled)
    difference = changes(before, _facts(webhook))
    if not difference:
        unchanged()
        return webhook
    webhook.save()
    record(webhook, before=difference.before, after=difference.after)
    return webhook


@service("webhook.deleted")
def delete_webhook(*, actor: Actor, webhook: Webhook) -> None:
    """Remove a webhook, its secret and its deliveries."""
    webhook = webhook_for(actor, webhook.pk, lock=True)
    record(webhook, before=_facts(webhook))
    webhook.delete()


@service("webhook.secret_replaced")
def replace_secret(*, actor: Actor, webhook: Webhook) -> MadeWebhook:
    """A new signing secret; for a day requests are signed with the old one too."""
    webhook = webhook_for(actor, webhook.pk, lock=True)
    kept, secret = decrypt(webhook.secret_config), new_secret()
    webhook.secret_config = encrypt({"url": kept["url"], "secret": secret, "old_secret": kept["secret"]})
    webhook.secret_set_at = timezone.now()
    webhook.old_secret_until = webhook.secret_set_at + OVERLAP
    webhook.save()
    record(webhook, after={"old_signs_until": webhook.old_secret_until.isoformat()})
    return MadeWebhook(webhook, secret)


@service("webhook.tested")
def test_webhook(*, actor: Actor, webhook: Webhook) -> WebhookDelivery:
    """Send an event that says only that it is a test; it stands among the deliveries."""
    webhook = webhook_for(actor, webhook.pk, lock=True)
    if not webhook.enabled:
        raise Conflict("This webhook is switched off.", hint="Switch it on first.")
    delivery = queue_test(webhook)
    record(webhook, after={"message": delivery.message_id})
    return delivery


@service("webhook.redelivered")
def redeliver_webhook(*, actor: Actor, delivery: WebhookDelivery) -> WebhookDelivery:
    """Post an event once more under the same id, from the first attempt on."""
    delivery = webhook_delivery_for(actor, delivery.pk)
    now = timezone.now()
    again = WebhookDelivery.objects.filter(
        pk=delivery.pk, state__in=(DeliveryState.SENT, DeliveryState.FAILED), webhook__enabled=True
    ).update(state=DeliveryState.WAITING, attempts=0, available_at=now, told_at=now, finished_at=None, error="")
    if not again:
        raise Conflict("This event is on its way, or its webhook is switched off.")
    record(delivery.webhook, after={"message": delivery.message_id, "type": delivery.type})
    tell(delivery)
    return delivery


def masked_url(url: str) -> str:
    """An address without what may be secret in it: its path and query."""
    parsed = parse_url(url)
    rest = parsed.path not in ("", "/") or parsed.query_string
    return f"{parsed.scheme}://{parsed.authority}"[:380] + ("/••••" if rest else "/")


def _switch(webhook: Webhook, *, on: bool) -> None:
    webhook.enabled, webhook.disabled_reason, webhook.failing_since = on, "", None
    if on:
        chain = chain_of(Workspace.objects.get(pk=webhook.workspace_id).organization_id)
        webhook.cursor = chain.sequence if chain else 0


def _facts(webhook: Webhook) -> dict[str, Any]:
    return {
        "name": webhook.name,
        "address": webhook.shown_url,
        "events": list(webhook.events),
        "enabled": webhook.enabled,
    }


def _checked_url(url: str) -> str:
    url = url.strip()
    if len(url) > MAX_URL:
        raise Invalid.field("url", f"At most {MAX_URL:,} characters.")
    try:
        parse_url(url)
    except ConfigError as error:
        raise Invalid.field("url", f"{error.message} {error.hint}".strip()) from None
    return url


def _free_name(name: str, besides: int = 0) -> str:
    name = name.strip()
    if not name:
        raise Invalid.field("name", "Enter a name.")
    if len(name) > MAX_NAME:
        raise Invalid.field("name", f"At most {MAX_NAME} characters.")
    if Webhook.objects.filter(name=name).exclude(pk=besides).exists():
        raise Invalid.field("name", "Another webhook of this workspace has this name.")
    return name
