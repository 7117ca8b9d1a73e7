"""Erasing one person from what one sync remembers, while no run of it can start."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from django.conf import settings

from connectors.access import open_source
from connectors.choices import Health
from connectors.registry import source_class
from connectors.sdk.errors import ConnectorError
from governance.privacy.registry import Stuck
from syncs import engine
from syncs.codec import load
from syncs.engine.duck import duck
from syncs.engine.erasing import Files, Person
from syncs.engine.persons import Wanted
from syncs.engine.spec import Baseline, Planner, Prepared, RunSpec
from syncs.logs import workspace_code
from syncs.models import Run, Sync
from syncs.origins import origin_of
from syncs.outcomes import run_outcomes
from syncs.runspec import sync_directory
from syncs.services import privacy as writes
from syncs.storage import storage, workdir

Check = Callable[[], None]
Lines = list[Mapping[str, Any]]


def erase_from_sync(sync: Sync, person: Person, case_id: int, check: Check) -> Lines:
    """Everything one sync holds: previews, baseline, files of runs, tables and logs in the warehouse."""
    lines = [_line("Previews", sync, _previews(sync, case_id))]
    baseline = load(Baseline, sync.baseline) if sync.baseline else None
    with duck(workdir(), memory_mb=settings.ENGINE_MEMORY_MB, threads=1, check=check) as bench:
        files = Files(storage(), bench, check)
        if baseline is not None and baseline.planner is Planner.LOCAL:
            baseline, lost = _from_baseline(sync, files, baseline, person, case_id)
            lines.append(_line("Rows it compares with", sync, lost))
        kept = {baseline.spool, baseline.overlay} if baseline is not None else set()
        counts = {"requests": 0, "rows": 0, "compared": 0}
        for run in Run.objects.filter(sync=sync, traces_purged_at__isnull=True).order_by("id").iterator(chunk_size=50):
            check()
            found = engine.erase_from_run(
                files,
                run.spec["directory"],
                load(RunSpec, run.spec),
                load(Prepared, run.prepared) if run.prepared else None,
                run_outcomes(run),
                person,
                kept,
            )
            counts = {name: counts[name] + number for name, number in found.items()}
    lines.append(_line("Rows of runs", sync, counts["rows"] + counts["compared"]))
    lines.append(_line("Requests and answers", sync, counts["requests"]))
    return [*lines, *_from_warehouse(sync, person, check), *_from_origin(sync, person)]


def _from_origin(sync: Sync, person: Person) -> Lines:
    """What those who make the sync's rows keep about them."""
    origin = origin_of(sync.model)
    if origin is None or origin.erase is None:
        return []
    try:
        found = origin.erase(sync, person.keys)
    except ConnectorError as error:
        raise Stuck(f"The history of what “{sync}” sends cannot be erased: {error.message}", error.hint) from error
    return [_line("Entries of its history", sync, count, where) for where, count in found]


def _from_baseline(sync: Sync, files: Files, baseline: Baseline, person: Person, case_id: int) -> tuple[Baseline, int]:
    made, lost = engine.erase_from_baseline(files, baseline, person, f"erased{case_id}")
    if made != baseline:
        writes.move_baseline(sync.pk, case_id, before=baseline, after=made)
        for path in {baseline.spool, baseline.overlay} - {made.spool, made.overlay, ""}:
            files.storage.delete(path)
    return made, lost


def _previews(sync: Sync, case_id: int) -> int:
    number = writes.delete_previews(sync.pk, case_id)
    storage().delete_tree(f"{sync_directory(sync.workspace_id, sync.pk)}/previews")
    return number


def _from_warehouse(sync: Sync, person: Person, check: Check) -> Lines:
    """Tables of Headrace's in the source, where it may write there."""
    source = sync.model.source
    compared = (sync.baseline or {}).get("planner") == Planner.WAREHOUSE
    writes_there = source_class(source.type).definition.write_planner
    if not writes_there or not (compared or source.write_health == Health.HEALTHY):
        return []
    from syncs.engine.warehouse.persons import erase_held, erase_logs
    from syncs.engine.warehouse.tables import sync_prefix

    code = workspace_code(sync.workspace)
    baseline = load(Baseline, sync.baseline) if compared else None
    opened = open_source(source)
    try:
        tables = erase_held(opened, sync_prefix(code, sync.pk), baseline, person, check)
        logs = erase_logs(opened, code, sync.pk, person.keys, check)
    except ConnectorError as error:
        raise Stuck(
            f"“{source}” does not let Headrace erase its own tables there: {error.message}", error.hint
        ) from error
    if baseline is not None and (lost := tables.get(baseline.plan, 0)):
        writes.count_out(sync.pk, rows=lost, unsettled=tables.get(baseline.rejections, 0))
    return [
        _line("Rows of tables in the warehouse", sync, sum(tables.values()), str(source)),
        _line("Entries of sync logs in the warehouse", sync, sum(logs.values()), str(source)),
    ]


def person_of(wanted: Wanted, keys: Collection[str], texts: Sequence[str]) -> Person:
    """Whom to erase."""
    return Person(wanted, frozenset(keys), tuple(texts))


def _line(what: str, sync: Sync, count: int, where: str = "") -> Mapping[str, Any]:
    return {"what": what, "where": f"{sync} ({where})" if where else str(sync), "count": count}
