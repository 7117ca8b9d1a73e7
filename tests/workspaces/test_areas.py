"""Product areas that are switched off: what answers so, what stays, what no longer starts, and who may switch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.utils import timezone

from config.errors import Conflict, NotFound
from governance.audit.models import AuditEntry
from tests.api.calls import Call, caller, key_of
from tests.invariants.addresses import Route, matrix_routes
from tests.invariants.conftest import built, shared_world  # noqa: F401
from tests.world import World
from workspaces import areas, services
from workspaces.scoping import unscoped, workspace_scope

if TYPE_CHECKING:
    from syncs.models import Sync

STUDIO, REVERSE_ETL = "studio", "reverse_etl"


@pytest.fixture
def world(shared_world: World) -> Iterator[World]:  # noqa: F811
    with workspace_scope(shared_world.acme.workspace.pk):
        yield shared_world


def switch(world: World, key: str, *, on: bool) -> None:
    services.switch_area(actor=world.acme.actor, workspace=world.acme.workspace, key=key, enabled=on)


def browser(world: World, name: str = "owner") -> Client:
    client = Client()
    client.force_login(world[name])
    return client


def refusing(world: World, routes: Iterable[Route]) -> set[str]:
    """Those of the routes that answer with words about an area that is off."""
    pages, call = browser(world), caller(key_of(world.acme, world.owner))
    answers = {}
    for route in routes:
        address = route.address(world.acme)
        answers[route.name] = (
            call("get", address.removeprefix("/api/v1")) if route.is_rest else pages.get(address, follow=False)
        )
    assert [name for name, answer in answers.items() if answer.status_code >= 500] == []
    return {
        name
        for name, answer in answers.items()
        if answer.status_code == 409 and "switched off in this workspace" in answer.content.decode()
    }


def test_every_route_of_an_area_that_is_off_says_so_and_its_neighbours_do_not(world: World) -> None:
    routes = [route for route in matrix_routes() if route.is_rest or route.in_workspace]
    of_studio = {route.name for route in routes if areas.areas_of(route.view) == (STUDIO,)}
    assert len(of_studio) > 150
    neighbours = ("syncs:", "workspaces:general", "approvals:", "api:sync", "api:model")
    switch(world, STUDIO, on=False)
    assert refusing(world, (r for r in routes if r.name in of_studio or r.name.startswith(neighbours))) == of_studio

    switch(world, STUDIO, on=True)
    switch(world, REVERSE_ETL, on=False)
    off = refusing(world, (r for r in routes if r.name.startswith((*neighbours, "api:sequence"))))
    assert {route.name for route in routes if areas.areas_of(route.view) == (REVERSE_ETL,)} <= off
    assert {"syncs:sync", "syncs:sync_new", "syncs:run", "syncs:preview", "syncs:model_edit", "api:sync"} <= off
    assert {"api:sync_runs", "api:model_version"} <= off
    assert not {"syncs:syncs", "api:syncs", "syncs:overview", "syncs:destination_alerting"} & off
    switch(world, STUDIO, on=False)
    assert refusing(world, (r for r in routes if r.name in {"syncs:syncs", "api:syncs", "syncs:overview"})) == {
        "syncs:syncs",
        "api:syncs",
    }


def test_lists_search_and_navigation_leave_out_what_is_off_and_nothing_is_deleted(world: World) -> None:
    from syncs.models import Sync

    pages, slug = browser(world), world.acme.workspace.slug
    call = caller(key_of(world.acme, world.owner))
    model_sync, audience_sync = world.acme.rows["sync"], world.acme.rows["audience_sync"]
    audience, model = world.acme.rows["audience"], world.acme.rows["model"]
    number = Sync.objects.count()

    def listed() -> set[str]:
        return {row["id"] for row in call("get", "/syncs").json()["data"]}

    def found(words: str) -> str:
        return pages.get(f"/{slug}/palette", {"q": words}).content.decode()

    assert {str(model_sync.pk), str(audience_sync.pk)} <= listed()
    assert f"/{slug}/studio/audiences/{audience.pk}" in found(audience.name)
    switch(world, STUDIO, on=False)
    assert str(model_sync.pk) in listed()
    assert str(audience_sync.pk) not in listed()
    assert f"/{slug}/studio/audiences/{audience.pk}" not in found(audience.name)
    page = pages.get(f"/{slug}/").content.decode()
    assert f'href="/{slug}/studio' not in page
    assert f'href="/{slug}/models"' in page
    refused = pages.get(f"/{slug}/syncs/{audience_sync.pk}")
    assert refused.status_code == 409
    assert "Customer Studio is switched off in this workspace." in refused.content.decode()

    switch(world, STUDIO, on=True)
    switch(world, REVERSE_ETL, on=False)
    assert str(audience_sync.pk) in listed()
    assert str(model_sync.pk) not in listed()
    assert f"/{slug}/models/{model.pk}" not in found(model.name)
    page = pages.get(f"/{slug}/syncs").content.decode()
    assert f'href="/{slug}/models"' not in page
    assert f'href="/{slug}/syncs"' in page
    assert pages.get(f"/{slug}/syncs/{audience_sync.pk}").status_code == 200
    body = call("get", f"/syncs/{model_sync.pk}").json()
    assert (body["code"], body["message"]) == ("area_off", "Reverse ETL is switched off in this workspace.")
    switch(world, REVERSE_ETL, on=True)
    assert call("get", f"/syncs/{model_sync.pk}").status_code == 200
    assert Sync.objects.count() == number


def test_nothing_of_it_starts_and_what_runs_is_asked_to_stop(world: World) -> None:
    from syncs.choices import Trigger
    from syncs.models import Run, Sequence
    from syncs.services.beginning import begin_run
    from syncs.services.due import due_syncs, start_if_due
    from syncs.services.sequencing import begin_sequence, due_sequences

    now, sync = timezone.now(), world.acme.rows["sync"]
    sequence = world.acme.rows["sequence"]
    Run.objects.filter(sync=sync, finished_at=None).update(finished_at=now)
    type(sync).objects.filter(pk=sync.pk).update(next_run_at=now - timedelta(minutes=1))
    Sequence.objects.filter(pk=sequence.pk).update(next_run_at=now - timedelta(minutes=1))
    sequence.runs.filter(finished_at=None).update(finished_at=now)

    def due(found: list[tuple[int, int]], pk: int) -> bool:
        return pk in {each for _, each in found}

    with unscoped("the scheduler looks at every workspace"):
        assert due(due_syncs(now, limit=500), sync.pk)
        assert due(due_sequences(now, limit=500), sequence.pk)
    run = Run.objects.filter(sync=sync).latest("pk")
    Run.objects.filter(pk=run.pk).update(finished_at=None, cancel_requested_at=None, status="delivering")
    text = browser(world).get(f"/{world.acme.workspace.slug}/settings/areas/{REVERSE_ETL}").content.decode()
    assert "1 run is under way." in text
    assert "1 sequence is scheduled." in text

    switch(world, REVERSE_ETL, on=False)
    run.refresh_from_db()
    assert run.cancel_requested_at is not None
    Run.objects.filter(pk=run.pk).update(finished_at=now)
    with unscoped("the scheduler looks at every workspace"):
        assert not due(due_syncs(now, limit=500), sync.pk)
        assert not due(due_sequences(now, limit=500), sequence.pk)
    assert not start_if_due(sync.pk, now)
    fresh: Sync = type(sync).objects.get(pk=sync.pk)
    with pytest.raises(Conflict, match="Reverse ETL is switched off") as refused:
        begin_run(fresh, trigger=Trigger.MANUAL, actor_label="Somebody", now=now)
    assert refused.value.code == areas.CODE
    with pytest.raises(Conflict, match="Reverse ETL is switched off"):
        begin_sequence(sequence, trigger=Trigger.MANUAL, actor_label="Somebody", now=now)
    call = caller(key_of(world.acme, world.owner))
    assert call("post", f"/syncs/{sync.pk}/trigger").json()["code"] == "area_off"

    switch(world, REVERSE_ETL, on=True)
    with unscoped("the scheduler looks at every workspace"):
        assert due(due_syncs(now, limit=500), sync.pk)


def test_the_studio_asks_sources_nothing_while_it_is_off(world: World) -> None:
    from audiences.models import SchemaModel
    from audiences.services.looks import ask_for_due_looks
    from audiences.services.sizes import ask_for_daily_sizes

    now, model = timezone.now(), world.acme.rows["schema_model"]
    asked = now - timedelta(hours=2)

    def lost() -> None:
        SchemaModel.objects.filter(pk=model.pk).update(look_state="waiting", look_asked_at=asked)

    lost()
    switch(world, STUDIO, on=False)
    tomorrow = now + timedelta(days=1)
    ask_for_due_looks(now)
    ask_for_daily_sizes(tomorrow)
    model.refresh_from_db()
    assert model.look_asked_at == asked
    assert not world.acme.rows["audience"].calculations.filter(kind="daily").exists()
    switch(world, STUDIO, on=True)
    ask_for_due_looks(now)
    ask_for_daily_sizes(tomorrow)
    model.refresh_from_db()
    assert model.look_asked_at > asked
    assert world.acme.rows["audience"].calculations.filter(kind="daily").exists()


def test_admins_switch_on_the_page_and_over_the_api_and_the_log_says_so(world: World) -> None:
    slug, url = world.acme.workspace.slug, f"/{world.acme.workspace.slug}/settings/areas/studio"
    assert browser(world, "editor").post(url, {"enabled": "no"}).status_code == 403
    assert browser(world, "admin").post(url, {"enabled": "no"}).status_code == 302
    page = browser(world, "admin").get(f"/{slug}/settings/areas").content.decode()
    assert "Switch on" in page
    assert "Off: Customer Studio" in browser(world, "viewer").get(f"/{slug}/settings").content.decode()
    entry = AuditEntry.objects.filter(event="workspace.updated").latest("pk")
    assert (entry.event, entry.before, entry.after) == (
        "workspace.updated",
        {"areas_off": []},
        {"areas_off": ["studio"]},
    )
    call: Call = caller(key_of(world.acme, world.owner))
    told = {each["key"]: each["enabled"] for each in call("get", "/product-areas").json()["data"]}
    assert told == {"reverse_etl": True, "studio": False}
    assert call("patch", "/product-areas/studio", {"enabled": True}).json()["enabled"] is True
    assert call("get", "/audiences").status_code == 200
    assert call("get", "/product-areas/journeys").status_code == 404
    with pytest.raises(NotFound, match="no such area"):
        switch(world, "journeys", on=False)


def test_areas_of_later_apps_may_be_configured_by_workspace_admins_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held by an area of the test's own over the studio's pages, for which roles have grants otherwise."""
    known = {**areas._areas, STUDIO: areas.Area(key=STUDIO, name="Identity", words="", admins_only=True)}
    monkeypatch.setattr(areas, "_areas", known)
    place = world.acme
    url = f"/{place.workspace.slug}/studio/audiences/{place.rows['audience'].pk}/rename"
    editor = browser(world, "editor")
    assert editor.get(f"/{place.workspace.slug}/studio/audiences").status_code == 200
    refused = editor.post(url, {"name": "Mine"})
    assert refused.status_code == 403
    assert "manage this workspace" in refused.content.decode()
    assert browser(world, "admin").post(url, {"name": "Ours"}).status_code < 400
    listed = browser(world, "admin").get(f"/{place.workspace.slug}/settings/areas").content.decode()
    assert "Workspace admins only" in listed
