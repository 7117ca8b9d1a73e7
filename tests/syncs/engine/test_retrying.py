"""Runs of only the rows that earlier runs could not deliver."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from connectors.sdk.destination import Mode, Removal
from connectors.sdk.errors import QueryError
from connectors.sdk.source import RowStream
from connectors.sdk.sql import check_read_only
from connectors.sdk.types import ColumnType
from syncs.engine import retrying
from syncs.engine.errors import RetryImpossible
from syncs.engine.guardrails import Guardrails, breaches
from syncs.engine.preparation import prepare
from syncs.engine.runlog import RunLog
from syncs.engine.spec import FieldMapping, MappingKind, ModelColumn, Planner
from tests.syncs.engine.support import COLUMNS, MAPPINGS, Finished, House, TableSource, make_spec, table

ABC = [(1, "a"), (2, "b"), (3, "c")]


class AskedSource(TableSource):
    """Answers queries as a database would, and keeps what it was asked."""

    asked: list[str]
    refuses = False

    def __init__(self, data: pa.Table) -> None:
        super().__init__(data)
        self.asked = []

    def query(self, sql: str, *, batch_rows: int = 50_000) -> AbstractContextManager[RowStream]:
        check_read_only(sql, "duckdb")
        self.asked.append(sql)
        if self.refuses and " IN (" in sql:
            raise QueryError("cannot compare these")
        with duckdb.connect() as database:
            database.register("somewhere", self.table)
            answer = database.sql(sql).to_arrow_table()
        return TableSource(answer).query(sql)


@pytest.fixture
def sources(house: House) -> list[AskedSource]:
    """Every source that the house opened."""
    opened: list[AskedSource] = []

    def open_source(data: pa.Table) -> AskedSource:
        opened.append(AskedSource(data))
        return opened[-1]

    house.open_source = open_source
    return opened


def retry(house: House, rows: Sequence[tuple[int | None, str | None]], **options: Any) -> Finished:
    return house.run(table(rows), only_unsettled=True, **options)


def refuse(house: House, *keys: str) -> None:
    house.destination.refused = set(keys)


@pytest.fixture
def refused(house: House, sources: list[AskedSource]) -> House:
    """Three rows of which the second was refused."""
    refuse(house, "2")
    house.run(table(ABC))
    house.destination.calls.clear()
    return house


def sent(house: House) -> list[tuple[str, tuple[str, ...]]]:
    return [(operation.value, keys) for operation, keys in house.destination.calls]


def test_a_mended_row_arrives_and_other_changes_wait_for_the_next_run(
    refused: House, sources: list[AskedSource]
) -> None:
    refuse(refused)
    now = [(1, "changed"), (2, "mended"), (4, "new")]
    run = retry(refused, now)
    assert sent(refused) == [("added", ("2",))]
    assert refused.destination.records == {"1": "a", "2": "mended", "3": "c"}
    assert (run.prepared.planned.total, run.prepared.retried, run.settled.baseline.unsettled) == (1, 1, 0)
    assert len(sources[-1].asked) == 1
    assert sources[-1].asked[0].endswith('WHERE "id" IN (2)')

    refused.run(table(now))
    assert refused.destination.records == {"1": "changed", "2": "mended", "4": "new"}
    assert refused.run(table(now)).prepared.found.total == 0


def test_a_row_that_is_still_refused_stays_due_with_its_new_reason(refused: House) -> None:
    run = retry(refused, [(1, "changed"), (2, "still bad"), (3, "c")])
    assert (run.settled.rejected.added, run.settled.baseline.unsettled) == (1, 1)
    assert refused.destination.records == {"1": "a", "3": "c"}
    rows = RunLog(refused.storage, run.spec, run.prepared, run.outcomes).export(failed=True)
    assert [(row.key, row.values["value"]) for row in rows if row.values] == [("2", "still bad")]
    refuse(refused)
    assert retry(refused, ABC).settled.succeeded.added == 1
    assert refused.destination.records == {"1": "a", "2": "b", "3": "c"}


def test_the_accounts_are_those_of_the_whole_result(refused: House) -> None:
    now = [(1, "a"), (2, "b")]
    prepared = retry(refused, now).prepared
    assert (prepared.queried, prepared.keyed, prepared.null_keys, prepared.duplicates) == (3, 3, 0, 0)


@pytest.mark.parametrize(("removal", "left"), [(Removal.DELETE, {"1", "3"}), (Removal.NOTHING, {"1", "2", "3"})])
def test_a_row_that_left_the_model_is_removed_as_the_mode_says(
    house: House, sources: list[AskedSource], removal: Removal, left: set[str]
) -> None:
    house.run(table(ABC), removal=removal)
    refuse(house, "2")
    house.run(table([(1, "a"), (2, "refused change"), (3, "c")]), removal=removal)
    refuse(house)
    run = retry(house, [(3, "c")], removal=removal)
    assert set(house.destination.records) == left
    assert (run.prepared.found.removed, run.settled.baseline.unsettled) == (1, 0)
    assert [" IN (" in sql for sql in sources[-1].asked] == [True, False], "gone only where the whole model says so"


def test_a_removal_that_failed_is_tried_again_and_one_that_is_new_is_not(
    house: House, sources: list[AskedSource]
) -> None:
    house.run(table(ABC))
    refuse(house, "3")
    house.run(table(ABC[:2]))
    refuse(house)
    retry(house, ABC[:1])
    assert set(house.destination.records) == {"1", "2"}
    house.run(table(ABC[:1]))
    assert set(house.destination.records) == {"1"}


def test_keys_that_the_model_has_twice_stay_as_they_are(house: House, sources: list[AskedSource]) -> None:
    house.run(table([*ABC, (4, "d")]))
    refuse(house, "2")
    twice = [(1, "a"), (2, "x"), (3, "c"), (4, "one"), (4, "two"), (None, "nobody")]
    house.run(table(twice))
    refuse(house)
    run = retry(house, twice)
    assert (run.prepared.queried, run.prepared.null_keys, run.prepared.duplicates) == (6, 1, 2)
    assert (run.prepared.planned.total, run.settled.baseline.unsettled) == (1, 1)
    assert house.destination.records == {"1": "a", "2": "x", "3": "c", "4": "d"}
    with pytest.raises(RetryImpossible, match="share their key"):
        retry(house, twice)
    house.run(table([(1, "a"), (2, "x"), (3, "c"), (4, "one")]))
    assert house.destination.records["4"] == "one"


def test_of_many_keys_the_whole_model_is_read_and_only_those_are_kept(
    refused: House, sources: list[AskedSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying, "KEYS_IN_QUERY", 0)
    refuse(refused)
    retry(refused, [(1, "changed"), (2, "mended"), (3, "c"), (4, "new")])
    assert " IN (" not in sources[-1].asked[0]
    assert refused.destination.records == {"1": "a", "2": "mended", "3": "c"}


def test_a_source_that_cannot_pick_rows_by_key_is_read_whole(
    refused: House, sources: list[AskedSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AskedSource, "refuses", True)
    refuse(refused)
    retry(refused, [(1, "changed"), (2, "mended"), (3, "c")])
    assert len(sources[-1].asked) == 2
    assert refused.destination.records == {"1": "a", "2": "mended", "3": "c"}


@pytest.mark.parametrize(
    "key", ["O'Hara", "'; DROP TABLE x --", "back\\slash", "a\nb", "headrace_5f0c1e9d7ab34c62_model"]
)
def test_keys_of_text_stay_values(house: House, sources: list[AskedSource], key: str) -> None:
    def rows(value: str) -> pa.Table:
        return pa.table({"id": ["plain", key], "value": ["a", value]})

    columns = (ModelColumn(name="id", type=ColumnType.STRING), COLUMNS[1])
    refuse(house, key)
    house.run(rows("b"), columns=columns)
    refuse(house)
    house.run(rows("c"), columns=columns, only_unsettled=True)
    assert house.destination.records == {"plain": "a", key: "c"}


def test_mappings_over_other_columns_ask_for_a_run_of_the_whole_sync(refused: House) -> None:
    now = pa.table({"id": [1, 2, 3], "value": ["a", "b", "c"], "more": ["x", "y", "z"]})
    columns = (*COLUMNS, ModelColumn(name="more", type=ColumnType.STRING))
    mappings = (*MAPPINGS, FieldMapping(to="more", kind=MappingKind.COLUMN, value="more"))
    with pytest.raises(RetryImpossible, match="have changed") as caught:
        refused.run(now, columns=columns, tracked=("id", "value", "more"), mappings=mappings, only_unsettled=True)
    assert "Run the sync" in caught.value.hint


def test_nothing_left_over_and_the_warehouse_planner_are_refused(house: House, sources: list[AskedSource]) -> None:
    house.run(table(ABC))
    with pytest.raises(RetryImpossible, match="No rows are left over"):
        retry(house, ABC)
    with pytest.raises(RetryImpossible, match="warehouse planner"):
        retry(house, ABC, planner=Planner.WAREHOUSE)


def test_guardrails_do_not_hold_a_retry(refused: House) -> None:
    guardrails = Guardrails(added_rows=0)
    spec = make_spec(9, only_unsettled=True, guardrails=guardrails)
    source = AskedSource(table(ABC))
    prepared = prepare(
        spec, source, refused.storage, refused.baseline, workdir=refused.folder, memory_mb=256, threads=1
    )
    assert prepared.planned.added == 1
    assert breaches(spec, refused.baseline, prepared) == ()


@pytest.mark.parametrize("die_at", [0, 1, 2, 3, 4, 5, 6, 8, 11, 15])
def test_a_death_at_any_step_loses_nothing(house: House, sources: list[AskedSource], die_at: int) -> None:
    refuse(house, "2", "3")
    house.run(table(ABC), part_rows=1)
    refuse(house)
    run = retry(house, [(1, "changed"), (2, "B"), (3, "C")], part_rows=1, die_at=die_at)
    assert house.destination.records == {"1": "a", "2": "B", "3": "C"}
    assert run.settled.baseline.unsettled == 0
    house.run(table([(1, "changed"), (2, "B"), (3, "C")]))
    assert house.destination.records == {"1": "changed", "2": "B", "3": "C"}


def test_inserted_rows_are_inserted_once(house: House, sources: list[AskedSource]) -> None:
    options: dict[str, Any] = {"mode": Mode.INSERT, "removal": Removal.NOTHING, "idempotent": False}
    refuse(house, "2")
    house.run(table(ABC), **options)
    refuse(house)
    retry(house, [*ABC, (4, "d")], **options)
    house.run(table([*ABC, (4, "d")]), **options)
    assert house.destination.inserts == {"1": 1, "2": 1, "3": 1, "4": 1}
