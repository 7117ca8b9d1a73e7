"""Writes what a run did into the warehouse.

The run has ended by then. Nothing that happens here touches its rows, its
baseline or its status.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from django.conf import settings
from django.utils import timezone

from connectors.access import open_source
from connectors.choices import LogTable
from connectors.sdk.context import Workload
from connectors.sdk.planner import warehouse_of
from syncs.codec import load
from syncs.engine.logs.writing import RunFacts, write_logs
from syncs.engine.spec import Baseline, OperationCounts, Prepared, RunSpec
from syncs.logs import wanted_tables, workspace_code
from syncs.models import Run
from syncs.outcomes import run_outcomes
from syncs.storage import storage, workdir


def write(run: Run, *, check_cancel: Callable[[], None]) -> dict[str, int]:
    """Write a finished run into the tables wanted now; how many entries each of them got.

    The snapshot is left to a later run where that one has moved the baseline on.
    """
    spec = load(RunSpec, run.spec)
    prepared = load(Prepared, run.prepared) if run.prepared else None
    tables = [table.value for table in wanted_tables(run.sync)]
    if not _is_latest(run):
        tables = [name for name in tables if name != LogTable.SNAPSHOT]
    with warehouse_of(open_source(run.sync.model.source, Workload.BATCH)).session() as session:
        written = write_logs(
            tables,
            spec,
            prepared,
            [outcome for outcome in run_outcomes(run) if outcome.path],
            _facts(run),
            session,
            storage(),
            workdir=workdir(),
            memory_mb=settings.ENGINE_MEMORY_MB,
            threads=settings.ENGINE_THREADS,
            now=timezone.now(),
            baseline=load(Baseline, run.sync.baseline) if run.sync.baseline else None,
            check_cancel=check_cancel,
        )
    return {name: rows for name, rows in asdict(written).items() if rows is not None}


def _is_latest(run: Run) -> bool:
    """Whether the sync's baseline is the one that this run left."""
    baseline = run.sync.baseline
    return baseline is not None and baseline["run_id"] == run.pk


def _facts(run: Run) -> RunFacts:
    assert run.finished_at is not None
    return RunFacts(
        workspace=workspace_code(run.sync.workspace),
        destination=run.sync.destination.type,
        model_name=run.sync.model.name,
        model_id=run.sync.model_id,
        status=run.words.log,
        error=" ".join(part for part in (run.error_message, run.error_hint) if part),
        started_at=run.started_at or run.created_at,
        finished_at=run.finished_at,
        planned=_counts(run, "planned"),
        succeeded=_counts(run, "succeeded"),
        rejected=_counts(run, "rejected"),
    )


def _counts(run: Run, name: str) -> OperationCounts:
    return OperationCounts(**{word: getattr(run, f"{name}_{word}") for word in ("added", "changed", "removed")})
