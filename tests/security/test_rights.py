"""Rights on single objects hold at every door, also where the route's own gate asks "on at least one"."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

from connectors.models import DestinationGrant
from tests.connectors.app.connections import a_destination
from tests.workspaces.test_object_grants import custom_role, grant
from tests.world import World
from workspaces.permissions import Permission
from workspaces.scoping import workspace_scope


@pytest.fixture
def acme(world: World) -> Iterator[World]:
    """``member`` may draft syncs to "Own", and nothing at "Foreign"."""
    with workspace_scope(world.acme.workspace.pk):
        world.acme.rows["own"] = a_destination(world.acme, name="Own")
        world.acme.rows["foreign"] = a_destination(world.acme, name="Foreign")
        role = custom_role(world, "One destination")
        grant(role, DestinationGrant, Permission.DRAFT_TO_DESTINATION, world.acme.rows["own"])
        yield world


@pytest.mark.parametrize("route", ["fields", "choices"])
def test_nobody_asks_a_system_with_credentials_they_may_not_use(acme: World, route: str) -> None:
    client = Client()
    client.force_login(acme["member"])
    answers = {}
    for name in ("own", "foreign"):
        address = reverse(f"connectors:{route}", args=[acme.acme.slug, acme.acme.rows[name].pk])
        answers[name] = client.post(f"{address}?sync_type=requests&field=nothing").status_code
    assert answers["foreign"] == 403
    assert answers["own"] != 403
