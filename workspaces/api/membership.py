"""REST endpoints of requests to join the workspace."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, ListQuery, error_answers, list_of, list_response, parse_query
from workspaces import services
from workspaces.access import group_for
from workspaces.membership import groups_to_let_into, membership_request_for, requests_here
from workspaces.models import MembershipRequest
from workspaces.permissions import Permission


class MembershipRequestQuery(ListQuery):
    """Query parameters of the list of requests to join."""

    name = None  # type: ignore[assignment]  # how a declared field is left out
    slug = None  # type: ignore[assignment]
    orderable = {"id": "id", "createdAt": "created_at"}


class MembershipRequestOut(serializers.Serializer[Any]):
    """Somebody who asks to join; ``inOrganization`` says whether they are in the organization already.

    ``groupIds`` are the groups into which the key's owner may let them.
    """

    id = serializers.CharField()
    email = serializers.CharField()
    message = serializers.CharField()
    inOrganization = serializers.BooleanField()
    groupIds = serializers.ListField(child=serializers.CharField())
    createdAt = serializers.DateTimeField()


class ApproveIn(serializers.Serializer[Any]):
    """The group that they get into."""

    groupId = serializers.IntegerField()


class MembershipRequestListView(ApiView):
    """Who asks to join the workspace."""

    permission = {"GET": Permission.MANAGE_WORKSPACE}

    @extend_schema(
        operation_id="ListMembershipRequest",
        parameters=[MembershipRequestQuery],
        responses={200: list_of(MembershipRequestOut), **error_answers()},
    )
    def get(self, request: Request) -> Response:
        """List who asks to join."""
        query = parse_query(request, MembershipRequestQuery)
        return list_response(requests_here(), query, lambda found: [self._json(asked) for asked in found])

    def _json(self, asked: MembershipRequest) -> dict[str, Any]:
        return {
            "id": str(asked.pk),
            "email": asked.user.email,
            "message": asked.message,
            "inOrganization": asked.inside,  # type: ignore[attr-defined]  # annotated
            "groupIds": [str(group.pk) for group in groups_to_let_into(self.actor, asked)],
            "createdAt": asked.created_at,
        }


class MembershipRequestView(ApiView):
    """One of them."""

    permission = {"DELETE": Permission.MANAGE_WORKSPACE}

    @extend_schema(operation_id="DeclineMembershipRequest", responses={204: None, **error_answers()})
    def delete(self, request: Request, request_id: int) -> Response:
        """Decline: they stay outside, and may ask again."""
        services.decline_membership_request(actor=self.actor, asked=membership_request_for(request_id))
        return Response(status=204)


class ApproveMembershipRequestView(ApiView):
    """Letting somebody in."""

    permission = {"POST": Permission.MANAGE_WORKSPACE}

    @extend_schema(operation_id="ApproveMembershipRequest", request=ApproveIn, responses={204: None, **error_answers()})
    def post(self, request: Request, request_id: int) -> Response:
        """Let somebody in by a group that has a role in the workspace."""
        asked = membership_request_for(request_id)
        group = group_for(self.body(ApproveIn)["groupId"])
        services.approve_membership_request(actor=self.actor, asked=asked, group=group)
        return Response(status=204)
