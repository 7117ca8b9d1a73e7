"""Destinations that ask for it are told what was mapped to a changed row's fields before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from connectors.sdk.destination import Batch, Job, Limits, RowResult
from connectors.sdk.types import Operation
from syncs.engine.spec import FieldMapping, MappingKind
from tests.syncs.engine.support import MAPPINGS, House, MemoryDestination, table

SHOUTED = FieldMapping(to="shouted", kind=MappingKind.TEMPLATE, value="{{ row.value | upcase }}")


class Remembering(MemoryDestination):
    """Writes down the old values that it is told."""

    asks = True

    def __init__(self) -> None:
        super().__init__()
        self.told: dict[tuple[Operation, str], object] = {}

    def wants_old(self, job: Job) -> bool:
        return self.asks

    def _answer(self, batch: Batch) -> Sequence[RowResult]:
        old = batch.old.to_pylist() if batch.old is not None else [None] * len(batch)
        self.told |= {(batch.operation, key): was for key, was in zip(batch.keys, old, strict=True)}
        return super()._answer(batch)


@pytest.mark.parametrize("asks", [True, False])
@pytest.mark.parametrize("batch_rows", [1, 100])
def test_changed_rows_bring_what_was_mapped_before(tmp_path: Path, *, asks: bool, batch_rows: int) -> None:
    there = Remembering()
    there.asks = asks
    house = House(tmp_path, there)
    house.limits = Limits(batch_rows=batch_rows)
    mappings = (*MAPPINGS, SHOUTED)
    house.run(table([(1, "a"), (2, "b"), (3, None)]), mappings=mappings)
    there.told.clear()
    house.run(table([(1, "x"), (2, "b"), (3, "z"), (4, "new")]), mappings=mappings)
    first, third = {"id": 1, "value": "a", "shouted": "A"}, {"id": 3, "value": None, "shouted": ""}
    assert there.told == {
        (Operation.CHANGED, "1"): first if asks else None,
        (Operation.CHANGED, "3"): third if asks else None,
        (Operation.ADDED, "4"): None,
    }


def test_old_values_stay_with_their_rows_where_batches_are_cut() -> None:
    batch = Batch(Operation.CHANGED, ["1", "2", "3"], table([(1, "a"), (2, "b"), (3, "c")]).to_batches()[0])
    told = Batch(batch.operation, batch.keys, batch.rows, old=batch.rows)
    assert told.slice(1, 3).take([1]).old == batch.rows.slice(2, 1)
    assert batch.slice(1, 3).take([1]).old is None
