"""What goes over the wire for models, syncs and runs: input checks and output shapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework import serializers

from config.api import LabelsField, ListQuery, id_text
from config.errors import Invalid
from governance.approvals.choices import Way
from governance.approvals.selectors import drafts_of
from governance.audit.actors import Actor
from syncs.api.hold_shapes import GuardrailsShape, HeldOut, guardrails_json, held_json
from syncs.api.mappings import mapping_from, mapping_json
from syncs.api.schedules import ScheduleShape, schedule_json
from syncs.configuration import Proposal
from syncs.definitions import Definition
from syncs.drafts import SYNC
from syncs.engine.spec import MappingKind
from syncs.mappings import from_json, read_columns
from syncs.models import Model, Run, Sync
from syncs.selectors.errors import error_words

QUERY_TYPES = {"raw_sql": "sql", "table": "table"}
_WIRE_QUERY_TYPES = {method: wire for wire, method in QUERY_TYPES.items()}


# --- models -----------------------------------------------------------------


class RawQuery(serializers.Serializer[Any]):
    """A SQL query in the source's own dialect."""

    sql = serializers.CharField(trim_whitespace=False)


class TableQuery(serializers.Serializer[Any]):
    """A table or view, as ``name`` or ``schema.name``."""

    name = serializers.CharField()


class PublicationShape(serializers.Serializer[Any]):
    """What becomes of a change: live ``now``, kept as a ``draft``, or a draft whose approval is asked for
    (``request``). Left out, it goes live where nothing needs approval and is refused where something does."""

    publication = serializers.ChoiceField([way.value for way in Way], required=False, allow_null=True)


class ModelCreate(PublicationShape):
    """A new model; ``raw`` or ``table`` by its ``queryType``."""

    wire_names = {"table_name": "table.name"}
    name = serializers.CharField(max_length=200)
    slug = serializers.SlugField(max_length=120, required=False, allow_null=True, allow_blank=True)
    description = serializers.CharField(required=False, allow_blank=True, default="")
    sourceId = serializers.IntegerField()
    queryType = serializers.ChoiceField(sorted(QUERY_TYPES))
    primaryKey = serializers.CharField(max_length=400)
    isSchema = serializers.BooleanField(required=False, default=False)
    raw = RawQuery(required=False, allow_null=True)
    table = TableQuery(required=False, allow_null=True)
    folderId = serializers.IntegerField(required=False, allow_null=True)


class ModelUpdate(PublicationShape):
    """What to change of a model; ``primaryKeyChange`` is needed with another ``primaryKey``."""

    wire_names = {"reset": "primaryKeyChange", "table_name": "table.name"}
    name = serializers.CharField(max_length=200, required=False, allow_null=True)
    description = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    primaryKey = serializers.CharField(max_length=400, required=False, allow_null=True)
    primaryKeyChange = serializers.ChoiceField(["backfill", "skip"], required=False, allow_null=True)
    isSchema = serializers.BooleanField(required=False, allow_null=True)
    raw = RawQuery(required=False, allow_null=True)
    table = TableQuery(required=False, allow_null=True)
    tags = LabelsField(required=False)
    folderId = serializers.IntegerField(required=False, allow_null=True)


class ModelOut(serializers.Serializer[Any]):
    """A model as the API shows it; ``syncs`` are the ids of the syncs that use it, ``tags`` its labels."""

    id = serializers.CharField()
    workspaceId = serializers.CharField()
    sourceId = serializers.CharField()
    name = serializers.CharField()
    slug = serializers.CharField()
    description = serializers.CharField()
    primaryKey = serializers.CharField()
    queryType = serializers.ChoiceField(sorted(QUERY_TYPES))
    isSchema = serializers.BooleanField()
    syncs = serializers.ListField(child=serializers.CharField())
    tags = LabelsField()
    folderId = serializers.CharField(allow_null=True)
    published = serializers.BooleanField(help_text="False while it is only a draft")
    draftId = serializers.CharField(allow_null=True, help_text="Its open draft: see change requests")
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()
    raw = RawQuery(required=False)
    table = TableQuery(required=False)


def definition_from(values: Mapping[str, Any], query_type: str) -> Definition:
    """The definition that a request names; the part for its query type must be there."""
    part = values.get("raw" if query_type == "raw_sql" else "table")
    if not part:
        raise Invalid.field("raw" if query_type == "raw_sql" else "table", f"Needed for the query type “{query_type}”.")
    if query_type == "raw_sql":
        return Definition.parse(method="sql", sql=part["sql"])
    schema, _, name = part["name"].rpartition(".")
    return Definition.parse(method="table", table_schema=schema, table_name=name)


def model_json(model: Model, sync_ids: Iterable[int], draft_id: str | None = None) -> dict[str, Any]:
    """The wire shape of a model with the ids of its syncs and of its open draft."""
    shape: dict[str, Any] = {
        "id": str(model.pk),
        "workspaceId": str(model.workspace_id),
        "sourceId": str(model.source_id),
        "name": model.name,
        "slug": model.slug,
        "description": model.description,
        "primaryKey": model.primary_key,
        "queryType": _WIRE_QUERY_TYPES[model.method],
        "isSchema": False,
        "syncs": [str(pk) for pk in sync_ids],
        "tags": model.labels,
        "folderId": id_text(model.folder_id),
        "published": model.published,
        "draftId": draft_id,
        "createdAt": model.created_at,
        "updatedAt": model.updated_at,
    }
    if model.method == "sql":
        return {**shape, "raw": {"sql": model.sql}}
    return {**shape, "table": {"name": ".".join(filter(None, (model.table_schema, model.table_name)))}}


# --- syncs ------------------------------------------------------------------


class MappingShape(serializers.Serializer[Any]):
    """One field of the destination and where its value comes from.

    The value of an ``object`` is the list of its mappings, that of an ``array`` is
    ``{"column": …, "mappings": […]}``; a ``property`` is one of the array's elements.
    """

    to = serializers.CharField()
    kind = serializers.ChoiceField([kind.value for kind in MappingKind], default="column")
    value = serializers.JSONField(allow_null=True, default=None)
    ignoreNull = serializers.BooleanField(default=False)
    identifier = serializers.BooleanField(default=False)


class ConfigurationShape(serializers.Serializer[Any]):
    """How rows become records: type, mode, settings of the sync type, mappings."""

    syncType = serializers.CharField()
    mode = serializers.CharField(required=False, allow_blank=True, default="")
    removal = serializers.ChoiceField(["nothing", "clear", "delete"], default="nothing")
    firstRun = serializers.CharField(required=False, allow_blank=True, default="")
    settings = serializers.DictField(default=dict)
    mappings = MappingShape(many=True, default=list)


class SyncCreate(PublicationShape):
    """A new sync between a model and a destination.

    ``experimentGroupIds``: the groups of an audience's experiment that it sends alone; without any, everybody.
    """

    slug = serializers.SlugField(max_length=120, required=False, allow_null=True, allow_blank=True)
    name = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    modelId = serializers.IntegerField()
    destinationId = serializers.IntegerField()
    configuration = ConfigurationShape()
    schedule = ScheduleShape(required=False, allow_null=True)
    disabled = serializers.BooleanField(required=False, default=False)
    spaceId = serializers.IntegerField(required=False, allow_null=True)
    experimentGroupIds = serializers.ListField(child=serializers.IntegerField(), required=False, default=list)


class SyncUpdate(PublicationShape):
    """What to change of a sync; a given configuration replaces the whole one, but keeps credentials left out.

    ``labels`` replace all labels; a ``spaceId`` or ``folderId`` of null is everyone's, or no folder. The folder
    is that of the sync's model, which moves along with its other syncs.
    """

    name = serializers.CharField(max_length=200, required=False, allow_null=True, allow_blank=True)
    configuration = ConfigurationShape(required=False, allow_null=True)
    schedule = ScheduleShape(required=False, allow_null=True)
    disabled = serializers.BooleanField(required=False, allow_null=True)
    guardrails = GuardrailsShape(required=False, allow_null=True)
    labels = LabelsField(required=False)
    spaceId = serializers.IntegerField(required=False, allow_null=True)
    folderId = serializers.IntegerField(required=False, allow_null=True)


class SyncOut(serializers.Serializer[Any]):
    """A sync as the API shows it."""

    id = serializers.CharField()
    workspaceId = serializers.CharField()
    modelId = serializers.CharField()
    destinationId = serializers.CharField()
    slug = serializers.CharField()
    name = serializers.CharField()
    status = serializers.CharField()
    disabled = serializers.BooleanField()
    paused = serializers.BooleanField()
    published = serializers.BooleanField(help_text="False while it is only a draft, which never runs")
    draftId = serializers.CharField(allow_null=True, help_text="Its open draft: see change requests")
    configuration = ConfigurationShape()
    schedule = ScheduleShape(allow_null=True)
    guardrails = GuardrailsShape()
    labels = LabelsField()
    spaceId = serializers.CharField(allow_null=True)
    folderId = serializers.CharField(allow_null=True)
    primaryKey = serializers.CharField()
    referencedColumns = serializers.ListField(child=serializers.CharField())
    lastRunAt = serializers.DateTimeField(allow_null=True)
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()


def proposal_from(values: Mapping[str, Any]) -> Proposal:
    """A request's configuration as the services take it."""
    return Proposal(
        sync_type=values["syncType"],
        mode=values["mode"],
        removal=values["removal"],
        first_run=values["firstRun"],
        settings=values["settings"],
        mappings=[mapping_from(m) for m in values["mappings"]],
    )


def syncs_json(syncs: Iterable[Sync]) -> list[dict[str, Any]]:
    """Several syncs, with their open drafts in one query."""
    rows = list(syncs)
    drafts = drafts_of(SYNC, [sync.pk for sync in rows])
    return [sync_json(sync, str(drafts[sync.pk].pk) if sync.pk in drafts else None) for sync in rows]


def sync_json(sync: Sync, draft_id: str | None = None) -> dict[str, Any]:
    """The wire shape of a sync; its ``model`` and ``last_run`` must be loaded."""
    return {
        "id": str(sync.pk),
        "workspaceId": str(sync.workspace_id),
        "modelId": str(sync.model_id),
        "destinationId": str(sync.destination_id),
        "slug": sync.slug,
        "name": str(sync),
        "status": sync.words.api_sync,
        "disabled": not sync.schedule_enabled,
        "paused": sync.paused,
        "published": sync.published,
        "draftId": draft_id,
        "configuration": _configuration_json(sync),
        "schedule": schedule_json(sync.schedule),
        "guardrails": guardrails_json(sync),
        "labels": sync.labels,
        "spaceId": id_text(sync.space_id),
        "folderId": id_text(sync.model.folder_id),
        "primaryKey": sync.model.primary_key,
        "referencedColumns": list(read_columns(from_json(sync.mappings))),
        "lastRunAt": sync.last_run.started_at if sync.last_run else None,
        "createdAt": sync.created_at,
        "updatedAt": sync.updated_at,
    }


def _configuration_json(sync: Sync) -> dict[str, Any]:
    return {
        "syncType": sync.sync_type,
        "mode": sync.mode,
        "removal": sync.removal,
        "firstRun": sync.first_run,
        "settings": sync.settings,
        "mappings": [mapping_json(m) for m in sync.mappings],
    }


# --- runs -------------------------------------------------------------------


class TriggerById(serializers.Serializer[Any]):
    """``fullResync`` sends all rows again, whatever was sent before; ``clearAndFill`` empties the list first."""

    fullResync = serializers.BooleanField(required=False, allow_null=True, default=False)
    clearAndFill = serializers.BooleanField(required=False, allow_null=True, default=False)


class TriggerByName(TriggerById):
    """Which sync to run: by ``syncId`` or by ``syncSlug``."""

    syncId = serializers.IntegerField(required=False, allow_null=True)
    syncSlug = serializers.CharField(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.get("syncId") and not attrs.get("syncSlug"):
            raise serializers.ValidationError({"syncId": "Give a syncId or a syncSlug."})
        return attrs


class Triggered(serializers.Serializer[Any]):
    """The run that was started."""

    id = serializers.CharField()


class Counts(serializers.Serializer[Any]):
    """Rows by what happened to them in the model."""

    addedCount = serializers.IntegerField()
    changedCount = serializers.IntegerField()
    removedCount = serializers.IntegerField()


class RunOut(serializers.Serializer[Any]):
    """A run as the API shows it. A held one is ``queued``, and ``held`` says why."""

    id = serializers.CharField()
    syncId = serializers.CharField()
    status = serializers.CharField()
    createdAt = serializers.DateTimeField()
    startedAt = serializers.DateTimeField(allow_null=True)
    finishedAt = serializers.DateTimeField(allow_null=True)
    completionRatio = serializers.FloatField()
    querySize = serializers.IntegerField()
    nullKeyRows = serializers.IntegerField(help_text="Rows without a key: skipped")
    duplicateRows = serializers.IntegerField(help_text="Rows that share a key: rejected before anything is sent")
    forgottenRows = serializers.IntegerField(help_text="Rows of people who were forgotten: left out")
    plannedRows = Counts()
    successfulRows = Counts()
    failedRows = Counts()
    error = serializers.CharField(allow_null=True)
    held = HeldOut(allow_null=True)


class RunQuery(ListQuery):
    """Query parameters of a sync's runs: newest first, five unless more are asked for."""

    limit = serializers.IntegerField(required=False, default=5, min_value=1, max_value=1000)
    orderBy = serializers.CharField(required=False, default="-id")
    runId = serializers.IntegerField(required=False)
    after = serializers.DateTimeField(required=False)
    before = serializers.DateTimeField(required=False)
    within = serializers.FloatField(
        required=False, min_value=0, max_value=10_000_000, help_text="Started within so many minutes"
    )

    orderable = {"id": "id", "createdAt": "created_at", "startedAt": "started_at", "finishedAt": "finished_at"}


class ModelQuery(ListQuery):
    """Query parameters of the models list."""

    folderId = serializers.IntegerField(required=False, help_text="In this folder, or one below it")


class SyncQuery(ListQuery):
    """Query parameters of the syncs list."""

    modelId = serializers.IntegerField(required=False)
    folderId = serializers.IntegerField(required=False, help_text="In this folder, or one below it")
    after = serializers.DateTimeField(required=False, help_text="Ran after this time")
    before = serializers.DateTimeField(required=False, help_text="Ran before this time")


def run_json(actor: Actor, run: Run, sync: Sync) -> dict[str, Any]:
    """The wire shape of a run of this sync."""
    return {
        "id": str(run.pk),
        "syncId": str(run.sync_id),
        "status": run.words.api_run,
        "createdAt": run.created_at,
        "startedAt": run.started_at or run.created_at,
        "finishedAt": run.finished_at,
        "completionRatio": completion_ratio(run),
        "querySize": run.queried,
        "nullKeyRows": run.null_keys,
        "duplicateRows": run.duplicates,
        "forgottenRows": run.forgotten,
        "plannedRows": _counts(run, "planned"),
        "successfulRows": _counts(run, "succeeded"),
        "failedRows": _counts(run, "rejected"),
        "error": error_words(actor, run, sync) or None,
        "held": held_json(run),
    }


def completion_ratio(run: Run) -> float:
    """Between 0 and 1: the share of planned rows that have an outcome."""
    if not run.live:
        return 1.0
    done = run.succeeded + run.rejected + run.aborted
    return min(0.99, done / run.planned) if run.planned else 0.0


def _counts(run: Run, outcome: str) -> dict[str, int]:
    return {f"{name}Count": getattr(run, f"{outcome}_{name}") for name in ("added", "changed", "removed")}
