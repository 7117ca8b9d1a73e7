"""The outbox: a message is written with what it tells of and leaves afterwards, tried again until it arrives.

Each step is one small transaction bound to the epoch that the worker took the
message with, so that a worker which lost its hold changes nothing. A worker that
dies between sending and noting it sends again: channels join the two copies by
``Message.id`` or ``thread`` where they can.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from config.errors import Conflict
from config.queue import enqueue
from governance.audit.actors import Actor
from governance.audit.services import record, service
from notifications.access import notification_for
from notifications.choices import DeliveryState
from notifications.message import Message
from notifications.models import Channel, Notification
from notifications.services.channels import note_outcome
from workspaces.access import require
from workspaces.models import User
from workspaces.permissions import Permission
from workspaces.scoping import current_workspace_id

LEASE = timedelta(seconds=90)
RETRY_DELAYS = (10, 30, 60, 300, 900, 1_800, 3_600, 7_200, 14_400)  # seconds; then it is given up
PATIENCE = timedelta(seconds=15)
OPEN = (DeliveryState.WAITING, DeliveryState.SENDING)


@dataclass(frozen=True, slots=True)
class Held:
    """A worker's hold on a notification."""

    notification: Notification
    epoch: int


def queue_notification(
    *, message: Message, topic: str, channel: Channel | None = None, person: User | None = None
) -> Notification:
    """Write a message to one channel or person, inside the caller's transaction; it leaves after the commit."""
    now = timezone.now()
    row = Notification.objects.create(
        workspace_id=current_workspace_id(),
        channel=channel,
        person=person,
        recipient=channel.name if channel else str(person),
        topic=topic,
        thread=message.thread,
        message=message.to_json(),
        available_at=now,
        told_at=now,
        created_at=now,
    )
    _tell(row)
    return row


@service("notification.retried")
def retry_notification(*, actor: Actor, notification: Notification) -> Notification:
    """Send a notification that was given up once more, from the first attempt on."""
    require(actor, Permission.MANAGE_WORKSPACE)
    found = notification_for(actor, notification.pk)
    now = timezone.now()
    again = Notification.objects.filter(pk=found.pk, state=DeliveryState.FAILED).update(
        state=DeliveryState.WAITING, attempts=0, available_at=now, told_at=now, finished_at=None, error="", hint=""
    )
    if not again:
        raise Conflict("This notification has been sent, or is on its way.")
    record(found, after={"recipient": found.recipient, "topic": found.topic}, label=found.message["title"])
    _tell(found)
    return found


def claim(notification_id: int) -> Held | None:
    """Take a notification that is due and whose predecessors in its thread are through.

    One whose workers died every time is given up instead.
    """
    if _give_up_poison(notification_id):
        return None
    taken = (
        _due()
        .filter(pk=notification_id)
        .update(
            state=DeliveryState.SENDING, epoch=F("epoch") + 1, attempts=F("attempts") + 1, lease_until=Now() + LEASE
        )
    )
    if not taken:
        return None
    row = Notification.objects.select_related("channel", "person", "workspace").get(pk=notification_id)
    return Held(row, row.epoch)


def mark_sent(held: Held, receipt: str) -> None:
    """The other side has it."""
    with transaction.atomic():
        if not _finish(held, DeliveryState.SENT, receipt=receipt[:300], error="", hint=""):
            return
        if held.notification.channel:
            note_outcome(held.notification.channel)
        _tell_next(held.notification)


def put_off(held: Held, error: str, hint: str, *, after: float | None = None) -> None:
    """Try later: as long as the other side asks, at least as long as its turn; in the end give up."""
    attempts = held.notification.attempts
    if attempts > len(RETRY_DELAYS):
        give_up(held, error, hint)
        return
    delay = timedelta(seconds=max(RETRY_DELAYS[attempts - 1], after or 0))
    with transaction.atomic():
        put = _held(held).update(
            state=DeliveryState.WAITING,
            lease_until=None,
            available_at=Now() + delay,
            error=error[:2_000],
            hint=hint[:2_000],
        )
        if put and held.notification.channel:
            note_outcome(held.notification.channel, error, hint)


def give_up(held: Held, error: str, hint: str) -> None:
    """It will not arrive: a person has to change something first."""
    with transaction.atomic():
        if not _finish(held, DeliveryState.FAILED, error=error[:2_000], hint=hint[:2_000]):
            return
        if held.notification.channel:
            note_outcome(held.notification.channel, error, hint)
        _tell_next(held.notification)


def resend_due(now: datetime, *, limit: int = 500) -> int:
    """Tell the workers again of notifications that nobody took. Across all workspaces."""
    with transaction.atomic():
        due = list(
            _due()
            .filter(told_at__lte=now - PATIENCE)
            .select_for_update(skip_locked=True, no_key=True, of=("self",))
            .order_by("available_at")[:limit]
        )
        Notification.objects.filter(pk__in=[row.pk for row in due]).update(told_at=now)
        for row in due:
            _tell(row)
    return len(due)


def _give_up_poison(notification_id: int) -> bool:
    """Whether every attempt ended with its worker: then nobody tries again, and the next in its thread may go."""
    words = "The workers that sent this message died, every time."
    with transaction.atomic():
        died = _due().filter(pk=notification_id, attempts__gt=len(RETRY_DELAYS))
        if not died.update(state=DeliveryState.FAILED, lease_until=None, finished_at=Now(), error=words):
            return False
        row = Notification.objects.select_related("channel").get(pk=notification_id)
        if row.channel:
            note_outcome(row.channel, words)
        _tell_next(row)
    return True


def _due() -> QuerySet[Notification]:
    free = Q(state=DeliveryState.WAITING, available_at__lte=Now()) | Q(
        state=DeliveryState.SENDING, lease_until__lt=Now()
    )
    earlier = Notification.objects.filter(_same_place(), thread=OuterRef("thread"), pk__lt=OuterRef("pk"))
    return Notification.objects.filter(free, ~Exists(earlier.filter(state__in=OPEN)))


def _same_place() -> Q:
    return Q(channel_id=OuterRef("channel_id")) | Q(person_id=OuterRef("person_id"))


def _held(held: Held) -> QuerySet[Notification]:
    return Notification.objects.filter(pk=held.notification.pk, epoch=held.epoch, state=DeliveryState.SENDING)


def _finish(held: Held, state: DeliveryState, **values: str) -> bool:
    return bool(_held(held).update(state=state, lease_until=None, finished_at=Now(), **values))


def _tell_next(done: Notification) -> None:
    """The next message of the thread to the same place need not wait for the scheduler."""
    waiting = Notification.objects.filter(
        thread=done.thread, channel=done.channel, person=done.person, state=DeliveryState.WAITING
    )
    if following := waiting.order_by("pk").first():
        _tell(following)


def _tell(row: Notification) -> None:
    from notifications.tasks import send_notification

    enqueue(send_notification, row.workspace_id, row.pk)
