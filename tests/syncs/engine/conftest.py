"""A sync in a house of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.syncs.engine.support import House, MemoryDestination


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A sync with an empty destination."""
    destination = MemoryDestination()
    made = House(tmp_path, destination)
    destination.faults = made.faults
    return made
