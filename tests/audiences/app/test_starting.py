"""The studio's start page: what it ticks, what it locks and why, and that it costs one look."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from audiences.models import SchemaModel
from audiences.selectors.starting import starting
from audiences.services.priority import create_priority_list
from tests.audiences.app.acting import audience, marketer
from tests.audiences.app.shop import orders, parent, warehouse
from tests.world import Place, World
from workspaces.actors import person
from workspaces.navigation import navigation
from workspaces.scoping import workspace_scope


@pytest.fixture
def place(world: World) -> Iterator[Place]:
    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


def done(place: Place, actor: Any = None) -> dict[str, bool]:
    found = starting(actor or place.actor, place.workspace)
    return {step.label: step.done for path in (*found.setting_up, *found.using) for step in path.steps}


def page_of(place: Place, user: Any = None) -> str:
    client = Client()
    client.force_login(user or place.owner)
    return client.get(f"/{place.workspace.slug}/studio").content.decode()


def test_steps_are_ticked_by_what_is_there(place: Place) -> None:
    begin = done(place)
    assert not begin["Define the schema: a parent model"]
    assert not begin["Create an audience"]
    assert not begin["Sample large models"]
    customers = parent(place, warehouse(place))
    orders(place, customers)
    made = [audience(place, customers, name) for name in ("North", "South")]
    create_priority_list(actor=place.actor, parent=customers, name="Spring", audience_ids=[each.pk for each in made])
    now = done(place)
    gained = {label for label, is_done in now.items() if is_done and not begin[label]}
    assert gained >= {
        "Define the schema: a parent model",
        "Add what belongs to it",
        "Create an audience",
        "Rank your audiences",
    }
    assert not now["Run an experiment"]
    html = page_of(place)
    assert "Set up the studio" in html
    assert f'href="/{place.workspace.slug}/studio/audiences/new"' in html
    with CaptureQueriesContext(connection) as asked:
        page_of(place)
    looks = [each["sql"] for each in asked if "audiences_prioritylist" in each["sql"]]
    assert len(looks) == 1, "all ticks come from one statement"


def test_people_see_what_they_may_do_and_which_right_the_rest_takes(world: World, place: Place) -> None:
    customers: SchemaModel = parent(place, warehouse(place))
    user = marketer(world, customers)
    html = page_of(place, user)
    assert "Set up the studio" not in html
    assert "It takes the right to draft syncs to the destination." in html
    assert f'href="/{place.workspace.slug}/studio/audiences/new"' in html
    assert "It takes the right to configure audiences" in page_of(place, world["viewer"])
    assert done(place, person(user))["Create an audience"] is False


def test_only_the_start_page_itself_is_marked_as_open(place: Place) -> None:
    waterfall = f"/{place.workspace.slug}/studio/syncs/{place.rows['audience_sync'].pk}/waterfall"
    marked = {}
    for path in (f"/{place.workspace.slug}/studio", waterfall):
        request: Any = RequestFactory().get(path)
        request.workspace, request.actor = place.workspace, place.actor
        marked[path] = [item.label for group in navigation(request) for item in group.items if item.active]
    assert list(marked.values()) == [["Start"], []]
