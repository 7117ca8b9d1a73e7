"""What tests of audiences that are sent share. Models are imported on first use: Django is not set up yet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from audiences.models import SchemaModel
    from config.embedded import Urls
    from tests.syncs.app.shop import Shop
    from tests.world import World


@pytest.fixture
def committed(transactional_db: None) -> World:
    """A world that runs see."""
    from tests.world import build_world

    return build_world()


@pytest.fixture
def crowd(committed: World, services: Urls, settings: Any) -> Iterator[Shop]:
    """A shop with 6 customers, committed, so that runs see it."""
    from tests.syncs.app.shop import usual_shop
    from workspaces.scoping import workspace_scope

    settings.OUTBOUND_ALLOW = ["*"]
    with workspace_scope(committed.acme.workspace.pk):
        made = usual_shop(committed.acme, services.acme_url)
        made.fill(6)
        yield made


@pytest.fixture
def people(crowd: Shop) -> SchemaModel:
    """The parent model of its customers."""
    from tests.audiences.app.crowd import parent_of

    return parent_of(crowd)
