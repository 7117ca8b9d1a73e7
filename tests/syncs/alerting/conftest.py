"""The shop of the app's tests, with somebody to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.notifications.conftest import mailbox, vendor
from tests.syncs.app.conftest import place, shop, world

if TYPE_CHECKING:
    from syncs.models import Sync
    from tests.syncs.alerting.support import Watched
    from tests.syncs.app.shop import Shop

__all__ = ["mailbox", "place", "shop", "vendor", "world"]


@pytest.fixture
def sync(shop: Shop) -> Sync:
    """A sync of ten customers, never run."""
    shop.fill(10)
    return shop.sync()


@pytest.fixture
def watched(shop: Shop, sync: Sync) -> Watched:
    """The sync, with its owner told of everything by mail."""
    from tests.syncs.alerting.support import Watched

    watched = Watched(shop, sync)
    watched.set()
    return watched
