"""What syncs hold, from one listing of the storage: every file is in exactly one line."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from governance.audit.actors import Actor
from governance.privacy.registry import Holding
from syncs.codec import load
from syncs.engine.spec import Baseline, Planner
from syncs.models import Model, Preview, Run, Sync
from syncs.retention import Kept, kept_in
from syncs.services.held_data import delete_held_data
from syncs.storage import managed_storage, own_storage, storage
from workspaces.scoping import current_workspace_id

_PATH = re.compile(r"workspaces/\d+/syncs/(?P<sync>\d+)/(?P<kind>runs|previews)/(?P<id>\d+)/(?P<rest>.+)")
BASELINE, ROWS, REQUESTS, PREVIEWS, LEFT = "baseline", "rows", "requests", "previews", "left"
WORDS = {
    BASELINE: ("Rows it compares with", "What the destination holds, so that only differences are sent."),
    ROWS: ("Rows of runs", "What each run found and what became of it: added, changed, removed and rejected rows."),
    REQUESTS: ("Requests and answers", "What was sent and answered, for people who look into a run."),
    PREVIEWS: ("Previews", "What a run would do, for whoever asked."),
    LEFT: ("Files of a sync that was deleted", "They should be gone, and will be asked for by nothing."),
}


@dataclass
class _Set:
    size: int = 0
    files: int = 0
    ids: set[int] = field(default_factory=set)


def holdings_of(source_id: int | None) -> list[Holding]:
    """Files and tables of the workspace's syncs, or of one source's; other files of the workspace come last."""
    workspace_id = current_workspace_id()
    rows = Sync.objects.select_related("model__source", "destination", "workspace", "last_run").order_by("pk")
    syncs = {sync.pk: sync for sync in (rows if source_id is None else rows.filter(model__source_id=source_id))}
    sets, other = _listed(workspace_id, syncs)
    where = _where(workspace_id)
    kept = kept_in(workspace_id)
    since = _oldest(list(syncs))
    lines = [
        line
        for pk, sync in syncs.items()
        for line in [*_files_of(sync, sets, kept, since, where), *_tables_of(sync)]
    ]  # fmt: skip
    if source_id is not None:
        return lines
    known = set(Sync.objects.values_list("pk", flat=True))
    for pk in sorted({pk for pk, _ in sets} - known):
        size = sum(found.size for (owner, _), found in sets.items() if owner == pk)
        label, why = WORDS[LEFT]
        lines.append(Holding(label, where, why, size=size, owner=f"Sync {pk}", deletable=f"{LEFT}:{pk}"))
    if other.files:
        why = "Exports and other files of this workspace."
        lines.append(Holding("Other files", where, why, size=other.size))
    return [*lines, *_rows_in_database(kept)]


def delete_holding(actor: Actor, deletable: str) -> str:
    """Delete what a line offered."""
    kind, _, pk = deletable.partition(":")
    return delete_held_data(actor=actor, kind=kind, sync_id=int(pk) if pk.isdecimal() else 0)


def _where(workspace_id: int) -> str:
    """The storage by name; both while files from before a move are still in the installation's."""
    own, installation = own_storage(), "Headrace's storage"
    if own is None:
        return installation
    left = managed_storage().list(f"workspaces/{workspace_id}")
    return f"{own.url} and, from before, {installation}" if left else own.url


def _listed(workspace_id: int, syncs: dict[int, Sync]) -> tuple[dict[tuple[int, str], _Set], _Set]:
    """Sizes by sync and kind, and what is none of a sync's."""
    compared = {path for sync in syncs.values() for path in _compared(sync)}
    sets: dict[tuple[int, str], _Set] = defaultdict(_Set)
    other = _Set()
    for path, size in storage().sizes(f"workspaces/{workspace_id}").items():
        match = _PATH.fullmatch(path)
        found = other if match is None else sets[int(match["sync"]), _kind(path, match, compared)]
        found.size, found.files = found.size + size, found.files + 1
        if match is not None:
            found.ids.add(int(match["id"]))
    return sets, other


def _kind(path: str, match: re.Match[str], compared: set[str]) -> str:
    if path in compared:
        return BASELINE
    if match["kind"] == "previews":
        return PREVIEWS
    return REQUESTS if match["rest"].startswith("exchanges/") else ROWS


def _compared(sync: Sync) -> list[str]:
    return [sync.baseline[name] for name in ("spool", "overlay") if sync.baseline and sync.baseline.get(name)]


def _files_of(
    sync: Sync, sets: dict[tuple[int, str], _Set], kept: Kept, since: dict[tuple[str, int], datetime], where: str
) -> list[Holding]:
    lines = []
    lasting = {ROWS: kept.row_words, REQUESTS: kept.request_words, PREVIEWS: kept.preview_words}
    for kind in (BASELINE, ROWS, REQUESTS, PREVIEWS):
        found = sets.get((sync.pk, kind))
        if found is None:
            continue
        label, why = WORDS[kind]
        ages = [at for pk in found.ids if (at := since.get((_TABLE[kind], pk)))]
        lines.append(
            Holding(
                label,
                where,
                why,
                size=found.size,
                rows=_baseline_rows(sync) if kind == BASELINE else None,
                since=min(ages, default=None),
                kept=lasting.get(kind, "As long as the sync"),
                owner=str(sync),
                url=sync.get_absolute_url(),
                deletable="" if kind == BASELINE else f"{kind}:{sync.pk}",
            )
        )
    return lines


_TABLE = {BASELINE: "run", ROWS: "run", REQUESTS: "run", PREVIEWS: "preview"}


def _tables_of(sync: Sync) -> list[Holding]:
    """The tables that the warehouse planner needs; their bytes are the warehouse's to tell."""
    baseline = load(Baseline, sync.baseline) if sync.baseline else None
    if baseline is None or baseline.planner is not Planner.WAREHOUSE:
        return []
    where = f"{sync.model.source}, schema headrace_planner"
    named: dict[str, Any] = {"owner": str(sync), "url": sync.get_absolute_url(), "kept": "As long as the sync"}
    label, why = WORDS[BASELINE]
    lines = [Holding(f"{label} ({baseline.plan})", where, why, rows=baseline.rows, **named)]
    if baseline.rejections:
        why = "Rows that the destination refused or that were not sent: the next run tries them again."
        lines.append(Holding(f"Rows left over ({baseline.rejections})", where, why, rows=baseline.unsettled, **named))
    for name in baseline.previous:
        lines.append(Holding(f"The result before ({name})", where, "For people who look into a run.", **named))
    return lines


def _rows_in_database(kept: Kept) -> list[Holding]:
    runs = Run.objects.count()
    where = "Headrace's database"
    why = "When runs were, how many rows they moved, and why they failed. No row values."
    history = Holding("Run history", where, why, rows=runs, kept=kept.run_words)
    models = Holding("Models", where, "Definitions only: a model stores no rows.", rows=Model.objects.count())
    return [history, models]


def _baseline_rows(sync: Sync) -> int:
    return int(sync.baseline["rows"]) + int(sync.baseline["unsettled"]) if sync.baseline else 0


def _oldest(sync_ids: list[int]) -> dict[tuple[str, int], Any]:
    """When runs and previews were made."""
    runs = Run.objects.filter(sync_id__in=sync_ids, traces_purged_at__isnull=True).values_list("pk", "created_at")
    current = Run.objects.filter(pk__in=[s["run_id"] for s in _baselines(sync_ids)]).values_list("pk", "created_at")
    previews = Preview.objects.filter(sync_id__in=sync_ids).values_list("pk", "created_at")
    made = {("run", pk): at for pk, at in [*runs, *current]}
    return made | {("preview", pk): at for pk, at in previews}


def _baselines(sync_ids: list[int]) -> list[dict[str, Any]]:
    rows = Sync.objects.filter(pk__in=sync_ids, baseline__isnull=False)
    return [baseline for baseline in rows.values_list("baseline", flat=True) if baseline]
