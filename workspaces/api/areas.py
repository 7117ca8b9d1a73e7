"""REST endpoints of product areas."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, ListQuery, error_answers, list_of, parse_query
from workspaces import areas, services
from workspaces.areas import Area
from workspaces.permissions import Permission


class AreaOut(serializers.Serializer[Any]):
    """A product area. What is off answers 409 with the code ``area_off``, and nothing of it starts."""

    key = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    enabled = serializers.BooleanField()
    adminsOnly = serializers.BooleanField()


class AreaChange(serializers.Serializer[Any]):
    """Whether the workspace uses the area."""

    enabled = serializers.BooleanField()


class AreaListView(ApiView):
    """The product areas of the workspace."""

    permission = {"GET": Permission.MEMBER}

    @extend_schema(
        operation_id="ListProductArea", parameters=[ListQuery], responses={200: list_of(AreaOut), **error_answers()}
    )
    def get(self, request: Request) -> Response:
        """List the product areas, and which of them are on."""
        off, query = areas.off_here(), parse_query(request, ListQuery)
        page = [_area_json(area, off) for area in areas.areas()][query["offset"] :][: query["limit"] + 1]
        return Response({"data": page[: query["limit"]], "hasMore": len(page) > query["limit"]})


class AreaView(ApiView):
    """One product area."""

    permission = {"GET": Permission.MEMBER, "PATCH": Permission.MANAGE_WORKSPACE}

    @extend_schema(operation_id="GetProductArea", responses={200: AreaOut, **error_answers()})
    def get(self, request: Request, key: str) -> Response:
        """Get one product area."""
        return Response(_area_json(areas.area_named(key), areas.off_here()))

    @extend_schema(operation_id="SwitchProductArea", request=AreaChange, responses={200: AreaOut, **error_answers()})
    def patch(self, request: Request, key: str) -> Response:
        """Switch it on or off. Nothing is deleted; runs that are under way end before their next batch."""
        enabled = self.body(AreaChange)["enabled"]
        workspace = request._request.workspace  # type: ignore[attr-defined]
        saved = services.switch_area(actor=self.actor, workspace=workspace, key=key, enabled=enabled)
        return Response(_area_json(areas.area_named(key), saved.areas_off))


def _area_json(area: Area, off: Any) -> dict[str, Any]:
    return {
        "key": area.key,
        "name": area.name,
        "description": area.words,
        "enabled": area.key not in off,
        "adminsOnly": area.admins_only,
    }
