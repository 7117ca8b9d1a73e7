"""Alerts of real runs: judged as each run ends, told once a change, to those who asked."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from config.errors import Denied, Invalid
from connectors.models import OAuthToken, Source
from notifications.models import Notification
from syncs import engine, services, tasks
from syncs.alerting.triggers import Rule
from syncs.choices import AlertLevel, RunStatus, StepKind, Subscription, TriggerKind
from syncs.codec import load
from syncs.engine.spec import Baseline, Prepared, RunSpec
from syncs.models import AlertPolicy, AlertState, AlertTransition, Run, RunStep, Sync
from syncs.outcomes import run_outcomes
from syncs.schedules import Schedule
from syncs.selectors.alerts import rollups
from syncs.services import due, stages
from syncs.services.alerts import Alerting, Recipient
from syncs.storage import storage, workdir
from tests.notifications.servers import Mailbox, Vendors
from tests.notifications.support import a_channel
from tests.notifications.support import work_off as send_all
from tests.syncs.alerting.support import Watched, rule
from tests.syncs.app.shop import work_off
from tests.world import World
from workspaces import services as people

FATAL, REJECTED = TriggerKind.FATAL, TriggerKind.REJECTED


def test_the_documented_sequence_of_notifications(watched: Watched, mailbox: Mailbox) -> None:
    watched.set(rule(REJECTED, warning=1, critical=3))
    watched.run(broken=1)
    assert watched.told() == ["opened warning"]
    watched.run(broken=1)
    watched.run(broken=2)
    assert watched.told() == ["opened warning"]
    watched.run(broken=3)
    assert watched.told() == ["opened warning", "changed critical"]
    watched.run()
    assert watched.told()[2:] == ["resolved ok"]
    watched.run(fails=True)
    watched.run(fails=True)
    assert watched.told()[3:] == ["opened critical"]
    send_all()
    assert [subject.partition(":")[0] for subject in mailbox.subjects] == [
        "Warning",
        "Critical",
        "Recovered",
        "Critical",
    ]


def test_a_failure_is_told_in_the_other_sides_words_with_what_to_do(watched: Watched, mailbox: Mailbox) -> None:
    run = watched.run(fails=True)
    send_all()
    mail = mailbox.mails[0]
    body = mail.get_content().replace("\r\n", "\n")
    assert mail["To"] == watched.shop.place.owner.email
    assert f"Run {run.number} failed." in body
    assert watched.shop.table in body
    assert "What to do:" in body
    assert f"/acme/syncs/{watched.sync.pk}/runs/{run.pk}" in body
    watched.run()
    send_all()
    assert "Run 2 completed and delivered 10 rows." in mailbox.mails[1].get_content().replace("\r\n", "\n")


def test_failures_in_a_row_are_counted_over_cancelled_runs(watched: Watched) -> None:
    watched.set(rule(FATAL, warning=2, critical=3))
    watched.run(fails=True)
    assert watched.told() == []
    cancelled = services.start_run(actor=watched.shop.actor, sync=watched.sync)
    services.cancel_run(actor=watched.shop.actor, run=cancelled)
    work_off()
    watched.run(fails=True)
    assert watched.told() == ["opened warning"]
    watched.run(fails=True)
    assert watched.told() == ["opened warning", "changed critical"]
    assert watched.state(FATAL).value == 3
    watched.run()
    assert watched.told()[2:] == ["resolved ok"]


def test_a_run_that_was_cut_off_alerts_only_when_its_resumption_is_too(watched: Watched) -> None:
    run = watched.run()
    for trigger, told in (("schedule", []), ("retry", ["opened critical"])):
        Run.objects.filter(pk=run.pk).update(status=RunStatus.INTERRUPTED, trigger=trigger)
        AlertState.objects.all().delete()
        watched.watch()
        assert watched.told() == told


def test_rejected_rows_count_as_pages_count_them_also_in_percent(watched: Watched) -> None:
    watched.set(rule(REJECTED, warning=25, critical=50, percent=True))
    watched.run(broken=2)
    assert watched.told() == []
    # Rows that share a key are rejected too.
    watched.shop.query("INSERT INTO customers VALUES (9, 'twin@shop.test', 'free')")
    run = watched.run(broken=2)
    rejected, share = run.rejected + run.duplicates, 100 * (run.rejected + run.duplicates) / run.queried
    state = watched.state(REJECTED)
    assert state.value == pytest.approx(share)
    assert state.level == AlertLevel.WARNING
    assert f"{rejected} of {run.queried} rows" in state.summary
    assert watched.told() == ["opened warning"]


def test_a_run_that_fails_before_it_sends_anything_does_not_end_the_alert_about_rejected_rows(watched: Watched) -> None:
    watched.run(broken=2)
    watched.shop.query("ALTER TABLE customers RENAME TO away")
    watched.shop.run(watched.sync)
    watched.shop.query("ALTER TABLE away RENAME TO customers")
    assert watched.state(REJECTED).level == AlertLevel.WARNING
    assert watched.told() == ["opened warning", "opened critical"]


def test_a_model_that_returns_nothing(watched: Watched) -> None:
    off = {TriggerKind.HELD: Rule(enabled=False, warning=0)}
    watched.set({**rule(TriggerKind.MODEL_SIZE, warning=5, critical=1), **off})
    watched.run()
    for rows, told in ((0, "opened critical"), (3, "changed warning"), (5, "resolved ok")):
        watched.shop.fill(rows)
        run = watched.shop.run(watched.sync)
        if run.status == RunStatus.HELD:
            services.drop_run(actor=watched.shop.actor, run=run)
        assert watched.told()[-1] == told
        assert f"The model returned {rows} rows in run {run.number}." in watched.messages()[-1]["summary"]
    assert len(watched.told()) == 3


def test_a_run_that_goes_on_too_long_alerts_while_it_runs(watched: Watched) -> None:
    watched.set(rule(TriggerKind.DURATION, warning=60, critical=120))
    services.start_run(actor=watched.shop.actor, sync=watched.sync)
    watched.watch(later=timedelta(minutes=59))
    assert watched.told() == []
    watched.watch(later=timedelta(minutes=61))
    watched.watch(later=timedelta(minutes=66))
    assert watched.told() == ["opened warning"]
    assert "has been going for 61 minutes" in watched.messages()[0]["summary"]
    watched.watch(later=timedelta(minutes=121))
    work_off()
    assert watched.told()[1:] == ["changed critical", "resolved ok"]


def test_too_few_deliveries_in_a_time(watched: Watched) -> None:
    watched.set(rule(TriggerKind.THROUGHPUT, warning=5, window_hours=24))
    watched.watch(later=timedelta(hours=23))
    assert watched.told() == []  # younger than the time it is held to
    watched.run()
    watched.watch(later=timedelta(hours=23))
    assert watched.told() == []
    watched.watch(later=timedelta(hours=25))
    assert watched.told() == ["opened warning"]
    assert "0 rows were delivered in the last 24 hours." in watched.messages()[0]["summary"]
    watched.shop.fill(20)
    watched.shop.run(watched.sync)
    watched.watch(later=timedelta(hours=24, minutes=-1))
    assert watched.told()[1:] == ["resolved ok"]


def test_a_mute_keeps_the_state_and_stops_the_messages_until_it_ends_by_itself(watched: Watched) -> None:
    services.mute_alert(actor=watched.shop.actor, sync=watched.sync, trigger=FATAL, duration=timedelta(hours=1))
    watched.run(fails=True)
    assert watched.told() == []
    state = watched.state(FATAL)
    assert (state.level, state.is_muted(timezone.now())) == (AlertLevel.CRITICAL, True)
    rollup = rollups([watched.sync.pk], timezone.now())[watched.sync.pk]
    assert (rollup.critical, rollup.warning, rollup.muted) == (1, 0, 1)
    assert AlertTransition.objects.get().muted
    watched.watch(later=timedelta(minutes=59))
    assert watched.told() == []
    watched.watch(later=timedelta(minutes=61))
    watched.watch(later=timedelta(minutes=66))
    assert watched.told() == ["opened critical"]


def test_what_comes_and_goes_under_a_mute_is_never_told(watched: Watched) -> None:
    services.mute_alert(actor=watched.shop.actor, sync=watched.sync, trigger=FATAL, duration=None)
    watched.run(fails=True)
    watched.run()
    services.unmute_alert(actor=watched.shop.actor, sync=watched.sync, trigger=FATAL)
    watched.watch()
    assert watched.told() == []
    assert AlertTransition.objects.count() == 2


def test_an_alert_that_lasts_is_repeated_only_where_somebody_asked(watched: Watched) -> None:
    watched.set(reminder_hours=4)
    watched.run(fails=True)
    watched.watch(later=timedelta(hours=3))
    assert watched.told() == ["opened critical"]
    watched.watch(later=timedelta(hours=5))
    watched.watch(later=timedelta(hours=5))
    assert watched.told() == ["opened critical", "reminder critical"]
    watched.set()
    watched.watch(later=timedelta(days=9))
    assert len(watched.told()) == 2


def test_each_recipient_hears_what_they_asked_for(watched: Watched, vendor: Vendors, mailbox: Mailbox) -> None:
    pager = a_channel(watched.shop.actor, "pagerduty", vendor.url)
    owner = watched.shop.place.owner
    services.set_sync_alerting(
        actor=watched.shop.actor,
        sync=watched.sync,
        alerting=Alerting(
            rule(REJECTED, warning=1, critical=3),
            [Recipient(Subscription.CRITICAL, channel_id=pager.pk), Recipient(Subscription.ALL, person_id=owner.pk)],
        ),
    )
    for broken in (1, 4, 1, 0):
        watched.run(broken=broken)
    send_all()
    assert [r.body["event_action"] for r in vendor.received] == ["trigger", "resolve"]
    assert vendor.incidents == {}
    words = [subject.partition(":")[0] for subject in mailbox.subjects]
    assert words == ["Warning", "Critical", "Now only a warning", "Recovered"]


def test_the_destination_decides_until_the_sync_has_its_own(watched: Watched, mailbox: Mailbox) -> None:
    shop, other = watched.shop, watched.shop.sync(watched.shop.model("Others"))
    editor = Recipient(Subscription.ALL, person_id=shop.place.owner.pk)
    services.set_destination_alerting(
        actor=shop.actor, destination=shop.destination, alerting=Alerting(rule(REJECTED, warning=5), [editor])
    )
    services.set_sync_alerting(actor=shop.actor, sync=watched.sync, alerting=Alerting(rule(REJECTED), []))
    shop.query("UPDATE customers SET plan = 'broken' WHERE id <= 2")
    shop.run(other)
    assert watched.told() == []
    shop.query("UPDATE customers SET plan = 'broken' WHERE id <= 5")
    shop.run(other)
    assert watched.told() == ["opened warning"]
    # The sync's own thresholds alert, and its own recipients are none.
    shop.run(watched.sync)
    assert watched.state(REJECTED).level == AlertLevel.WARNING
    assert watched.told() == ["opened warning"]


def test_a_trigger_that_is_switched_off_ends_its_alert(watched: Watched) -> None:
    watched.set(rule(TriggerKind.MODEL_SIZE, warning=50))
    watched.run()
    assert watched.told() == ["opened warning"]
    watched.set({TriggerKind.MODEL_SIZE: Rule(enabled=False, warning=50)})
    watched.run()
    assert watched.told() == ["opened warning", "resolved ok"]


def test_a_worker_killed_while_the_run_ends_leaves_one_notification(watched: Watched) -> None:
    watched.shop.query("UPDATE customers SET plan = 'broken' WHERE id = 1")
    run = services.start_run(actor=watched.shop.actor, sync=watched.sync)
    while step := RunStep.objects.filter(run=run, state="waiting").exclude(kind=StepKind.SETTLE).first():
        tasks.work_on_step.fn(step.workspace_id, step.pk)
    settle = RunStep.objects.get(run=run, kind=StepKind.SETTLE)
    dead = stages.claim(settle.pk)
    assert dead is not None
    end_and_lose_the_connection(dead, run)
    assert watched.told() == []
    assert not AlertState.objects.exists()
    RunStep.objects.filter(pk=settle.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    tasks.work_on_step.fn(settle.workspace_id, settle.pk)
    with pytest.raises(engine.LeaseLost):
        end_and_lose_the_connection(dead, run)
    watched.watch()
    assert watched.told() == ["opened warning"]
    assert AlertTransition.objects.count() == 1


def end_and_lose_the_connection(held: stages.Claim, run: Run) -> None:
    """All that ending a run writes, taken back as PostgreSQL does for a connection that is lost before the commit."""
    run.refresh_from_db()
    outcomes = run_outcomes(run)
    settled = engine.settle(
        load(RunSpec, run.spec),
        load(Prepared, run.prepared),
        [o for o in outcomes if o.path],
        load(Baseline, run.sync.baseline) if run.sync.baseline else None,
        storage(),
        workdir=workdir(),
        memory_mb=256,
        threads=1,
        attempt="killed",
    )
    with transaction.atomic():
        stages.finish_settle(held, settled, outcomes=outcomes)
        assert Notification.objects.count() == 1
        transaction.set_rollback(True)


def test_a_defect_in_judging_costs_no_run_and_is_made_up_for(watched: Watched, caplog: Any) -> None:
    policy = AlertPolicy.objects.get(sync=watched.sync)
    AlertPolicy.objects.filter(pk=policy.pk).update(rules={"fatal": {"critical": "not a number"}})
    run = watched.run(fails=True)
    assert run.status == RunStatus.FAILED
    assert "could not be judged" in caplog.text
    assert watched.told() == []
    AlertPolicy.objects.filter(pk=policy.pk).update(rules={})
    watched.watch()
    watched.watch()
    assert watched.told() == ["opened critical"]


def test_two_schedulers_tell_once(watched: Watched) -> None:
    services.mute_alert(actor=watched.shop.actor, sync=watched.sync, trigger=FATAL, duration=None)
    watched.run(fails=True)
    services.unmute_alert(actor=watched.shop.actor, sync=watched.sync, trigger=FATAL)
    together = threading.Barrier(3)

    def schedule() -> None:
        together.wait()
        try:
            watched.watch()
        finally:
            connection.close()

    threads = [threading.Thread(target=schedule) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert watched.told() == ["opened critical"]


def test_nobody_is_told_where_nobody_asked(watched: Watched) -> None:
    services.set_sync_alerting(actor=watched.shop.actor, sync=watched.sync, alerting=Alerting({}, None))
    watched.run(fails=True)
    assert watched.told() == []
    assert watched.state(FATAL).level == AlertLevel.CRITICAL


def test_rights_and_wrong_settings(watched: Watched, world: World) -> None:
    with pytest.raises(Denied):
        services.set_sync_alerting(actor=world.actor("viewer"), sync=watched.sync, alerting=Alerting({}, None))
    with pytest.raises(Denied):
        services.mute_alert(actor=world.actor("viewer"), sync=watched.sync, trigger=FATAL, duration=None)
    with pytest.raises(Denied):
        services.set_destination_alerting(
            actor=world.actor("drafter"), destination=watched.shop.destination, alerting=Alerting({}, [])
        )
    with pytest.raises(Invalid) as refused:
        services.set_sync_alerting(
            actor=watched.shop.actor,
            sync=watched.sync,
            alerting=Alerting(
                {FATAL: Rule(enabled=False, critical=1)}, [Recipient(Subscription.ALL, person_id=world.outsider.pk)], 0
            ),
        )
    assert set(refused.value.fields) == {"fatal.enabled", "recipients", "reminder_hours"}


def test_a_held_run_alerts_at_once_gets_worse_and_ends_when_somebody_decides(watched: Watched) -> None:
    watched.set({**rule(TriggerKind.HELD, warning=0, critical=60), **rule(TriggerKind.DURATION, warning=30)})
    watched.run()
    watched.shop.query("DELETE FROM customers WHERE id <= 5")
    run = watched.shop.run(watched.sync)
    assert run.status == RunStatus.HELD
    assert watched.told() == ["opened warning"]
    message = watched.messages()[0]
    assert "5 rows would be removed" in message["summary"]
    assert message["url"].endswith(f"/acme/syncs/{watched.sync.pk}/runs/{run.pk}")
    watched.watch(later=timedelta(minutes=59))
    assert watched.told() == ["opened warning"]
    watched.watch(later=timedelta(minutes=61))
    # Time that a person takes to decide is no slowness of the run.
    assert watched.told() == ["opened warning", "changed critical"]
    services.release_run(actor=watched.shop.actor, run=run)
    assert watched.told()[2:] == ["resolved ok"]
    assert f"Run 2 was released by {watched.shop.actor.label}." in watched.messages()[2]["summary"]
    work_off()
    assert len(watched.shop.there()) == 5
    assert len(watched.told()) == 3


def test_dropping_a_held_run_ends_its_alert(watched: Watched) -> None:
    watched.run()
    watched.shop.query("DELETE FROM customers")
    services.drop_run(actor=watched.shop.actor, run=watched.shop.run(watched.sync))
    assert watched.told() == ["opened warning", "resolved ok"]
    assert watched.state(FATAL).level == AlertLevel.OK


def test_a_sync_of_a_space_is_told_to_those_who_see_it_and_named_to_nobody_else(
    watched: Watched, vendor: Vendors, world: World
) -> None:
    shop, workspace = watched.shop, watched.shop.place.workspace
    people.switch_spaces(actor=shop.actor, workspace=workspace, enabled=True)
    space = people.create_space(actor=shop.actor, workspace=workspace, name="Finance")
    pager = a_channel(shop.actor, "pagerduty", vendor.url)
    told = [world.owner, world["viewer"]]
    recipients = [Recipient(Subscription.ALL, person_id=user.pk) for user in told]
    alerting = Alerting({}, [*recipients, Recipient(Subscription.ALL, channel_id=pager.pk)])
    services.set_destination_alerting(actor=shop.actor, destination=shop.destination, alerting=alerting)
    AlertPolicy.objects.filter(sync=watched.sync).delete()
    services.move_sync_to_space(actor=shop.actor, sync=watched.sync, space=space)
    watched.run(fails=True)
    notes = list(Notification.objects.order_by("pk"))
    assert {note.person for note in notes} == {world.owner, None}, "the viewer does not see the space"
    [to_owner] = [note.message for note in notes if note.person]
    [to_channel] = [note.message for note in notes if not note.person]
    assert str(watched.sync) in to_owner["title"] or watched.sync.model.name in to_owner["title"]
    assert watched.sync.model.name not in repr(to_channel)
    assert shop.destination.name in to_channel["title"]
    services.set_sync_alerting(actor=shop.actor, sync=watched.sync, alerting=alerting)
    watched.run(fails=False)
    [recovered] = [n.message for n in Notification.objects.filter(person=None).exclude(pk__in=[n.pk for n in notes])]
    assert watched.sync.model.name in recovered["title"], "a channel of the sync's own was chosen by who sees it"


def test_a_sign_in_that_is_no_longer_honoured_alerts_until_somebody_connects_again(watched: Watched) -> None:
    token = OAuthToken.objects.create(
        workspace_id=watched.sync.workspace_id, destination=watched.shop.destination, sealed="", places={}
    )
    watched.watch()
    assert watched.told() == []
    OAuthToken.objects.filter(pk=token.pk).update(refused_at=timezone.now())
    watched.watch(later=timedelta(minutes=1))
    assert watched.told() == ["opened critical"]
    assert watched.shop.destination.name in watched.messages()[0]["summary"]
    OAuthToken.objects.filter(pk=token.pk).update(refused_at=None)
    watched.watch(later=timedelta(minutes=6))
    assert watched.told() == ["opened critical", "resolved ok"]


def test_a_sign_in_of_the_source_counts_too(watched: Watched) -> None:
    OAuthToken.objects.create(
        workspace_id=watched.sync.workspace_id, source=watched.shop.source, sealed="", refused_at=timezone.now()
    )
    watched.watch(later=timedelta(minutes=1))
    assert watched.told() == ["opened critical"]


def test_what_a_failed_run_rejected_is_told_beside_the_failure(watched: Watched) -> None:
    run = watched.run(broken=2)
    Run.objects.filter(pk=run.pk).update(status=RunStatus.FAILED, error_message="The table is gone.")
    AlertState.objects.all().delete()
    watched.watch()
    told = [message for message in watched.messages() if message["severity"] == "critical"]
    assert [dict(message["facts"])["Rejected rows before it failed"] for message in told] == ["2 of 10"]


def test_deleting_a_sync_resolves_what_was_told_of_it(watched: Watched) -> None:
    watched.run(fails=True)
    opened = watched.messages()[0]
    services.delete_sync(actor=watched.shop.actor, sync=Sync.objects.get(pk=watched.sync.pk))
    resolved = watched.messages()[-1]
    assert watched.told() == ["opened critical", "resolved ok"]
    assert (resolved["thread"], resolved["url"]) == (opened["thread"], "")
    assert "was deleted" in resolved["summary"]


def test_a_schedule_that_cannot_start_is_told_like_a_failed_run(watched: Watched) -> None:
    sync = watched.sync
    services.set_schedule(actor=watched.shop.actor, sync=sync, schedule=Schedule.every(1, "hour"))
    now = timezone.now()
    Sync.objects.filter(pk=sync.pk).update(next_run_at=now, pending_reprocess=True)
    Source.objects.filter(pk=watched.shop.source.pk).update(setup_done=False)
    assert not due.start_if_due(sync.pk, now)
    sync.refresh_from_db()
    run = sync.last_run
    assert run is not None
    assert (run.status, run.number, sync.pending_reprocess) == (RunStatus.FAILED, 1, True)
    assert run.error_message
    assert sync.next_run_at is not None
    assert sync.next_run_at > now
    assert watched.told() == ["opened critical"]
