"""Acme and Globex with an identity provider each that pushes people and groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.workspaces.scim.support import Pusher
    from tests.world import World


@pytest.fixture(scope="session", autouse=True)
def packages() -> None:
    from tests.workspaces.scim.support import load_packages

    load_packages()


@pytest.fixture
def acme(world: World) -> Pusher:
    from django.core.cache import cache

    from tests.workspaces.scim.support import Pusher

    cache.clear()
    return Pusher.of(world.acme)


@pytest.fixture
def globex(world: World, acme: Pusher) -> Pusher:
    from tests.workspaces.scim.support import Pusher

    return Pusher.of(world.globex)
