"""REST endpoints of roles and groups."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, error_answers, list_of, list_response, parse_query
from workspaces import grants, selectors, services
from workspaces.access import group_for, role_for
from workspaces.api.shapes import (
    GroupBody,
    GroupChange,
    GroupOut,
    GroupRoleBody,
    NamedQuery,
    RoleBody,
    RoleChange,
    RoleOut,
    grants_in,
    groups_json,
    members_in,
    role_json,
)
from workspaces.models import UserGroup
from workspaces.permissions import Permission


class RoleListView(ApiView):
    """The workspace's roles; making one."""

    permission = {"GET": Permission.MEMBER, "POST": Permission.MANAGE_WORKSPACE}

    @extend_schema(
        operation_id="ListRole", parameters=[NamedQuery], responses={200: list_of(RoleOut), **error_answers()}
    )
    def get(self, request: Request) -> Response:
        """List the roles of the API key's workspace with all their grants."""
        return list_response(
            selectors.roles(), parse_query(request, NamedQuery), lambda rows: [role_json(r) for r in rows]
        )

    @extend_schema(operation_id="CreateRole", request=RoleBody, responses={200: RoleOut, **error_answers()})
    def post(self, request: Request) -> Response:
        """Create a custom role."""
        values = self.body(RoleBody)
        given = grants_in(values.get("grants", []))
        role = services.create_role(
            actor=self.actor,
            workspace=self.request._request.workspace,  # type: ignore[attr-defined]
            name=values["name"],
            description=values["description"],
        )
        services.change_role_grants(actor=self.actor, role=role, give=given)
        return Response(role_json(role))


class RoleView(ApiView):
    """One role."""

    permission = {
        "GET": Permission.MEMBER,
        "PATCH": Permission.MANAGE_WORKSPACE,
        "DELETE": Permission.MANAGE_WORKSPACE,
    }

    @extend_schema(operation_id="GetRole", responses={200: RoleOut, **error_answers()})
    def get(self, request: Request, role_id: int) -> Response:
        """Get a role by its id."""
        return Response(role_json(role_for(role_id)))

    @extend_schema(operation_id="UpdateRole", request=RoleChange, responses={200: RoleOut, **error_answers()})
    def patch(self, request: Request, role_id: int) -> Response:
        """Change a custom role; ``grants`` replaces all that it holds."""
        role, values = role_for(role_id), self.body(RoleChange)
        wanted = set(grants_in(values["grants"])) if "grants" in values else None
        if "name" in request.data or "description" in request.data:
            words = values["description"] if "description" in request.data else role.description
            role = services.update_role(
                actor=self.actor, role=role, name=values.get("name", role.name), description=words
            )
        if wanted is not None:
            held = grants.grants_of_role(role)
            services.change_role_grants(actor=self.actor, role=role, give=wanted - held, take=held - wanted)
        return Response(role_json(role))

    @extend_schema(operation_id="DeleteRole", responses={204: None, **error_answers()})
    def delete(self, request: Request, role_id: int) -> Response:
        """Delete a custom role that no group holds."""
        services.delete_role(actor=self.actor, role=role_for(role_id))
        return Response(status=204)


class GroupListView(ApiView):
    """The organization's groups; making one."""

    permission = {"GET": Permission.VIEW_ORGANIZATION, "POST": Permission.MANAGE_ORGANIZATION}

    @extend_schema(
        operation_id="ListGroup", parameters=[NamedQuery], responses={200: list_of(GroupOut), **error_answers()}
    )
    def get(self, request: Request) -> Response:
        """List the groups of the organization."""
        query = parse_query(request, NamedQuery)
        rows = UserGroup.objects.all()
        return list_response(rows.filter(name=query["name"]) if query.get("name") else rows, query, groups_json)

    @extend_schema(operation_id="CreateGroup", request=GroupBody, responses={200: GroupOut, **error_answers()})
    def post(self, request: Request) -> Response:
        """Create a group; it has no access until it holds a role."""
        values = self.body(GroupBody)
        group = services.create_group(
            actor=self.actor,
            organization=self.request._request.workspace.organization,  # type: ignore[attr-defined]
            name=values["name"],
            description=values["description"],
            members=members_in(values.get("members", [])),
        )
        return Response(groups_json([group])[0])


class GroupView(ApiView):
    """One group."""

    permission = {
        "GET": Permission.VIEW_ORGANIZATION,
        "PATCH": Permission.MANAGE_ORGANIZATION,
        "DELETE": Permission.MANAGE_ORGANIZATION,
    }

    @extend_schema(operation_id="GetGroup", responses={200: GroupOut, **error_answers()})
    def get(self, request: Request, group_id: int) -> Response:
        """Get a group by its id."""
        return Response(groups_json([group_for(group_id)])[0])

    @extend_schema(operation_id="UpdateGroup", request=GroupChange, responses={200: GroupOut, **error_answers()})
    def patch(self, request: Request, group_id: int) -> Response:
        """Change a group; ``members`` replaces everybody in it."""
        group, values = group_for(group_id), self.body(GroupChange)
        members = members_in(values["members"]) if "members" in values else None
        if "name" in request.data or "description" in request.data:
            words = values["description"] if "description" in request.data else group.description
            group = services.update_group(
                actor=self.actor, group=group, name=values.get("name", group.name), description=words
            )
        if members is not None:
            services.set_group_members(actor=self.actor, group=group, members=members)
        return Response(groups_json([group])[0])

    @extend_schema(operation_id="DeleteGroup", responses={204: None, **error_answers()})
    def delete(self, request: Request, group_id: int) -> Response:
        """Delete a group; its members lose what only it gave them."""
        services.delete_group(actor=self.actor, group=group_for(group_id))
        return Response(status=204)


class GroupRoleView(ApiView):
    """The role a group holds in the key's workspace."""

    permission = {"PUT": Permission.MANAGE_WORKSPACE}

    @extend_schema(operation_id="SetGroupRole", request=GroupRoleBody, responses={200: GroupOut, **error_answers()})
    def put(self, request: Request, group_id: int) -> Response:
        """Give a group a role in this workspace, or take it away."""
        group, wanted = group_for(group_id), self.body(GroupRoleBody)["roleId"]
        services.set_group_role(
            actor=self.actor,
            workspace=self.request._request.workspace,  # type: ignore[attr-defined]
            group=group,
            role=role_for(wanted) if wanted is not None else None,
        )
        return Response(groups_json([group])[0])
