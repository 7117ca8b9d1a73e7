"""Whole runs, stage by stage as the application performs them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.sdk.destination import FirstRun, Mode, Removal, RowSet
from connectors.sdk.errors import QueryError, Unavailable
from connectors.sdk.types import ColumnType, Operation
from syncs.engine.errors import BaselineMissing, Cancelled, StorageFailed, UnknownColumn
from syncs.engine.guardrails import Guardrails, Rule, breaches
from syncs.engine.preparation import prepare
from syncs.engine.runlog import RunLog
from syncs.engine.settlement import expire_run
from syncs.engine.spec import FieldMapping, MappingKind, ModelColumn, OperationCounts, RowStatus
from tests.syncs.engine.support import Finished, House, TableSource, make_spec, table

ABC = [(1, "a"), (2, "b"), (3, "c")]


@pytest.fixture
def house(any_house: House) -> House:
    """Every run here goes the same way, wherever it is compared."""
    return any_house


def planned(run: Finished) -> tuple[int, int, int]:
    counts = run.prepared.planned
    return counts.added, counts.changed, counts.removed


def test_the_first_run_sends_everything_and_the_next_one_only_what_differs(house: House) -> None:
    assert planned(house.run(table(ABC))) == (3, 0, 0)
    assert planned(house.run(table(ABC))) == (0, 0, 0)
    assert planned(house.run(table([(1, "a"), (2, "B"), (4, "d")]))) == (1, 1, 1)
    assert house.destination.records == {"1": "a", "2": "B", "4": "d"}


def test_removals_are_delivered_before_changes_and_changes_before_additions(house: House) -> None:
    house.run(table(ABC))
    house.destination.calls.clear()
    house.run(table([(1, "a"), (2, "B"), (4, "d")]))
    assert [operation for operation, _ in house.destination.calls] == [
        Operation.REMOVED,
        Operation.CHANGED,
        Operation.ADDED,
    ]


def test_rows_without_a_key_are_skipped_and_rows_that_share_one_are_all_rejected(house: House) -> None:
    run = house.run(table([(1, "a"), (None, "x"), (2, "b"), (2, "b"), (3, "c"), (3, "d"), (3, "e")]))
    prepared = run.prepared
    assert (prepared.queried, prepared.null_keys, prepared.duplicates, prepared.keyed) == (7, 1, 5, 1)
    rejected = pq.read_table(house.storage.local(prepared.rejected_before_delivery)).to_pylist()
    assert sorted(row["_key"] for row in rejected) == ["2", "2", "3", "3", "3"]
    assert {row["message"] for row in rejected if row["_key"] == "3"} == {
        "The primary key is not unique: 3 rows have it."
    }
    assert house.destination.records == {"1": "a"}


def test_a_key_that_is_duplicated_for_a_while_is_neither_removed_nor_forgotten(house: House) -> None:
    house.run(table(ABC))
    assert planned(house.run(table([(1, "a"), (2, "x"), (2, "y"), (3, "c")]))) == (0, 0, 0)
    assert planned(house.run(table([(1, "a"), (2, "x"), (2, "y"), (3, "c")]))) == (0, 0, 0)
    assert house.destination.records["2"] == "b"
    back = house.run(table([(1, "a"), (2, "b"), (3, "c")]))
    assert planned(back) == (0, 0, 0)
    assert back.settled.baseline.unsettled == 0


@pytest.mark.parametrize(
    ("composite", "arrived"), [(False, {"alice", "carol"}), (True, {"3-alice", "1-bob", "3-bob", "2-carol"})]
)
def test_a_key_that_two_rows_share_costs_both_and_a_composite_one_keeps_all(
    house: House, composite: bool, arrived: set[str]
) -> None:
    people = [(3, "alice"), (1, "bob"), (3, "bob"), (2, "carol")]
    keys = [f"{org}-{email}" if composite else email for org, email in people]
    house.run(pa.table({"id": keys, "value": [str(org) for org, _ in people]}))
    assert set(house.destination.records) == arrived


@pytest.mark.parametrize(
    ("now", "added"),
    [(pa.int32(), 0), (pa.string(), 3), (pa.decimal128(21, 2), 3), (pa.float64(), 3)],
    ids=["wider", "text", "decimal", "float"],
)
def test_a_key_of_another_type_at_the_source_sends_all_rows_as_added(
    house: House, now: pa.DataType, added: int
) -> None:
    house.run(table(ABC))
    other = table(ABC)
    other = other.set_column(0, "id", other.column("id").cast(now))
    assert planned(house.run(other)) == (added, 0, 0)
    assert planned(house.run(other)) == (0, 0, 0)


def test_a_cast_of_the_key_changes_nothing(house: House) -> None:
    house.run(table(ABC))
    spec = make_spec(2)
    cast = tuple(replace(c, cast=ColumnType.STRING) if c.name == "id" else c for c in spec.columns)
    assert planned(house.run(table(ABC), columns=cast)) == (0, 0, 0)


def test_a_rejected_addition_is_tried_again_until_it_succeeds_or_leaves(house: House) -> None:
    house.destination.refused = {"2", "3"}
    first = house.run(table(ABC))
    assert (first.settled.succeeded.added, first.settled.rejected.added) == (1, 2)
    assert first.settled.baseline.unsettled == 2
    house.destination.refused = {"3"}
    second = house.run(table(ABC))
    assert (second.prepared.retried, second.settled.succeeded.added) == (2, 1)
    third = house.run(table(ABC[:2]))
    assert planned(third) == (0, 0, 0)
    assert third.settled.baseline.unsettled == 0


def test_a_rejected_change_keeps_the_old_values_and_is_dropped_when_they_come_back(house: House) -> None:
    house.run(table(ABC))
    house.destination.refused = {"2"}
    changed = house.run(table([(1, "a"), (2, "B"), (3, "c")]))
    assert changed.settled.rejected.changed == 1
    assert planned(house.run(table([(1, "a"), (2, "B"), (3, "c")]))) == (0, 1, 0)
    assert planned(house.run(table(ABC))) == (0, 0, 0)


def test_a_rejected_removal_is_tried_again_with_the_values_it_needs(house: House) -> None:
    house.run(table(ABC))
    house.destination.refused = {"3"}
    house.run(table(ABC[:2]))
    house.destination.refused = set()
    again = house.run(table(ABC[:2]))
    assert planned(again) == (0, 0, 1)
    rows = RunLog(house.storage, again.spec, again.prepared, again.outcomes).rows().rows
    assert rows[0].values == {"id": 3, "value": "c"}
    assert "3" not in house.destination.records


def test_an_addition_in_doubt_that_leaves_the_model_is_removed(house: House) -> None:
    house.destination.errors = [Unavailable("no answer", in_doubt=True)] * 2
    lost = house.run(table([(1, "a")]))
    assert house.destination.records == {"1": "a"}
    assert lost.settled.baseline.unsettled == 1
    assert planned(house.run(table([]))) == (0, 0, 1)
    assert house.destination.records == {}


def test_a_change_in_doubt_is_sent_again_even_if_the_values_came_back(house: House) -> None:
    house.run(table([(1, "a")]))
    house.destination.errors = [Unavailable("no answer", in_doubt=True)] * 2
    house.run(table([(1, "b")]))
    assert house.destination.records == {"1": "b"}
    assert planned(house.run(table([(1, "a")]))) == (0, 1, 0)
    assert house.destination.records == {"1": "a"}


def test_insert_only_rows_in_doubt_are_reported_and_not_sent_again(house: House) -> None:
    house.destination.errors = [Unavailable("no answer", in_doubt=True)]
    run = house.run(table([(1, "a")]), mode=Mode.INSERT, idempotent=False, removal=Removal.NOTHING)
    assert (run.settled.in_doubt, run.settled.aborted.added) == (1, 1)
    log = RunLog(house.storage, run.spec, run.prepared, run.outcomes)
    assert [row.key for row in log.rows(status=RowStatus.IN_DOUBT).rows] == ["1"]
    again = house.run(table([(1, "a")]), mode=Mode.INSERT, idempotent=False, removal=Removal.NOTHING)
    assert planned(again) == (0, 0, 0)
    assert house.destination.inserts == {"1": 1}


def test_a_destination_that_is_down_fails_the_run_in_its_words_and_the_next_run_sends_what_is_due(house: House) -> None:
    rows = [(n, "x") for n in range(20)]
    house.destination.errors = [Unavailable("Connection refused by acme")] * 100
    run = house.run(table(rows))
    assert run.outcomes[0].failure is not None
    assert run.outcomes[0].failure.message == "Connection refused by acme"
    assert run.settled.succeeded.total == 0
    house.destination.errors = []
    assert house.run(table(rows)).settled.succeeded.added == 20


def test_a_full_resync_sends_every_row_as_added_and_handles_no_removal(house: House) -> None:
    house.run(table(ABC))
    run = house.run(table(ABC[:2]), resync=True)
    assert planned(run) == (2, 0, 0)
    assert "3" in house.destination.records
    assert planned(house.run(table(ABC[:2]))) == (0, 0, 0)


def test_resetting_change_tracking_remembers_the_rows_and_sends_nothing(house: House) -> None:
    house.run(table(ABC))
    run = house.run(table([(1, "A"), (9, "z")]), reset=True)
    assert planned(run) == (0, 0, 0)
    assert planned(house.run(table([(1, "A"), (9, "z")]))) == (0, 0, 0)
    assert planned(house.run(table([(1, "A"), (9, "Z")]))) == (0, 1, 0)


def test_a_first_run_that_skips_only_remembers(house: House) -> None:
    assert planned(house.run(table(ABC), first_run=FirstRun.SKIP)) == (0, 0, 0)
    assert planned(house.run(table([*ABC, (4, "d")]), first_run=FirstRun.SKIP)) == (1, 0, 0)
    assert house.destination.records == {"4": "d"}


def test_a_changed_mapping_sends_known_rows_again_as_changed(house: House) -> None:
    house.run(table(ABC))
    assert planned(house.run(table([*ABC, (4, "d")]), reprocess=True)) == (1, 3, 0)


def test_insert_mode_sends_only_keys_that_the_previous_run_did_not_have(house: House) -> None:
    choices: dict[str, Any] = {"mode": Mode.INSERT, "removal": Removal.NOTHING, "rows": RowSet.ADDED}
    house.run(table(ABC), **choices)
    assert planned(house.run(table([(1, "A"), (4, "d")]), **choices)) == (1, 0, 0)
    assert planned(house.run(table([(2, "b"), (4, "d")]), reprocess=True, **choices)) == (1, 0, 0)


def test_operations_that_are_not_wanted_move_the_baseline_in_silence(house: House) -> None:
    choices: dict[str, Any] = {"mode": Mode.CUSTOM, "wanted": frozenset({Operation.CHANGED})}
    assert planned(house.run(table(ABC), **choices)) == (0, 0, 0)
    run = house.run(table([(1, "A"), (2, "b"), (4, "d")]), **choices)
    assert planned(run) == (0, 1, 0)
    assert run.prepared.found == OperationCounts(added=1, changed=1, removed=1)


def test_pending_removals_are_dropped_when_removed_rows_are_to_be_left_alone(house: House) -> None:
    house.run(table(ABC))
    house.destination.refused = {"3"}
    house.run(table(ABC[:2]))
    run = house.run(table(ABC[:2]), removal=Removal.NOTHING)
    assert planned(run) == (0, 0, 0)
    house.destination.refused = set()
    assert planned(house.run(table(ABC[:2]))) == (0, 0, 0)


def test_a_full_result_is_sent_every_time(house: House) -> None:
    choices: dict[str, Any] = {"mode": Mode.ALL, "rows": RowSet.FULL, "removal": Removal.NOTHING}
    assert planned(house.run(table(ABC), **choices)) == (3, 0, 0)
    assert planned(house.run(table(ABC), **choices)) == (3, 0, 0)


def test_parts_hold_one_operation_and_no_more_rows_than_asked(house: House) -> None:
    run = house.run(table([(n, "x") for n in range(10)]), part_rows=4)
    assert [part.rows for part in run.prepared.parts] == [4, 4, 2]


def test_an_empty_result_is_a_result(house: House) -> None:
    assert planned(house.run(table([]))) == (0, 0, 0)
    house.run(table(ABC))
    assert planned(house.run(table([]))) == (0, 0, 3)


def test_another_way_of_hashing_does_not_send_unchanged_rows(house: House) -> None:
    house.destination.refused = {"3"}
    house.run(table(ABC))
    assert house.baseline is not None
    house.baseline = replace(house.baseline, recipe="duckdb 0.1 hash v0 ()")
    run = house.run(table([(1, "a"), (2, "B"), (3, "c")]))
    assert planned(run) == (1, 1, 0)


def test_a_column_that_the_source_widens_does_not_count_as_changed(house: House) -> None:
    small = pa.table({"id": [1, 2], "value": pa.array([10, 20], pa.int32())})
    wide = pa.table({"id": [1, 2], "value": pa.array([10, 21], pa.int64())})
    house.run(small)
    assert planned(house.run(wide)) == (0, 1, 0)


def test_a_column_whose_new_type_would_lose_digits_counts_as_changed(local_house: House) -> None:
    local_house.run(pa.table({"id": [1, 2], "value": pa.array([10.0, 20.4], pa.float64())}))
    run = local_house.run(pa.table({"id": [1, 2], "value": pa.array([10, 20], pa.int64())}))
    assert planned(run) == (0, 1, 0)


def test_a_new_tracked_column_does_not_hide_changes(house: House) -> None:
    house.run(table(ABC))
    columns = (*make_spec().columns, ModelColumn(name="more", type=ColumnType.STRING))
    data = table(ABC).append_column("more", pa.array(["x", "y", "z"]))
    run = house.run(data, columns=columns, tracked=("id", "value", "more"))
    assert planned(run) == (0, 3, 0)


@pytest.mark.parametrize("missing", ["value", "id"])
def test_a_vanished_column_is_named_with_what_uses_it(house: House, missing: str) -> None:
    class Vanished(TableSource):
        def query(self, sql: str, *, batch_rows: int = 50_000):  # type: ignore[no-untyped-def]
            raise QueryError("column does not exist")

    source = Vanished(table(ABC).drop_columns([missing]))
    with pytest.raises(UnknownColumn) as caught:
        prepare(make_spec(), source, house.storage, None, workdir=house.folder / "work", memory_mb=128, threads=1)
    assert f"“{missing}”" in caught.value.message
    assert f"the mapping to “{missing}”" in caught.value.message


def test_a_cancelled_query_stops_the_source(house: House) -> None:
    def cancel() -> None:
        raise Cancelled("A person cancelled the run.")

    with pytest.raises(Cancelled):
        prepare(
            make_spec(),
            TableSource(table(ABC)),
            house.storage,
            None,
            workdir=house.folder / "work",
            memory_mb=128,
            threads=1,
            check_cancel=cancel,
        )
    assert house.storage.list("syncs") == []


def test_an_error_in_the_middle_of_the_result_comes_through_as_it_is(house: House) -> None:
    class Breaking(TableSource):
        def query(self, sql: str, *, batch_rows: int = 50_000):  # type: ignore[no-untyped-def]
            source = self

            class Stream:
                schema = source.table.schema

                def __iter__(self):  # type: ignore[no-untyped-def]
                    yield from source.table.to_batches(max_chunksize=1)[:1]
                    raise Unavailable("The server closed the connection.")

                def cancel(self) -> None:
                    source.cancelled = True

            from contextlib import nullcontext

            return nullcontext(Stream())

    source = Breaking(table(ABC))
    with pytest.raises(Unavailable, match="closed the connection"):
        prepare(make_spec(), source, house.storage, None, workdir=house.folder / "work", memory_mb=128, threads=1)
    assert source.cancelled
    assert house.storage.list("syncs") == []


@pytest.mark.parametrize("room", range(8))
def test_a_full_disk_leaves_the_old_baseline_and_the_next_run_makes_up_for_it(house: House, room: int) -> None:
    house.destination.refused = {"2"}
    house.run(table(ABC))
    house.destination.refused = {"4"}
    before = house.baseline
    house.storage.full_after = room  # the run below writes nine files
    with pytest.raises(StorageFailed, match="No space left"):
        house.run(table([(1, "A"), (2, "b"), (4, "d"), (5, "x"), (5, "y")]))
    house.storage.full_after = None
    assert house.baseline == before
    house.destination.refused = set()
    house.run(table([(1, "A"), (2, "b"), (4, "d")]))
    assert house.destination.records == {"1": "A", "2": "b", "4": "d"}


def test_a_missing_baseline_file_is_reported_and_holds_the_run_whatever_its_limits(local_house: House) -> None:
    local_house.destination.refused = {"2"}
    local_house.run(table(ABC))
    before, local_house.destination.refused = local_house.baseline, set()
    assert before is not None
    local_house.storage.delete(before.spool)
    with pytest.raises(BaselineMissing):
        local_house.run(table(ABC), only_unsettled=True)
    found = local_house.run(table([(1, "A"), (2, "b")]), guardrails=Guardrails(on=False))
    assert found.prepared.lost == before.spool
    assert found.prepared.planned == OperationCounts(added=2)
    (breach,) = breaches(found.spec, before, found.prepared)
    assert breach.rule is Rule.BASELINE
    assert local_house.run(table([(1, "A"), (2, "b")])).prepared.planned.total == 0


def test_superseded_files_go_and_expired_runs_keep_what_the_baseline_needs(local_house: House) -> None:
    first = local_house.run(table(ABC))
    assert local_house.baseline is not None
    assert local_house.storage.exists(local_house.baseline.spool)
    expire_run(local_house.storage, first.spec.directory, local_house.baseline)
    assert local_house.storage.list(first.spec.directory) == [local_house.baseline.spool]
    local_house.run(table(ABC))
    assert local_house.storage.list(first.spec.directory) == []


def test_clearing_keeps_identifiers_and_nulls_the_rest(house: House) -> None:
    house.destination.clears = True
    house.run(table(ABC), removal=Removal.CLEAR)
    house.run(table(ABC[:2]), removal=Removal.CLEAR)
    assert house.destination.records == {"1": "a", "2": "b", "3": None}


def test_a_template_that_refuses_a_row_costs_that_row_only(house: House) -> None:
    mappings = (
        FieldMapping(to="id", kind=MappingKind.COLUMN, value="id", identifier=True),
        FieldMapping(to="value", kind=MappingKind.TEMPLATE, value="{{ row.value | includes: '@' | upcase }}"),
    )
    run = house.run(table([(1, "a@x"), (2, "nothing"), (3, "c@y")]), mappings=mappings)
    assert house.destination.records == {"1": "A@X", "3": "C@Y"}
    assert (run.settled.succeeded.added, run.settled.rejected.added) == (2, 1)
    again = house.run(table([(1, "a@x"), (2, "b@z"), (3, "c@y")]), mappings=mappings)
    assert planned(again) == (1, 0, 0)


def test_a_value_that_does_not_fit_its_chosen_type_costs_its_row_and_keeps_what_was_delivered(house: House) -> None:
    columns = (
        ModelColumn(name="id", type=ColumnType.NUMBER),
        ModelColumn(name="value", type=ColumnType.STRING, cast=ColumnType.NUMBER),
    )
    house.run(table([(1, "10"), (2, "20")]), columns=columns)
    run = house.run(table([(1, "ten"), (2, "21")]), columns=columns)
    assert (run.settled.succeeded.changed, run.settled.rejected.changed) == (1, 1)
    log = RunLog(house.storage, run.spec, run.prepared, run.outcomes)
    assert [row.message for row in log.rows(failed=True).rows] == ["Column “value” holds a value that is not a number."]
    assert planned(house.run(table([(1, "10"), (2, "21")]), columns=columns)) == (0, 0, 0)
