"""The shop of the app's tests, seen through browsers of its people."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.syncs.app.conftest import place, shop, world

if TYPE_CHECKING:
    from django.test import Client

    from syncs.models import Run, Sync
    from tests.syncs.app.shop import Shop
    from tests.world import World

__all__ = ["place", "shop", "world"]

FORMULA = "=HYPERLINK(1)"


@pytest.fixture
def browser_of(world: World) -> Callable[[str], Client]:
    """A signed-in browser of one person of acme."""
    from django.test import Client

    def sign_in(name: str) -> Client:
        client = Client()
        client.force_login(world[name] if name != "outsider" else world.outsider)
        return client

    return sign_in


@pytest.fixture
def owner(browser_of: Callable[[str], Client]) -> Client:
    return browser_of("owner")


@pytest.fixture
def sync(shop: Shop) -> Sync:
    """A sync of five customers of whom one is refused, never run."""
    shop.fill(5)
    shop.query("UPDATE customers SET plan = 'broken', email = ? WHERE id = 3", [FORMULA])
    return shop.sync()


@pytest.fixture
def run(shop: Shop, sync: Sync) -> Run:
    """Its first run."""
    return shop.run(sync)
