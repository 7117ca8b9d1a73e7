"""Endpoints of syncs and their runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import FormParser, JSONParser
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, error_answers, list_of, list_response, parse_query
from connectors.access import destination_for
from governance.approvals.access import open_draft
from governance.approvals.choices import Way
from governance.audit.actors import Actor
from syncs import access, services
from syncs.api.hold_shapes import guardrails_from
from syncs.api.publication import ask_for_approval, chosen_way
from syncs.api.schedules import schedule_from
from syncs.api.shapes import (
    RunOut,
    RunQuery,
    SyncCreate,
    SyncOut,
    SyncQuery,
    SyncUpdate,
    TriggerById,
    TriggerByName,
    Triggered,
    proposal_from,
    run_json,
    syncs_json,
)
from syncs.choices import Trigger
from syncs.drafts import SYNC
from syncs.models import Run, Sync
from workspaces.access import folder_for, space_for
from workspaces.folders import within
from workspaces.permissions import Permission

CONFIGURE = Permission.DRAFT_TO_DESTINATION


class SyncListView(ApiView):
    """All syncs of the workspace; adding one."""

    permission = {"GET": Permission.MEMBER, "POST": CONFIGURE}

    @extend_schema(
        operation_id="ListSync", parameters=[SyncQuery], responses={200: list_of(SyncOut), **error_answers()}
    )
    def get(self, request: Request) -> Response:
        """List the syncs of the API key's workspace."""
        query = parse_query(request, SyncQuery)
        rows = access.syncs_on(self.actor).select_related("model", "last_run")
        wanted = {
            "slug": query.get("slug"),
            "name": query.get("name"),
            "model_id": query.get("modelId"),
            "last_run__started_at__gte": query.get("after"),
            "last_run__started_at__lte": query.get("before"),
        }
        if query.get("folderId") is not None:
            wanted["model__folder__in"] = within(query["folderId"])
        rows = rows.filter(**{name: value for name, value in wanted.items() if value is not None})
        return list_response(rows, query, syncs_json)

    @extend_schema(operation_id="CreateSync", request=SyncCreate, responses={200: SyncOut, **error_answers()})
    def post(self, request: Request) -> Response:
        """Create a sync."""
        values = self.body(SyncCreate)
        way = chosen_way(self.actor, values)
        sync = services.create_sync(
            published=way is Way.NOW,
            actor=self.actor,
            model=access.model_for(self.actor, values["modelId"]),
            destination=destination_for(self.actor, values["destinationId"]),
            proposal=proposal_from(values["configuration"]),
            schedule=schedule_from(values.get("schedule")),
            name=values["name"],
            slug=values.get("slug") or "",
            schedule_enabled=not values["disabled"],
            space=space_for(self.actor, values["spaceId"]) if values.get("spaceId") is not None else None,
            groups=values["experimentGroupIds"],
        )
        ask_for_approval(self.actor, open_draft(SYNC, sync.pk), way)
        return Response(syncs_json([sync])[0])


class SyncView(ApiView):
    """One sync."""

    permission = {"GET": Permission.MEMBER, "PATCH": CONFIGURE, "DELETE": CONFIGURE}

    @extend_schema(operation_id="GetSync", responses={200: SyncOut, **error_answers()})
    def get(self, request: Request, sync_id: int) -> Response:
        """Get a sync by its id."""
        return Response(syncs_json([access.sync_for(self.actor, sync_id)])[0])

    @extend_schema(operation_id="UpdateSync", request=SyncUpdate, responses={200: SyncOut, **error_answers()})
    def patch(self, request: Request, sync_id: int) -> Response:
        """Change a sync's name, configuration or schedule, or switch its schedule on or off."""
        values = self.body(SyncUpdate)
        sync = access.sync_for(self.actor, sync_id)
        schedule = schedule_from(values["schedule"]) if values.get("schedule") else None
        change = services.SyncChange(
            proposal=proposal_from(values["configuration"]) if values.get("configuration") else None,
            schedule=schedule,
            guardrails=guardrails_from(values["guardrails"]) if values.get("guardrails") else None,
        )
        if values.get("name") is not None:
            services.update_sync(actor=self.actor, sync=sync, name=values["name"])
        if change != services.SyncChange():
            way = chosen_way(self.actor, values)
            open_one = open_draft(SYNC, sync.pk)
            draft = services.change_sync(
                actor=self.actor, sync=sync, change=change, way=way, revision=open_one.revision if open_one else None
            )
            ask_for_approval(self.actor, draft, way)
        if values.get("disabled") is not None:
            switch = services.disable_schedule if values["disabled"] else services.enable_schedule
            switch(actor=self.actor, sync=sync)
        self._place(sync, values)
        return Response(syncs_json([access.sync_for(self.actor, sync_id)])[0])

    @extend_schema(operation_id="DeleteSync", responses={204: None, **error_answers()})
    def delete(self, request: Request, sync_id: int) -> Response:
        """Delete a sync, its runs and its change state; what it delivered stays at the destination."""
        services.delete_sync(actor=self.actor, sync=access.sync_for(self.actor, sync_id))
        return Response(status=204)

    def _place(self, sync: Sync, values: Mapping[str, Any]) -> None:
        if "labels" in values:
            labels = values["labels"]
            gone = set(sync.labels) - set(labels)
            services.label_sync(actor=self.actor, sync=sync, add=labels, remove=gone)
        if "folderId" in values:
            folder = None if values["folderId"] is None else folder_for(values["folderId"])
            services.move_sync(actor=self.actor, sync=sync, folder=folder)
        if "spaceId" in values:
            space = None if values["spaceId"] is None else space_for(self.actor, values["spaceId"])
            services.move_sync_to_space(actor=self.actor, sync=sync, space=space)


class SyncRunsView(ApiView):
    """The runs of a sync."""

    permission = {"GET": Permission.MEMBER}

    @extend_schema(
        operation_id="ListSyncRuns", parameters=[RunQuery], responses={200: list_of(RunOut), **error_answers()}
    )
    def get(self, request: Request, sync_id: int) -> Response:
        """List a sync's runs, newest first."""
        query = parse_query(request, RunQuery)
        sync = access.sync_for(self.actor, sync_id)
        rows = _runs(sync, query)
        return list_response(rows, query, lambda page: [run_json(self.actor, run, sync) for run in page])


class TriggerSyncView(ApiView):
    """Starting a run of one sync."""

    permission = {"POST": Permission.TRIGGER}
    parser_classes = (JSONParser, FormParser)

    @extend_schema(operation_id="TriggerRun", request=TriggerById, responses={200: Triggered, **error_answers()})
    def post(self, request: Request, sync_id: int) -> Response:
        """Start a run; answers at once with its id."""
        values = self.body(TriggerById)
        return _triggered(self.actor, access.sync_for(self.actor, sync_id), values)


class RetrySyncView(ApiView):
    """Sending again what earlier runs of a sync could not deliver."""

    permission = {"POST": Permission.TRIGGER}

    @extend_schema(operation_id="RetryRejectedRows", request=None, responses={200: Triggered, **error_answers()})
    def post(self, request: Request, sync_id: int) -> Response:
        """Start a run of only the rows that were rejected or not sent; answers at once with its id."""
        run = services.retry_rows(actor=self.actor, sync=access.sync_for(self.actor, sync_id))
        return Response({"id": str(run.pk)})


class TriggerView(ApiView):
    """Starting a run of a sync named in the body."""

    permission = {"POST": Permission.TRIGGER}
    parser_classes = (JSONParser, FormParser)

    @extend_schema(
        operation_id="TriggerRunCustom", request=TriggerByName, responses={200: Triggered, **error_answers()}
    )
    def post(self, request: Request) -> Response:
        """Start a run of the sync with this id or slug."""
        values = self.body(TriggerByName)
        if values.get("syncId"):
            sync = access.sync_for(self.actor, values["syncId"])
        else:
            sync = access.sync_by_slug(self.actor, values["syncSlug"])
        return _triggered(self.actor, sync, values)


def _triggered(actor: Actor, sync: Sync, values: Mapping[str, Any]) -> Response:
    run = services.start_run(
        actor=actor,
        sync=sync,
        full_resync=bool(values["fullResync"]),
        clear=bool(values["clearAndFill"]),
        trigger=Trigger.API,
    )
    return Response({"id": str(run.pk)})


def _runs(sync: Sync, query: dict[str, Any]) -> QuerySet[Run]:
    since = timezone.now() - timedelta(minutes=query["within"]) if query.get("within") is not None else None
    wanted = {
        "pk": query.get("runId"),
        "started_at__gte": max(filter(None, (query.get("after"), since)), default=None),
        "started_at__lte": query.get("before"),
    }
    return Run.objects.filter(sync=sync, **{name: value for name, value in wanted.items() if value is not None})
