"""How long each folder of tests may take, told at the end of a whole run so that what grows is seen early.

``make test`` shall end within ten minutes on two cores: its three processes have about 1,700 seconds together.
Nothing fails by the table: whoever sees a folder over its budget makes its tests cheaper, or says here why it needs
more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

# Seconds of the processes together, set-up and tear-down included.
BUDGETS: Mapping[str, int] = {
    "tests/api": 100,
    "tests/audiences": 170,
    "tests/browser": 420,
    "tests/config": 120,
    "tests/connectors": 200,
    "tests/governance": 60,
    "tests/invariants": 150,
    "tests/notifications": 50,
    "tests/operating": 20,
    "tests/security": 50,
    "tests/syncs": 230,
    "tests/torture": 40,
    "tests/workspaces": 90,
}


def spent(reports: Iterable[pytest.TestReport]) -> Counter[str]:
    """Seconds by folder."""
    seconds: Counter[str] = Counter()
    for report in reports:
        seconds["/".join(report.nodeid.split("/")[:2])] += report.duration  # type: ignore[assignment]
    return seconds


def told(seconds: Mapping[str, float]) -> Iterator[str]:
    """One line a folder, the most expensive first."""
    yield f"{'':24}{'seconds':>8}{'budget':>8}"
    for folder, took in sorted(seconds.items(), key=lambda pair: -pair[1]):
        budget = BUDGETS.get(folder, 0)
        yield f"{folder:24}{took:8.0f}{budget:8}{'  over its budget' if took > budget else ''}"
    yield f"{'together':24}{sum(seconds.values()):8.0f}{sum(BUDGETS.values()):8}"
