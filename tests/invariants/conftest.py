"""One world for all tests over the URL table, as making it takes longer than most of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from django.db.transaction import Atomic

    from tests.world import World


def undone() -> Atomic:
    """A transaction inside which services still work, as in Django's own test case."""
    from django.db import transaction

    atomic = transaction.atomic()
    atomic._from_testcase = True  # type: ignore[attr-defined]
    return atomic


@pytest.fixture(scope="module")
def built(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """One world with rows of every kind in both organizations."""
    from django.db import transaction
    from django.test import override_settings

    from tests.world import full_world

    with django_db_blocker.unblock(), override_settings(API_RATE_LIMIT="100000/10s"), undone():
        yield full_world()
        transaction.set_rollback(True)


@pytest.fixture
def shared_world(built: World, django_db_blocker: Any) -> Iterator[World]:
    """The same world for each test; what a test does to it is undone."""
    from django.db import transaction

    with django_db_blocker.unblock(), undone():
        yield built
        transaction.set_rollback(True)
