"""The REST endpoint of the organization itself."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, error_answers
from workspaces import services
from workspaces.models import Organization
from workspaces.permissions import Permission

WIRE = {
    "name": "name",
    "allow_invitations": "invitationsAllowed",
    "sso_may_create_workspaces": "ssoMayCreateWorkspaces",
}


class OrganizationChange(serializers.Serializer[Any]):
    """What to change of the organization; what is left out stays."""

    name = serializers.CharField(max_length=120, required=False)
    invitationsAllowed = serializers.BooleanField(required=False)
    ssoMayCreateWorkspaces = serializers.BooleanField(required=False)


class OrganizationOut(OrganizationChange):
    """The organization, how people come in, and whether those of its identity provider may make workspaces."""

    id = serializers.CharField()
    createdAt = serializers.DateTimeField()


class OrganizationView(ApiView):
    """The organization of the key's workspace."""

    permission = {"GET": Permission.VIEW_ORGANIZATION, "PATCH": Permission.MANAGE_ORGANIZATION}

    @extend_schema(operation_id="GetOrganization", responses={200: OrganizationOut, **error_answers()})
    def get(self, request: Request) -> Response:
        """Get the organization of the key's workspace."""
        return Response(_json(request._request.workspace.organization))  # type: ignore[attr-defined]

    @extend_schema(
        operation_id="UpdateOrganization",
        request=OrganizationChange,
        responses={200: OrganizationOut, **error_answers()},
    )
    def patch(self, request: Request) -> Response:
        """Change its name, and how people come in."""
        organization = request._request.workspace.organization  # type: ignore[attr-defined]
        given = self.body(OrganizationChange)
        values = {field: given.get(wire, getattr(organization, field)) for field, wire in WIRE.items()}
        return Response(_json(services.update_organization(actor=self.actor, organization=organization, **values)))


def _json(organization: Organization) -> dict[str, Any]:
    settings = {wire: getattr(organization, field) for field, wire in WIRE.items()}
    return {"id": str(organization.pk), **settings, "createdAt": organization.created_at}
