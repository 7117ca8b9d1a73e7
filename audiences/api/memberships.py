"""Endpoints that say which audiences somebody is in now, for websites and apps to ask."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audiences import access
from audiences.memberships import memberships
from config.api import ApiView, error_answers
from workspaces.permissions import Permission


class MembershipsOut(serializers.Serializer[Any]):
    """The audiences of a parent model that somebody is in."""

    parent_model_id = serializers.CharField()
    user_id = serializers.CharField()
    audience_ids = serializers.ListField(child=serializers.CharField())


class MembershipOut(serializers.Serializer[Any]):
    """Whether somebody is in one audience."""

    isMember = serializers.BooleanField()


class MembershipsView(ApiView):
    """All audiences of one person."""

    permission = {"GET": Permission.MEMBER}

    @extend_schema(operation_id="ListMembership", responses={200: MembershipsOut, **error_answers()})
    def get(self, request: Request, parent_model_id: int, user_id: str) -> Response:
        """List the audiences of a parent model that the row with this key is in now; unknown keys are in none."""
        parent = access.parent_model_for(self.actor, parent_model_id)
        access.require_view_rows(self.actor, parent)
        audiences = list(access.audiences_in_view(self.actor).filter(parent_model=parent).order_by("pk"))
        found = memberships(self.actor, parent, audiences, user_id)
        ids = [str(audience.pk) for audience in found]
        return Response({"parent_model_id": str(parent.pk), "user_id": user_id, "audience_ids": ids})


class MembershipView(ApiView):
    """One audience and one person."""

    permission = {"GET": Permission.MEMBER}

    @extend_schema(operation_id="GetMembership", responses={200: MembershipOut, **error_answers()})
    def get(self, request: Request, audience_id: int, user_id: str) -> Response:
        """Tell whether the row with this key is in an audience now."""
        audience = access.audience_for(self.actor, audience_id)
        access.require_view_rows(self.actor, audience.parent_model)
        found = memberships(self.actor, audience.parent_model, [audience], user_id)
        return Response({"isMember": bool(found)})
