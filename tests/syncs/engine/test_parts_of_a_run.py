"""The smaller pieces: mapping, batches, files, the run's record, its plan, runs in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sdk import pace
from connectors.sdk.destination import Limits, Mode, Removal, RowSet, RowStreams
from connectors.sdk.errors import Unavailable
from connectors.sdk.types import Operation
from syncs.engine.batching import cut, estimated_bytes
from syncs.engine.errors import InvalidMapping, LeaseLost, StorageFailed, UnknownColumn
from syncs.engine.mapping import compile_mapping
from syncs.engine.memory import AlwaysProceed
from syncs.engine.plan import explain, make_plan
from syncs.engine.preparation import prepare
from syncs.engine.protocols import Control
from syncs.engine.rules import writes_whole_run
from syncs.engine.runlog import Count, RunLog
from syncs.engine.settlement import settle
from syncs.engine.spec import Baseline, FieldMapping, MappingKind, RowStatus, RunSpec
from syncs.engine.storage import Storage
from syncs.engine.write import write_run
from tests.syncs.engine.support import (
    FakeTime,
    Finished,
    House,
    MemoryDestination,
    TableSource,
    make_job,
    make_spec,
    run_async,
    table,
)


def part_rows(*rows: tuple[int, str | None]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(
        {
            "_key": [str(row[0]) for row in rows],
            "_error": pa.nulls(len(rows), pa.string()),
            "c0": [row[0] for row in rows],
            "c1": pa.array([row[1] for row in rows], pa.string()),
        }
    )


def mapped(
    spec: RunSpec, *rows: tuple[int, str | None], operation: Operation = Operation.ADDED
) -> list[dict[str, Any]]:
    return compile_mapping(spec)(part_rows(*rows), operation).batch.records()


def to(field: str, kind: MappingKind, value: Any, **options: Any) -> FieldMapping:
    return FieldMapping(to=field, kind=kind, value=value, **options)


def test_columns_constants_and_variables_are_mapped() -> None:
    mappings = (
        to("key", MappingKind.COLUMN, "id"),
        to("source", MappingKind.STATIC, "headrace"),
        to("score", MappingKind.STATIC, 1.5),
        to("nothing", MappingKind.STATIC, None),
        to("sync", MappingKind.VARIABLE, "sync-id"),
        to("what", MappingKind.VARIABLE, "operation"),
    )
    assert mapped(make_spec(mappings=mappings), (1, "a"), operation=Operation.CHANGED) == [
        {"key": 1, "source": "headrace", "score": 1.5, "nothing": None, "sync": "1", "what": "changed"}
    ]


def test_nulls_are_sent_unless_a_mapping_leaves_them_out() -> None:
    mappings = (to("a", MappingKind.COLUMN, "value"), to("b", MappingKind.COLUMN, "value", ignore_null=True))
    assert mapped(make_spec(mappings=mappings), (1, None), (2, "x")) == [{"a": None}, {"a": "x", "b": "x"}]


def test_clearing_sends_identifiers_and_nulls_even_where_nulls_are_left_out() -> None:
    mappings = (
        to("id", MappingKind.COLUMN, "id", identifier=True),
        to("value", MappingKind.COLUMN, "value", ignore_null=True),
    )
    spec = make_spec(mappings=mappings, removal=Removal.CLEAR)
    assert mapped(spec, (1, "x"), operation=Operation.REMOVED) == [{"id": 1, "value": None}]


def test_templates_keep_the_types_of_what_they_render() -> None:
    mappings = (
        to("number", MappingKind.TEMPLATE, "{{ row.id | plus: 1 }}"),
        to("text", MappingKind.TEMPLATE, "{{ row.value }} of {{ context.model_name }}"),
        to("flag", MappingKind.TEMPLATE, "{{ row.value | cast: 'boolean' }}"),
    )
    assert mapped(make_spec(mappings=mappings), (1, "true")) == [
        {"number": 2, "text": "true of Customers", "flag": True}
    ]


@pytest.mark.parametrize(
    ("mapping", "error"),
    [
        (to("x", MappingKind.COLUMN, "gone"), UnknownColumn),
        (to("x", MappingKind.VARIABLE, "weather"), InvalidMapping),
        (to("x", MappingKind.TEMPLATE, "{{ row.value | nonsense }}"), InvalidMapping),
        (to("x", MappingKind.TEMPLATE, "{{ row.gone }}"), InvalidMapping),
        (to("x", MappingKind.TEMPLATE, "{% if %}"), InvalidMapping),
    ],
)
def test_mappings_that_cannot_work_are_refused_before_any_row(mapping: FieldMapping, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        compile_mapping(make_spec(mappings=(mapping,)))
    assert "“x”" in str(caught.value)


@given(texts=st.lists(st.text(max_size=30), max_size=60), max_rows=st.integers(1, 10), max_bytes=st.integers(1, 300))
def test_batches_cover_every_row_once_keep_both_limits_and_are_always_the_same(
    texts: list[str], max_rows: int, max_bytes: int
) -> None:
    rows = pa.RecordBatch.from_pydict({"text": pa.array(texts, pa.string())})
    batches = list(cut(rows, max_rows=max_rows, max_bytes=max_bytes))
    assert [n for start, stop in batches for n in range(start, stop)] == list(range(len(texts)))
    sizes = estimated_bytes(rows).to_pylist()
    for start, stop in batches:
        assert stop - start <= max_rows
        assert stop - start == 1 or sum(sizes[start:stop]) <= max_bytes
    assert batches == list(cut(rows, max_rows=max_rows, max_bytes=max_bytes))


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))

    def write_half() -> None:
        with storage.writing("a/b.txt") as place:
            place.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        write_half()
    assert not storage.exists("a/b.txt")
    assert list((tmp_path / "a").iterdir()) == []
    with storage.writing("a/b.txt") as place:
        place.write_text("whole")
    assert storage.local("a/b.txt").read_text() == "whole"
    assert (storage.list("a"), storage.size("a/b.txt")) == (["a/b.txt"], 5)


def test_files_of_a_remote_store_are_read_through_a_local_copy(tmp_path: Path) -> None:
    storage = Storage("memory://headrace-test", cache=tmp_path / "cache")
    with storage.writing("runs/1/x.txt") as place:
        place.write_text("content")
    assert storage.list("runs") == ["runs/1/x.txt"]
    assert storage.local("runs/1/x.txt").read_text() == "content"
    assert storage.local("runs/1/x.txt").is_relative_to(tmp_path)
    storage.delete_tree("runs")
    assert storage.list("runs") == []
    with pytest.raises(StorageFailed):
        storage.local("runs/1/x.txt")


@pytest.mark.parametrize("path", ["../x", "a/../../x"])
def test_paths_cannot_leave_the_storage(tmp_path: Path, path: str) -> None:
    storage = Storage(str(tmp_path / "root"))
    with pytest.raises(StorageFailed):
        storage.exists(path)


def test_the_whole_storage_is_never_deleted(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed):
        Storage(str(tmp_path)).delete_tree("/")


def log_of(house: House, run: Finished) -> RunLog:
    return RunLog(house.storage, run.spec, run.prepared, run.outcomes)


def test_the_record_of_a_run_is_read_page_by_page(house: House) -> None:
    house.destination.refused = {"3", "7"}
    rows = [(n, f"v{n}") for n in range(1, 11)] + [(50, "x"), (50, "y")]
    log = log_of(house, house.run(table(rows), part_rows=4))
    seen: list[str] = []
    cursor = ""
    while True:
        page = log.rows(cursor=cursor, limit=3)
        seen += [row.key for row in page.rows]
        if not (cursor := page.next):
            break
    assert sorted(seen) == sorted([*(str(n) for n in range(1, 11)), "50", "50"])
    assert {row.key for row in log.rows(failed=True).rows} == {"3", "7", "50"}
    assert [row.key for row in log.rows(search="1", operation=Operation.ADDED, limit=1).rows] in (["1"], ["10"])
    assert set(log.counts()) == {
        Count(operation=Operation.ADDED, status=RowStatus.SUCCEEDED, rows=8),
        Count(operation=Operation.ADDED, status=RowStatus.REJECTED, rows=2),
        Count(operation=None, status=RowStatus.REJECTED, rows=2),
    }
    assert [(g.rows, g.code) for g in log.error_groups()] == [(2, "duplicate_key"), (1, "unwelcome"), (1, "unwelcome")]
    assert len(list(log.export(failed=True))) == 4


def test_a_changed_row_shows_what_it_was_and_what_it_is(house: House) -> None:
    house.run(table([(1, "before")]))
    log = log_of(house, house.run(table([(1, "after")])))
    row = log.row(log.rows().rows[0].id)
    assert row is not None
    assert (row.old_values, row.values) == ({"id": 1, "value": "before"}, {"id": 1, "value": "after"})
    assert log.row("99:1") is None


def test_rows_of_parts_that_are_through_show_while_the_run_goes_on(house: House) -> None:
    run = house.run(table([(n, "x") for n in range(4)]), part_rows=2)
    log = RunLog(house.storage, run.spec, run.prepared, run.outcomes[:1])
    assert len(log.rows().rows) == 2


def test_parts_that_a_run_never_came_to_are_aborted_once_it_has_ended(house: House) -> None:
    run = house.run(table([(n, "x") for n in range(4)]), part_rows=2)
    log = RunLog(house.storage, run.spec, run.prepared, run.outcomes[:1], untold=RowStatus.ABORTED)
    statuses = [RowStatus.SUCCEEDED] * 2 + [RowStatus.ABORTED] * 2
    assert [row.status for row in log.rows().rows] == statuses
    assert [(count.status, count.rows) for count in log.counts()] == [(RowStatus.SUCCEEDED, 2), (RowStatus.ABORTED, 2)]
    assert [row.key for row in log.rows(failed=True).rows] == ["2", "3"]
    assert len(list(log.export(failed=True))) == 2


def test_rows_that_travelled_together_are_found_together(house: House) -> None:
    log = log_of(house, house.run(table([(n, "x") for n in range(5)])))
    assert [len(log.rows(batch=(1, number)).rows) for number in range(3)] == [2, 2, 1]


def test_what_a_run_will_do_is_said_in_plain_words() -> None:
    baseline = Baseline(run_id=6, spool="s", overlay="o", recipe="r", columns=("id", "value"), rows=9, unsettled=3)
    words = explain(make_plan(make_spec(7), baseline), model="Customers", destination="CRM")
    assert words == [
        "Query Customers for 2 columns, with “id” as the primary key.",
        "Skip rows without a key, and reject all rows that share one.",
        "Compare with what run 6 left, by the columns that are mapped.",
        "Include 3 rows that earlier runs could not deliver.",
        "Delete records from CRM whose rows left the model.",
        "Send changed rows to CRM.",
        "Send added rows to CRM.",
        "Remember what was delivered; rows that did not arrive are due in the next run.",
    ]


def test_the_plan_of_a_reset_has_nothing_to_deliver() -> None:
    words = explain(make_plan(replace(make_spec(), reset=True), None))
    assert "Remember the rows as they are now, without sending any." in words
    assert not [sentence for sentence in words if sentence.startswith("Send")]


class Whole(MemoryDestination):
    """Takes whole runs; fails while it has errors left."""

    schema: pa.Schema
    written: dict[str, list[dict[str, Any]]]

    async def write(self, job: Any, rows: RowStreams) -> None:
        self.schema = rows.schema
        self.written = {}
        for operation in Operation:
            records: list[dict[str, Any]] = []
            for batch in rows.stream(operation):
                records += batch.records()
                if self.errors:
                    raise self.errors.pop(0)
            if self.errors:
                raise self.errors.pop(0)
            self.written[operation.value] = records


def write_whole(
    house: House, data: pa.Table, control: Control | None = None, **changes: Any
) -> tuple[RunSpec, Any, Sequence[Any]]:
    house.runs += 1
    usual: dict[str, Any] = {"mode": Mode.DIFF, "rows": RowSet.FILES, "single_writer": True, "part_rows": 2}
    spec = make_spec(house.runs, **{**usual, **changes})
    work: dict[str, Any] = {"workdir": house.folder / "work", "memory_mb": 128, "threads": 1}
    prepared = prepare(spec, TableSource(data), house.storage, house.baseline, **work)
    outcomes = run_async(
        write_run(
            spec,
            make_job(spec),
            house.destination,
            prepared,
            house.storage,
            control or AlwaysProceed(),
            Limits(attempts=2),
            clock=FakeTime().clock,
        )
    )
    house.baseline = settle(spec, prepared, outcomes, house.baseline, house.storage, **work).baseline
    return spec, prepared, outcomes


def test_a_run_in_one_go_hands_over_each_operation_as_a_stream(house: House) -> None:
    whole = house.destination = Whole()
    write_whole(house, table([(1, "a"), (2, "b"), (3, "c")]))
    assert len(whole.written["added"]) == 3
    write_whole(house, table([(1, "A"), (2, "b"), (4, "d")]))
    assert whole.written == {
        "added": [{"id": 4, "value": "d"}],
        "changed": [{"id": 1, "value": "A"}],
        "removed": [{"id": 3, "value": "c"}],
    }


def test_a_run_in_one_go_sends_no_request_once_its_lease_ran_out(house: House) -> None:
    class Lapsed(AlwaysProceed):
        def still_held(self) -> None:
            raise LeaseLost("The lease on this stage ran out.")

    class Asking(Whole):
        async def write(self, job: Any, rows: RowStreams) -> None:
            await pace.wait_for_turn()
            await super().write(job, rows)

    asking = house.destination = Asking()
    with pytest.raises(LeaseLost):
        write_whole(house, table([(1, "a")]), Lapsed())
    assert not hasattr(asking, "written")


def test_a_run_in_one_go_tries_again_from_the_start_and_fails_as_a_whole(house: House) -> None:
    whole = house.destination = Whole()
    whole.errors = [Unavailable("disk busy")]
    _, _, outcomes = write_whole(house, table([(1, "a"), (2, "b"), (3, "c")]))
    assert sum(outcome.succeeded.added for outcome in outcomes) == 3
    whole.errors = [Unavailable("disk busy")] * 2
    _, _, outcomes = write_whole(house, table([(1, "a"), (2, "b"), (3, "C")]))
    assert [(o.aborted.changed, o.failure.message) for o in outcomes] == [(1, "disk busy")]
    _, prepared, _ = write_whole(house, table([(1, "a"), (2, "b"), (3, "C")]))
    assert prepared.planned.changed == 1


def test_a_run_in_one_go_without_rows_still_knows_its_columns(house: House) -> None:
    whole = house.destination = Whole()
    write_whole(house, table([]))
    assert whole.schema.names == ["id", "value"]
    assert whole.written == {"added": [], "changed": [], "removed": []}


def test_a_run_in_one_go_without_rows_replaces_what_was_there_and_can_fail(house: House) -> None:
    whole = house.destination = Whole()
    everything: dict[str, Any] = {"mode": Mode.ALL, "rows": RowSet.FULL}
    write_whole(house, table([(1, "a")]), **everything)
    assert whole.written["added"] == [{"id": 1, "value": "a"}]
    whole.errors = [Unavailable("disk busy")]
    _, prepared, outcomes = write_whole(house, table([]), **everything)
    assert (prepared.parts, whole.written["added"]) == ((), [])
    assert [(o.number, o.path, o.failure) for o in outcomes] == [(0, "", None)]
    whole.errors = [Unavailable("disk busy")] * 2
    _, _, outcomes = write_whole(house, table([]), **everything)
    assert [(o.path, o.failure.message) for o in outcomes] == [("", "disk busy")]


@pytest.mark.parametrize(
    ("changes", "written"),
    [
        ({"mode": Mode.ALL, "rows": RowSet.FULL}, True),
        ({"mode": Mode.DIFF, "rows": RowSet.FILES}, True),
        ({"mode": Mode.DIFF, "rows": RowSet.FILES, "reset": True}, False),
        ({"mode": Mode.ALL, "rows": RowSet.FULL, "wanted": frozenset({Operation.REMOVED})}, False),
        ({"mode": Mode.ALL, "rows": RowSet.FULL, "single_writer": False}, False),
    ],
)
def test_one_writer_gets_every_run_that_sends_anything_at_all(changes: dict[str, Any], written: bool) -> None:
    spec = make_spec(**{"single_writer": True, **changes})
    assert writes_whole_run(spec, None) is written
