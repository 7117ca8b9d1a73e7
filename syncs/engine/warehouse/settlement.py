"""The last stage: unsettled rows become the new ``_rejections``, and old tables go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

import pyarrow as pa

from connectors.sdk.destination import RowSet
from connectors.sdk.planner import create_columns, warehouse_of
from connectors.sdk.source import Source
from syncs.engine.duck import Check, Duck, literal
from syncs.engine.recipe import KEY
from syncs.engine.spec import Baseline, Part, PartOutcome, Planner, Prepared, RowStatus, RunSpec
from syncs.engine.storage import Storage
from syncs.engine.warehouse.desk import Desk, desk
from syncs.engine.warehouse.preparation import base_on, clear, plan_columns, profile_of, statements_for
from syncs.engine.warehouse.statements import OUTCOME_COLUMNS
from syncs.engine.warehouse.tables import OUTCOMES, REJECTIONS, Names

OpenDuck = Callable[[], AbstractContextManager[Duck]]
_BATCH_ROWS = 20_000
_SCHEMA = pa.schema(list(OUTCOME_COLUMNS.items()))


def write_rejections(
    spec: RunSpec,
    prepared: Prepared,
    outcomes: Mapping[int, PartOutcome],
    baseline: Baseline | None,
    source: Source,
    storage: Storage,
    *,
    open_duck: OpenDuck,
    check: Check,
    attempt: str,
) -> Baseline:
    """Load what became of the rows that are not settled, and say what the next run compares with."""
    tables = prepared.tables
    assert tables is not None
    with desk(warehouse_of(source), check) as bench:
        names = Names.of(spec, attempt)
        clear(bench, names, baseline, settling=True)
        statements = statements_for(spec, profile_of(source), plan_columns(spec, bench, tables.plan))
        base = base_on(spec, bench, baseline, tables.base_plan, tables.base_rejections, own_hash=False)
        loaded = ""
        queries = [] if spec.rows is RowSet.FULL else _queries(spec, prepared.parts, outcomes, storage)
        if queries:
            loaded = names(OUTCOMES)
            _load(bench, loaded, queries, open_duck)
        duplicates = prepared.duplicates > 0 and spec.rows is not RowSet.FULL
        rejections = names(REJECTIONS)
        made = statements.create_rejections(
            rejections, tables.plan, tables.changes, base, loaded, duplicates=duplicates
        )
        bench.create(rejections, made)
        unsettled = int(bench.rows(statements.count(rejections))[0][0]) if loaded or duplicates else 0
    return Baseline(
        run_id=spec.run_id,
        spool="",
        overlay="",
        recipe=prepared.recipe,
        columns=tuple(column.name for column in spec.columns),
        rows=prepared.keyed,
        unsettled=unsettled,
        planner=Planner.WAREHOUSE,
        plan=tables.plan,
        rejections=rejections,
        previous=tuple(filter(None, (baseline.plan, baseline.rejections))) if baseline is not None else (),
    )


def retire_tables(spec: RunSpec, source: Source, baseline: Baseline, *, check: Check) -> None:
    """Once the pointer is at ``baseline``: drop what neither it nor the pair before needs."""
    with desk(warehouse_of(source), check) as bench:
        names = Names(Names.of(spec, "").prefix, spec.run_id + 1, 0)
        clear(bench, names, baseline, settling=False)


def drop_tables(source: Source, prefix: str, *, check: Check) -> None:
    """Drop every table of a sync that no longer exists."""
    with desk(warehouse_of(source), check) as bench:
        for name in bench.tables(prefix):
            bench.drop(name)


def _load(bench: Desk, name: str, queries: Sequence[str], open_duck: OpenDuck) -> None:
    bench.create(name, create_columns(name, OUTCOME_COLUMNS))
    with open_duck() as local:
        batches = local.stream(" UNION ALL ".join(queries), batch_rows=_BATCH_ROWS)
        plain = (pa.RecordBatch.from_arrays(batch.columns, schema=_SCHEMA) for batch in batches)
        bench.load(name, pa.RecordBatchReader.from_batches(_SCHEMA, plain))


def _queries(spec: RunSpec, parts: Sequence[Part], outcomes: Mapping[int, PartOutcome], storage: Storage) -> list[str]:
    """One SELECT for each file that names unsettled rows."""
    queries = []
    for part in parts:
        outcome = outcomes.get(part.number)
        if outcome is None:
            queries.append(_unattempted(part, storage))
        elif outcome.rejected.total or outcome.aborted.total:
            queries.append(_unsettled(spec, part, outcome, storage))
    return queries


def _unattempted(part: Part, storage: Storage) -> str:
    return (
        f"SELECT {KEY}, '{part.operations[0][0].value}', 'unattempted', NULL::VARCHAR, NULL::VARCHAR, NULL::VARCHAR, 0 "
        f"FROM read_parquet({literal(storage.local(part.path))})"
    )


def _unsettled(spec: RunSpec, part: Part, outcome: PartOutcome, storage: Storage) -> str:
    states = [RowStatus.REJECTED, RowStatus.ABORTED] + ([RowStatus.IN_DOUBT] if spec.idempotent else [])
    listed = ", ".join(literal(state.value) for state in states)
    return (
        f"SELECT key, '{part.operations[0][0].value}', "
        "CASE status WHEN 'aborted' THEN 'unattempted' ELSE status END, code, message, field, in_doubt::INTEGER "
        f"FROM read_parquet({literal(storage.local(outcome.path))}) WHERE status IN ({listed})"
    )
