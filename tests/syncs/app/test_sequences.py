"""Sequences: one sync after another, what ends them, and what survives a crash."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from config.errors import Conflict, Denied, Invalid
from syncs import scheduler, services, tasks
from syncs.choices import LimitUnit, RunStatus, SequenceStatus, Terminate, Trigger
from syncs.models import Run, RunStep, Sequence, SequenceRun, Sync
from syncs.schedules import Schedule
from syncs.services import StepProposal
from tests.syncs.app.shop import Shop, wait_until, work_off
from tests.syncs.app.test_schedules import cut_off
from tests.syncs.app.workers import SCHEDULER, WORKER, kill, process
from tests.world import World

REJECTED, FATAL, NEVER = Terminate.REJECTED, Terminate.FATAL, Terminate.NEVER


@pytest.fixture
def syncs(shop: Shop) -> list[Sync]:
    """Four syncs of three customers each: staff, permissions, prospects and assignments."""
    shop.fill(3)
    model = shop.model()
    made = [shop.sync(model) for _ in range(4)]
    for sync, name in zip(made, ("Staff", "Permissions", "Prospects", "Assignments"), strict=True):
        services.update_sync(actor=shop.actor, sync=sync, name=name)
    return made


def sequence_of(shop: Shop, syncs: list[Sync], *rules: Terminate, name: str = "Nightly", **limits: object) -> Sequence:
    """The syncs in this order, each with its rule."""
    steps = [
        StepProposal(sync.pk, rule, **limits)  # type: ignore[arg-type]
        for sync, rule in zip(syncs, rules or (FATAL,) * len(syncs), strict=True)
    ]
    return services.create_sequence(actor=shop.actor, name=name, steps=steps)


def start(shop: Shop, sequence: Sequence) -> SequenceRun:
    """Start it and take its first step, as a worker would."""
    run = services.start_sequence(actor=shop.actor, sequence=sequence)
    go_on(run)
    return run


def go_on(run: SequenceRun) -> SequenceRun:
    tasks.go_on_with_sequence.fn(run.workspace_id, run.pk)
    run.refresh_from_db()
    return run


def finish(run: SequenceRun) -> SequenceRun:
    """Let the workers do everything that is to be done."""
    for _ in range(2 * run.steps.count() + 1):
        work_off()
        go_on(run)
    return run


def states(run: SequenceRun) -> list[str]:
    return [step.state for step in run.steps.all()]


def break_source(shop: Shop, sync: Sync) -> None:
    """Let later runs of this sync alone fail at the source, as a dropped table would."""
    shop.query("CREATE TABLE IF NOT EXISTS doomed AS SELECT * FROM customers")
    doomed = shop.model(f"Doomed {sync.pk}", "SELECT * FROM doomed")
    Sync.objects.filter(pk=sync.pk).update(model=doomed)
    shop.query("DROP TABLE doomed")


def test_each_sync_starts_when_the_one_before_it_has_ended(shop: Shop, syncs: list[Sync]) -> None:
    run = start(shop, sequence_of(shop, syncs[:2]))
    assert states(run) == ["running", "waiting"]
    assert Run.objects.count() == 1
    go_on(run)
    assert Run.objects.count() == 1
    work_off()
    go_on(run)
    assert states(run) == ["succeeded", "running"]
    work_off()
    go_on(run)
    assert (run.status, states(run), run.live) == (SequenceStatus.SUCCEEDED, ["succeeded", "succeeded"], False)
    first, second = Run.objects.order_by("id")
    assert first.finished_at is not None
    assert first.finished_at <= second.created_at
    assert {first.trigger, second.trigger} == {Trigger.SEQUENCE}
    assert first.actor_label == "Sequence Nightly"


def test_the_example_of_staff_permissions_prospects_and_assignments(shop: Shop, syncs: list[Sync]) -> None:
    staff, _, _, assignments = syncs
    sequence = sequence_of(shop, syncs, REJECTED, FATAL, FATAL, NEVER)
    break_source(shop, assignments)
    run = finish(start(shop, sequence))
    assert (run.status, states(run)) == (SequenceStatus.SUCCEEDED, ["succeeded", "succeeded", "succeeded", "failed"])
    assert "doomed" in run.steps.last().reason  # type: ignore[union-attr]
    break_source(shop, staff)
    run = finish(start(shop, sequence))
    assert (run.status, states(run)) == (SequenceStatus.FAILED, ["failed", "skipped", "skipped", "skipped"])
    assert run.reason.startswith("Staff: ")
    assert Run.objects.filter(sync__in=syncs[1:3]).count() == 2


@pytest.mark.parametrize(
    ("rule", "unit", "limit", "stops"),
    [
        (REJECTED, LimitUnit.ANY, 0, True),
        (REJECTED, LimitUnit.ROWS, 0, True),
        (REJECTED, LimitUnit.ROWS, 1, False),
        (REJECTED, LimitUnit.PERCENT, 33, True),
        (REJECTED, LimitUnit.PERCENT, 34, False),
        (FATAL, LimitUnit.ANY, 0, False),
        (NEVER, LimitUnit.ANY, 0, False),
    ],
)
def test_rejected_rows_stop_where_the_rule_says_so(
    shop: Shop, syncs: list[Sync], rule: Terminate, unit: LimitUnit, limit: int, stops: bool
) -> None:
    shop.query("UPDATE customers SET plan = 'broken' WHERE id = 2")
    run = finish(start(shop, sequence_of(shop, syncs[:2], rule, rule, limit_unit=unit, limit=limit)))
    if stops:
        assert (run.status, states(run)) == (SequenceStatus.FAILED, ["warning", "skipped"])
        assert run.reason == "Staff: 1 of 3 rows rejected."
    else:
        assert (run.status, states(run)) == (SequenceStatus.SUCCEEDED, ["warning", "warning"])


def test_a_sync_that_is_running_already_is_waited_for_and_then_run(shop: Shop, syncs: list[Sync]) -> None:
    own = services.start_run(actor=shop.actor, sync=syncs[0])
    run = start(shop, sequence_of(shop, syncs[:1]))
    step = run.steps.get()
    assert (step.state, step.sync_run, step.reason) == ("waiting", None, "Waits for another run of this sync to end.")
    work_off()
    go_on(run)
    step.refresh_from_db()
    assert (step.state, step.reason) == ("running", "")
    assert step.sync_run_id != own.pk
    assert finish(run).status == SequenceStatus.SUCCEEDED
    assert Run.objects.filter(sync=syncs[0]).count() == 2


@pytest.mark.parametrize(("rule", "status"), [(FATAL, SequenceStatus.FAILED), (NEVER, SequenceStatus.SUCCEEDED)])
def test_paused_and_deleted_syncs_fail_their_step(
    shop: Shop, syncs: list[Sync], rule: Terminate, status: SequenceStatus
) -> None:
    sequence = sequence_of(shop, syncs[:2], rule, rule)
    services.pause_sync(actor=shop.actor, sync=syncs[0])
    run = finish(start(shop, sequence))
    assert (run.status, run.steps.first().reason) == (status, "This sync is paused. Resume it to run it.")  # type: ignore[union-attr]
    services.delete_sync(actor=shop.actor, sync=syncs[0])
    run = finish(start(shop, sequence))
    step = run.steps.first()
    assert step is not None
    assert (run.status, str(step), step.reason[:21]) == (status, "Staff", "The sync was deleted.")
    assert run.steps.last().state == ("skipped" if rule == FATAL else "succeeded")  # type: ignore[union-attr]


def test_a_sync_whose_own_schedule_is_off_still_runs(shop: Shop, syncs: list[Sync]) -> None:
    services.set_schedule(actor=shop.actor, sync=syncs[0], schedule=Schedule.every(1, "hour"))
    services.disable_schedule(actor=shop.actor, sync=syncs[0])
    assert finish(start(shop, sequence_of(shop, syncs[:1]))).status == SequenceStatus.SUCCEEDED


@pytest.mark.parametrize(("rule", "status"), [(FATAL, SequenceStatus.FAILED), (NEVER, SequenceStatus.SUCCEEDED)])
def test_a_run_that_somebody_cancels_counts_as_failed(
    shop: Shop, syncs: list[Sync], rule: Terminate, status: SequenceStatus
) -> None:
    run = start(shop, sequence_of(shop, syncs[:2], rule, rule))
    services.cancel_run(actor=shop.actor, run=Run.objects.get())
    finish(run)
    assert run.status == status
    assert states(run)[0] == "cancelled"


def test_cancelling_a_sequence_cancels_the_run_that_is_going_on_and_starts_no_other(
    shop: Shop, syncs: list[Sync]
) -> None:
    run = start(shop, sequence_of(shop, syncs[:2], NEVER, NEVER))
    services.cancel_sequence_run(actor=shop.actor, run=run)
    finish(run)
    assert (run.status, states(run)) == (SequenceStatus.CANCELLED, ["cancelled", "skipped"])
    assert Run.objects.get().status == RunStatus.CANCELLED
    with pytest.raises(Conflict):
        services.cancel_sequence_run(actor=shop.actor, run=run)


def test_a_sequence_that_waits_is_cancelled_at_once(shop: Shop, syncs: list[Sync]) -> None:
    services.start_run(actor=shop.actor, sync=syncs[0])
    run = start(shop, sequence_of(shop, syncs[:1]))
    services.cancel_sequence_run(actor=shop.actor, run=run)
    assert (go_on(run).status, states(run)) == (SequenceStatus.CANCELLED, ["skipped"])
    assert Run.objects.get().cancel_requested_at is None


@pytest.fixture
def held(shop: Shop, syncs: list[Sync]) -> SequenceRun:
    """A run of a sequence whose first sync is held, as its query returns no rows any more."""
    shop.run(syncs[0])
    shop.fill(0)
    run = start(shop, sequence_of(shop, syncs[:2]))
    work_off()
    go_on(run)
    assert (states(run), Run.objects.latest("id").status) == (["running", "waiting"], RunStatus.HELD)
    return run


def test_a_held_run_is_waited_for_until_it_is_released(shop: Shop, held: SequenceRun) -> None:
    services.release_run(actor=shop.actor, run=Run.objects.latest("id"))
    assert (finish(held).status, states(held)) == (SequenceStatus.SUCCEEDED, ["succeeded", "succeeded"])


def test_a_held_run_that_is_dropped_counts_as_failed(shop: Shop, held: SequenceRun) -> None:
    services.drop_run(actor=shop.actor, run=Run.objects.latest("id"))
    assert (finish(held).status, states(held)) == (SequenceStatus.FAILED, ["cancelled", "skipped"])
    assert "dropped by" in held.reason


def test_cancelling_a_sequence_ends_a_held_run_too(shop: Shop, held: SequenceRun) -> None:
    services.cancel_sequence_run(actor=shop.actor, run=held)
    assert (go_on(held).status, states(held)) == (SequenceStatus.CANCELLED, ["cancelled", "skipped"])
    assert Run.objects.latest("id").status == RunStatus.CANCELLED


def test_one_live_run_a_sequence(shop: Shop, syncs: list[Sync]) -> None:
    sequence = sequence_of(shop, syncs[:1])
    start(shop, sequence)
    with pytest.raises(Conflict) as refused:
        services.start_sequence(actor=shop.actor, sequence=sequence)
    assert refused.value.code == "sequence_running"
    with pytest.raises(Conflict):
        services.delete_sequence(actor=shop.actor, sequence=sequence)


def test_the_steps_of_a_run_stay_what_they_were_when_it_began(shop: Shop, syncs: list[Sync]) -> None:
    sequence = sequence_of(shop, syncs[:2], NEVER, NEVER)
    run = start(shop, sequence)
    services.update_sequence(actor=shop.actor, sequence=sequence, steps=[StepProposal(syncs[3].pk)])
    assert [str(step) for step in finish(run).steps.all()] == ["Staff", "Permissions"]
    assert [str(step) for step in finish(start(shop, sequence)).steps.all()] == ["Assignments"]


def test_a_step_follows_the_run_that_resumes_an_interrupted_one(shop: Shop, syncs: list[Sync]) -> None:
    run = start(shop, sequence_of(shop, syncs[:2]))
    cut_off(Run.objects.get())
    assert Run.objects.get().status == RunStatus.INTERRUPTED
    go_on(run)
    assert states(run) == ["running", "waiting"]
    assert scheduler.resume_interrupted(timezone.now()) == 1
    assert (finish(run).status, states(run)) == (SequenceStatus.SUCCEEDED, ["succeeded", "succeeded"])
    assert run.steps.first().sync_run.trigger == Trigger.RETRY  # type: ignore[union-attr]


def test_a_second_interruption_is_a_failure(shop: Shop, syncs: list[Sync]) -> None:
    run = start(shop, sequence_of(shop, syncs[:2]))
    cut_off(Run.objects.get())
    scheduler.resume_interrupted(timezone.now())
    cut_off(Run.objects.latest("id"))
    assert (go_on(run).status, states(run)) == (SequenceStatus.FAILED, ["failed", "skipped"])


def test_a_sequence_that_is_due_runs_once_and_catches_up_once(shop: Shop, syncs: list[Sync]) -> None:
    sequence = sequence_of(shop, syncs[:1])
    services.set_sequence_schedule(actor=shop.actor, sequence=sequence, schedule=Schedule.by_cron("*/5 * * * *"))
    late = timezone.now() + timedelta(days=2)
    started: list[int] = []
    ready = threading.Barrier(2)

    def one() -> None:
        ready.wait()
        started.append(scheduler.start_due_sequences(late))
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(started) == 1
    run = sequence.runs.get()
    assert (run.trigger, run.actor_label) == (Trigger.SCHEDULE, "Schedule")
    assert scheduler.start_due_sequences(late + timedelta(minutes=6)) == 0  # it is still running
    finish(run)
    assert scheduler.start_due_sequences(late + timedelta(minutes=6)) == 1
    services.disable_sequence(actor=shop.actor, sequence=sequence)
    finish(sequence.runs.latest("id"))
    assert scheduler.start_due_sequences(late + timedelta(days=1)) == 0


def test_the_scheduler_goes_on_where_every_message_was_lost(shop: Shop, syncs: list[Sync]) -> None:
    run = services.start_sequence(actor=shop.actor, sequence=sequence_of(shop, syncs[:2]))
    for expected in (["running", "waiting"], ["succeeded", "running"], ["succeeded", "succeeded"]):
        scheduler.go_on_with_sequences(timezone.now())
        assert states(run) == expected
        work_off()


def test_killed_workers_and_schedulers_cost_no_step_and_repeat_none(shop: Shop, syncs: list[Sync]) -> None:
    run = services.start_sequence(actor=shop.actor, sequence=sequence_of(shop, syncs[:3]))
    with process(WORKER) as worker, process(SCHEDULER) as planner:
        wait_until(lambda: Run.objects.filter(finished_at__isnull=False).exists(), "a run to end")
        kill(worker)
        kill(planner)
    RunStep.objects.filter(state="running").update(lease_until=timezone.now() - timedelta(seconds=1))
    with process(WORKER), process(SCHEDULER):
        wait_until(lambda: not SequenceRun.objects.get(pk=run.pk).live, "the sequence to end")
    run.refresh_from_db()
    assert (run.status, states(run)) == (SequenceStatus.SUCCEEDED, ["succeeded"] * 3)
    assert [sync.runs.count() for sync in syncs] == [1, 1, 1, 0]


def test_a_run_that_ends_wakes_its_sequence(shop: Shop, syncs: list[Sync]) -> None:
    """No scheduler here: messages alone carry the sequence."""
    run = services.start_sequence(actor=shop.actor, sequence=sequence_of(shop, syncs[:2]))
    with process(WORKER):
        wait_until(lambda: not SequenceRun.objects.get(pk=run.pk).live, "the sequence to end", seconds=30)
    assert states(run) == ["succeeded", "succeeded"]


def test_whoever_changes_or_runs_a_sequence_may_run_every_sync_in_it(
    shop: Shop, syncs: list[Sync], world: World
) -> None:
    sequence = sequence_of(shop, syncs[:1])
    viewer = world.actor("viewer")
    proposed = [StepProposal(syncs[0].pk)]
    for refused in (
        lambda: services.create_sequence(actor=viewer, name="Mine", steps=proposed),
        lambda: services.update_sequence(actor=viewer, sequence=sequence, name="Mine"),
        lambda: services.start_sequence(actor=viewer, sequence=sequence),
        lambda: services.disable_sequence(actor=viewer, sequence=sequence),
        lambda: services.delete_sequence(actor=viewer, sequence=sequence),
    ):
        with pytest.raises(Denied):
            refused()
    assert services.start_sequence(actor=world.actor("editor"), sequence=sequence).live


def test_steps_that_make_no_sense_are_refused(shop: Shop, syncs: list[Sync]) -> None:
    for steps in (
        [],
        [StepProposal(syncs[0].pk + 1000)],
        [StepProposal(syncs[0].pk, REJECTED, LimitUnit.PERCENT, 101)],
        [StepProposal(syncs[0].pk)] * 201,
    ):
        with pytest.raises(Invalid):
            services.create_sequence(actor=shop.actor, name="Nightly", steps=steps)
