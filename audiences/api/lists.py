"""Endpoints of uploaded lists of values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audiences import access
from audiences.api.shapes import NamedOut, NamedQuery, named_json, narrowed
from audiences.models import ValueList
from audiences.services import lists as services
from audiences.uploads import MOST
from config.api import ApiView, error_answers, list_of, list_response, parse_query
from workspaces.permissions import Permission

READ, WRITE = Permission.MEMBER, Permission.CONFIGURE_AUDIENCES


class ValueListIn(serializers.Serializer[Any]):
    """A new list."""

    name = serializers.CharField(max_length=200)
    values = serializers.ListField(child=serializers.CharField(), max_length=MOST)


class ValueListUpdate(serializers.Serializer[Any]):
    """What to change of a list; ``values`` take the place of all that are there."""

    name = serializers.CharField(max_length=200, required=False)
    values = serializers.ListField(child=serializers.CharField(), max_length=MOST, required=False)


class ValueListOut(NamedOut):
    """A list: how many values it has, not which."""

    size = serializers.IntegerField()


def lists_json(rows: Iterable[ValueList]) -> list[dict[str, Any]]:
    """Several lists."""
    return [named_json(row, size=row.size) for row in rows]


class ValueListsView(ApiView):
    """The uploaded lists; adding one."""

    permission = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="ListValueList",
        parameters=[NamedQuery],
        responses={200: list_of(ValueListOut), **error_answers()},
    )
    def get(self, request: Request) -> Response:
        """List the lists."""
        query = parse_query(request, NamedQuery)
        return list_response(narrowed(access.lists_in_view(self.actor).defer("values"), query), query, lists_json)

    @extend_schema(
        operation_id="CreateValueList", request=ValueListIn, responses={200: ValueListOut, **error_answers()}
    )
    def post(self, request: Request) -> Response:
        """Add a list of values."""
        return Response(lists_json([services.create_list(actor=self.actor, **self.body(ValueListIn))])[0])


class ValueListView(ApiView):
    """One list."""

    permission = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}

    @extend_schema(operation_id="GetValueList", responses={200: ValueListOut, **error_answers()})
    def get(self, request: Request, list_id: int) -> Response:
        """Get a list by its id."""
        return Response(lists_json([access.list_for(self.actor, list_id)])[0])

    @extend_schema(
        operation_id="UpdateValueList", request=ValueListUpdate, responses={200: ValueListOut, **error_answers()}
    )
    def patch(self, request: Request, list_id: int) -> Response:
        """Rename a list, or put other values into it."""
        found = access.list_for(self.actor, list_id)
        changed = services.update_list(actor=self.actor, value_list=found, **self.body(ValueListUpdate))
        return Response(lists_json([changed])[0])

    @extend_schema(operation_id="DeleteValueList", responses={204: None, **error_answers()})
    def delete(self, request: Request, list_id: int) -> Response:
        """Delete a list that nothing uses."""
        services.delete_list(actor=self.actor, value_list=access.list_for(self.actor, list_id))
        return Response(status=204)
