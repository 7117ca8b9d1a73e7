"""Endpoints of the way from an audience to what its syncs delivered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audiences import access
from audiences.api.insights import Asking, CalculationOut
from audiences.models import Audience
from audiences.selectors.layers import runs_with_layers
from audiences.services.layers import count_layers
from audiences.syncing import audience_of
from audiences.waterfall import Step, layer_steps, run_steps
from config.api import ListQuery, error_answers, list_of, list_response, parse_query
from config.errors import NotFound
from governance.audit.actors import Actor
from syncs.access import sync_for
from syncs.models import Run, Sync
from syncs.selectors.matches import matches_of_runs, reports_matches
from workspaces.permissions import Permission

READ, WRITE = Permission.MEMBER, Permission.CONFIGURE_AUDIENCES


class WaterfallQuery(ListQuery):
    """The waterfalls of a sync's runs, the newest first."""

    limit = serializers.IntegerField(required=False, default=5, min_value=1, max_value=1000)
    orderBy = serializers.CharField(required=False, default="-id")
    orderable = {"id": "id", "createdAt": "created_at"}


class WaterfallStepOut(serializers.Serializer[Any]):
    """One step: how many it left, how many it left out, and what that means."""

    key = serializers.CharField()
    name = serializers.CharField()
    left = serializers.IntegerField()
    stopped = serializers.IntegerField()
    why = serializers.CharField()


class WaterfallOut(serializers.Serializer[Any]):
    """The steps of one run, from who meets the conditions to whom the destination recognised.

    ``countedAt`` is null where the layers before the run's query were not counted, or not yet; ``error`` says why.
    """

    runId = serializers.CharField()
    number = serializers.IntegerField()
    at = serializers.DateTimeField()
    countedAt = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField()
    steps = WaterfallStepOut(many=True)


class SyncWaterfallView(Asking):
    """The waterfall of an audience's sync."""

    permission = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="ListSyncWaterfall",
        parameters=[WaterfallQuery],
        responses={200: list_of(WaterfallOut), **error_answers()},
    )
    def get(self, request: Request, sync_id: int) -> Response:
        """List what became of an audience in each run of one of its syncs."""
        sync = sync_for(self.actor, sync_id)
        _audience(self.actor, sync)
        rows = runs_with_layers(sync)
        return list_response(rows, parse_query(request, WaterfallQuery), lambda page: _waterfalls(sync, page))

    @extend_schema(operation_id="CountSyncLayers", request=None, responses={200: CalculationOut, **error_answers()})
    def post(self, request: Request, sync_id: int) -> Response:
        """Let the source count as of now; ask for the calculation to see the answer, by layer."""
        return Response(self.shown(count_layers(actor=self.actor, sync=sync_for(self.actor, sync_id))))


def _audience(actor: Actor, sync: Sync) -> Audience:
    if not sync.model.of_audience:
        raise NotFound("This sync sends no audience.")
    return access.audience_for(actor, audience_of(sync.model_id).pk)


def _waterfalls(sync: Sync, runs: Iterable[Run]) -> list[dict[str, Any]]:
    page = list(runs)
    matches = matches_of_runs([run.pk for run in page]) if reports_matches(sync) else {}
    found = []
    for run in page:
        kept = run.layers if hasattr(run, "layers") else None
        layers = layer_steps(kept.counts) if kept and kept.counts else []
        steps = [*layers, *run_steps(run, matches.get(run.pk))]
        found.append(
            {
                "runId": str(run.pk),
                "number": run.number,
                "at": run.created_at,
                "countedAt": kept.at if kept and layers else None,
                "error": kept.error if kept else "",
                "steps": [_step(step) for step in steps],
            }
        )
    return found


def _step(step: Step) -> dict[str, Any]:
    return {"key": step.key, "name": step.label, "left": step.left, "stopped": step.stopped, "why": step.why}
