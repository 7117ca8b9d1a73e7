"""What every mode promises: the destination is as the mode says after any history, and nothing else was sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.sdk.destination import ACCEPTED, Mode, Removal, RowResult, RowSet
from connectors.sdk.types import Operation
from tests.syncs.engine.support import House, MemoryDestination, table

Model = Mapping[int, str]
History = Sequence[Model]
MODELS = st.lists(st.dictionaries(st.integers(1, 4), st.sampled_from("ab"), max_size=4), min_size=2, max_size=4)
BEFORE = {"1": "old", "9": "old"}  # what the destination held before the first run


class Reference(MemoryDestination):
    """Does with records what the mode's name says."""

    def __init__(self, mode: Mode) -> None:
        super().__init__(BEFORE)
        self.mode = mode
        self.sent: list[tuple[Operation, str]] = []

    def _apply(self, operation: Operation, key: str, record: dict[str, Any]) -> RowResult:
        self.sent.append((operation, key))
        if operation is Operation.REMOVED or self.mode is Mode.REMOVE:
            self.records.pop(key, None)
        elif self.mode is Mode.ARCHIVE:
            self.records[key] = "archived"
        elif self.mode is not Mode.UPDATE or key in self.records:
            self.records[key] = record["value"]
        return ACCEPTED


def text(model: Model) -> dict[str, str]:
    return {str(key): value for key, value in model.items()}


def latest(history: History) -> dict[str, str]:
    """The last value of every key that was ever there."""
    return {key: value for model in history for key, value in text(model).items()}


def as_inserted(history: History) -> dict[str, str]:
    """The value that each key had when it last came into the model."""
    found: dict[str, str] = {}
    for before, model in zip([{}, *history], history, strict=False):
        found |= {key: value for key, value in text(model).items() if int(key) not in before}
    return found


def differences(history: History, *operations: Operation) -> list[tuple[Operation, str]]:
    """What comes, changes and leaves between the models, for each run in the order of delivery."""
    found: list[tuple[Operation, str]] = []
    for before, model in zip([{}, *history], history, strict=False):
        removed = [key for key in before if key not in model]
        changed = [key for key in before if key in model and model[key] != before[key]]
        added = [key for key in model if key not in before]
        groups = ((Operation.REMOVED, removed), (Operation.CHANGED, changed), (Operation.ADDED, added))
        found += [(op, str(key)) for op, keys in groups if op in operations for key in sorted(keys)]
    return found


def all_rows(history: History, *_: Operation) -> list[tuple[Operation, str]]:
    return [(Operation.ADDED, str(key)) for model in history for key in sorted(model)]


EVERY = tuple(Operation)
NEW = (Operation.ADDED,)
KNOWN = (Operation.ADDED, Operation.CHANGED)

Expected = Callable[[History], dict[str, str]]
Sent = Callable[[History], list[tuple[Operation, str]]]


@pytest.mark.parametrize(
    ("mode", "rows", "removal", "expected", "sent"),
    [
        (Mode.UPSERT, RowSet.CHANGES, Removal.DELETE,
         lambda h: {k: v for k, v in {**BEFORE, **latest(h)}.items() if k not in latest(h) or int(k) in h[-1]},
         lambda h: differences(h, *EVERY)),
        (Mode.UPSERT, RowSet.CHANGES, Removal.NOTHING,
         lambda h: {**BEFORE, **latest(h)}, lambda h: differences(h, *KNOWN)),
        (Mode.UPDATE, RowSet.CHANGES, Removal.NOTHING,
         lambda h: {**BEFORE, **{k: v for k, v in latest(h).items() if k in BEFORE}}, lambda h: differences(h, *KNOWN)),
        (Mode.INSERT, RowSet.ADDED, Removal.NOTHING,
         lambda h: {**BEFORE, **as_inserted(h)}, lambda h: differences(h, *NEW)),
        (Mode.ADD, RowSet.CHANGES, Removal.NOTHING,
         lambda h: {**BEFORE, **as_inserted(h)}, lambda h: differences(h, *NEW)),
        (Mode.ADD, RowSet.CHANGES, Removal.DELETE,
         lambda h: {k: v for k, v in {**BEFORE, **as_inserted(h)}.items() if k not in latest(h) or int(k) in h[-1]},
         lambda h: differences(h, Operation.REMOVED, Operation.ADDED)),
        (Mode.REMOVE, RowSet.ADDED, Removal.NOTHING,
         lambda h: {k: v for k, v in BEFORE.items() if k not in latest(h)}, lambda h: differences(h, *NEW)),
        (Mode.ARCHIVE, RowSet.FULL, Removal.NOTHING,
         lambda h: {**BEFORE, **dict.fromkeys(latest(h), "archived")}, all_rows),
        (Mode.ALL, RowSet.FULL, Removal.NOTHING, lambda h: {**BEFORE, **latest(h)}, all_rows),
        (Mode.SNAPSHOT, RowSet.FULL, Removal.NOTHING, lambda h: {**BEFORE, **latest(h)}, all_rows),
        (Mode.DIFF, RowSet.FILES, Removal.NOTHING,
         lambda h: {k: v for k, v in {**BEFORE, **latest(h)}.items() if k not in latest(h) or int(k) in h[-1]},
         lambda h: differences(h, *EVERY)),
    ],
)  # fmt: skip
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=MODELS)
def test_a_mode_keeps_its_promise(
    mode: Mode, rows: RowSet, removal: Removal, expected: Expected, sent: Sent, history: History
) -> None:
    with TemporaryDirectory() as folder:
        destination = Reference(mode)
        house = House(Path(folder), destination)
        destination.faults = house.faults
        told: list[tuple[Operation, str]] = []
        for model in history:
            destination.sent.clear()
            house.run(table(sorted(model.items())), mode=mode, rows=rows, removal=removal)
            told += sorted(destination.sent, key=lambda one: (ORDER.index(one[0]), one[1]))
        assert destination.records == expected(history)
        assert told == sent(history)


ORDER = [Operation.REMOVED, Operation.CHANGED, Operation.ADDED]
