"""What the overview tells people to do first: each what they may do, done once it is there, put aside by each alone."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from tests.world import World
from workspaces import services
from workspaces.models import OrganizationMember
from workspaces.scoping import workspace_scope


def overview(world: World, name: str) -> str:
    client = Client()
    client.force_login(world[name])
    answer = client.get("/acme/")
    assert answer.status_code == 200
    return answer.content.decode()


def steps(page: str) -> dict[str, bool]:
    """The steps that a page shows, and which are done."""
    found = re.findall(r'<li data-state="(done|todo)">.*?class="name" href="[^"]*">([^<]*)<', page, re.DOTALL)
    return {label: state == "done" for state, label in found}


PATHS = {
    "owner": {"Administrators", "Data teams"},
    "editor": {"Data teams"},
    "drafter": {"Teams that use the data"},
    "viewer": {"Teams that use the data"},
}


@pytest.mark.parametrize("name", PATHS)
def test_each_sees_the_paths_of_what_they_may_do(world: World, name: str) -> None:
    with workspace_scope(world.acme.workspace.pk):
        assert world.acme.rows["source"]
    page = overview(world, name)
    assert {p for p in set.union(*PATHS.values()) if f"<h2>{p} " in page} == PATHS[name]
    client = Client()
    client.force_login(world[name])
    for address in re.findall(r'class="name" href="(/acme/[^"]*)"', page):
        assert client.get(address).status_code == 200, address


def test_steps_are_done_by_what_is_there(world: World) -> None:
    before = steps(overview(world, "owner"))
    assert not before["Add a source"]
    assert not before["Add a sync"]
    assert not before["Say where alerts go"]
    assert before["Invite teammates"]
    with workspace_scope(world.acme.workspace.pk):
        assert world.acme.rows["sync"]
        assert world.acme.rows["channel"]
    after = steps(overview(world, "owner"))
    done = (
        "Add a source",
        "Add a destination",
        "Write a model",
        "Add a sync",
        "Say where alerts go",
    )
    assert all(after[label] for label in done)
    assert not after["Run it"], "a run that waits has delivered nothing"
    assert not after["Ask for approval of changes"]


def test_the_planner_is_a_step_where_a_source_can_do_it(world: World) -> None:
    from connectors import services as connectors

    with workspace_scope(world.acme.workspace.pk):
        assert world.acme.rows["source"], "files cannot plan"
        assert "Turn on the warehouse planner" not in steps(overview(world, "owner"))
        values = {"host": "db.invalid", "database": "shop", "user": "reader", "password": "secret"}
        source = connectors.create_source(actor=world.acme.actor, type="postgres", values=values, name="Warehouse")
    page = overview(world, "owner")
    assert steps(page)["Turn on the warehouse planner"] is False
    assert f'href="/acme/sources/{source.pk}/configuration"' in page
    assert "Turn on the warehouse planner" not in steps(overview(world, "drafter"))


def test_storage_is_a_step_for_operators_alone(world: World, settings: object) -> None:
    label = "Keep what moves in your own storage"
    assert label not in steps(overview(world, "owner"))
    world.owner.is_operator = True
    world.owner.save()
    assert steps(overview(world, "owner"))[label] is False
    settings.STORAGE_URL = "s3://bucket"  # type: ignore[attr-defined]
    assert steps(overview(world, "owner"))[label] is True


def test_each_person_puts_the_list_aside_alone_and_brings_it_back(world: World) -> None:
    client = Client()
    client.force_login(world.owner)
    assert client.post("/acme/hints/get-started", {"on": "no"}).status_code == 302
    page = overview(world, "owner")
    assert not steps(page)
    assert "No sync yet" in page
    assert steps(overview(world, "editor"))
    client.post("/acme/hints/get-started", {"on": "yes"})
    assert steps(overview(world, "owner"))
    assert client.post("/acme/hints/another", {"on": "no"}).status_code == 404


def test_the_organization_s_people_count_not_its_programs(world: World) -> None:
    with workspace_scope(world.globex.workspace.pk):
        services.create_service_account(
            actor=world.globex.actor, organization=world.globex.workspace.organization, name="Program"
        )
        assert OrganizationMember.objects.count() == 2
    client = Client()
    client.force_login(world.outsider)
    assert not steps(client.get("/globex/").content.decode())["Invite teammates"]


def test_guides_lead_to_one_another_and_nowhere_else(world: World) -> None:
    from config.guides import names

    client = Client()
    client.force_login(world["viewer"])
    for name in names():
        page = client.get(f"/acme/guides/{name}")
        assert page.status_code == 200, name
        body = page.content.decode().partition('<article class="guide">')[2].partition("</article>")[0]
        assert "<script" not in body
        for address in re.findall(r'href="([^"]*)"', body):
            assert address.startswith(("/acme/guides/", "https://")), (name, address)
    assert client.get("/acme/guides/nothing").status_code == 404
