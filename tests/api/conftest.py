"""A shop, an API key and calls with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from config.embedded import Urls

if TYPE_CHECKING:
    from tests.api.calls import Call
    from tests.syncs.app.shop import Shop
    from tests.world import Place, World


@pytest.fixture
def world(transactional_db: None) -> World:
    """Two organizations and their people, committed, so that other processes see them."""
    from tests.world import build_world

    return build_world()


@pytest.fixture
def place(world: World) -> Iterator[Place]:
    """The first workspace, entered."""
    from workspaces.scoping import workspace_scope

    with workspace_scope(world.acme.workspace.pk):
        yield world.acme


@pytest.fixture
def shop(place: Place, services: Urls, settings: Any) -> Shop:
    """A warehouse file and a database table, with a connection to each."""
    from tests.syncs.app.shop import open_shop

    settings.OUTBOUND_ALLOW = ["*"]
    return open_shop(place, services.acme_url, uuid4().hex[:8])


@pytest.fixture
def key(world: World) -> str:
    """The API key of the workspace's owner."""
    from tests.api.calls import key_of

    return key_of(world.acme, world.owner)


@pytest.fixture
def call(key: str) -> Call:
    """Calls as the workspace's owner."""
    from tests.api.calls import caller

    return caller(key)
