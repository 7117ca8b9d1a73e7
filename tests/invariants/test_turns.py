"""What apps let the scheduler do: it stands in no workspace and has no request around it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from syncs.clockwork import Turn, turns
from tests.world import build_world


@pytest.mark.parametrize("turn", turns(), ids=lambda turn: turn.name)
def test_every_turn_works_outside_of_any_workspace(transactional_db: None, turn: Turn) -> None:
    assert build_world().acme.rows["audience"]
    assert turn.work(timezone.now()) >= 0
