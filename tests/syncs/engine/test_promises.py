"""What a sync promises about single rows: each of these has gone wrong in a product of this kind."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from connectors.sdk.destination import Limits, RowResult
from connectors.sdk.rows import dumps, json_rows
from connectors.sdk.types import Operation
from syncs.engine.spec import OperationCounts
from tests.syncs.engine.support import House, MemoryDestination, table

FINE = "12345678901234567890.123456789012345600"


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path, MemoryDestination())


def sent(house: House) -> list[tuple[Operation, tuple[str, ...]]]:
    """The calls since this was last asked."""
    calls, house.destination.calls = house.destination.calls, []
    return calls


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ("o'neil; DROP TABLE rows; --", pa.string(), '"o\'neil; DROP TABLE rows; --"'),
        ("👩‍👩‍👧 Zoë", pa.string(), '"👩‍👩‍👧 Zoë"'),
        (2**63 - 1, pa.int64(), "9223372036854775807"),
        (2**64 - 1, pa.uint64(), "18446744073709551615"),
        (Decimal(10**37 + 1), pa.decimal128(38, 0), str(10**37 + 1)),
        (Decimal(FINE), pa.decimal128(38, 18), FINE),
        (Decimal("0.10"), pa.decimal128(12, 2), "0.10"),
    ],
)  # fmt: skip
def test_a_value_arrives_as_it_is(house: House, value: Any, kind: pa.DataType, text: str) -> None:
    texts: list[str] = []

    class Reading(MemoryDestination):
        async def deliver(self, batch: Any) -> Any:
            texts.extend(dumps(row["value"]).decode() for row in json_rows(batch.rows))
            return await super().deliver(batch)

    house.destination = Reading()
    house.run(pa.table({"id": pa.array([1], pa.int64()), "value": pa.array([value], kind)}))
    assert texts == [text]
    assert house.destination.records == {"1": value}


def test_a_refused_row_is_tried_again_and_a_delivered_one_is_not(house: House) -> None:
    rows = table([(1, "a"), (2, "b"), (3, "c")])
    house.destination.refused = {"2"}
    house.run(rows)
    sent(house)
    house.destination.refused = set()
    house.run(rows)
    assert sent(house) == [(Operation.ADDED, ("2",))]
    house.run(rows)
    assert sent(house) == []


def test_a_changed_row_is_one_update(house: House) -> None:
    house.run(table([(1, "a"), (2, "b")]))
    sent(house)
    finished = house.run(table([(1, "a"), (2, "B")]))
    assert sent(house) == [(Operation.CHANGED, ("2",))]
    assert finished.prepared.planned == OperationCounts(changed=1)


def test_a_row_that_leaves_is_removed_once_and_added_once_when_it_returns(house: House) -> None:
    both, one = table([(1, "a"), (2, "b")]), table([(1, "a")])
    house.run(both)
    sent(house)
    for data, expected in (
        (one, [(Operation.REMOVED, ("2",))]),
        (one, []),
        (both, [(Operation.ADDED, ("2",))]),
        (both, []),
    ):
        house.run(data)
        assert sent(house) == expected


@pytest.mark.parametrize("results", [[], [RowResult(True)]])
def test_an_answer_for_fewer_rows_than_were_sent_is_no_success(house: House, results: list[RowResult]) -> None:
    class Terse(MemoryDestination):
        async def deliver(self, batch: Any) -> Any:
            await super().deliver(batch)
            return results

    house.destination = Terse()
    finished = house.run(table([(1, "a"), (2, "b")]))
    assert finished.settled.succeeded.total == 0
    house.destination = MemoryDestination()
    house.run(table([(1, "a"), (2, "b")]))
    assert house.destination.records == {"1": "a", "2": "b"}


def test_every_full_resync_sends_every_row(house: House) -> None:
    rows = table([(1, "a"), (2, "b")])
    house.run(rows)
    for _ in range(2):
        sent(house)
        house.run(rows, resync=True)
        assert sent(house) == [(Operation.ADDED, ("1", "2"))]


def test_rows_that_come_in_another_order_every_time_all_arrive_once(house: House) -> None:
    """More rows than any page or batch holds, without an order: nothing may be read by number of row."""
    house.limits = Limits(batch_rows=3_000)
    keys = list(range(45_000))
    for turn in (1, -1):
        house.run(table([(key, "v") for key in keys[::turn]]))
    assert len(house.destination.records) == 45_000
    assert sum(len(keys) for _, keys in sent(house)) == 45_000
