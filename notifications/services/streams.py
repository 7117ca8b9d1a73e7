"""Writes to audit streams: by admins through audited services, and by the workers that send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from config.errors import Conflict, Invalid
from config.queue import enqueue
from connectors.addresses import to_enter_again
from connectors.sdk.errors import ConfigError
from connectors.sdk.validation import Cleaned, InvalidSettings, clean
from connectors.secrets import decrypt, encrypt, set_times
from governance.audit.actors import Actor
from governance.audit.models import AuditChain
from governance.audit.services import changes, record, service, unchanged
from governance.selectors import chain_of
from notifications.access import stream_for
from notifications.choices import ChannelHealth
from notifications.models import AuditStream
from notifications.services.telling import tell_admins
from notifications.streams.kinds import stream_kind
from workspaces.access import require
from workspaces.models import Organization, Workspace
from workspaces.permissions import Permission

LEASE = timedelta(minutes=5)
RETRY_DELAYS = (5, 15, 60, 300, 900, 1_800, 3_600)  # seconds; the last one for ever
PATIENCE = timedelta(seconds=15)
PAUSE_AFTER = timedelta(days=3)
MOST = 20
MAX_NAME = 120


@dataclass(frozen=True, slots=True)
class HeldStream:
    """A worker's hold on a stream."""

    stream: AuditStream
    epoch: int


@service("audit_stream.created")
def create_stream(
    *, actor: Actor, organization: Organization, kind: str, name: str, values: Mapping[str, Any], from_start: bool
) -> AuditStream:
    """Add a stream: of everything that the log holds, or of what happens from now on."""
    require(actor, Permission.MANAGE_ORGANIZATION)
    if AuditStream.objects.count() >= MOST:
        raise Conflict(f"An organization has at most {MOST} audit streams.")
    chain, now = chain_of(organization.pk), timezone.now()
    start = (chain.start_sequence if from_start else chain.sequence) if chain else 0
    stream = AuditStream(
        organization=organization,
        kind=stream_kind(kind).key,
        name=_free_name(name),
        cursor=start,
        available_at=now,
        told_at=now,
        created_by_id=actor.user_id,
    )
    cleaned = _cleaned(stream, values, {})
    _keep(stream, cleaned, {})
    stream.save(force_insert=True)
    record(stream, after={**_facts(stream), "after_entry": start, "credentials": sorted(cleaned.secrets)})
    return stream


@service("audit_stream.updated")
def update_stream(*, actor: Actor, stream: AuditStream, name: str, values: Mapping[str, Any]) -> AuditStream:
    """Change a stream; a blank credential keeps the stored one, another address asks for it again."""
    stream = stream_for(actor, stream.pk, lock=True)
    before, known = _facts(stream), decrypt(stream.secret_config)
    stream.name = _free_name(name, besides=stream.pk)
    cleaned = _cleaned(stream, {**stream.config, **values}, known)
    if again := to_enter_again(stream_kind(stream.kind).fields(), stream.config, known, cleaned, values):
        raise Invalid("Some credentials need to be entered again.", fields=again)
    replaced = sorted(path for path, value in cleaned.secrets.items() if known.get(path) != value)
    _keep(stream, cleaned, known)
    difference = changes(before, _facts(stream))
    if not difference and not replaced:
        unchanged()
        return stream
    stream.available_at = timezone.now()
    stream.save()
    after = {**difference.after, "credentials": replaced} if replaced else difference.after
    record(stream, before=difference.before, after=after)
    return stream


@service("audit_stream.paused")
def pause_stream(*, actor: Actor, stream: AuditStream) -> AuditStream:
    """Send nothing until it is resumed; nothing is lost meanwhile."""
    stream = stream_for(actor, stream.pk, lock=True)
    if stream.paused_at:
        unchanged()
        return stream
    stream.paused_at, stream.paused_reason = timezone.now(), f"{actor.label} paused it."
    stream.save(update_fields=["paused_at", "paused_reason"])
    record(stream, after={"cursor": stream.cursor})
    return stream


@service("audit_stream.resumed")
def resume_stream(*, actor: Actor, stream: AuditStream) -> AuditStream:
    """Go on with the entry after the last one that arrived."""
    stream = stream_for(actor, stream.pk, lock=True)
    if not stream.paused_at:
        unchanged()
        return stream
    now = timezone.now()
    stream.paused_at, stream.paused_reason, stream.failing_since = None, "", None
    stream.failures, stream.available_at, stream.told_at = 0, now, now
    stream.save()
    record(stream, after={"cursor": stream.cursor})
    _tell(stream)
    return stream


@service("audit_stream.deleted")
def delete_stream(*, actor: Actor, stream: AuditStream) -> None:
    """Remove a stream with its credentials; what it delivered stays where it is."""
    stream = stream_for(actor, stream.pk, lock=True)
    record(stream, before={**_facts(stream), "cursor": stream.cursor})
    stream.delete()


@service("audit_stream.tested")
def store_stream_test(*, actor: Actor, stream: AuditStream, error: str, hint: str) -> AuditStream:
    """Remember what a test showed; without an error it arrived."""
    stream = stream_for(actor, stream.pk, lock=True)
    stream.health = ChannelHealth.FAILING if error else ChannelHealth.HEALTHY
    stream.last_error, stream.last_hint = error[:2_000], hint[:2_000]
    stream.save(update_fields=["health", "last_error", "last_hint"])
    record(stream, after={"outcome": error or "delivered"})
    return stream


def tell_due_streams(now: datetime) -> int:
    """Tell workers of every stream with entries to send. Across all organizations."""
    chains = dict(AuditChain.objects.values_list("organization_id", "sequence"))
    told = 0
    with transaction.atomic():
        for stream in _due().filter(told_at__lte=now - PATIENCE):
            if stream.cursor < chains.get(stream.organization_id, 0):
                AuditStream.objects.filter(pk=stream.pk).update(told_at=now)
                _tell(stream)
                told += 1
    return told


def claim_stream(stream_id: int) -> HeldStream | None:
    """Take a stream that is due and free."""
    taken = _due().filter(pk=stream_id).update(epoch=F("epoch") + 1, lease_until=Now() + LEASE)
    if not taken:
        return None
    stream = AuditStream.objects.select_related("organization").get(pk=stream_id)
    return HeldStream(stream, stream.epoch)


def advance(held: HeldStream, cursor: int, entries: int) -> bool:
    """Entries up to ``cursor`` have arrived; false where another worker has the stream, or it was paused."""
    arrived = (
        _held(held)
        .filter(paused_at=None)
        .update(
            cursor=cursor,
            sent=F("sent") + entries,
            health=ChannelHealth.HEALTHY,
            failing_since=None,
            failures=0,
            last_sent_at=Now(),
            last_error="",
            last_hint="",
            lease_until=Now() + LEASE,
        )
    )
    return bool(arrived)


def release(held: HeldStream, *, until: datetime | None = None) -> None:
    """Let others take it; not before ``until``, when enough waits or has waited for long enough."""
    _held(held).update(lease_until=None, **({"available_at": until} if until else {}))


@transaction.atomic
def put_stream_off(held: HeldStream, error: str, hint: str, *, after: float | None) -> None:
    """Try later; after days of nothing but failures pause it, and tell the admins."""
    stream = _held(held).select_for_update(no_key=True).first()
    if stream is None:
        return
    now = timezone.now()
    delay = RETRY_DELAYS[min(stream.failures, len(RETRY_DELAYS) - 1)]
    stream.failures += 1
    stream.failing_since = stream.failing_since or now
    stream.health, stream.last_error, stream.last_hint = ChannelHealth.FAILING, error[:2_000], hint[:2_000]
    stream.lease_until, stream.available_at = None, now + timedelta(seconds=max(delay, after or 0))
    if stream.failing_since < now - PAUSE_AFTER:
        stream.paused_at = now
        stream.paused_reason = f"Nothing arrived for {PAUSE_AFTER.days} days."
        _notice(stream)
    stream.save()


def _notice(stream: AuditStream) -> None:
    home = Workspace.objects.filter(organization_id=stream.organization_id).order_by("pk").first()
    if home is None:
        return
    tell_admins(
        home,
        topic=f"audit-stream:{stream.pk}",
        title=f"The audit stream “{stream.name}” was paused",
        summary=f"{stream.paused_reason} Entries of the audit log wait until it is resumed; none is lost.",
        words=stream.last_error,
        advice="Correct its settings or the receiver, send a test, then resume it.",
        url=settings.BASE_URL + reverse("notifications:stream", args=[home.slug, stream.pk]),
    )


def _due() -> QuerySet[AuditStream]:
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    return AuditStream.objects.filter(free, paused_at=None, available_at__lte=Now())


def _held(held: HeldStream) -> QuerySet[AuditStream]:
    return AuditStream.objects.filter(pk=held.stream.pk, epoch=held.epoch)


def _tell(stream: AuditStream) -> None:
    from notifications.tasks import send_audit_stream

    enqueue(send_audit_stream, stream.organization_id, stream.pk)


def _cleaned(stream: AuditStream, values: Mapping[str, Any], known: Mapping[str, Any]) -> Cleaned:
    kind = stream_kind(stream.kind)
    try:
        cleaned = clean(kind.fields(), values, stored=known)
        kind.target(cleaned.config)
    except InvalidSettings as error:
        raise Invalid("Some settings are not right.", fields=error.errors) from error
    except ConfigError as error:
        raise Invalid("Some settings are not right.", fields={error.field: error.message}) from error
    return cleaned


def _keep(stream: AuditStream, cleaned: Cleaned, known: Mapping[str, Any]) -> None:
    stream.config = cleaned.config
    stream.secret_config = encrypt(cleaned.secrets)
    stream.secret_set_at = set_times(known, cleaned.secrets, stream.secret_set_at, timezone.now())


def _facts(stream: AuditStream) -> dict[str, Any]:
    config = dict(stream.config)
    if "endpoint" in config:
        from notifications.services.webhooks import masked_url

        config["endpoint"] = masked_url(config["endpoint"])
    return {"name": stream.name, "kind": stream.kind, "config": config}


def _free_name(name: str, besides: int = 0) -> str:
    name = name.strip()
    if not name:
        raise Invalid.field("name", "Enter a name.")
    if len(name) > MAX_NAME:
        raise Invalid.field("name", f"At most {MAX_NAME} characters.")
    if AuditStream.objects.filter(name=name).exclude(pk=besides).exists():
        raise Invalid.field("name", "Another audit stream of this organization has this name.")
    return name
