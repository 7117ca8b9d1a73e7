"""The last stage: what the next run compares with.

The new baseline is this run's spool, with an overlay in which every row that
did not arrive keeps the state the destination is known to hold. Both are
immutable files; nothing counts until the caller has moved its pointer.

Overlay columns: ``_key``, ``_hash``, ``_present``, ``_forced`` (see
:mod:`syncs.engine.diff`), ``_operation``, ``_reason`` (``rejected``,
``unattempted``, ``in_doubt`` or ``duplicate``), ``_code``, ``_message``, ``_field``
and the columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq

from connectors.sdk.destination import RowSet
from connectors.sdk.source import Source
from connectors.sdk.types import Operation
from syncs.engine.diff import BASE_HASH, FORCED, PRESENT
from syncs.engine.duck import Duck, duck, literal, never
from syncs.engine.query import PARQUET
from syncs.engine.recipe import DUPLICATE_CODE, HASH, KEY
from syncs.engine.spec import (
    Baseline,
    OperationCounts,
    Part,
    PartOutcome,
    Planner,
    Prepared,
    RowStatus,
    RunSpec,
    Settled,
)
from syncs.engine.storage import Storage
from syncs.engine.warehouse import settlement as warehouse
from syncs.engine.warehouse.tables import sync_prefix


def settle(
    spec: RunSpec,
    prepared: Prepared,
    outcomes: Sequence[PartOutcome],
    baseline: Baseline | None,
    storage: Storage,
    *,
    workdir: str | Path,
    memory_mb: int,
    threads: int,
    check_cancel: Callable[[], None] = never,
    attempt: str = "",
    source: Source | None = None,
) -> Settled:
    """Write the overlay and say what the next run compares with; the warehouse planner does so in the ``source``.

    Parts without an outcome were never attempted. Insert-only rows in doubt count
    as delivered from now on, since sending them again could double them; their
    outcome keeps naming them.
    """
    by_number = {outcome.number: outcome for outcome in outcomes}
    aborted = [_outcome_of(part, by_number) for part in prepared.parts]
    open_duck = partial(duck, workdir, memory_mb=memory_mb, threads=threads, check=check_cancel)
    if prepared.tables is None:
        made = _local_baseline(spec, prepared, by_number, storage, open_duck, attempt)
    else:
        assert source is not None
        made = warehouse.write_rejections(
            spec,
            prepared,
            by_number,
            baseline,
            source,
            storage,
            open_duck=open_duck,
            check=check_cancel,
            attempt=attempt,
        )
    return Settled(
        baseline=made,
        succeeded=total([outcome.succeeded for outcome in aborted]),
        rejected=total([outcome.rejected for outcome in aborted]),
        aborted=total([outcome.aborted for outcome in aborted]),
        in_doubt=sum(outcome.in_doubt for outcome in aborted),
    )


def retire(spec: RunSpec, source: Source, baseline: Baseline) -> None:
    """Once the pointer is at ``baseline``: drop tables in the warehouse that nothing needs any more."""
    if baseline.planner is Planner.WAREHOUSE:
        warehouse.retire_tables(spec, source, baseline, check=never)


def drop_tables(source: Source, namespace: str, sync_id: int) -> None:
    """Drop every table of a sync that no longer exists from the warehouse."""
    warehouse.drop_tables(source, sync_prefix(namespace, sync_id), check=never)


def superseded(old: Baseline | None, new: Baseline) -> tuple[str, ...]:
    """Files that nothing needs once the pointer is at ``new``; delete them only then."""
    if old is None:
        return ()
    return tuple(sorted({old.spool, old.overlay} - {new.spool, new.overlay, ""}))


def expire_run(storage: Storage, directory: str, baseline: Baseline | None) -> None:
    """Delete a run's files, except those that the sync's baseline still names."""
    kept = {baseline.spool, baseline.overlay} if baseline is not None else set()
    for path in storage.list(directory):
        if path not in kept:
            storage.delete(path)


def total(counts: Sequence[OperationCounts]) -> OperationCounts:
    """The sum of counts, operation by operation."""
    return OperationCounts(
        added=sum(c.added for c in counts),
        changed=sum(c.changed for c in counts),
        removed=sum(c.removed for c in counts),
    )


def _outcome_of(part: Part, by_number: dict[int, PartOutcome]) -> PartOutcome:
    """A part's outcome; one that was never attempted is aborted as a whole."""
    operation = part.operations[0][0]
    never_tried = PartOutcome(number=part.number, path="", aborted=OperationCounts(**{operation.value: part.rows}))
    return by_number.get(part.number, never_tried)


def _local_baseline(
    spec: RunSpec,
    prepared: Prepared,
    by_number: dict[int, PartOutcome],
    storage: Storage,
    open_duck: warehouse.OpenDuck,
    attempt: str,
) -> Baseline:
    unsettled = 0
    overlay = ""
    queries = _overlay_queries(spec, prepared, by_number, storage)
    if queries and spec.rows is not RowSet.FULL:
        with open_duck() as bench:
            overlay, unsettled = _write_overlay(bench, spec, queries, storage, attempt)
    return Baseline(
        run_id=spec.run_id,
        spool=prepared.spool,
        overlay=overlay,
        recipe=prepared.recipe,
        columns=tuple(column.name for column in spec.columns),
        rows=prepared.keyed,
        unsettled=unsettled,
    )


def _overlay_queries(
    spec: RunSpec, prepared: Prepared, by_number: dict[int, PartOutcome], storage: Storage
) -> list[str]:
    """One SELECT for each file that holds unsettled rows."""
    queries = [_carried_sql(spec, storage.local(prepared.carried))] if prepared.carried else []
    for part in prepared.parts:
        outcome = by_number.get(part.number)
        if outcome is None:
            queries.append(_unattempted_sql(spec, part, storage))
        elif outcome.rejected.total or outcome.aborted.total:
            queries.append(_unsettled_sql(spec, part, outcome, storage))
    return queries


def _write_overlay(
    bench: Duck, spec: RunSpec, queries: Sequence[str], storage: Storage, attempt: str
) -> tuple[str, int]:
    suffix = f"-{attempt}" if attempt else ""
    path = f"{spec.directory}/overlay{suffix}.parquet"
    with storage.writing(path) as place:
        bench.run(f"COPY ({' UNION ALL BY NAME '.join(queries)}) TO {literal(place)} ({PARQUET})")
    rows = int(pq.read_metadata(storage.local(path)).num_rows)
    if rows == 0:
        storage.delete(path)
        return "", 0
    return path, rows


def _carried_sql(spec: RunSpec, file: Path) -> str:
    return (
        f"SELECT {KEY}, {HASH}, {PRESENT}, {FORCED}, NULL::VARCHAR AS _operation, 'duplicate' AS _reason, "
        f"'{DUPLICATE_CODE}' AS _code, 'The primary key is not unique.' AS _message, NULL::VARCHAR AS _field, "
        f"{', '.join(_columns(spec))} FROM read_parquet({literal(file)})"
    )


def _unattempted_sql(spec: RunSpec, part: Part, storage: Storage) -> str:
    source = f"(SELECT *, false AS in_doubt FROM read_parquet({literal(storage.local(part.path))}))"
    words = "'unattempted' AS _reason, NULL::VARCHAR AS _code, NULL::VARCHAR AS _message, NULL::VARCHAR AS _field"
    return _entry_sql(spec, part, source, words)


def _unsettled_sql(spec: RunSpec, part: Part, outcome: PartOutcome, storage: Storage) -> str:
    states = [RowStatus.REJECTED, RowStatus.ABORTED] + ([RowStatus.IN_DOUBT] if spec.idempotent else [])
    source = (
        f"(SELECT p.* EXCLUDE (file_row_number), o.* EXCLUDE (key, operation) "
        f"FROM read_parquet({literal(storage.local(part.path))}, file_row_number = true) p "
        f"JOIN (SELECT * FROM read_parquet({literal(storage.local(outcome.path))}) "
        f"WHERE status IN ({', '.join(literal(s.value) for s in states)})) o ON p.file_row_number = o.row)"
    )
    words = (
        "CASE status WHEN 'aborted' THEN 'unattempted' ELSE status END AS _reason, "
        "code AS _code, message AS _message, field AS _field"
    )
    return _entry_sql(spec, part, source, words)


def _entry_sql(spec: RunSpec, part: Part, source: str, words: str) -> str:
    """Overlay entries of one part's rows: the state from before the run.

    An addition in doubt keeps the values that were sent, because its removal will need them.
    """
    operation = part.operations[0][0]
    columns = [f"o{i} AS c{i}" for i in range(len(spec.columns))] if operation is Operation.CHANGED else _columns(spec)
    return (
        f"SELECT {KEY}, {BASE_HASH} AS {HASH}, {PRESENT}, ({FORCED} OR in_doubt) AS {FORCED}, "
        f"'{operation.value}' AS _operation, {words}, {', '.join(columns)} FROM {source}"
    )


def _columns(spec: RunSpec) -> list[str]:
    return [f"c{i}" for i in range(len(spec.columns))]
