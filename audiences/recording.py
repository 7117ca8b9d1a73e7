"""What a worker does to write an audience's logs: asks the source for the members now, and adds what differs."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from audiences.definitions import asker, schema_with_audiences
from audiences.history_places import BATCH_ROWS, Batches, Members, Place, filled, keep, place_of
from audiences.history_tables import HOLDOUT, SYNCED
from audiences.models import Audience, Experiment, Recording
from audiences.privacy.tombstones import forgotten_members
from audiences.query.conditions import Field
from audiences.query.errors import InvalidTree
from audiences.query.layers import GROUP_COLUMN, Layer, Plan, members, stopped
from audiences.query.schema import StudioSchema
from audiences.query.statements import Output
from audiences.selectors.experiments import groups_of_sync, running_experiment, split_of
from audiences.selectors.priority import standing_before
from audiences.services import recordings as services
from audiences.syncing import plan_of, sendable_columns
from config.errors import Conflict, HeadraceError
from connectors.access import open_source
from connectors.sdk.arrow import column_type, python_values
from connectors.sdk.context import Workload
from connectors.sdk.errors import ConnectorError
from connectors.sdk.rows import json_value
from syncs.codec import load
from syncs.engine import EngineError
from syncs.engine.duck import Duck, duck, never
from syncs.engine.forgetting import Forgotten
from syncs.engine.logs.membership import ROW, delivered_keys
from syncs.engine.spec import RunSpec
from syncs.engine.storage import scratch
from syncs.logs import workspace_code
from syncs.models import Run
from syncs.outcomes import run_outcomes
from syncs.storage import storage, workdir
from workspaces.scoping import workspace_scope

logger = logging.getLogger(__name__)
BEAT_SECONDS = 10.0


def work(recording_id: int) -> None:
    """Write a recording, unless it is written, or somebody writes one of the same audience."""
    recording = services.begin_recording(recording_id)
    if recording is None:
        return
    try:
        with _beating(recording):
            counts = written(recording)
        services.finish_recording(recording, **counts)
    except (ConnectorError, EngineError, HeadraceError) as error:
        services.fail_recording(recording, error.message, error.hint)
    except InvalidTree as error:
        services.fail_recording(recording, str(error), "Correct the audience's conditions.")
    except Exception as error:
        logger.exception("recording %s failed", recording_id)
        services.fail_recording(recording, f"{type(error).__name__}: {error}", "")


def written(recording: Recording) -> dict[str, int]:
    """Write what is wanted; how many entries of each kind."""
    audience, run = recording.audience, recording.run
    logs = services.logs_of(audience.parent_model.source)
    place, experiment = place_of(logs), running_experiment(audience)
    schema = schema_with_audiences(audience.parent_model.source)
    forgotten = forgotten_members(audience, _key(audience))
    counts = place.follow(recording, _members(audience, experiment, schema, forgotten))
    if run is not None and experiment is not None:
        counts["synced"] = _write_synced(place, recording, run)
    if run is not None and logs.holdouts and groups_of_sync(run.sync):
        # Kept first: some warehouses do not let one program read and write at once.
        with scratch(workdir(), "audience-") as folder:
            held = folder / "held.parquet"
            keep(held, HOLDOUT.arrow, _held_out(recording, run, schema, forgotten))
            counts["held_out"] = place.write(HOLDOUT, recording, pq.ParquetFile(held).iter_batches(BATCH_ROWS))
    return counts


def _members(
    audience: Audience, experiment: Experiment | None, schema: StudioSchema, forgotten: Sequence[Forgotten]
) -> Members:
    """How to ask for the members now, with their group."""
    split = split_of(experiment) if experiment else None
    saved, key = schema.audiences.get(str(audience.pk)), _key(audience)
    column = schema.models[str(audience.parent_model_id)].column(key)
    if saved is None or column is None:
        raise Conflict(f"The definition of “{audience}” cannot be read.", hint="Save the audience again.")
    # Stratified groups go by rank among those whom the priority list leaves, so they are the syncs' only with it.
    before = standing_before(audience, schema) if split and split.stratify else ()
    plan = Plan(audience=saved, before=before, split=split, groups=split.groups if split else ())
    query = members(asker(schema), plan, [Output(ROW, field=Field(key))])
    return Members(query.sql(), column.as_column(), split is not None, forgotten)


def _write_synced(place: Place, recording: Recording, run: Run) -> int:
    spare = {"memory_mb": settings.ENGINE_MEMORY_MB, "threads": settings.ENGINE_THREADS}
    with duck(workdir(), **spare, check=never) as bench:
        return place.write(SYNCED, recording, _synced(recording, run, bench))


def _synced(recording: Recording, run: Run, bench: Duck) -> Batches:
    """The members whom the run added; asked for at once, as batches may be taken on another thread."""
    files = storage()
    paths = [files.local(each.path) for each in run_outcomes(run) if each.path and each.succeeded.added]
    if not paths:
        return iter(())
    own = {
        "ht_audience_id": str(recording.audience_id),
        "sync_id": run.sync_id,
        "sync_run_id": run.pk,
        "ht_timestamp": run.finished_at or recording.moment,
        "workspace": workspace_code(recording.workspace),
    }
    found = delivered_keys(bench, paths)
    return (filled(SYNCED.arrow, batch.num_rows, own, ht_row_id=batch.column(0)) for batch in found)


def _held_out(recording: Recording, run: Run, schema: StudioSchema, forgotten: Sequence[Forgotten]) -> Batches:
    """Rows that came as far as the split, and are in another group than those of the sync."""
    audience = recording.audience
    plan = plan_of(audience, run.sync, schema)
    columns = {column.name for column in load(RunSpec, run.spec).columns}
    sent = [each.output for each in sendable_columns(audience, schema) if each.column.name in columns]
    outputs = [Output("held_key", field=Field(_key(audience))), *sent]
    query = stopped(asker(schema), plan, Layer.SPLIT, outputs)
    own = {
        "sync_id": run.sync_id,
        "sync_run_id": run.pk,
        "model_id": audience.pk,
        "timestamp": run.finished_at or recording.moment,
        "workspace": workspace_code(recording.workspace),
    }
    with open_source(audience.parent_model.source, Workload.BATCH).query(query.sql(), batch_rows=BATCH_ROWS) as stream:
        for batch in stream:
            rows = [row for row in _rows(batch, stream.schema) if row["held_key"] is not None]
            keys = [str(row["held_key"]) for row in rows]
            hidden = {key for each in forgotten for key in each.among(keys)}
            kept = [row for row in rows if str(row["held_key"]) not in hidden]
            yield filled(
                HOLDOUT.arrow,
                len(kept),
                own,
                row_id=pa.array([str(row["held_key"]) for row in kept], pa.string()),
                fields=pa.array([_fields(row) for row in kept], pa.string()),
                split_group=pa.array([row[GROUP_COLUMN] for row in kept], pa.string()),
            )


def _rows(batch: pa.RecordBatch, schema: pa.Schema) -> list[dict[str, Any]]:
    columns = [
        [json_value(value) for value in python_values(column, column_type(field))]
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return [dict(zip(schema.names, row, strict=True)) for row in zip(*columns, strict=True)]


def _fields(row: dict[str, Any]) -> str:
    shown = {name: value for name, value in row.items() if name not in ("held_key", GROUP_COLUMN)}
    return json.dumps(shown, cls=DjangoJSONEncoder, ensure_ascii=False).replace("\\u0000", "")


def _key(audience: Audience) -> str:
    [key] = audience.parent_model.primary_key
    return str(key)


@contextmanager
def _beating(recording: Recording) -> Iterator[None]:
    """Tells now and then that somebody is at it."""
    done = threading.Event()

    def beat() -> None:
        try:
            with workspace_scope(recording.workspace_id):
                while not done.wait(BEAT_SECONDS):
                    services.beat(recording)
        finally:
            connection.close()

    heart = threading.Thread(target=beat, name="recording", daemon=True)
    heart.start()
    try:
        yield
    finally:
        done.set()
        heart.join()
