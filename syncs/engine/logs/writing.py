"""Puts a run's logs into the warehouse: each run once, however often this is tried.

What an earlier attempt left of the run is deleted in the transaction that
writes it anew. Where the warehouse has no transactions, the same order of
statements still ends with every entry once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlglot import exp

from connectors.sdk.planner import AUDIT_SCHEMA, Statement, WarehouseSession
from syncs.engine.duck import Check, duck, never
from syncs.engine.logs.fetching import fetch_carried, fetch_result
from syncs.engine.logs.rows import RunRows
from syncs.engine.logs.tables import CHANGELOG, GROUP, OPERATIONS, RUNS, TABLES, LogTable
from syncs.engine.spec import Baseline, OperationCounts, PartOutcome, Prepared, RunSpec
from syncs.engine.storage import Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What ``sync_runs`` says of a run beyond its specification. Counts are rows; times are aware."""

    workspace: str
    destination: str
    model_name: str
    model_id: int
    status: str
    error: str
    started_at: datetime
    finished_at: datetime
    planned: OperationCounts
    succeeded: OperationCounts
    rejected: OperationCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Entries written by table; ``None`` where the table was not asked for."""

    changelog: int | None = None
    snapshot: int | None = None
    runs: int | None = None


def write_logs(
    tables: Collection[str],
    spec: RunSpec,
    prepared: Prepared | None,
    outcomes: Sequence[PartOutcome],
    facts: RunFacts,
    session: WarehouseSession,
    storage: Storage,
    *,
    workdir: str | Path,
    memory_mb: int,
    threads: int,
    now: datetime,
    baseline: Baseline | None = None,
    check_cancel: Check = never,
) -> Written:
    """Write a finished run into the chosen log tables, which are made if need be.

    ``tables`` are keys of :data:`~syncs.engine.logs.tables.TABLES`. A run that ended
    before it was compared (``prepared`` is ``None``) has no rows to log and leaves the
    snapshot as it is. ``baseline`` is what the run left. Raises :mod:`connectors.sdk.errors` of the warehouse.
    """
    wanted = [name for name in TABLES if name in tables and (prepared is not None or name == "runs")]
    written: dict[str, int] = {}
    for name in wanted:
        _make(session, TABLES[name], groups=bool(spec.group))
    result = ""
    if prepared is not None and prepared.tables is not None and "snapshot" in wanted:
        assert baseline is not None
        result = fetch_result(session, spec, prepared.tables.plan, storage, check_cancel)
        carried = fetch_carried(session, spec, baseline.rejections, storage, check_cancel)
        prepared = replace(prepared, carried=carried)
    with duck(workdir, memory_mb=memory_mb, threads=threads, check=check_cancel) as bench, session.transaction():
        for name in wanted:
            table = TABLES[name]
            session.execute(_removal(table, spec, facts.workspace))
            if prepared is None or table is RUNS:
                written[name] = _append(session, table, table.arrow, [_run_entry(spec, facts)], check_cancel)
                continue
            rows = RunRows(bench, storage, spec, prepared, outcomes, workspace=facts.workspace, result=result)
            batches = rows.changelog(now) if table is CHANGELOG else rows.snapshot()
            schema = table.batch_schema(groups=bool(spec.group))
            written[name] = _append(session, table, schema, batches, check_cancel)
    if prepared is not None and result:
        storage.delete(result)
        storage.delete(prepared.carried)
    return Written(**written)


def prune_changelog(session: WarehouseSession, workspace: str, before: datetime) -> None:
    """Delete a workspace's changelog entries from before a moment; nothing else depends on them."""
    session.execute(CHANGELOG.creation())
    older = exp.column("logged_at", quoted=True) < exp.cast(exp.Literal.string(before.isoformat()), "timestamptz")
    session.execute(Statement(exp.delete(CHANGELOG.expression()).where(_of_workspace(workspace), older)))


def _removal(table: LogTable, spec: RunSpec, workspace: str) -> Statement:
    """Deletes what the new entries replace: those of the same run, or in the snapshot of the same sync."""
    number = spec.sync_id if table.key == "sync_id" else spec.run_id
    same = exp.column(table.key, quoted=True).eq(exp.Literal.number(number))
    return Statement(exp.delete(table.expression()).where(_of_workspace(workspace), same))


def _of_workspace(workspace: str) -> exp.EQ:
    return exp.column("workspace", quoted=True).eq(exp.Literal.string(workspace))


def _make(session: WarehouseSession, table: LogTable, *, groups: bool) -> None:
    """The table with the columns that are to be written, whatever of it is there."""
    session.execute(table.creation())
    if not (groups and table.grouped):
        return
    there = session.describe(Statement(exp.select("*").from_(table.expression())))
    if GROUP.name not in {column.name for column in there}:
        session.execute(table.addition())


def _append(
    session: WarehouseSession, table: LogTable, schema: pa.Schema, batches: Iterable[pa.RecordBatch], check: Check
) -> int:
    """Add entries; ``check`` is asked before each batch and may raise to stop."""

    def checked() -> Iterator[pa.RecordBatch]:
        for batch in batches:
            check()
            yield batch

    return session.load(table.name, pa.RecordBatchReader.from_batches(schema, checked()), AUDIT_SCHEMA)


def _run_entry(spec: RunSpec, facts: RunFacts) -> pa.RecordBatch:
    entry: dict[str, Any] = {
        "sync_id": spec.sync_id,
        "sync_run_id": spec.run_id,
        "primary_key": spec.primary_key,
        "error": facts.error or None,
        **{
            field.name: getattr(facts, field.name)
            for field in fields(facts)
            if field.name in RUNS.arrow.names and field.name != "error"
        },
    }
    for short, word in OPERATIONS.items():
        planned, succeeded, failed = (getattr(c, word) for c in (facts.planned, facts.succeeded, facts.rejected))
        entry[f"num_planned_{short}"] = planned
        entry[f"num_attempted_{short}"] = succeeded + failed
        entry[f"num_succeeded_{short}"] = succeeded
        entry[f"num_failed_{short}"] = failed
    return pa.RecordBatch.from_pylist([entry], schema=RUNS.arrow)
