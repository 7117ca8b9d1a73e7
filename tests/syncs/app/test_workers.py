"""Runs survive killed workers, a wiped queue and deployments: rows are late, never lost."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import dramatiq
import psycopg
import pytest
from django.utils import timezone

from connectors import services as connectors
from syncs import scheduler, services, tasks
from syncs.choices import RunStatus, StepKind, StepState
from syncs.configuration import Proposal
from syncs.models import JournalBatch, Run, RunStep
from syncs.services import stages
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


@pytest.fixture
def black_hole() -> Iterator[str]:
    """The address of a web service that takes every connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=500) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def to_nowhere(shop: Shop, address: str) -> list[Run]:
    """More runs to a dead destination than there are workers, all begun."""
    destination = connectors.create_destination(
        actor=shop.actor, type="http_request", values={"base_url": address}, name="Black hole"
    )
    proposal = Proposal(
        sync_type="requests",
        mode="custom",
        removal="nothing",
        mappings=[],
        settings={"added": {"method": "POST", "endpoint": "/", "payload": "json_columns"}, "timeout": 600},
    )
    model = shop.model("Dead letters")
    syncs = [
        services.create_sync(actor=shop.actor, model=model, destination=destination, proposal=proposal)
        for _ in range(6)
    ]
    return [services.start_run(actor=shop.actor, sync=sync) for sync in syncs]


@pytest.mark.services
def test_a_destination_that_hangs_for_ever_slows_no_other(shop: Shop, black_hole: str) -> None:
    shop.fill(ROWS)
    dead = to_nowhere(shop, black_hole)
    with process(WORKER):
        wait_until(lambda: JournalBatch.objects.filter(done=False).exists(), "the first request into the void")
        wait_until(
            lambda: not RunStep.objects.filter(kind=StepKind.PREPARE).exclude(state=StepState.DONE).exists(), "six"
        )
        run = services.start_run(actor=shop.actor, sync=shop.sync())
        wait_until(lambda: ended(run), "the end of the healthy run", seconds=30)
        assert (run.status, run.succeeded) == (RunStatus.SUCCEEDED, ROWS)
        assert not any(ended(waiting) for waiting in dead)
        holding = RunStep.objects.filter(kind=StepKind.DELIVER, state=StepState.RUNNING)
        assert holding.count() == 1  # of the four deliveries that the worker has room for


def test_who_waits_for_room_at_a_destination_is_called_when_there_is_some(shop: Shop, settings: Any) -> None:
    settings.DELIVERY_THREADS = 4
    shop.fill(3)
    first, second = (services.start_run(actor=shop.actor, sync=shop.sync()) for _ in range(2))
    for run in (first, second):
        tasks.work_on_step.fn(run.workspace_id, run.steps.get(kind=StepKind.PREPARE).pk)
    parts = [run.steps.get(kind=StepKind.DELIVER) for run in (first, second)]
    held = stages.claim(parts[0].pk)
    assert held is not None
    assert stages.claim(parts[1].pk) is None
    stages.release(held)
    queue = dramatiq.get_broker().client  # type: ignore[attr-defined]
    queue.flushdb()
    tasks.deliver_step.fn(first.workspace_id, parts[0].pk)
    assert queue.llen("dramatiq:deliveries") == 1
    assert stages.claim(parts[1].pk) is not None
