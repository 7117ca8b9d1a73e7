"""Two workspaces of one organization for tests of what goes between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from config.embedded import Urls

if TYPE_CHECKING:
    from tests.governance.environments.stages import Stages
    from tests.world import World


@pytest.fixture
def stages(world: World, services: Urls, settings: Any) -> Stages:
    """Development and production with an empty shop each."""
    from tests.governance.environments.stages import open_stages

    settings.OUTBOUND_ALLOW = ["*"]
    return open_stages(world, services.acme_url)
