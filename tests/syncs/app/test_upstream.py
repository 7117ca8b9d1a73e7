"""Syncs and sequences that run after jobs of dbt Cloud and connections of Fivetran."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config.errors import Conflict, Invalid
from connectors import services as connectors
from connectors.models import CloudCredential
from syncs import scheduler, services, tasks
from syncs.choices import ScheduleKind, Trigger
from syncs.models import Run, Sequence, Sync
from syncs.schedules import Schedule, UpstreamJob
from syncs.services import StepProposal
from tests.api.calls import caller, key_of
from tests.connectors.kit.job_services import KEY, SECRET, TOKEN, JobServices, job_services
from tests.syncs.app.shop import Shop

NIGHTLY = UpstreamJob("7/100", "Nightly (Account 7)")
HOURLY = UpstreamJob("7/101", "Hourly (Account 7)")
SUCCESS, ERROR = 10, 20


@pytest.fixture
def vendors(settings: Any) -> Iterator[JobServices]:
    with job_services() as made:
        settings.OUTBOUND_ALLOW = ["*"]
        settings.OUTBOUND_ROUTES = {"https://api.fivetran.com": made.address}
        yield made


def dbt(shop: Shop, vendors: JobServices, token: str = TOKEN) -> CloudCredential:
    values = {"url": vendors.address, "token": token}
    return connectors.create_cloud_credential(actor=shop.actor, provider="dbt_cloud", name="dbt", values=values)


def fivetran(shop: Shop) -> CloudCredential:
    values = {"api_key": KEY, "api_secret": SECRET}
    return connectors.create_cloud_credential(actor=shop.actor, provider="fivetran", name="Fivetran", values=values)


def after(credential: CloudCredential, *jobs: UpstreamJob) -> Schedule:
    return Schedule.after_jobs(ScheduleKind(credential.provider), credential.pk, jobs)


def look_and_start(monkeypatch: pytest.MonkeyPatch) -> int:
    """What the scheduler does in a minute; how many syncs it started."""
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(scheduler, "enqueue", lambda actor, *ids: asked.append(ids))
    scheduler.look_at_upstream(timezone.now())
    for workspace_id, credential_id in asked:
        tasks.look_at_jobs.fn(workspace_id, credential_id)
    return scheduler.start_due(timezone.now())


def end_runs(sync: Sync) -> None:
    Run.objects.filter(sync=sync).update(finished_at=timezone.now())


def test_a_sync_runs_once_for_each_success_of_a_job(
    shop: Shop, vendors: JobServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendors.runs = [(100, 1, SUCCESS, "2026-01-01")]
    sync = shop.sync(schedule=after(dbt(shop, vendors), NIGHTLY, HOURLY))
    assert sync.schedule.words == "After dbt Cloud job “Nightly (Account 7)” or “Hourly (Account 7)”"
    assert look_and_start(monkeypatch) == 0  # what succeeded before it was asked for is old news
    vendors.runs.append((100, 2, ERROR, "2026-01-02"))
    assert look_and_start(monkeypatch) == 0
    vendors.runs += [(100, 3, SUCCESS, "2026-01-03"), (101, 4, SUCCESS, "2026-01-03")]
    assert look_and_start(monkeypatch) == 1
    run = sync.runs.get()
    assert run.trigger == Trigger.SCHEDULE
    end_runs(sync)
    assert look_and_start(monkeypatch) == 0
    vendors.runs.append((101, 5, SUCCESS, "2026-01-05"))
    services.disable_schedule(actor=shop.actor, sync=sync)
    assert look_and_start(monkeypatch) == 0
    services.enable_schedule(actor=shop.actor, sync=Sync.objects.get(pk=sync.pk))
    assert look_and_start(monkeypatch) == 0  # nobody waited when it succeeded


def test_a_success_during_a_run_starts_the_next_one(
    shop: Shop, vendors: JobServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = shop.sync(schedule=after(dbt(shop, vendors), NIGHTLY))
    look_and_start(monkeypatch)
    services.start_run(actor=shop.actor, sync=sync)
    vendors.runs = [(100, 1, SUCCESS, "2026-01-01")]
    assert look_and_start(monkeypatch) == 0
    end_runs(sync)
    assert scheduler.start_due(timezone.now()) == 1


def test_a_sequence_runs_after_a_connection_of_fivetran_has_synced(
    shop: Shop, vendors: JobServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    river = UpstreamJob("warm_river", "warm_river (postgres, Warehouse)")
    sequence = services.create_sequence(
        actor=shop.actor,
        name="After the river",
        steps=[StepProposal(sync_id=shop.sync().pk)],
        schedule=after(fivetran(shop), river),
    )
    look_and_start(monkeypatch)
    vendors.synced["cold_lake"] = "2026-01-01T00:00:00Z"
    look_and_start(monkeypatch)
    assert Sequence.objects.get(pk=sequence.pk).next_run_at is None
    vendors.synced["warm_river"] = "2026-01-01T00:00:00Z"
    look_and_start(monkeypatch)
    assert scheduler.start_due_sequences(timezone.now()) == 1


def test_a_service_that_does_not_answer_is_told_of_and_loses_nothing(
    shop: Shop, vendors: JobServices, monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    vendors.runs = [(100, 1, SUCCESS, "2026-01-01")]
    sync = shop.sync(schedule=after(dbt(shop, vendors), NIGHTLY))
    look_and_start(monkeypatch)
    vendors.down = True
    assert look_and_start(monkeypatch) == 0
    client.force_login(shop.place.owner)
    page = reverse("syncs:sync_schedule", args=["acme", sync.pk])
    assert "maintenance" in client.get(page).content.decode()
    vendors.down = False
    vendors.runs.append((100, 2, SUCCESS, "2026-01-02"))
    assert look_and_start(monkeypatch) == 1
    assert "maintenance" not in client.get(page).content.decode()


def test_jobs_are_picked_from_what_the_credential_sees(shop: Shop, vendors: JobServices, client: Client) -> None:
    sync, credential, other = shop.sync(), dbt(shop, vendors), fivetran(shop)
    client.force_login(shop.place.owner)
    page = reverse("syncs:sync_schedule", args=["acme", sync.pk])
    chosen = {"schedule_kind": "dbt_cloud", "dbt_cloud_credential": str(credential.pk)}
    shown = client.post(page, {**chosen, "action": "jobs"}).content.decode()
    assert "Nightly (Account 7)" in shown
    lakes = {"schedule_kind": "fivetran", "fivetran_credential": str(other.pk), "action": "jobs"}
    assert "warm_river (postgres, Warehouse)" in client.post(page, lakes).content.decode()
    assert client.post(page, {**chosen, "action": "save"}).status_code == 422
    client.post(page, {**chosen, "after_jobs": [f"{NIGHTLY.id} {NIGHTLY.name}"], "action": "save"})
    assert Sync.objects.get(pk=sync.pk).schedule == after(credential, NIGHTLY)
    assert "Nightly (Account 7)" in client.get(page).content.decode()


def test_a_refused_token_is_told_in_the_services_own_words(shop: Shop, vendors: JobServices, client: Client) -> None:
    credential = dbt(shop, vendors, token="another")
    client.force_login(shop.place.owner)
    asked = {"schedule_kind": "dbt_cloud", "dbt_cloud_credential": str(credential.pk), "action": "jobs"}
    page = reverse("syncs:sync_schedule", args=["acme", shop.sync().pk])
    assert "Invalid token." in client.post(page, asked).content.decode()


def test_the_api_sets_and_shows_jobs_and_a_used_credential_stays(shop: Shop, vendors: JobServices) -> None:
    sync, credential = shop.sync(), dbt(shop, vendors)
    call = caller(key_of(shop.place, shop.place.owner))
    jobs = [{"id": NIGHTLY.id, "name": NIGHTLY.name}]
    schedule = {"type": "dbt_cloud", "schedule": {"credentialId": credential.pk, "jobs": jobs}}
    assert call("patch", f"/syncs/{sync.pk}", {"schedule": schedule}).json()["schedule"] == schedule
    assert call("get", f"/cloud-credentials/{credential.pk}/jobs").json() == [
        {"id": HOURLY.id, "name": HOURLY.name},
        *jobs,
    ]
    assert call("get", f"/cloud-credentials/{credential.pk}").json()["usedBy"] == [
        {"kind": "the schedule of the sync", "name": str(sync)}
    ]
    with pytest.raises(Conflict):
        connectors.delete_cloud_credential(actor=shop.actor, credential=credential)
    # Another service's credential sees no such jobs.
    wrong = Schedule.after_jobs(ScheduleKind.FIVETRAN, credential.pk, [NIGHTLY])
    with pytest.raises(Invalid):
        services.set_schedule(actor=shop.actor, sync=sync, schedule=wrong)
