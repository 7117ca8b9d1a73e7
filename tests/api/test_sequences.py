"""Sequences over the REST API."""

from __future__ import annotations

from typing import Any

import pytest

from syncs import services
from syncs.models import Sync
from syncs.services import StepProposal
from tests.api.calls import Call
from tests.syncs.app.shop import Shop, work_off
from tests.syncs.app.test_sequences import finish, go_on


@pytest.fixture
def pair(shop: Shop) -> list[Sync]:
    shop.fill(3)
    model = shop.model()
    return [shop.sync(model), shop.sync(model)]


def body(pair: list[Sync], **changed: Any) -> dict[str, Any]:
    steps = [
        {"syncId": pair[0].pk, "terminate": "rejected", "rejectedUnit": "percent", "rejectedLimit": 5},
        {"syncId": str(pair[1].pk)},
    ]
    return {"name": "Nightly", "steps": steps, **changed}


def test_a_sequence_is_created_read_changed_and_run(shop: Shop, pair: list[Sync], call: Call) -> None:
    hourly = {"type": "interval", "schedule": {"interval": {"quantity": 1, "unit": "hour"}}}
    made = call("post", "/sync-sequences", body(pair, schedule=hourly, disabled=True)).json()
    assert call("get", f"/sync-sequences/{made['id']}").json() == made
    assert call("get", "/sync-sequences").json()["data"] == [made]
    assert made["syncs"] == [str(sync.pk) for sync in pair]
    assert [step["terminate"] for step in made["steps"]] == ["rejected", "fatal"]
    assert (made["status"], made["disabled"], made["schedule"]) == ("disabled", True, hourly)
    changed = call("patch", f"/sync-sequences/{made['id']}", {"steps": [{"syncId": pair[1].pk}], "disabled": False})
    assert (changed.json()["syncs"], changed.json()["disabled"]) == ([str(pair[1].pk)], False)

    started = call("post", f"/sync-sequences/{made['id']}/trigger").json()["id"]
    assert call("get", f"/sync-sequences/runs/{started}").json()["status"] == "pending"
    again = call("post", "/sync-sequences/trigger", {"syncSequenceSlug": "nightly"})
    assert (again.status_code, again.json()) == (200, {"id": started})
    run = run_of(started)
    go_on(run)
    status = call("get", f"/sync-sequences/runs/{started}").json()
    (sync_run,) = status["syncRuns"]
    assert (status["status"], sync_run["syncId"], sync_run["status"]) == ("running", pair[1].pk, "querying")
    work_off()
    finish(run)
    status = call("get", f"/sync-sequences/runs/{started}").json()
    assert (status["status"], status["syncRuns"][0]["status"], status["error"]) == ("done", "success", None)
    assert call("get", f"/sync-sequences/{made['id']}/runs").json()["data"] == [status]
    assert call("post", "/sync-sequences/trigger", {"syncSequenceId": made["id"]}).json()["id"] != started


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"steps": []}, "steps"),
        ({"steps": [{"syncId": 999_999}]}, "steps"),
        ({"name": ""}, "name"),
        ({"schedule": {"type": "cron", "schedule": {"expression": "0 0 12 * * *"}}}, "schedule.schedule.expression"),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(
    shop: Shop, pair: list[Sync], call: Call, changed: dict[str, Any], field: str
) -> None:
    answer = call("post", "/sync-sequences", body(pair, **changed))
    assert (answer.status_code, list(answer.json()["details"])) == (422, [field])


def test_a_sequence_without_syncs_left_says_so(shop: Shop, pair: list[Sync], call: Call) -> None:
    sequence = services.create_sequence(actor=shop.actor, name="Nightly", steps=[StepProposal(pair[0].pk)])
    services.delete_sync(actor=shop.actor, sync=pair[0])
    read = call("get", f"/sync-sequences/{sequence.pk}").json()
    assert (read["syncs"], read["steps"][0]["syncId"]) == ([], None)
    assert call("post", "/sync-sequences/trigger", {"syncSequenceSlug": "gone"}).status_code == 404
    assert call("post", "/sync-sequences/trigger", {}).status_code == 422


def run_of(pk: str) -> Any:
    from syncs.models import SequenceRun

    return SequenceRun.objects.get(pk=pk)
