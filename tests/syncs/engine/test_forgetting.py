"""A forgotten person's row is left out of runs, in both planners, and goes from every file a run left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from syncs.engine.duck import duck, never
from syncs.engine.erasing import ERASED, Files, Person, erase_from_baseline, erase_from_run
from syncs.engine.forgetting import Forgotten, digest
from syncs.engine.persons import Wanted, find_held, find_sent
from syncs.engine.runlog import RunLog
from syncs.engine.spec import Baseline, RowStatus
from tests.syncs.engine.support import MEMORY_MB, THREADS, Crash, Finished, House, MemoryDestination, table

SECRETS = (b"a" * 32, b"b" * 32)


def forget(*keys: str, thorough: bool = False) -> Forgotten:
    """Each key's hash made with another of the secrets, as after a change of keys."""
    made: dict[bytes, set[str]] = {secret: set() for secret in SECRETS}
    for n, key in enumerate(keys):
        secret = SECRETS[n % 2]
        made[secret].add(digest(secret, "model:1:", key))
    return Forgotten("model:1:", {s: frozenset(d) for s, d in made.items()}, thorough)


def accounts(run: Finished) -> tuple[int, ...]:
    p = run.prepared
    assert p.queried == p.null_keys + p.duplicates + p.forgotten + p.keyed
    return p.queried, p.null_keys, p.duplicates, p.forgotten, p.keyed


def test_forgotten_rows_are_skipped_and_counted_whatever_the_run(any_house: House) -> None:
    rows: list[tuple[int | None, str]] = [(1, "a"), (2, "b"), (3, "c"), (3, "d"), (4, "e"), (None, "f"), (5, "g")]
    any_house.forgotten = forget("2", "3", "99")
    first = any_house.run(table(rows))
    assert accounts(first) == (7, 1, 0, 3, 3)
    assert any_house.destination.records == {"1": "a", "4": "e", "5": "g"}
    second = any_house.run(table([(1, "A"), *rows[1:]]))
    assert (accounts(second), second.prepared.planned.total) == ((7, 1, 0, 3, 3), 1)
    again = any_house.run(table(rows), resync=True)
    assert (accounts(again), again.prepared.planned.added) == ((7, 1, 0, 3, 3), 3)


def test_a_row_that_is_still_known_is_removed_where_that_was_asked(any_house: House) -> None:
    any_house.run(table([(1, "a"), (2, "b")]))
    any_house.forgotten = forget("2", thorough=True)
    run = any_house.run(table([(1, "a"), (2, "B")]))
    assert (run.prepared.planned.removed, run.prepared.forgotten) == (1, 1)
    assert any_house.destination.records == {"1": "a"}


def rows_of(house: House, run: Finished) -> list[tuple[str, RowStatus, str]]:
    log = RunLog(house.storage, run.spec, run.prepared, run.outcomes)
    return [(row.key, row.status, str(row.values.get("value"))) for row in log.export()]


def erase(house: House, runs: Sequence[Finished], person: Person) -> None:
    """As the application does: the baseline first and its pointer, then each run's files."""
    assert house.baseline is not None
    with duck(house.folder / "work", memory_mb=MEMORY_MB, threads=THREADS, check=never) as bench:
        files = Files(house.storage, bench, never)
        made, _ = erase_from_baseline(files, house.baseline, person, "x1")
        old, house.baseline = house.baseline, made
        for path in {old.spool, old.overlay} - {made.spool, made.overlay, ""}:
            house.storage.delete(path)
        kept = {made.spool, made.overlay}
        for run in runs:
            erase_from_run(files, run.spec.directory, run.spec, run.prepared, run.outcomes, person, kept)


def held_anywhere(house: House, secret: bytes) -> list[str]:
    """Files that hold this text, told by DuckDB row by row: compressed bytes would hide it."""
    import pyarrow.parquet as pq

    return [
        path
        for path in house.storage.list("syncs")
        if secret in repr(pq.read_table(house.storage.local(path)).to_pydict()).encode()
    ]


@pytest.mark.parametrize("die_at", [None, 0, 1, 3, 6])
def test_erasing_leaves_no_trace_and_can_be_killed_at_every_step(tmp_path: Path, die_at: int | None) -> None:
    house = House(tmp_path, MemoryDestination())
    house.destination.refused = {"3"}
    rows = [(1, "one"), (2, "secret-two"), (3, "refused-three"), (4, "four"), (4, "twice")]
    runs = [house.run(table(rows)), house.run(table([(1, "uno"), (2, "secret-2b"), *rows[2:]]))]
    baseline = house.baseline
    assert baseline is not None
    person = Person(Wanted("2"), frozenset({"2", "3"}), ("secret-two",))
    assert {r.key: r.reason for r in find_held(house.storage, baseline, Wanted("2"), ["3"])} == {
        "2": "",
        "3": "rejected",
    }
    house.faults.reset(die_at)
    try:
        erase(house, runs, person)
    except Crash:
        house.faults.reset()
        erase(house, runs, person)
    house.faults.reset()
    assert held_anywhere(house, b"secret") == held_anywhere(house, b"three") == []
    assert house.baseline is not None
    assert find_held(house.storage, house.baseline, Wanted("2"), ["3"]) == []
    assert find_sent(house.storage, runs[0].spec, runs[0].prepared, runs[0].outcomes, Wanted("2"), ["3"]) == []
    assert (house.baseline.rows, house.baseline.unsettled) == (baseline.rows - 2, baseline.unsettled - 1)
    shown = rows_of(house, runs[0])
    assert [row for row in shown if row[0] == ERASED] == [
        (ERASED, RowStatus.SUCCEEDED, "None"),
        (ERASED, RowStatus.REJECTED, "None"),
    ]
    assert ("1", RowStatus.SUCCEEDED, "one") in shown
    house.destination.refused, house.forgotten = set(), forget("2", "3")
    after = house.run(table(rows[:4]))
    assert (after.prepared.forgotten, after.prepared.planned.removed, after.prepared.planned.changed) == (2, 0, 1)
    assert house.destination.records["2"] == "secret-2b"


def test_a_person_is_found_by_any_column_whatever_the_case(tmp_path: Path) -> None:
    house = House(tmp_path, MemoryDestination())
    run = house.run(table([(1, "Ada@Example.com"), (2, "b")]))
    baseline: Baseline = run.settled.baseline
    found = find_held(house.storage, baseline, Wanted("ada@example.COM", "*"))
    assert [(row.key, row.values) for row in found] == [("1", {"id": "1", "value": "Ada@Example.com"})]
    assert find_held(house.storage, baseline, Wanted("ada@example.com", "id")) == []
    sent = find_sent(house.storage, run.spec, run.prepared, run.outcomes, Wanted("ada@example.com", "value"))
    assert [(row.id, row.status) for row in sent] == [("1:0", "succeeded")]
