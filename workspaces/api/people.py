"""REST endpoints of people and invitations."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, ListQuery, error_answers, list_of, list_response, parse_query
from workspaces import explaining, roster, services
from workspaces.access import invitation_for, member_for
from workspaces.api.shapes import (
    InvitationBody,
    InvitationOut,
    MemberAccessOut,
    MemberChange,
    MemberOut,
    MembersQuery,
    all_of,
    invitation_json,
    member_json,
)
from workspaces.belongings import belongings_of
from workspaces.models import UserGroup
from workspaces.permissions import Permission


class MemberListView(ApiView):
    """People of the organization."""

    permission = {"GET": Permission.VIEW_ORGANIZATION}

    @extend_schema(
        operation_id="ListMember", parameters=[MembersQuery], responses={200: list_of(MemberOut), **error_answers()}
    )
    def get(self, request: Request) -> Response:
        """List the people of the organization."""
        query = parse_query(request, MembersQuery)
        rows = roster.people()
        rows = rows.filter(user__email__iexact=query["email"]) if query.get("email") else rows
        return list_response(rows, query, lambda found: [member_json(member) for member in found])


class MemberView(ApiView):
    """One person."""

    permission = {
        "GET": Permission.VIEW_ORGANIZATION,
        "PATCH": Permission.MANAGE_ORGANIZATION,
        "DELETE": Permission.MANAGE_ORGANIZATION,
    }

    @extend_schema(operation_id="GetMember", responses={200: MemberOut, **error_answers()})
    def get(self, request: Request, member_id: int) -> Response:
        """Get a person by the id of their membership."""
        return Response(_member_json(member_id))

    @extend_schema(operation_id="UpdateMember", request=MemberChange, responses={200: MemberOut, **error_answers()})
    def patch(self, request: Request, member_id: int) -> Response:
        """Make a person an organization admin or viewer, or no longer one."""
        values = self.body(MemberChange)
        services.update_member(
            actor=self.actor,
            member=member_for(member_id),
            is_admin=values.get("isAdmin"),
            is_viewer=values.get("isViewer"),
        )
        return Response(_member_json(member_id))

    @extend_schema(operation_id="DeleteMember", responses={204: None, **error_answers()})
    def delete(self, request: Request, member_id: int) -> Response:
        """Remove a person: their API keys stop, what they set up stays."""
        services.remove_person(actor=self.actor, member=member_for(member_id))
        return Response(status=204)


class MemberAccessView(ApiView):
    """What a person can do, and why."""

    permission = {"GET": Permission.VIEW_ORGANIZATION}

    @extend_schema(operation_id="GetMemberAccess", responses={200: MemberAccessOut, **error_answers()})
    def get(self, request: Request, member_id: int) -> Response:
        """Say what a person may do in the API key's workspace, and by which group and role."""
        member = member_for(member_id)
        lines = [
            {
                "permission": right.permission.value,
                "by": reason.by,
                "everywhere": reason.everywhere,
                "names": list(reason.names),
            }
            for right in explaining.rights_of(explaining.holdings_of(member))
            for reason in right.reasons
        ]
        return Response({"rights": lines, "belongings": {item.noun: item.total for item in belongings_of(member)}})


class InvitationListView(ApiView):
    """Invitations that nobody took up; inviting."""

    permission = {"GET": Permission.VIEW_ORGANIZATION, "POST": Permission.MANAGE_ORGANIZATION}

    @extend_schema(
        operation_id="ListInvitation",
        parameters=[ListQuery],
        responses={200: list_of(InvitationOut), **error_answers()},
    )
    def get(self, request: Request) -> Response:
        """List the invitations that nobody took up or withdrew, expired ones too."""
        query = {**parse_query(request, ListQuery), "orderBy": "-id"}
        rows = roster.pending_invitations()
        return list_response(rows, query, lambda found: [invitation_json(row) for row in found])

    @extend_schema(
        operation_id="CreateInvitation", request=InvitationBody, responses={200: InvitationOut, **error_answers()}
    )
    def post(self, request: Request) -> Response:
        """Invite a person; the answer is the only place that shows the link."""
        values = self.body(InvitationBody)
        invitation = services.invite_person(
            actor=self.actor,
            organization=self.request._request.workspace.organization,  # type: ignore[attr-defined]
            email=values["email"],
            groups=all_of(UserGroup.objects.all(), values["groups"], "group"),
            is_admin=values["isAdmin"],
            is_viewer=values["isViewer"],
        )
        return Response(invitation_json(invitation, with_link=True))


class InvitationView(ApiView):
    """One invitation."""

    permission = {"DELETE": Permission.MANAGE_ORGANIZATION}

    @extend_schema(operation_id="WithdrawInvitation", responses={204: None, **error_answers()})
    def delete(self, request: Request, invitation_id: int) -> Response:
        """Withdraw an invitation: its link stops."""
        services.withdraw_invitation(actor=self.actor, invitation=invitation_for(invitation_id))
        return Response(status=204)


class RenewInvitationView(ApiView):
    """A new link."""

    permission = {"POST": Permission.MANAGE_ORGANIZATION}

    @extend_schema(operation_id="RenewInvitation", request=None, responses={200: InvitationOut, **error_answers()})
    def post(self, request: Request, invitation_id: int) -> Response:
        """Make a new link that works for another 30 days; the old one stops."""
        renewed = services.renew_invitation(actor=self.actor, invitation=invitation_for(invitation_id))
        return Response(invitation_json(renewed, with_link=True))


def _member_json(member_id: int) -> dict[str, Any]:
    return member_json(roster.people().get(pk=member_for(member_id).pk))
