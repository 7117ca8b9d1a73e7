"""User groups and the role each holds in the workspace."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from config.errors import Invalid
from config.htmx import go_to, render_page
from workspaces import selectors, services
from workspaces.access import group_for, may
from workspaces.forms import GroupForm, GroupRoleForm
from workspaces.pages import show_errors
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.routes import requires


@requires(Permission.MEMBER)
def groups(request: WorkspaceRequest) -> HttpResponse:
    """All groups with their role here, and what each role may do."""
    context = {
        "groups": selectors.groups_with_roles(),
        "roles": selectors.roles(),
        "role_table": selectors.role_table(),
        "manages": may(request.actor, Permission.MANAGE_ORGANIZATION),
        "assigns": may(request.actor, Permission.MANAGE_WORKSPACE),
    }
    return render_page(request, "workspaces/groups.html", context)


@requires(Permission.MANAGE_ORGANIZATION)
def new_group(request: WorkspaceRequest) -> HttpResponse:
    """A new group; it has no access until it is given a role."""
    form = GroupForm(request.POST or None)
    if form.is_valid():
        try:
            made = services.create_group(
                actor=request.actor, organization=request.workspace.organization, **form.cleaned_data
            )
            message = f"{made.name} is ready. Give it a role to let it in."
            return go_to(request, _groups(request), message)
        except Invalid as error:
            show_errors(form, error)
    return render_page(request, "workspaces/new_group.html", {"form": form}, status=422 if form.errors else 200)


@requires(Permission.MEMBER, write=Permission.MANAGE_ORGANIZATION)
def group(request: WorkspaceRequest, group_id: int) -> HttpResponse:
    """One group: its name, who is in it, and its roles."""
    found = group_for(group_id)
    members = selectors.members_of(found)
    initial = {"name": found.name, "description": found.description, "members": [m.pk for m in members]}
    form = GroupForm(request.POST or None, initial=initial)
    if form.is_valid():
        try:
            data = form.cleaned_data
            services.update_group(actor=request.actor, group=found, name=data["name"], description=data["description"])
            services.set_group_members(actor=request.actor, group=found, members=data["members"])
            return go_to(request, request.path, "Group saved.")
        except Invalid as error:
            show_errors(form, error)
    context = {
        "breadcrumb": [{"label": "Groups and roles", "url": _groups(request)}],
        "group": found,
        "members": members,
        "form": form,
        "role": selectors.role_of(found),
        "manages": may(request.actor, Permission.MANAGE_ORGANIZATION),
    }
    return render_page(request, "workspaces/group.html", context, status=422 if form.errors else 200)


@requires(Permission.MANAGE_WORKSPACE)
@require_POST
def group_role(request: WorkspaceRequest, group_id: int) -> HttpResponse:
    """Give the group a role in this workspace, or take it away."""
    found = group_for(group_id)
    form = GroupRoleForm(request.POST)
    if not form.is_valid():
        raise Invalid.field("role", "Choose one of the workspace's roles.")
    role = form.cleaned_data["role"]
    services.set_group_role(actor=request.actor, workspace=request.workspace, group=found, role=role)
    words = f"is now {role.name.lower()} here" if role else "has no access here any more"
    return go_to(request, _groups(request), f"{found.name} {words}.")


@requires(Permission.MANAGE_ORGANIZATION)
@require_POST
def delete_group(request: WorkspaceRequest, group_id: int) -> HttpResponse:
    """Delete the group in the whole organization."""
    found = group_for(group_id)
    services.delete_group(actor=request.actor, group=found)
    return go_to(request, _groups(request), f"{found.name} was deleted.")


def _groups(request: WorkspaceRequest) -> str:
    return reverse("workspaces:groups", args=[request.workspace.slug])
