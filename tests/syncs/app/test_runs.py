"""Runs from end to end: a real warehouse file, a real database, every stage as a worker does it."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from config.errors import Conflict
from connectors import services as connectors
from connectors.models import Destination
from syncs import services, tasks
from syncs.choices import PendingReset, RunStatus, StepKind
from syncs.models import JournalBatch, Run, RunStep
from syncs.services.models import KeyChange
from syncs.storage import storage
from tests.syncs.app.shop import Shop, mapping, work_off
from workspaces.scoping import workspace_scope


def counts(run: Run, name: str) -> tuple[int, int, int]:
    """(added, changed, removed) of one kind of result."""
    return tuple(getattr(run, f"{name}_{operation}") for operation in ("added", "changed", "removed"))


def assert_adds_up(run: Run) -> None:
    keyed = run.queried - run.null_keys - run.duplicates - run.forgotten
    assert keyed >= 0
    assert run.planned == run.succeeded + run.rejected + run.aborted


def test_a_first_run_delivers_everything_and_a_second_one_nothing(shop: Shop) -> None:
    shop.fill(500)
    sync = shop.sync()
    first = shop.run(sync)
    assert (first.status, first.error_message) == (RunStatus.SUCCEEDED, "")
    assert (first.queried, counts(first, "planned"), counts(first, "succeeded")) == (500, (500, 0, 0), (500, 0, 0))
    assert len(shop.there()) == 500

    second = shop.run(sync)
    assert (second.status, second.queried, second.planned) == (RunStatus.SUCCEEDED, 500, 0)


def test_only_differences_are_sent(shop: Shop) -> None:
    shop.fill(1_000)
    sync = shop.sync()
    shop.run(sync)
    shop.query("UPDATE customers SET plan = 'paid' WHERE id <= 10")
    shop.query("DELETE FROM customers WHERE id > 980")
    shop.query("INSERT INTO customers VALUES (5000, 'new@shop.test', 'free')")
    run = shop.run(sync)
    assert (run.status, counts(run, "planned"), counts(run, "succeeded")) == (
        RunStatus.SUCCEEDED,
        (1, 10, 20),
        (1, 10, 20),
    )
    there = shop.there()
    assert len(there) == 981
    assert there[0] == (1, "c1@shop.test", "paid")
    assert there[-1] == (5000, "new@shop.test", "free")


def test_columns_that_are_not_mapped_send_nothing(shop: Shop) -> None:
    shop.fill(10)
    shop.query("ALTER TABLE customers ADD COLUMN note VARCHAR")
    sync = shop.sync()
    shop.run(sync)
    shop.query("UPDATE customers SET note = 'called'")
    assert shop.run(sync).planned == 0


def test_a_refused_row_costs_itself_only_and_is_tried_again_until_it_fits(shop: Shop) -> None:
    shop.fill(250)
    shop.query("UPDATE customers SET plan = 'broken' WHERE id = 7")
    sync = shop.sync()
    run = shop.run(sync)
    assert (run.status, counts(run, "succeeded"), counts(run, "rejected")) == (
        RunStatus.WARNING,
        (249, 0, 0),
        (1, 0, 0),
    )
    assert_adds_up(run)
    again = shop.run(sync)
    assert (again.planned, again.retried, again.rejected, again.status) == (1, 1, 1, RunStatus.WARNING)
    shop.query("UPDATE customers SET plan = 'paid' WHERE id = 7")
    fixed = shop.run(sync)
    assert (fixed.status, fixed.planned, fixed.succeeded) == (RunStatus.SUCCEEDED, 1, 1)
    assert (7, "c7@shop.test", "paid") in shop.there()
    assert shop.run(sync).planned == 0


def test_a_refused_row_that_leaves_the_model_is_not_tried_again(shop: Shop) -> None:
    shop.fill(5)
    shop.query("UPDATE customers SET plan = 'broken' WHERE id = 3")
    sync = shop.sync()
    shop.run(sync)
    shop.query("DELETE FROM customers WHERE id = 3")
    run = shop.run(sync)
    assert (run.status, run.rejected) == (RunStatus.SUCCEEDED, 0)
    assert shop.run(sync).planned == 0


def test_null_and_duplicate_keys_are_counted_and_never_sent(shop: Shop) -> None:
    shop.fill(20)
    shop.query("INSERT INTO customers VALUES (NULL, 'nobody', 'free'), (4, 'twin', 'free')")
    run = shop.run(shop.sync())
    assert (run.queried, run.null_keys, run.duplicates) == (22, 1, 2)
    assert (run.status, run.succeeded) == (RunStatus.WARNING, 19)
    assert_adds_up(run)
    assert 4 not in [row[0] for row in shop.there()]


def test_a_destination_that_is_down_fails_the_run_in_its_own_words_and_the_next_run_sends(shop: Shop) -> None:
    shop.fill(30)
    sync = shop.sync()
    _at_port(shop, 1)
    run = shop.run(sync)
    assert run.status == RunStatus.FAILED
    assert "refused" in run.error_message.lower()
    assert run.error_hint
    assert shop.there() == []
    _at_port(shop, shop.destination.config["port"])
    assert (shop.run(sync).succeeded, len(shop.there())) == (30, 30)


def test_a_destination_that_goes_away_mid_run_leaves_its_rows_due(shop: Shop) -> None:
    shop.fill(40)
    sync = shop.sync()
    run = services.start_run(actor=shop.actor, sync=sync)
    _work_on(run, StepKind.PREPARE)
    _at_port(shop, 1)
    work_off()
    run.refresh_from_db()
    assert (run.status, counts(run, "aborted")) == (RunStatus.FAILED, (40, 0, 0))
    assert_adds_up(run)
    _at_port(shop, shop.destination.config["port"])
    later = shop.run(sync)
    assert (later.status, later.succeeded, later.retried) == (RunStatus.SUCCEEDED, 40, 40)


def test_a_source_that_cannot_answer_fails_the_run_in_its_own_words(shop: Shop) -> None:
    shop.fill(5)
    sync = shop.sync()
    shop.query("DROP TABLE customers")
    run = shop.run(sync)
    assert (run.status, run.error_code) == (RunStatus.FAILED, "query_failed")
    assert "customers" in run.error_message
    shop.fill(5)
    assert shop.run(sync).succeeded == 5


def test_a_mapped_column_that_vanished_is_named(shop: Shop) -> None:
    shop.fill(5)
    sync = shop.sync()
    shop.query("ALTER TABLE customers RENAME COLUMN plan TO tier")
    run = shop.run(sync)
    assert run.status == RunStatus.FAILED
    assert "Unknown field name “plan”" in run.error_message


def test_a_run_cancelled_before_it_queried_changes_nothing(shop: Shop) -> None:
    shop.fill(5)
    sync = shop.sync()
    run = services.start_run(actor=shop.actor, sync=sync)
    services.cancel_run(actor=shop.actor, run=run)
    work_off()
    run.refresh_from_db()
    assert (run.status, run.live, shop.there()) == (RunStatus.CANCELLED, False, [])
    assert shop.run(sync).succeeded == 5


def test_rows_that_a_cancelled_run_did_not_send_are_sent_by_the_next(shop: Shop) -> None:
    shop.fill(50)
    sync = shop.sync()
    run = services.start_run(actor=shop.actor, sync=sync)
    _work_on(run, StepKind.PREPARE)
    services.cancel_run(actor=shop.actor, run=run)
    work_off()
    run.refresh_from_db()
    assert (run.status, counts(run, "aborted")) == (RunStatus.CANCELLED, (50, 0, 0))
    with pytest.raises(Conflict):
        services.cancel_run(actor=shop.actor, run=run)
    assert (shop.run(sync).succeeded, len(shop.there())) == (50, 50)


def test_a_sync_has_one_live_run(shop: Shop) -> None:
    shop.fill(5)
    sync = shop.sync()
    services.start_run(actor=shop.actor, sync=sync)
    with pytest.raises(Conflict) as refused:
        services.start_run(actor=shop.actor, sync=sync)
    assert refused.value.code == "sync_running"


def test_of_two_triggers_at_once_one_starts_a_run(shop: Shop) -> None:
    shop.fill(5)
    sync = shop.sync()
    answers: list[str] = []
    ready = threading.Barrier(2)

    def trigger() -> None:
        with workspace_scope(sync.workspace_id):
            ready.wait()
            try:
                services.start_run(actor=shop.actor, sync=sync)
                answers.append("started")
            except Conflict:
                answers.append("refused")
            finally:
                connection.close()

    threads = [threading.Thread(target=trigger) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["refused", "started"]
    assert Run.objects.filter(sync=sync).count() == 1


def test_a_paused_sync_refuses_runs_and_stops_the_one_that_goes_on(shop: Shop) -> None:
    shop.fill(5)
    sync = shop.sync()
    run = services.start_run(actor=shop.actor, sync=sync)
    services.pause_sync(actor=shop.actor, sync=sync)
    work_off()
    run.refresh_from_db()
    assert run.status == RunStatus.CANCELLED
    with pytest.raises(Conflict) as refused:
        services.start_run(actor=shop.actor, sync=sync)
    assert refused.value.code == "sync_paused"
    services.resume_sync(actor=shop.actor, sync=sync)
    assert shop.run(sync).succeeded == 5


def test_changed_mappings_send_all_known_rows_as_changed(shop: Shop) -> None:
    shop.fill(20)
    sync = shop.sync()
    shop.run(sync)
    constant = {"to": "plan", "kind": "static", "value": "vip"}
    services.update_sync(
        actor=shop.actor, sync=sync, proposal=shop.proposal(mappings=[mapping("id"), mapping("email"), constant])
    )
    run = shop.run(sync)
    assert (run.status, counts(run, "succeeded")) == (RunStatus.SUCCEEDED, (0, 20, 0))
    assert {row[2] for row in shop.there()} == {"vip"}
    assert shop.run(sync).planned == 0


def test_a_mapping_changed_while_a_run_goes_on_is_for_the_next_run(shop: Shop) -> None:
    shop.fill(3)
    sync = shop.sync()
    run = services.start_run(actor=shop.actor, sync=sync)
    _work_on(run, StepKind.PREPARE)
    constant = {"to": "plan", "kind": "static", "value": "vip"}
    services.update_sync(
        actor=shop.actor, sync=sync, proposal=shop.proposal(mappings=[mapping("id"), mapping("email"), constant])
    )
    work_off()
    assert {row[2] for row in shop.there()} == {"free"}
    assert counts(shop.run(sync), "succeeded") == (0, 3, 0)
    assert {row[2] for row in shop.there()} == {"vip"}


def test_another_table_gets_all_rows_and_another_batch_size_none(shop: Shop) -> None:
    shop.fill(4)
    sync = shop.sync()
    shop.run(sync)
    elsewhere = f"{shop.table}_2"
    shop.at_destination(f"CREATE TABLE {elsewhere} (LIKE {shop.table} INCLUDING ALL)")
    for table, size, planned in ((shop.table, 7, 0), (elsewhere, 7, 4)):
        chosen = {"table": f"public.{table}", "batch_size": size}
        services.update_sync(actor=shop.actor, sync=sync, proposal=shop.proposal(settings=chosen))
        assert shop.run(sync).succeeded == planned


def test_a_full_resync_sends_every_row_as_added_and_removes_nothing(shop: Shop) -> None:
    shop.fill(10)
    sync = shop.sync()
    shop.run(sync)
    shop.query("DELETE FROM customers WHERE id = 10")
    run = shop.run(sync, full_resync=True)
    assert counts(run, "succeeded") == (9, 0, 0)
    assert len(shop.there()) == 10
    assert shop.run(sync).planned == 0


def test_a_reset_remembers_the_rows_and_sends_nothing(shop: Shop) -> None:
    shop.fill(10)
    sync = shop.sync()
    services.reset_sync(actor=shop.actor, sync=sync, reset=PendingReset.RESET)
    run = shop.run(sync)
    assert (run.status, run.queried, run.planned, shop.there()) == (RunStatus.SUCCEEDED, 10, 0, [])
    shop.query("INSERT INTO customers VALUES (11, 'new', 'free')")
    assert counts(shop.run(sync), "succeeded") == (1, 0, 0)


def test_a_pending_reset_survives_a_run_that_failed(shop: Shop) -> None:
    shop.fill(4)
    sync = shop.sync()
    shop.run(sync)
    services.reset_sync(actor=shop.actor, sync=sync, reset=PendingReset.RESYNC)
    shop.query("ALTER TABLE customers RENAME TO elsewhere")
    assert shop.run(sync).status == RunStatus.FAILED
    sync.refresh_from_db()
    assert sync.pending_reset == PendingReset.RESYNC
    shop.query("ALTER TABLE elsewhere RENAME TO customers")
    assert counts(shop.run(sync), "succeeded") == (4, 0, 0)


def test_a_new_primary_key_is_applied_as_the_person_chose(shop: Shop) -> None:
    shop.fill(6)
    model = shop.model()
    sync = shop.sync(model)
    shop.run(sync)
    services.change_primary_key(
        actor=shop.actor,
        model=model,
        primary_key="email",
        key_change=KeyChange(reset=PendingReset.RESET, run_now=True),
    )
    work_off()
    run = Run.objects.filter(sync=sync).latest("id")
    assert (run.number, run.status, run.planned) == (2, RunStatus.SUCCEEDED, 0)
    shop.query("UPDATE customers SET plan = 'paid' WHERE id = 2")
    assert counts(shop.run(sync), "succeeded") == (0, 1, 0)


def test_superseded_files_and_the_journal_go_when_a_run_settles(shop: Shop) -> None:
    shop.fill(10)
    sync = shop.sync()
    shop.run(sync)
    sync.refresh_from_db()
    assert sync.baseline is not None
    old = sync.baseline["spool"]
    assert storage().exists(old)
    shop.query("UPDATE customers SET plan = 'paid'")
    shop.run(sync)
    sync.refresh_from_db()
    assert not storage().exists(old)
    assert storage().exists(sync.baseline["spool"])
    assert JournalBatch.objects.count() == 0


def test_a_deleted_sync_takes_its_runs_and_files_along(shop: Shop) -> None:
    shop.fill(3)
    sync = shop.sync()
    shop.run(sync)
    folder = f"workspaces/{sync.workspace_id}/syncs/{sync.pk}"
    assert storage().list(folder)
    key = sync.pk
    services.delete_sync(actor=shop.actor, sync=sync)
    tasks.discard_sync_files.fn(sync.workspace_id, key)
    assert storage().list(folder) == []
    assert not Run.objects.filter(sync_id=key).exists()
    assert len(shop.there()) == 3


def _work_on(run: Run, kind: StepKind) -> None:
    step = RunStep.objects.get(run=run, kind=kind)
    tasks.work_on_step.fn(step.workspace_id, step.pk)


def _at_port(shop: Shop, port: int) -> None:
    """Move the destination's address to another port, as a person would."""
    destination = Destination.objects.get(pk=shop.destination.pk)
    connectors.update_destination(
        actor=shop.actor, destination=destination, values={**destination.config, "port": port}
    )
