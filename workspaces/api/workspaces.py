"""REST endpoints of workspaces."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from config.api import ApiView, ListQuery, error_answers, list_of, list_response, parse_query
from workspaces import services
from workspaces.api.shapes import WorkspaceBody, WorkspaceChange, WorkspaceDelete, WorkspaceOut, workspace_json
from workspaces.models import Workspace
from workspaces.permissions import Permission
from workspaces.scoping import organization_scope


class WorkspaceListView(ApiView):
    """The organization's workspaces; making one."""

    permission = {"GET": Permission.VIEW_ORGANIZATION, "POST": Permission.MANAGE_ORGANIZATION}

    @extend_schema(
        operation_id="ListWorkspace", parameters=[ListQuery], responses={200: list_of(WorkspaceOut), **error_answers()}
    )
    def get(self, request: Request) -> Response:
        """List the workspaces of the organization."""
        query = parse_query(request, ListQuery)
        query["orderBy"] = query["orderBy"].replace("updated_at", "created_at")
        with organization_scope(request._request.workspace.organization_id):  # type: ignore[attr-defined]
            rows = Workspace.objects.all()
            rows = rows.filter(slug=query["slug"]) if query.get("slug") else rows
            return list_response(rows, query, lambda found: [workspace_json(row) for row in found])

    @extend_schema(
        operation_id="CreateWorkspace", request=WorkspaceBody, responses={200: WorkspaceOut, **error_answers()}
    )
    def post(self, request: Request) -> Response:
        """Create a workspace with the pre-built roles."""
        organization = request._request.workspace.organization  # type: ignore[attr-defined]
        made = services.create_workspace(actor=self.actor, organization=organization, **self.body(WorkspaceBody))
        return Response(workspace_json(made))


class WorkspaceView(ApiView):
    """The API key's own workspace."""

    permission = {
        "GET": Permission.MEMBER,
        "PATCH": Permission.MANAGE_WORKSPACE,
        "DELETE": Permission.MANAGE_ORGANIZATION,
    }

    @extend_schema(operation_id="GetWorkspace", responses={200: WorkspaceOut, **error_answers()})
    def get(self, request: Request) -> Response:
        """Get the workspace that the API key opens."""
        return Response(workspace_json(request._request.workspace))  # type: ignore[attr-defined]

    @extend_schema(
        operation_id="UpdateWorkspace", request=WorkspaceChange, responses={200: WorkspaceOut, **error_answers()}
    )
    def patch(self, request: Request) -> Response:
        """Change its name or slug, or switch spaces on or off; the old slug redirects and stays reserved."""
        workspace, values = request._request.workspace, self.body(WorkspaceChange)  # type: ignore[attr-defined]
        enabled = values.pop("spacesEnabled", None)
        if enabled is not None:
            workspace = services.switch_spaces(actor=self.actor, workspace=workspace, enabled=enabled)
        if values:
            named = {"name": workspace.name, "slug": workspace.slug, **values}
            workspace = services.update_workspace(actor=self.actor, workspace=workspace, **named)
        return Response(workspace_json(workspace))

    @extend_schema(
        operation_id="DeleteWorkspace", request=WorkspaceDelete, responses={202: WorkspaceOut, **error_answers()}
    )
    def delete(self, request: Request) -> Response:
        """Delete it and all it holds, once nothing runs in it; the key stops at once."""
        workspace = request._request.workspace  # type: ignore[attr-defined]
        confirmed = self.body(WorkspaceDelete)["confirmSlug"]
        closed = services.start_deletion(actor=self.actor, workspace=workspace, confirm_name=confirmed)
        return Response(workspace_json(closed), status=202)
