"""Whoever runs a firewall at the other side sees where Headrace calls from: for their own region only."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from config.checks import check_egress
from tests.api.calls import caller, key_of
from tests.world import World
from workspaces.models import Workspace
from workspaces.scoping import unscoped

LISTED = ["203.0.113.7", "eu=198.51.100.0/30", "US=192.0.2.9", "eu=2001:db8::/48"]


@pytest.fixture
def page(world: World) -> Any:
    """What a member who may change nothing reads under Settings."""
    client = Client()
    client.force_login(world["viewer"])
    return lambda: client.get("/acme/settings").text


@pytest.mark.parametrize(
    ("region", "seen"), [("EU", {0, 1, 3}), ("us", {0, 2}), ("", {0}), ("asia", {0})], ids=["eu", "us", "none", "other"]
)
def test_a_workspace_shows_the_addresses_of_its_region(
    world: World, page: Any, settings: Any, region: str, seen: set[int]
) -> None:
    settings.EGRESS_ADDRESSES = LISTED
    with unscoped("the test moves the workspace"):
        Workspace.objects.filter(pk=world.acme.workspace.pk).update(region=region)
    bare = [entry.rpartition("=")[2] for entry in LISTED]
    shown = page()
    assert {number for number, address in enumerate(bare) if address in shown} == seen
    answer = caller(key_of(world.acme, world.owner))("get", "/workspace").json()
    assert answer["egressAddresses"] == [bare[number] for number in sorted(seen)]


def test_nothing_is_said_where_nothing_is_listed(page: Any) -> None:
    assert "Network addresses" not in page()


def test_an_entry_that_is_no_address_is_told_at_start(settings: Any) -> None:
    settings.EGRESS_ADDRESSES = [*LISTED, "eu=gateway.example"]
    (found,) = check_egress()
    assert "gateway.example" in found.msg
    settings.EGRESS_ADDRESSES = LISTED
    assert check_egress() == []
