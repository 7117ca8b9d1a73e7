"""A sync and its model turned into what one run does: the engine's ``RunSpec`` and the connector's ``Job``.

Pure reads: no call to the source or destination. Secrets never enter either.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from typing import Any

from connectors.registry import source_class
from connectors.sdk.destination import Destination, DestinationField, FirstRun, Job, Mode, Removal, RowSet
from connectors.sdk.types import ColumnType, Operation
from syncs.choices import PendingReset
from syncs.codec import load
from syncs.configuration import definition_of
from syncs.engine.guardrails import Guardrails
from syncs.engine.spec import FieldMapping, Planner, RunSpec
from syncs.engine.spec import ModelColumn as SpecColumn
from syncs.expansion import expansion_of
from syncs.logs import workspace_code
from syncs.mappings import from_json, needs_all_columns, read_columns, sources_of, used_columns
from syncs.models import Model, Run, Sync
from syncs.origins import asked_by


def build_spec(sync: Sync, run: Run, *, reset: PendingReset, reprocess: bool, only_unsettled: bool = False) -> RunSpec:
    """Everything the run needs to know; ``wanted`` is narrowed by the connector when the run prepares."""
    model = sync.model
    kind = definition_of(sync.destination).sync_type(sync.sync_type)
    mode = kind.mode(Mode(sync.mode))
    mappings = from_json(sync.mappings)
    dialect = source_class(model.source.type).definition.dialect
    whole = kind.takes_whole_rows(mapped=bool(mappings))
    all_columns = needs_all_columns(kind, mappings)
    names = _column_names(model, mappings, all_columns=all_columns)
    expanded = expansion_of(model.columns.all(), mappings)
    if expanded is None:
        asked = asked_by(sync, names, dialect, run.created_at)
        sql, key = asked.sql, model.primary_key
    else:
        key = expanded.element
        plain = (name for name in names if name != key)
        asked = asked_by(sync, (*plain, expanded.column), dialect, run.created_at)
        sql = expanded.query(asked.sql, dialect)
        names = tuple(dict.fromkeys((key, *names)))
    return RunSpec(
        run_id=run.pk,
        sync_id=sync.pk,
        sql=sql,
        dialect=dialect,
        primary_key=key,
        columns=_columns(model, (*names, asked.group) if asked.group else names),
        tracked=tuple(name for name in names if all_columns or name in used_columns(mappings)),
        mappings=mappings,
        mode=mode.mode,
        rows=mode.rows,
        removal=Removal(sync.removal),
        first_run=FirstRun(sync.first_run),
        wanted=frozenset(Operation),
        idempotent=mode.idempotent,
        directory=run_directory(sync.workspace_id, sync.pk, run.pk),
        all_columns=whole,
        single_writer=kind.single_writer,
        split_retry=kind.split_retry and bool(sync.settings.get("split_retry", True)),
        follows=mode.follows,
        resync=reset in (PendingReset.RESYNC, PendingReset.CLEAR),
        clear=reset is PendingReset.CLEAR,
        reset=reset is PendingReset.RESET,
        reprocess=reprocess and mode.rows is RowSet.CHANGES,
        only_unsettled=only_unsettled,
        keep_one_by=model.primary_key if expanded is not None else "",
        variables=_variables(sync, run),
        guardrails=load(Guardrails, sync.guardrails),
        planner=Planner(model.source.planner),
        namespace=workspace_code(sync.workspace),
        counting="" if only_unsettled else asked.counting,
        group=asked.group,
    )


def build_job(sync: Sync, run: Run, spec: RunSpec) -> Job:
    """What the connector is told; its ``fields`` are filled in when the run prepares."""
    return Job(
        sync_id=sync.pk,
        sync_slug=sync.slug,
        run_id=run.pk,
        model_id=sync.model_id,
        model_name=sync.model.name,
        sync_type=sync.sync_type,
        mode=spec.mode,
        removal=spec.removal,
        settings=sync.settings,
        identifiers=tuple(m.to for m in spec.mappings if m.identifier),
        fields=(),
        started_at=run.created_at,
        primary_key=spec.primary_key,
        resync=spec.resync,
        kept=sync.kept,
        sources=sources_of(spec.mappings),
    )


def with_fields(job: Job, fields: Sequence[DestinationField]) -> Job:
    """The job, knowing the destination's side of its mappings."""
    return replace(job, fields=tuple(fields))


def with_begun(job: Job, begun: Mapping[str, str]) -> Job:
    """The job, knowing what the destination said of the run."""
    return replace(job, begun=dict(begun))


def with_settings(job: Job, settings: Mapping[str, Any]) -> Job:
    """The job with its secret settings, for the worker's memory only."""
    return replace(job, settings=settings)


def narrowed(spec: RunSpec, destination: Destination, job: Job) -> RunSpec:
    """The spec as the connector wants it: without operations that its settings leave out, and with what it lacks."""
    return replace(
        spec,
        wanted=spec.wanted & destination.wanted(job),
        first_run=destination.first_run(job, spec.first_run),
        provide=destination.lacks(job),
    )


def without_columns(spec: RunSpec, lost: Collection[str]) -> RunSpec | None:
    """The spec for a model that lost these columns; ``None`` where the run cannot do without them.

    Runs that send the whole result every time go on. What the columns would fill is left out:
    records keep what they hold there, and files are written without it.
    """
    hit = [m for m in spec.mappings if set(m.named_columns) & set(lost)]
    needed = spec.primary_key in lost or any(m.identifier for m in hit)
    nothing_left = not spec.all_columns and len(hit) == len(spec.mappings)
    if spec.rows is not RowSet.FULL or needed or nothing_left:
        return None
    return replace(
        spec,
        mappings=tuple(m for m in spec.mappings if m not in hit),
        columns=tuple(column for column in spec.columns if column.name not in lost),
        tracked=tuple(name for name in spec.tracked if name not in lost),
        left_out=tuple(lost) if spec.all_columns else tuple(m.to for m in hit),
    )


def names_column(sync: Sync, name: str) -> bool:
    """Whether a mapping of the sync names this column."""
    return name in read_columns(from_json(sync.mappings))


def reads_column(sync: Sync, name: str) -> bool:
    """Whether a sync's rows hold this column, named or as part of the whole row."""
    kind = definition_of(sync.destination).sync_type(sync.sync_type)
    return names_column(sync, name) or needs_all_columns(kind, from_json(sync.mappings))


def workspace_directory(workspace_id: int) -> str:
    """Where a workspace's files are, below the storage root."""
    return f"workspaces/{workspace_id}"


def sync_directory(workspace_id: int, sync_id: int) -> str:
    """Where a sync's files are, below the storage root."""
    return f"{workspace_directory(workspace_id)}/syncs/{sync_id}"


def preview_directory(workspace_id: int, sync_id: int, preview_id: int) -> str:
    """Where a preview's files are, below the storage root."""
    return f"{sync_directory(workspace_id, sync_id)}/previews/{preview_id}"


def run_directory(workspace_id: int, sync_id: int, run_id: int) -> str:
    """Where a run's files are, below the storage root."""
    return f"{sync_directory(workspace_id, sync_id)}/runs/{run_id}"


def _column_names(model: Model, mappings: Sequence[FieldMapping], *, all_columns: bool) -> tuple[str, ...]:
    """The columns to read, the key first; mapped ones stay even when the model lost them, so that the run says so."""
    enabled = list(model.columns.filter(enabled=True, missing=False).values_list("name", flat=True))
    mapped = {name for mapping in mappings for name in mapping.named_columns}
    wanted = [name for name in used_columns(mappings) if name in mapped or name in enabled]
    return tuple(dict.fromkeys((model.primary_key, *(enabled if all_columns else ()), *wanted)))


def _columns(model: Model, names: Sequence[str]) -> tuple[SpecColumn, ...]:
    known = {row.name: row for row in model.columns.all()}
    columns = []
    for name in names:
        row = known.get(name)
        cast = ColumnType(row.override_type) if row and row.override_type else None
        columns.append(SpecColumn(name=name, type=ColumnType(row.type) if row else ColumnType.UNKNOWN, cast=cast))
    return tuple(columns)


def _variables(sync: Sync, run: Run) -> tuple[tuple[str, str], ...]:
    """What variable mappings can name; ``operation`` is the engine's, as it differs by row."""
    return (
        ("model_id", str(sync.model_id)),
        ("model_name", sync.model.name),
        ("current_timestamp", run.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")),
        ("sync_id", str(sync.pk)),
        ("sync_run_id", str(run.pk)),
    )
