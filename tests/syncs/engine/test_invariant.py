"""Whatever happens to data, destination and process: once a run ends cleanly, the destination is right.

A machine changes rows, breaks the destination and kills the process at any step
of its files, journal and calls; then it heals everything and compares with what
the mode promises.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from connectors.sdk.destination import Limits, Mode, Removal
from connectors.sdk.errors import (
    AuthError,
    BatchRejected,
    ConnectorError,
    InternalError,
    RateLimited,
    Unavailable,
)
from connectors.sdk.types import Operation
from syncs.engine.runlog import LoggedRow, RunLog
from syncs.engine.spec import Planner, RowStatus
from tests.syncs.engine.support import Finished, House, MemoryDestination, table
from tests.syncs.engine.warehouses import DuckDBWarehouse

# Few keys and values, so that rows meet again and values come back.
KEYS = st.integers(1, 4)
VALUES = st.sampled_from(["a", "b", None])
ROWS = st.dictionaries(KEYS, VALUES)
STEPS = st.one_of(st.none(), st.integers(0, 60))
LOST = st.integers(1, 8).map(lambda times: [Unavailable("no answer", in_doubt=True)] * times)
DOWN = st.integers(1, 8).map(lambda times: [Unavailable("refused")] * times)
ODD = st.lists(
    st.sampled_from(
        [
            Unavailable("no answer", in_doubt=True),
            RateLimited("slow down", after=3),
            AuthError("who are you"),
            BatchRejected("not this batch"),
            InternalError("what is this"),
        ]
    ),
    max_size=6,
)
TROUBLES: st.SearchStrategy[list[ConnectorError]] = st.one_of(st.just([]), LOST, DOWN, ODD)


class DeletingSync(RuleBasedStateMachine):
    """One sync through its life; subclasses fix its mode."""

    mode = Mode.UPSERT
    removal = Removal.DELETE
    idempotent = True
    planner = Planner.LOCAL

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="headrace-sync-"))
        self.rows: dict[int, str | None] = {}
        self.twice: set[int] = set()
        self.without_key = 0
        self.in_doubt: set[str] = set()

    @initialize(
        batch=st.integers(1, 4),
        part=st.integers(1, 7),
        workers=st.integers(1, 3),
        split=st.booleans(),
        known=st.sets(KEYS),
    )
    def start(self, batch: int, part: int, workers: int, split: bool, known: set[int]) -> None:
        self.known = {str(key): "from before" for key in known} if self.mode is Mode.UPDATE else {}
        destination = MemoryDestination(self.known)
        destination.clears = self.removal is Removal.CLEAR
        destination.creates = self.mode is not Mode.UPDATE
        self.house = House(self.folder, destination, limits=Limits(batch_rows=batch, attempts=2, concurrency=workers))
        destination.faults = self.house.faults
        if self.planner is Planner.WAREHOUSE:
            self.house.planner = self.planner
            self.house.open_source = self.warehouse = DuckDBWarehouse(self.folder, self.house.faults)
        self.choices: dict[str, Any] = {
            "mode": self.mode,
            "removal": self.removal,
            "idempotent": self.idempotent,
            "part_rows": part,
            "split_retry": split,
        }

    def teardown(self) -> None:
        try:
            self.heal_and_compare()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    @rule(rows=ROWS)
    def quiet_run(self, rows: dict[int, str | None]) -> None:
        self.rows = rows
        self.check_accounts(self.run())

    @rule(rows=ROWS, troubles=TROUBLES, refused=st.sets(KEYS, max_size=2))
    def troubled_run(self, rows: dict[int, str | None], troubles: list[ConnectorError], refused: set[int]) -> None:
        self.rows = rows
        destination = self.house.destination
        destination.errors, destination.refused = list(troubles), {str(key) for key in refused}
        self.check_accounts(self.run())
        destination.errors, destination.refused = [], set()

    @rule(rows=ROWS, troubles=TROUBLES, die_at=STEPS, cancel_at=STEPS)
    def interrupted_run(
        self, rows: dict[int, str | None], troubles: list[ConnectorError], die_at: int | None, cancel_at: int | None
    ) -> None:
        self.rows = rows
        self.house.destination.errors = list(troubles)
        self.check_accounts(self.run(die_at=die_at, cancel_at=cancel_at))
        self.house.destination.errors = []

    @rule(rows=ROWS, twice=st.sets(KEYS, max_size=2), without_key=st.integers(0, 2))
    def run_with_bad_keys(self, rows: dict[int, str | None], twice: set[int], without_key: int) -> None:
        self.rows, self.twice, self.without_key = rows, twice, without_key
        self.check_accounts(self.run())
        self.twice, self.without_key = set(), 0

    @rule(rows=ROWS, troubles=TROUBLES, die_at=STEPS)
    def retry_of_what_did_not_arrive(
        self, rows: dict[int, str | None], troubles: list[ConnectorError], die_at: int | None
    ) -> None:
        self.rows = rows
        destination, before = self.house.destination, len(self.house.destination.calls)
        left_over = self.left_over()
        if not left_over:
            return
        destination.errors = list(troubles)
        finished = self.run(die_at=die_at, only_unsettled=True)
        destination.errors = []
        prepared = finished.prepared
        assert prepared.queried == prepared.null_keys + prepared.duplicates + prepared.keyed
        assert {key for _, keys in destination.calls[before:] for key in keys} <= left_over
        assert {row.key for row in _log(self.house, finished) if row.operation} <= left_over

    def left_over(self) -> set[str]:
        """Keys whose rows did not arrive, without those that the model had twice; none where the warehouse has them."""
        baseline = self.house.baseline
        if baseline is None or not baseline.overlay:
            return set()
        overlay = pq.read_table(self.house.storage.local(baseline.overlay), columns=["_key", "_reason"]).to_pylist()
        return {row["_key"] for row in overlay if row["_reason"] != "duplicate"}

    @rule()
    def heal_and_compare(self) -> None:
        finished = self.run()
        self.check_accounts(finished)
        assert finished.clean
        self.check_promise()
        calls = len(self.house.destination.calls)
        again = self.run()
        assert again.prepared.planned.total == 0
        assert again.settled.baseline.unsettled == 0
        assert len(self.house.destination.calls) == calls

    @invariant()
    def two_pairs_of_tables_are_kept(self) -> None:
        if self.planner is Planner.WAREHOUSE and (baseline := self.house.baseline) is not None:
            pairs = {baseline.plan, baseline.rejections, *baseline.previous}
            assert set(self.warehouse.tables()) == pairs
            assert len(pairs) in (2, 4)

    @invariant()
    def nothing_unfinished_is_left(self) -> None:
        assert not [p for p in self.folder.rglob(".unfinished-*") if p.exists()]

    def run(self, **options: int | None) -> Finished:
        rows: list[tuple[int | None, str | None]] = list(self.rows.items())
        rows += [(key, "again") for key in self.twice if key in self.rows]
        rows += [(None, "lost")] * self.without_key
        finished = self.house.run(table(rows), **options, **self.choices)
        self.note_doubts(finished)
        return finished

    def note_doubts(self, finished: Finished) -> None:
        if finished.settled.in_doubt:
            self.in_doubt |= {row.key for row in _log(self.house, finished) if row.status is RowStatus.IN_DOUBT}

    def check_accounts(self, finished: Finished) -> None:
        prepared, settled = finished.prepared, finished.settled
        assert prepared.queried == prepared.null_keys + prepared.duplicates + prepared.keyed
        assert prepared.null_keys == self.without_key
        assert prepared.duplicates == 2 * len(self.twice & set(self.rows))
        for operation in Operation:
            name = operation.value
            ends = (getattr(counts, name) for counts in (settled.succeeded, settled.rejected, settled.aborted))
            assert getattr(prepared.planned, name) == sum(ends)
            assert getattr(prepared.planned, name) == sum(
                part.rows for part in prepared.parts if part.operations[0][0] is operation
            )

    def check_promise(self) -> None:
        """Upserts that delete: exactly the model's rows."""
        expected = {str(key): value for key, value in self.rows.items()}
        assert self.house.destination.records == expected


def _log(house: House, finished: Finished) -> list[LoggedRow]:
    return list(RunLog(house.storage, finished.spec, finished.prepared, finished.outcomes).export())


class KeepingSync(DeletingSync):
    """Upserts that leave removed records alone."""

    removal = Removal.NOTHING

    def check_promise(self) -> None:
        records = self.house.destination.records
        assert {k: records.get(k, "missing") for k in map(str, self.rows)} == {str(k): v for k, v in self.rows.items()}


class ClearingSync(DeletingSync):
    """Upserts that clear the fields of removed records."""

    removal = Removal.CLEAR

    def check_promise(self) -> None:
        expected = {str(key): value for key, value in self.rows.items()}
        records = self.house.destination.records
        assert {key: records.get(key, "missing") for key in expected} == expected
        assert all(value is None for key, value in records.items() if key not in expected)


class UpdatingSync(DeletingSync):
    """Updates: records that exist follow their rows; none is created."""

    mode = Mode.UPDATE
    removal = Removal.NOTHING

    def check_promise(self) -> None:
        records = self.house.destination.records
        assert set(records) == set(self.known)
        mine = {str(key): value for key, value in self.rows.items() if str(key) in self.known}
        assert {key: records[key] for key in mine} == mine


class InsertingSync(DeletingSync):
    """Inserts that must not happen twice: each row arrives once, or is reported as in doubt."""

    mode = Mode.INSERT
    removal = Removal.NOTHING
    idempotent = False

    def check_promise(self) -> None:
        destination = self.house.destination
        assert set(map(str, self.rows)) <= set(destination.records) | self.in_doubt


class DeletingInWarehouse(DeletingSync):
    """The same promise where the warehouse compares."""

    planner = Planner.WAREHOUSE


class InsertingInWarehouse(InsertingSync):
    """The same promise where the warehouse compares."""

    planner = Planner.WAREHOUSE


PROFILE = settings(
    # Shrinking runs the failing sync hundreds of times more: ask for it when there is something to shrink.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    max_examples=6,
    stateful_step_count=5,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)

TestUpsertDelete = DeletingSync.TestCase
TestUpsertKeep = KeepingSync.TestCase
TestUpsertClear = ClearingSync.TestCase
TestUpdate = UpdatingSync.TestCase
TestInsert = InsertingSync.TestCase
TestUpsertDeleteInWarehouse = DeletingInWarehouse.TestCase
TestInsertInWarehouse = InsertingInWarehouse.TestCase
for _case in (TestUpsertDelete, TestUpsertKeep, TestUpsertClear, TestUpdate, TestInsert):
    _case.settings = PROFILE
for _case in (TestUpsertDeleteInWarehouse, TestInsertInWarehouse):
    _case.settings = settings(PROFILE, max_examples=2)
del _case
