"""Endpoints of priority lists."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import prefetch_related_objects
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audiences import access
from audiences.api.shapes import NamedOut, OfParentQuery, named_json, narrowed
from audiences.models import PriorityList
from audiences.services import priority as services
from config.api import ApiView, error_answers, list_of, list_response, parse_query
from workspaces.permissions import Permission

READ, WRITE = Permission.MEMBER, Permission.CONFIGURE_AUDIENCES


class PriorityListIn(serializers.Serializer[Any]):
    """A new list; ``audienceIds`` begins with the highest priority."""

    parentModelId = serializers.IntegerField()
    name = serializers.CharField(max_length=200)
    audienceIds = serializers.ListField(child=serializers.IntegerField())


class PriorityListUpdate(serializers.Serializer[Any]):
    """What to change of a list: ``audienceIds`` replaces the whole order."""

    name = serializers.CharField(max_length=200, required=False)
    audienceIds = serializers.ListField(child=serializers.IntegerField(), required=False)


class PriorityListOut(NamedOut):
    """A priority list: whoever is in several of its audiences is sent to the first of them alone."""

    parentModelId = serializers.CharField()
    audienceIds = serializers.ListField(child=serializers.CharField())


def lists_json(rows: Iterable[PriorityList]) -> list[dict[str, Any]]:
    """Several lists."""
    found = list(rows)
    prefetch_related_objects(found, "places")
    return [
        named_json(
            row,
            parentModelId=str(row.parent_model_id),
            audienceIds=[str(place.audience_id) for place in row.places.all()],
        )
        for row in found
    ]


class PriorityListsView(ApiView):
    """The priority lists of the workspace; adding one."""

    permission = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="ListPriorityList",
        parameters=[OfParentQuery],
        responses={200: list_of(PriorityListOut), **error_answers()},
    )
    def get(self, request: Request) -> Response:
        """List the priority lists."""
        query = parse_query(request, OfParentQuery)
        return list_response(narrowed(access.priority_lists_in_view(self.actor), query), query, lists_json)

    @extend_schema(
        operation_id="CreatePriorityList", request=PriorityListIn, responses={200: PriorityListOut, **error_answers()}
    )
    def post(self, request: Request) -> Response:
        """Put audiences of a parent model into an order."""
        values = self.body(PriorityListIn)
        made = services.create_priority_list(
            actor=self.actor,
            parent=access.parent_to_build_on(self.actor, values["parentModelId"]),
            name=values["name"],
            audience_ids=values["audienceIds"],
        )
        return Response(lists_json([made])[0])


class PriorityListView(ApiView):
    """One priority list."""

    permission = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}

    @extend_schema(operation_id="GetPriorityList", responses={200: PriorityListOut, **error_answers()})
    def get(self, request: Request, priority_list_id: int) -> Response:
        """Get a priority list by its id."""
        return Response(lists_json([access.priority_list_for(self.actor, priority_list_id)])[0])

    @extend_schema(
        operation_id="UpdatePriorityList",
        request=PriorityListUpdate,
        responses={200: PriorityListOut, **error_answers()},
    )
    def patch(self, request: Request, priority_list_id: int) -> Response:
        """Change a list's name or order."""
        values = self.body(PriorityListUpdate)
        found = access.priority_list_for(self.actor, priority_list_id)
        services.update_priority_list(
            actor=self.actor, priority_list=found, name=values.get("name"), audience_ids=values.get("audienceIds")
        )
        return Response(lists_json([access.priority_list_for(self.actor, priority_list_id)])[0])

    @extend_schema(operation_id="DeletePriorityList", responses={204: None, **error_answers()})
    def delete(self, request: Request, priority_list_id: int) -> Response:
        """Delete a list; its audiences stay."""
        found = access.priority_list_for(self.actor, priority_list_id)
        services.delete_priority_list(actor=self.actor, priority_list=found)
        return Response(status=204)
