"""Spaces of the workspace: switching them on, who sees each, and what they hold."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from config.errors import Conflict, Invalid
from config.htmx import go_to, render_page
from workspaces import services
from workspaces import spaces as contents_of_spaces
from workspaces.access import space_for
from workspaces.forms import SpaceForm
from workspaces.models import Space
from workspaces.pages import show_errors
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.routes import requires


@requires(Permission.MANAGE_WORKSPACE)
def spaces(request: WorkspaceRequest) -> HttpResponse:
    """All spaces with the groups that see them and what they hold."""
    rows = list(Space.objects.prefetch_related("groups__group"))
    held = contents_of_spaces.contents(rows)
    lines = [
        {"space": space, "groups": sorted(g.group.name for g in space.groups.all()), "held": held[space.pk]}
        for space in rows
    ]
    context = {"lines": lines, "enabled": request.workspace.spaces_enabled}
    return render_page(request, "workspaces/spaces.html", context)


@requires(Permission.MANAGE_WORKSPACE)
@require_POST
def switch_spaces(request: WorkspaceRequest) -> HttpResponse:
    """Offer spaces here, or no longer."""
    enabled = request.POST.get("enabled") == "yes"
    try:
        services.switch_spaces(actor=request.actor, workspace=request.workspace, enabled=enabled)
    except Conflict as error:
        return go_to(request, _spaces(request), f"{error.message} {error.hint}", tone="bad")
    return go_to(request, _spaces(request), "Spaces are on." if enabled else "Spaces are off.")


@requires(Permission.MANAGE_WORKSPACE)
def new_space(request: WorkspaceRequest) -> HttpResponse:
    """A new space and the groups that see it."""
    form = SpaceForm(request.POST or None)
    if form.is_valid():
        try:
            made = services.create_space(actor=request.actor, workspace=request.workspace, **form.cleaned_data)
            return go_to(request, _spaces(request), f"{made.name} is ready. Move syncs into it from their list.")
        except Invalid as error:
            show_errors(form, error)
    context = {"form": form, "breadcrumb": _breadcrumb(request)}
    return render_page(request, "workspaces/new_space.html", context, status=422 if form.errors else 200)


@requires(Permission.MANAGE_WORKSPACE)
def space(request: WorkspaceRequest, space_id: int) -> HttpResponse:
    """One space: its name, who sees it, and what it holds."""
    found = space_for(request.actor, space_id)
    groups = found.groups.values_list("group_id", flat=True)
    initial = {"name": found.name, "description": found.description, "groups": list(groups)}
    form = SpaceForm(request.POST or None, initial=initial)
    if form.is_valid():
        try:
            services.update_space(actor=request.actor, space=found, **form.cleaned_data)
            return go_to(request, request.path, "Space saved.")
        except Invalid as error:
            show_errors(form, error)
    held = contents_of_spaces.contents([found])[found.pk]
    context = {"form": form, "space": found, "held": held, "breadcrumb": _breadcrumb(request)}
    return render_page(request, "workspaces/space.html", context, status=422 if form.errors else 200)


@requires(Permission.MANAGE_WORKSPACE)
@require_POST
def delete_space(request: WorkspaceRequest, space_id: int) -> HttpResponse:
    """Delete a space that holds nothing."""
    found = space_for(request.actor, space_id)
    try:
        services.delete_space(actor=request.actor, space=found)
    except Conflict as error:
        here = reverse("workspaces:space", args=[request.workspace.slug, space_id])
        return go_to(request, here, f"{error.message} {error.hint}", tone="bad")
    return go_to(request, _spaces(request), f"{found} was deleted.")


def _spaces(request: WorkspaceRequest) -> str:
    return reverse("workspaces:spaces", args=[request.workspace.slug])


def _breadcrumb(request: WorkspaceRequest) -> list[dict[str, str]]:
    return [{"label": "Spaces", "url": _spaces(request)}]
