"""A provider sends the same thing twice at once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from tests.workspaces.scim.support import Pusher

if TYPE_CHECKING:
    from tests.world import World


@pytest.fixture
def world(transactional_db: None) -> World:
    """Committed, so that both requests see it."""
    from tests.world import build_world

    return build_world()


def test_of_two_that_make_the_same_user_one_is_told_so(acme: Pusher) -> None:
    statuses: list[int] = []
    ready = threading.Barrier(2)

    def make() -> None:
        ready.wait()
        statuses.append(acme.send("POST", "Users", {"userName": "grace@acme.test"}).status_code)
        connection.close()

    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201, 409]
    assert acme.names("Users") == ["grace@acme.test"]
