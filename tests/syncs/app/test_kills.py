"""Workers killed around a hold, and while a list is emptied and filled: no row is lost, none released by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from syncs import scheduler, services, tasks
from syncs.choices import RunStatus, StepState
from syncs.journal import PartJournal
from syncs.models import Run, RunStep, Sync
from syncs.services import stages
from tests.syncs.app.audience import AudienceDestination
from tests.syncs.app.shop import Shop, work_off
from tests.syncs.app.test_held_runs import sync
from tests.syncs.app.test_resyncs import audience
from tests.syncs.app.test_schedules import lose_lease

__all__ = ["audience", "sync"]


class Killed(BaseException):
    """The process ends here: no handler of ours runs."""


def kill_at(monkeypatch: pytest.MonkeyPatch, holder: Any, name: str, *, call: int = 1, after: bool) -> None:
    """Work until the worker dies at the n-th call of this function, before it or just after."""
    real: Callable[..., Any] = getattr(holder, name)
    left = [call]

    def dying(*args: Any, **options: Any) -> Any:
        left[0] -= 1
        if left[0] == 0 and not after:
            raise Killed
        answer = real(*args, **options)
        if left[0] == 0:
            raise Killed
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(holder, name, dying)
        with pytest.raises(Killed):
            work_off()


def take_over() -> None:
    """Time passes, and another worker finds what was left."""
    for step in RunStep.objects.filter(state=StepState.RUNNING):
        lose_lease(step.pk)
        tasks.work_on_step.fn(step.workspace_id, step.pk)
    scheduler.resend(timezone.now())
    work_off()


def started(shop: Shop, sync: Sync, **options: Any) -> Run:
    return services.start_run(actor=shop.actor, sync=sync, **options)


def again(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


@pytest.mark.parametrize("after", [False, True])
def test_a_kill_as_a_run_is_held_holds_it_all_the_same(
    shop: Shop, sync: Sync, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    shop.query("DELETE FROM customers WHERE id > 7")
    run = started(shop, sync)
    kill_at(monkeypatch, stages, "finish_prepare", after=after)
    take_over()
    assert (again(run).status, len(shop.there())) == (RunStatus.HELD, 10)
    take_over()
    assert (again(run).status, len(shop.there())) == (RunStatus.HELD, 10)
    services.release_run(actor=shop.actor, run=again(run))
    work_off()
    assert (again(run).status, len(shop.there())) == (RunStatus.SUCCEEDED, 7)


@pytest.mark.parametrize("call", [1, 2])
def test_a_kill_while_released_changes_are_sent_loses_none(
    shop: Shop, sync: Sync, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    shop.query("DELETE FROM customers WHERE id > 7")
    run = started(shop, sync)
    work_off()
    services.release_run(actor=shop.actor, run=again(run))
    kill_at(monkeypatch, PartJournal, "_write", call=call, after=False)
    take_over()
    assert (again(run).status, again(run).succeeded_removed, len(shop.there())) == (RunStatus.SUCCEEDED, 3, 7)
    assert shop.run(sync).planned == 0


@pytest.mark.parametrize(
    ("holder", "name", "call", "after", "cleared"),
    [
        pytest.param(stages, "finish_clear", 1, False, 2, id="emptied, not stored"),
        pytest.param(stages, "finish_clear", 1, True, 1, id="emptied and stored"),
        pytest.param(PartJournal, "_write", 2, False, 1, id="filling"),
        pytest.param(stages, "finish_part", 1, False, 1, id="filled, not stored"),
    ],
)
def test_a_kill_while_a_list_is_emptied_and_filled_leaves_it_full(
    shop: Shop,
    sync: Sync,
    audience: type[AudienceDestination],
    monkeypatch: pytest.MonkeyPatch,
    holder: Any,
    name: str,
    call: int,
    after: bool,
    cleared: int,
) -> None:
    shop.at_destination(f"INSERT INTO {shop.table} VALUES (77, 'stranger@shop.test', 'free')")
    run = started(shop, sync, clear=True)
    kill_at(monkeypatch, holder, name, call=call, after=after)
    take_over()
    assert (again(run).status, again(run).succeeded_added, audience.cleared) == (RunStatus.SUCCEEDED, 10, cleared)
    assert [row[0] for row in shop.there()] == list(range(1, 11))
    assert shop.run(sync).planned == 0
