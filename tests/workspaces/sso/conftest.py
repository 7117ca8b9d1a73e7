"""Acme with an identity provider, and a browser on its way to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.workspaces.sso.support import Visitor
    from tests.world import World
    from workspaces.models import IdentityProvider


@pytest.fixture
def provider(world: World) -> IdentityProvider:
    from django.core.cache import cache

    from tests.workspaces.sso.support import set_up

    cache.clear()
    return set_up(world)


@pytest.fixture
def visitor(provider: IdentityProvider) -> Visitor:
    from tests.workspaces.sso.support import Visitor

    return Visitor(provider)
