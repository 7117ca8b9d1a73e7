"""Endpoints of sequences and their runs, below ``/sync-sequences``."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import FormParser, JSONParser
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, LabelsField, ListQuery, error_answers, list_of, list_response, parse_query
from config.errors import Conflict
from governance.audit.actors import Actor
from syncs import access, services
from syncs.api.schedules import ScheduleShape, schedule_from, schedule_json
from syncs.choices import LimitUnit, SequenceStatus, Terminate, Trigger
from syncs.models import Sequence, SequenceRun, SequenceRunStep, SequenceStep
from syncs.selectors import steps_of_run
from syncs.services import StepProposal
from workspaces.permissions import Permission

# The status words of the public API.
WIRE_STATUS = {
    SequenceStatus.RUNNING: "running",
    SequenceStatus.SUCCEEDED: "done",
    SequenceStatus.FAILED: "failed",
    SequenceStatus.CANCELLED: "cancelled",
}


class StepShape(serializers.Serializer[Any]):
    """One sync of a sequence; ``rejectedLimit`` counts rows or per cent, by ``rejectedUnit``."""

    syncId = serializers.IntegerField(allow_null=True)
    terminate = serializers.ChoiceField(Terminate.values, required=False, default=Terminate.FATAL.value)
    rejectedUnit = serializers.ChoiceField(LimitUnit.values, required=False, default=LimitUnit.ANY.value)
    rejectedLimit = serializers.IntegerField(required=False, default=0, min_value=0, max_value=2**31 - 1)


class SequenceCreate(serializers.Serializer[Any]):
    """A new sequence."""

    name = serializers.CharField(max_length=200)
    slug = serializers.SlugField(max_length=120, required=False, allow_null=True, allow_blank=True)
    steps = StepShape(many=True)
    schedule = ScheduleShape(required=False, allow_null=True)
    disabled = serializers.BooleanField(required=False, default=False)


class SequenceUpdate(serializers.Serializer[Any]):
    """What to change of a sequence; given steps replace all of them."""

    name = serializers.CharField(max_length=200, required=False, allow_null=True)
    steps = StepShape(many=True, required=False, allow_null=True)
    schedule = ScheduleShape(required=False, allow_null=True)
    disabled = serializers.BooleanField(required=False, allow_null=True)
    labels = LabelsField(required=False)


class SequenceOut(serializers.Serializer[Any]):
    """A sequence as the API shows it; a step whose sync was deleted has no ``syncId``."""

    id = serializers.CharField()
    workspaceId = serializers.CharField()
    slug = serializers.CharField()
    name = serializers.CharField()
    status = serializers.CharField()
    disabled = serializers.BooleanField()
    schedule = ScheduleShape(allow_null=True)
    syncs = serializers.ListField(child=serializers.CharField())
    steps = StepShape(many=True)
    labels = LabelsField()
    lastRunAt = serializers.DateTimeField(allow_null=True)
    nextRunAt = serializers.DateTimeField(allow_null=True)
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()


class SequenceTriggered(serializers.Serializer[Any]):
    """The run that was started, or the one that was going on."""

    id = serializers.CharField()


class SequenceTriggerByName(serializers.Serializer[Any]):
    """Which sequence to run: by ``syncSequenceId`` or by ``syncSequenceSlug``."""

    syncSequenceId = serializers.IntegerField(required=False, allow_null=True)
    syncSequenceSlug = serializers.CharField(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.get("syncSequenceId") and not attrs.get("syncSequenceSlug"):
            raise serializers.ValidationError({"syncSequenceId": "Give a syncSequenceId or a syncSequenceSlug."})
        return attrs


class SequenceSyncRun(serializers.Serializer[Any]):
    """The run of one sync within a run of a sequence."""

    syncId = serializers.IntegerField()
    syncRunId = serializers.IntegerField()
    status = serializers.CharField()
    finishedAt = serializers.DateTimeField(allow_null=True)


class SequenceRunOut(serializers.Serializer[Any]):
    """A run of a sequence: how it stands, and the runs of its syncs so far in their order."""

    id = serializers.CharField()
    status = serializers.ChoiceField(["pending", *WIRE_STATUS.values()])
    syncRuns = SequenceSyncRun(many=True)
    createdAt = serializers.DateTimeField()
    finishedAt = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField(allow_null=True)


class SequenceRunQuery(ListQuery):
    """Query parameters of a sequence's runs: newest first."""

    limit = serializers.IntegerField(required=False, default=5, min_value=1, max_value=1000)
    orderBy = serializers.CharField(required=False, default="-id")

    orderable = {"id": "id", "createdAt": "created_at", "finishedAt": "finished_at"}


class SequenceListView(ApiView):
    """All sequences of the workspace; adding one."""

    permission = {"GET": Permission.MEMBER, "POST": Permission.TRIGGER}

    @extend_schema(
        operation_id="ListSyncSequence",
        parameters=[ListQuery],
        responses={200: list_of(SequenceOut), **error_answers()},
    )
    def get(self, request: Request) -> Response:
        """List the sequences of the API key's workspace."""
        query = parse_query(request, ListQuery)
        wanted = {"slug": query.get("slug"), "name": query.get("name")}
        rows = _sequences(self.actor).filter(**{name: value for name, value in wanted.items() if value is not None})
        return list_response(rows, query, lambda page: [sequence_json(sequence) for sequence in page])

    @extend_schema(
        operation_id="CreateSyncSequence", request=SequenceCreate, responses={200: SequenceOut, **error_answers()}
    )
    def post(self, request: Request) -> Response:
        """Create a sequence."""
        values = self.body(SequenceCreate)
        sequence = services.create_sequence(
            actor=self.actor,
            name=values["name"],
            steps=_steps_from(values["steps"]),
            schedule=schedule_from(values.get("schedule")),
            slug=values.get("slug") or "",
            schedule_enabled=not values["disabled"],
        )
        return Response(sequence_json(_sequences(self.actor).get(pk=sequence.pk)))


class SequenceView(ApiView):
    """One sequence."""

    permission = {"GET": Permission.MEMBER, "PATCH": Permission.TRIGGER, "DELETE": Permission.TRIGGER}

    @extend_schema(operation_id="GetSyncSequence", responses={200: SequenceOut, **error_answers()})
    def get(self, request: Request, sequence_id: int) -> Response:
        """Get a sequence by its id."""
        return Response(sequence_json(access.sequence_for(self.actor, sequence_id)))

    @extend_schema(
        operation_id="UpdateSyncSequence", request=SequenceUpdate, responses={200: SequenceOut, **error_answers()}
    )
    def patch(self, request: Request, sequence_id: int) -> Response:
        """Change a sequence's name, steps or schedule, or switch its schedule on or off."""
        values = self.body(SequenceUpdate)
        sequence = access.sequence_for(self.actor, sequence_id)
        schedule = schedule_from(values["schedule"]) if values.get("schedule") else None
        steps = values.get("steps")
        if steps is not None or values.get("name") is not None:
            proposed = _steps_from(steps) if steps is not None else None
            services.update_sequence(actor=self.actor, sequence=sequence, name=values.get("name"), steps=proposed)
        if schedule is not None:
            services.set_sequence_schedule(actor=self.actor, sequence=sequence, schedule=schedule)
        if values.get("disabled") is not None:
            switch = services.disable_sequence if values["disabled"] else services.enable_sequence
            switch(actor=self.actor, sequence=sequence)
        if "labels" in values:
            labels = values["labels"]
            gone = set(sequence.labels) - set(labels)
            services.label_sequence(actor=self.actor, sequence=sequence, add=labels, remove=gone)
        return Response(sequence_json(access.sequence_for(self.actor, sequence_id)))

    @extend_schema(operation_id="DeleteSyncSequence", responses={204: None, **error_answers()})
    def delete(self, request: Request, sequence_id: int) -> Response:
        """Delete a sequence and its history; the syncs and their runs stay."""
        services.delete_sequence(actor=self.actor, sequence=access.sequence_for(self.actor, sequence_id))
        return Response(status=204)


class SequenceRunsView(ApiView):
    """The runs of a sequence."""

    permission = {"GET": Permission.MEMBER}

    @extend_schema(
        operation_id="ListSyncSequenceRuns",
        parameters=[SequenceRunQuery],
        responses={200: list_of(SequenceRunOut), **error_answers()},
    )
    def get(self, request: Request, sequence_id: int) -> Response:
        """List a sequence's runs, newest first."""
        query = parse_query(request, SequenceRunQuery)
        sequence = access.sequence_for(self.actor, sequence_id)
        rows = sequence.runs.prefetch_related("steps__sync_run")
        return list_response(rows, query, lambda page: [run_json(run, list(run.steps.all())) for run in page])


class SequenceRunView(ApiView):
    """One run of a sequence."""

    permission = {"GET": Permission.MEMBER}

    @extend_schema(operation_id="GetSyncSequenceRun", responses={200: SequenceRunOut, **error_answers()})
    def get(self, request: Request, sequence_run_id: int) -> Response:
        """Get the status of a run of a sequence."""
        run = access.sequence_run_for(self.actor, sequence_run_id)
        return Response(run_json(run, steps_of_run(run)))


class CancelSequenceRunView(ApiView):
    """Ending a run of a sequence."""

    permission = {"POST": Permission.TRIGGER}

    @extend_schema(
        operation_id="CancelSyncSequenceRun", request=None, responses={200: SequenceRunOut, **error_answers()}
    )
    def post(self, request: Request, sequence_run_id: int) -> Response:
        """Ask a run to stop: the sync that runs now stops before its next batch, and no other one starts."""
        run = access.sequence_run_for(self.actor, sequence_run_id)
        cancelled = services.cancel_sequence_run(actor=self.actor, run=run)
        return Response(run_json(cancelled, steps_of_run(cancelled)))


class TriggerSequenceView(ApiView):
    """Starting a run of one sequence."""

    permission = {"POST": Permission.TRIGGER}
    parser_classes = (JSONParser, FormParser)

    @extend_schema(
        operation_id="TriggerSequenceRun", request=None, responses={200: SequenceTriggered, **error_answers()}
    )
    def post(self, request: Request, sequence_id: int) -> Response:
        """Start a run and answer with its id; where one is going on already, with the id of that one."""
        return _triggered(self, access.sequence_for(self.actor, sequence_id))


class TriggerAnySequenceView(ApiView):
    """Starting a run of a sequence named in the body."""

    permission = {"POST": Permission.TRIGGER}
    parser_classes = (JSONParser, FormParser)

    @extend_schema(
        operation_id="TriggerSequenceRunCustom",
        request=SequenceTriggerByName,
        responses={200: SequenceTriggered, **error_answers()},
    )
    def post(self, request: Request) -> Response:
        """Start a run of the sequence with this id or slug."""
        values = self.body(SequenceTriggerByName)
        if values.get("syncSequenceId"):
            return _triggered(self, access.sequence_for(self.actor, values["syncSequenceId"]))
        return _triggered(self, access.sequence_by_slug(self.actor, values["syncSequenceSlug"]))


def sequence_json(sequence: Sequence) -> dict[str, Any]:
    """The wire shape of a sequence."""
    steps = list(sequence.steps.all())
    return {
        "id": str(sequence.pk),
        "workspaceId": str(sequence.workspace_id),
        "slug": sequence.slug,
        "name": sequence.name,
        "status": sequence.state.value,
        "disabled": sequence.schedule_off,
        "schedule": schedule_json(sequence.schedule),
        "syncs": [str(step.sync_id) for step in steps if step.sync_id],
        "steps": [_step_json(step) for step in steps],
        "labels": sequence.labels,
        "lastRunAt": sequence.last_run.created_at if sequence.last_run else None,
        "nextRunAt": sequence.next_run_at,
        "createdAt": sequence.created_at,
        "updatedAt": sequence.updated_at,
    }


def run_json(run: SequenceRun, steps: list[SequenceRunStep]) -> dict[str, Any]:
    """The wire shape of a run of a sequence."""
    begun = any(step.started_at or step.finished_at for step in steps)
    return {
        "id": str(run.pk),
        "status": WIRE_STATUS[SequenceStatus(run.status)] if begun or not run.live else "pending",
        "syncRuns": [_sync_run_json(step) for step in steps if step.sync_run],
        "createdAt": run.created_at,
        "finishedAt": run.finished_at,
        "error": run.reason or None,
    }


def _step_json(step: SequenceStep) -> dict[str, Any]:
    return {
        "syncId": step.sync_id,
        "terminate": step.terminate,
        "rejectedUnit": step.limit_unit,
        "rejectedLimit": step.limit,
    }


def _sync_run_json(step: SequenceRunStep) -> dict[str, Any]:
    assert step.sync_run is not None
    return {
        "syncId": step.sync_id,
        "syncRunId": step.sync_run_id,
        "status": step.sync_run.words.api_run,
        "finishedAt": step.sync_run.finished_at,
    }


def _steps_from(sent: list[dict[str, Any]]) -> list[StepProposal]:
    return [
        StepProposal(
            step["syncId"] or 0, Terminate(step["terminate"]), LimitUnit(step["rejectedUnit"]), step["rejectedLimit"]
        )
        for step in sent
    ]


def _sequences(actor: Actor) -> QuerySet[Sequence]:
    return access.sequences_in_view(actor).select_related("last_run").prefetch_related("steps")


def _triggered(view: ApiView, sequence: Sequence) -> Response:
    try:
        run = services.start_sequence(actor=view.actor, sequence=sequence, trigger=Trigger.API)
    except Conflict as conflict:
        live = sequence.runs.filter(finished_at__isnull=True).first()
        if conflict.code != "sequence_running" or live is None:
            raise
        run = live
    return Response({"id": str(run.pk)})
