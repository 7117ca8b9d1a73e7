"""Members that are known by their values: who changes is put in again, and costs no other row its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.sdk.destination import ACCEPTED, Limits, Mode, RowResult
from connectors.sdk.errors import Unavailable
from connectors.sdk.types import Operation
from syncs.engine.spec import FieldMapping, MappingKind
from tests.syncs.engine.support import House, MemoryDestination, table


class People(MemoryDestination):
    """An audience of values, which knows nothing of rows."""

    def __init__(self) -> None:
        super().__init__()
        self.members: set[str] = set()
        self.sent: list[tuple[Operation, str]] = []

    def _apply(self, operation: Operation, key: str, record: dict[str, Any]) -> RowResult:
        value = record["value"]
        self.sent.append((operation, value))
        (self.members.discard if operation is Operation.REMOVED else self.members.add)(value)
        return ACCEPTED


MATCHED = (FieldMapping(to="value", kind=MappingKind.COLUMN, value="value", identifier=True),)


def run(house: House, rows: Mapping[int, str], **changes: Any) -> Any:
    return house.run(table(sorted(rows.items())), **{"mode": Mode.ADD, "follows": True, "mappings": MATCHED, **changes})


def test_a_changed_address_is_put_in_and_unchanged_ones_are_left_alone(tmp_path: Path) -> None:
    people = People()
    house = House(tmp_path, people)
    run(house, {1: "ann@old", 2: "bea"})
    finished = run(house, {1: "ann@new", 2: "bea"})
    assert people.sent[2:] == [(Operation.CHANGED, "ann@new")]
    assert (finished.settled.succeeded.changed, finished.settled.succeeded.total) == (1, 1)
    run(house, {2: "bea"})
    assert people.members == {"ann@old", "bea"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({1: "a", 2: "b"}, {1: "b", 2: "a"}),
        ({1: "c", 2: "a"}, {1: "a", 2: "d"}),
        ({1: "x", 2: "x"}, {1: "y", 2: "x"}),
    ],
)
def test_an_address_that_moves_or_is_shared_stays_in(
    tmp_path: Path, before: dict[int, str], after: dict[int, str]
) -> None:
    people = People()
    house = House(tmp_path, people)
    house.limits = Limits(batch_rows=1)
    run(house, before)
    run(house, after)
    assert set(after.values()) <= people.members


ROWS = st.dictionaries(st.integers(1, 4), st.integers(0, 9), max_size=4)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=st.lists(ROWS, min_size=2, max_size=4), lost=st.integers(0, 3))
def test_an_audience_holds_the_values_of_the_model(history: list[dict[int, int]], lost: int) -> None:
    """Every row has values of its own; answers get lost."""
    people = People()
    with TemporaryDirectory() as folder:
        house = House(Path(folder), people)
        house.limits = Limits(batch_rows=2, attempts=1)
        for model in history:
            rows = {key: f"{key}:{value}" for key, value in model.items()}
            house.destination.errors = [Unavailable("no answer", in_doubt=True)] * lost
            for _ in range(4):
                run(house, rows)
            assert set(rows.values()) <= people.members
