"""What one sync holds of a person: in its baseline, in the rows of its runs, and in requests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.urls import reverse

from connectors.access import open_source
from connectors.sdk.errors import ConnectorError
from syncs import engine
from syncs.codec import load
from syncs.engine import StorageFailed
from syncs.engine.persons import MOST_ROWS, HeldRow, SentRow, Wanted
from syncs.engine.spec import Baseline, Planner, Prepared, RunSpec
from syncs.models import Run, Sync
from syncs.outcomes import run_outcomes
from syncs.storage import storage

Check = Callable[[], None]


def look(sync: Sync, wanted: Wanted, check: Check) -> Mapping[str, Any] | None:
    """What the sync holds of the person as JSON, ``None`` for nothing.

    Files that are missing and warehouses that do not answer are named in ``problems``: a
    search must not look complete where it was not.
    """
    problems: list[str] = []
    held = _held(sync, wanted, (), check, problems)
    keys = {row.key for row in held}
    sent = [line for run in _runs(sync) for line in _sent(run, wanted, keys, check, problems)]
    keys |= {line["key"] for line in sent}
    if not held and not sent and not problems:
        return None
    return {
        "label": str(sync),
        "url": sync.get_absolute_url(),
        "destination": str(sync.destination),
        "model": sync.model.name,
        "model_id": sync.model_id,
        "source_id": sync.model.source_id,
        "primary_key": key_column(sync),
        "keys": sorted(keys),
        "held": [asdict(row) for row in held],
        "sent": sent[:MOST_ROWS],
        "problems": problems,
    }


def held_rows(sync: Sync, wanted: Wanted, keys: Collection[str], check: Check) -> list[HeldRow]:
    """The person's rows in the baseline; raises where that cannot be read."""
    baseline = load(Baseline, sync.baseline) if sync.baseline else None
    if baseline is None:
        return []
    if baseline.planner is Planner.WAREHOUSE:
        from syncs.engine.warehouse.persons import find_held

        return find_held(open_source(sync.model.source), baseline, wanted, keys, check)
    found: list[HeldRow] = engine.find_held(storage(), baseline, wanted, keys)
    return found


def key_column(sync: Sync) -> str:
    """The column that identifies this sync's rows: that of its latest run, else the model's."""
    return str(sync.last_run.spec.get("primary_key") or "") if sync.last_run else sync.model.primary_key


def _held(sync: Sync, wanted: Wanted, keys: Collection[str], check: Check, problems: list[str]) -> Sequence[HeldRow]:
    try:
        return held_rows(sync, wanted, keys, check)
    except StorageFailed:
        problems.append("The files it compares with are missing from the storage.")
    except ConnectorError as error:
        problems.append(f"The warehouse that compares it could not be asked ({error.code}).")
    return []


def _runs(sync: Sync) -> Sequence[Run]:
    rows = Run.objects.filter(sync=sync, traces_purged_at__isnull=True, prepared__isnull=False)
    return list(rows.order_by("-id"))


def _sent(run: Run, wanted: Wanted, keys: Collection[str], check: Check, problems: list[str]) -> list[dict[str, Any]]:
    check()
    spec, prepared = load(RunSpec, run.spec), load(Prepared, run.prepared)
    try:
        rows = engine.find_sent(storage(), spec, prepared, run_outcomes(run), wanted, keys)
        requests = _requests(run, spec, rows, wanted)
    except StorageFailed:
        problems.append(f"Files of run {run.number} are missing from the storage.")
        return []
    return [
        {
            **asdict(row),
            "run": run.pk,
            "number": run.number,
            "at": (run.started_at or run.created_at).isoformat(),
            "by": run.actor_label,
            "url": reverse("syncs:run_row", args=[run.sync.workspace.slug, run.sync_id, run.pk, row.id]),
            "requests": requests.get(_batch(spec, row), []),
        }
        for row in rows
    ]


def _requests(
    run: Run, spec: RunSpec, rows: Sequence[SentRow], wanted: Wanted
) -> dict[tuple[int, int] | None, list[dict[str, Any]]]:
    """Requests by the batch they carried."""
    batches = {batch for row in rows if (batch := _batch(spec, row)) is not None}
    if not batches:
        return {}
    found: dict[tuple[int, int] | None, list[dict[str, Any]]] = {}
    for line in engine.find_requests(storage(), spec.directory, "", batches):
        part = int(line["id"].split("-")[0].split(":")[0])
        url = reverse("syncs:run_request", args=[run.sync.workspace.slug, run.sync_id, run.pk, line["id"]])
        found.setdefault((part, line["batch"]), []).append({**line, "url": url})
    return found


def _batch(spec: RunSpec, row: SentRow) -> tuple[int, int] | None:
    if row.batch is None:
        return None
    return (0, 0) if spec.single_writer else (int(row.id.partition(":")[0]), row.batch)
