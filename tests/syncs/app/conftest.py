"""A fresh shop for each test, in a workspace of its own world."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from config.embedded import Urls

if TYPE_CHECKING:
    from tests.syncs.app.shop import Shop
    from tests.world import Place, World


@pytest.fixture
def world(transactional_db: None) -> World:
    """Two organizations and their people, committed, so that workers see them."""
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
    """A warehouse file, a database table, and a connection to each."""
    from tests.syncs.app.shop import usual_shop

    settings.OUTBOUND_ALLOW = ["*"]
    return usual_shop(place, services.acme_url)
