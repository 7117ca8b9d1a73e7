"""REST endpoints of where a source's syncs are compared."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, error_answers
from connectors import access, services
from connectors.choices import Health, Kind, Planner
from connectors.models import Source
from workspaces.permissions import Permission


class PlannerIn(serializers.Serializer[Any]):
    """``warehouse`` compares in the source itself; there is no way back to ``local``."""

    planner = serializers.ChoiceField(Planner.values)


class WriteAccessOut(serializers.Serializer[Any]):
    """The last test of write access, in the warehouse's words; ``setupSql`` grants it."""

    health = serializers.ChoiceField(Health.values)
    checkedAt = serializers.DateTimeField(allow_null=True)
    message = serializers.CharField(allow_blank=True)
    hint = serializers.CharField(allow_blank=True)
    setupSql = serializers.CharField(allow_blank=True)


class PlannerOut(serializers.Serializer[Any]):
    """Where the syncs of a source are compared; without ``writeAccess`` they can only be compared in Headrace."""

    planner = serializers.ChoiceField(Planner.values)
    writeAccess = WriteAccessOut(allow_null=True)


class PlannerView(ApiView):
    """The planner of one source."""

    permission = {"GET": Permission.MEMBER, "PUT": Permission.MANAGE_SOURCE}

    @extend_schema(operation_id="GetSourcePlanner", responses={200: PlannerOut, **error_answers()})
    def get(self, request: Request, source_id: int) -> Response:
        """Where a source's syncs are compared, and whether Headrace may write into its warehouse."""
        return Response(_json(access.source_for(self.actor, source_id)))

    @extend_schema(
        operation_id="ChooseSourcePlanner", request=PlannerIn, responses={200: PlannerOut, **error_answers()}
    )
    def put(self, request: Request, source_id: int) -> Response:
        """Move a source to the warehouse planner once write access passed its test; its syncs follow by themselves."""
        source, chosen = access.source_for(self.actor, source_id), self.body(PlannerIn)["planner"]
        return Response(_json(services.choose_planner(actor=self.actor, source=source, planner=chosen)))


def _json(source: Source) -> dict[str, Any]:
    if not access.can_host_planner(source):
        return {"planner": source.planner, "writeAccess": None}
    setup = access.definition_of(Kind.SOURCE, source.type).write_setup_sql
    told = {
        "health": source.write_health,
        "checkedAt": source.write_checked_at,
        "message": source.write_check_message,
        "hint": source.write_check_hint,
        "setupSql": setup(source.config) if setup else "",
    }
    return {"planner": source.planner, "writeAccess": told}
