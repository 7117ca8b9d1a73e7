"""Runs survive killed workers, a wiped queue and deployments: rows are late, never lost."""

from __future__ import annotations

import dramatiq
import psycopg
import pytest
from django.utils import timezone

from syncs import scheduler, services
from syncs.choices import RunStatus, StepKind, StepState
from syncs.models import JournalBatch, Run, RunStep
from tests.syncs.app.shop import Shop, wait_until
from tests.syncs.app.workers import SCHEDULER, WORKER, ask_to_end, kill, process

ROWS, BATCH = 400, 10


@pytest.fixture
def slow(shop: Shop) -> Shop:
    """A shop whose database writes down every row it gets, and takes a while for each batch."""
    shop.fill(ROWS)
    shop.at_destination(
        f"CREATE TABLE {shop.table}_log (id bigint); "
        f"CREATE FUNCTION {shop.table}_log() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN INSERT INTO {shop.table}_log VALUES (NEW.id); RETURN NEW; END $$; "
        f"CREATE TRIGGER log AFTER INSERT OR UPDATE ON {shop.table} FOR EACH ROW EXECUTE FUNCTION {shop.table}_log()"
    )
    return shop


def slow_settings(shop: Shop) -> dict[str, object]:
    return {"table": f"public.{shop.table}", "batch_size": BATCH, "pause": 150}


def received(shop: Shop) -> int:
    """How many rows arrived, counting those that came twice."""
    with psycopg.connect(shop.address) as connection:
        row = connection.execute(f"SELECT count(*) FROM {shop.table}_log").fetchone()
    assert row is not None
    return int(row[0])


def sent_some() -> bool:
    return JournalBatch.objects.filter(done=True).count() >= 3


def ended(run: Run) -> bool:
    run.refresh_from_db()
    return not run.live


def turn() -> bool:
    """What a scheduler does about stages that nobody works on."""
    scheduler.resend(timezone.now())
    return True


@pytest.mark.services
def test_another_worker_finishes_what_a_killed_one_began(slow: Shop) -> None:
    run = services.start_run(actor=slow.actor, sync=slow.sync(settings=slow_settings(slow)))
    with process(WORKER) as first:
        wait_until(sent_some, "the first batches")
        kill(first)
    assert 0 < received(slow) < ROWS
    with process(WORKER):
        wait_until(lambda: turn() and ended(run), "the end of the run", seconds=90)
    assert (run.status, run.succeeded, len(slow.there())) == (RunStatus.SUCCEEDED, ROWS, ROWS)
    assert received(slow) <= ROWS + 2 * BATCH
    assert slow.run(run.sync).planned == 0


@pytest.mark.services
def test_a_wiped_queue_costs_seconds_not_rows(slow: Shop) -> None:
    run = services.start_run(actor=slow.actor, sync=slow.sync(settings=slow_settings(slow)))
    dramatiq.get_broker().client.flushdb()  # type: ignore[attr-defined]
    with process(SCHEDULER), process(WORKER):
        wait_until(sent_some, "the first batches")
        dramatiq.get_broker().client.flushdb()  # type: ignore[attr-defined]
        wait_until(lambda: ended(run), "the end of the run", seconds=90)
    assert (run.status, run.succeeded, received(slow)) == (RunStatus.SUCCEEDED, ROWS, ROWS)


@pytest.mark.services
def test_a_worker_that_is_asked_to_end_gives_its_stage_back(slow: Shop) -> None:
    run = services.start_run(actor=slow.actor, sync=slow.sync(settings=slow_settings(slow)))
    with process(WORKER) as worker:
        wait_until(sent_some, "the first batches")
        assert ask_to_end(worker) == 0
    step = RunStep.objects.get(run=run, kind=StepKind.DELIVER)
    assert step.state == StepState.WAITING
    with process(WORKER):
        wait_until(lambda: ended(run), "the end of the run", seconds=90)
    assert (run.status, run.succeeded, received(slow)) == (RunStatus.SUCCEEDED, ROWS, ROWS)


@pytest.mark.services
def test_a_run_is_cancelled_between_two_batches(slow: Shop) -> None:
    sync = slow.sync(settings=slow_settings(slow))
    run = services.start_run(actor=slow.actor, sync=sync)
    with process(WORKER):
        wait_until(sent_some, "the first batches")
        services.cancel_run(actor=slow.actor, run=run)
        wait_until(lambda: ended(run), "the end of the run", seconds=30)
    assert run.status == RunStatus.CANCELLED
    assert (run.succeeded, run.succeeded + run.aborted) == (len(slow.there()), ROWS)
    assert 0 < run.succeeded < ROWS
    assert slow.run(sync).succeeded == ROWS - run.succeeded
