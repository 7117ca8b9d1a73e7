"""The outbox: everything written is sent, in order, tried again, and noted once."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from config.errors import Conflict
from notifications import services, tasks
from notifications.choices import DeliveryState, Phase, Severity
from notifications.models import Channel, Notification
from notifications.sending import deliver
from notifications.services import outbox
from tests.notifications.servers import Mailbox, Vendors
from tests.notifications.support import a_channel, a_message, work_off
from tests.world import Place, World
from workspaces.models import OrganizationMember
from workspaces.scoping import unscoped, workspace_scope


@pytest.fixture
def pager(place: Place, vendor: Vendors) -> Channel:
    return a_channel(place.actor, "pagerduty", vendor.url)


def queue(channel: Channel, **changed: Any) -> Notification:
    return services.queue_notification(message=a_message(**changed), topic="test:1", channel=channel)


def make_due(row: Notification) -> None:
    """The time to try again has come."""
    Notification.objects.filter(pk=row.pk).update(available_at=Now())


def test_nothing_leaves_before_the_commit_nor_after_a_rollback(pager: Channel, vendor: Vendors) -> None:
    class Undone(Exception):
        pass

    @transaction.atomic
    def tell_and_fail() -> None:
        queue(pager)
        raise Undone

    with pytest.raises(Undone):
        tell_and_fail()
    work_off()
    assert vendor.received == []
    assert not Notification.objects.exists()


def test_an_error_that_passes_is_tried_again_as_late_as_the_vendor_asks(pager: Channel, vendor: Vendors) -> None:
    vendor.next_answers = [(503, {"message": "down"}, {}), (429, {"message": "slow"}, {"Retry-After": "600"})]
    row = queue(pager)
    work_off()
    row.refresh_from_db()
    assert (row.state, row.attempts, row.error) == (DeliveryState.WAITING, 1, "503: down")
    assert timedelta(seconds=8) < row.available_at - timezone.now() <= timedelta(seconds=11)
    make_due(row)
    work_off()
    row.refresh_from_db()
    assert timedelta(seconds=590) < row.available_at - timezone.now() <= timedelta(seconds=601)
    pager.refresh_from_db()
    assert pager.health == "failing"
    make_due(row)
    work_off()
    row.refresh_from_db()
    pager.refresh_from_db()
    assert (row.state, row.attempts, row.error, pager.health) == (DeliveryState.SENT, 3, "", "healthy")
    assert vendor.paged == 1


def test_it_is_given_up_in_the_end_and_a_person_can_ask_again(place: Place, pager: Channel, vendor: Vendors) -> None:
    row = queue(pager)
    for _ in range(len(outbox.RETRY_DELAYS) + 1):
        vendor.next_answers = [(500, {"message": "broken"}, {})]
        make_due(row)
        work_off()
    row.refresh_from_db()
    assert (row.state, row.error) == (DeliveryState.FAILED, "500: broken")
    services.retry_notification(actor=place.actor, notification=row)
    work_off()
    row.refresh_from_db()
    assert row.state == DeliveryState.SENT
    with pytest.raises(Conflict):
        services.retry_notification(actor=place.actor, notification=row)


def test_messages_of_one_thread_keep_their_order_and_others_do_not_wait(pager: Channel, vendor: Vendors) -> None:
    vendor.next_answers = [(503, {"message": "down"}, {})]
    opened = queue(pager)
    work_off()
    closed = queue(pager, phase=Phase.RESOLVED, severity=Severity.OK)
    queue(pager, thread="another")
    for row in Notification.objects.order_by("pk"):
        deliver(row.pk)
    assert [r.body["dedup_key"] for r in vendor.received] == ["another"]
    make_due(opened)
    work_off()
    closed.refresh_from_db()
    assert closed.state == DeliveryState.SENT
    assert [r.body["event_action"] for r in vendor.received] == ["trigger", "trigger", "resolve"]
    assert set(vendor.incidents) == {"another"}


def test_a_worker_killed_while_sending_is_followed_by_another_and_nobody_is_paged_twice(
    pager: Channel, vendor: Vendors
) -> None:
    row = queue(pager)
    dead = outbox.claim(row.pk)
    assert dead is not None
    # It had sent the event and died before it could note so.
    from notifications.access import settings_of
    from notifications.channels import channel_type

    channel_type("pagerduty").deliver(settings_of(pager), a_message())
    assert outbox.claim(row.pk) is None
    Notification.objects.filter(pk=row.pk).update(lease_until=Now() - timedelta(seconds=1))
    with unscoped("as the scheduler does"):
        assert outbox.resend_due(timezone.now() + timedelta(minutes=1)) == 1
        assert outbox.resend_due(timezone.now()) == 0
    deliver(row.pk)
    row.refresh_from_db()
    assert (row.state, row.attempts) == (DeliveryState.SENT, 2)
    assert (len(vendor.received), vendor.paged) == (2, 1)
    # What the dead one writes after all changes nothing.
    outbox.give_up(dead, "too late", "")
    row.refresh_from_db()
    assert row.state == DeliveryState.SENT


@pytest.mark.django_db(transaction=True)
def test_many_workers_send_a_message_once(place: Place, pager: Channel, vendor: Vendors) -> None:
    row = queue(pager)
    together = threading.Barrier(4)

    def work() -> None:
        together.wait()
        try:
            tasks.send_notification.fn(row.workspace_id, row.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(vendor.received) == 1


def test_people_are_told_only_while_they_may_open_the_workspace(world: World, place: Place, mailbox: Mailbox) -> None:
    viewer = world["viewer"]
    services.queue_notification(message=a_message(), topic="test:1", person=viewer)
    work_off()
    assert [mail["To"] for mail in mailbox.mails] == [viewer.email]
    with unscoped("the test removes a person from outside"):
        OrganizationMember.objects.filter(user=viewer).delete()
    with workspace_scope(place.workspace.pk):
        row = services.queue_notification(message=a_message(), topic="test:2", person=viewer)
        work_off()
        row.refresh_from_db()
    assert row.state == DeliveryState.FAILED
    assert "may no longer open this workspace" in row.error
    assert len(mailbox.mails) == 1
