"""Members that are known by their values: a row whose address changes takes the old one with it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.sdk.destination import ACCEPTED, Limits, Mode, Removal, RowResult, rejected
from connectors.sdk.errors import BatchRejected, Unavailable
from connectors.sdk.types import Operation
from syncs.engine.limiter import Unlimited
from syncs.engine.onerow import send_row
from syncs.engine.runlog import RunLog
from syncs.engine.spec import FieldMapping, MappingKind
from tests.syncs.engine.support import House, MemoryDestination, make_job, make_spec, table


class People(MemoryDestination):
    """An audience of values, which knows nothing of rows."""

    def __init__(self) -> None:
        super().__init__()
        self.members: set[str] = set()
        self.stuck: set[str] = set()
        self.sent: list[tuple[Operation, str]] = []

    def _apply(self, operation: Operation, key: str, record: dict[str, Any]) -> RowResult:
        value = record["value"]
        self.sent.append((operation, value))
        if operation is Operation.REMOVED and value in self.stuck:
            return rejected("locked")
        (self.members.discard if operation is Operation.REMOVED else self.members.add)(value)
        return ACCEPTED


@pytest.fixture
def people() -> People:
    return People()


@pytest.fixture
def house(tmp_path: Path, people: People) -> House:
    return House(tmp_path, people)


MATCHED = (FieldMapping(to="value", kind=MappingKind.COLUMN, value="value", identifier=True),)


def run(house: House, rows: Mapping[int, str], **changes: Any) -> Any:
    return house.run(
        table(sorted(rows.items())), **{"mode": Mode.ADD, "replaces": True, "mappings": MATCHED, **changes}
    )


def test_a_changed_address_replaces_the_one_before(house: House, people: People) -> None:
    run(house, {1: "ann@old", 2: "bea"})
    finished = run(house, {1: "ann@new", 2: "bea"})
    assert people.members == {"ann@new", "bea"}
    assert people.sent[2:] == [(Operation.REMOVED, "ann@old"), (Operation.CHANGED, "ann@new")]
    assert (finished.settled.succeeded.changed, finished.settled.succeeded.total) == (1, 1)
    run(house, {2: "bea"})
    assert people.members == {"bea"}


def test_where_nobody_is_taken_out_the_new_address_is_put_in_all_the_same(house: House, people: People) -> None:
    run(house, {1: "ann@old"}, removal=Removal.NOTHING)
    run(house, {1: "ann@new"}, removal=Removal.NOTHING)
    assert people.members == {"ann@old", "ann@new"}


def test_what_stays_as_it_is_is_not_taken_out_for_a_moment(house: House, people: People) -> None:
    run(house, {1: "ann"})
    run(house, {1: "ann"}, reprocess=True)
    assert people.sent[1:] == [(Operation.CHANGED, "ann")]


def test_an_address_that_cannot_be_taken_out_is_told_and_tried_again(house: House, people: People) -> None:
    run(house, {1: "ann@old", 2: "bea@old"})
    people.stuck = {"ann@old"}
    finished = run(house, {1: "ann@new", 2: "bea@new"})
    assert (finished.settled.succeeded.changed, finished.settled.rejected.changed) == (1, 1)
    [row] = RunLog(house.storage, finished.spec, finished.prepared, finished.outcomes).rows(failed=True).rows
    assert (row.key, row.message) == ("1", "Its values before could not be taken out: locked")
    people.stuck = set()
    run(house, {1: "ann@new", 2: "bea@new"})
    assert people.members == {"ann@new", "bea@new"}


def test_a_row_that_was_neither_taken_out_nor_put_in_counts_once(house: House, people: People) -> None:
    run(house, {1: "ann@old", 2: "bea@old"})
    people.stuck, house.limits = {"bea@old"}, Limits(attempts=1)
    people.errors = [None, BatchRejected("Something in it is wrong."), None, Unavailable("Not now.")]
    finished = run(house, {1: "ann@new", 2: "bea@new"}, split_retry=True)
    assert people.members == {"ann@new", "bea@old"}
    assert (finished.settled.succeeded.changed, finished.settled.rejected.changed) == (1, 1)


def test_a_detail_that_matches_nobody_takes_nobody_out(house: House, people: People) -> None:
    by_key = (replace(MATCHED[0], to="id", value="id"), replace(MATCHED[0], identifier=False))
    run(house, {1: "ann"}, mappings=by_key)
    run(house, {1: "bea"}, mappings=by_key)
    assert people.sent[1:] == [(Operation.CHANGED, "bea")]


def test_a_test_row_is_put_in_as_it_is(people: People, tmp_path: Path) -> None:
    spec = make_spec(mode=Mode.ADD, replaces=True, mappings=MATCHED)
    sent = send_row(
        spec, make_job(spec), people, table([(1, "ann")]), Operation.CHANGED,
        edits={}, limits=Limits(), limiter=lambda: nullcontext(Unlimited()), workdir=tmp_path,
    )  # fmt: skip
    assert (sent.failure, people.sent) == (None, [(Operation.CHANGED, "ann")])


ROWS = st.dictionaries(st.integers(1, 4), st.integers(0, 9), max_size=4)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=st.lists(ROWS, min_size=2, max_size=4), lost=st.integers(0, 3))
def test_an_audience_holds_the_values_of_the_model(history: list[dict[int, int]], lost: int) -> None:
    """Every row has values of its own; answers get lost, also those about what was taken out."""
    people = People()
    with TemporaryDirectory() as folder:
        house = House(Path(folder), people)
        house.limits = Limits(batch_rows=2, attempts=1)
        for model in history:
            rows = {key: f"{key}:{value}" for key, value in model.items()}
            house.destination.errors = [Unavailable("no answer", in_doubt=True)] * lost
            for _ in range(4):
                run(house, rows)
            assert people.members == set(rows.values())
