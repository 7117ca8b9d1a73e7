"""The workspace itself, new workspaces, the person's own profile, and the command palette."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.urls import reverse

from config.errors import Invalid
from config.htmx import go_to, render_page
from workspaces import palette as command_palette
from workspaces import services
from workspaces.access import may
from workspaces.egress import addresses_of
from workspaces.forms import ProfileForm, WorkspaceForm
from workspaces.house_rules import rules_of
from workspaces.pages import show_errors
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.routes import requires


@requires(Permission.MEMBER, write=Permission.MANAGE_WORKSPACE)
def general(request: WorkspaceRequest) -> HttpResponse:
    """The workspace's name and address."""
    workspace = request.workspace
    form = WorkspaceForm(request.POST or None, initial={"name": workspace.name, "slug": workspace.slug})
    if form.is_valid():
        try:
            saved = services.update_workspace(
                actor=request.actor,
                workspace=workspace,
                name=form.cleaned_data["name"],
                slug=form.cleaned_data["slug"] or workspace.slug,
            )
            return go_to(request, reverse("workspaces:general", args=[saved.slug]), "Workspace saved.")
        except Invalid as error:
            show_errors(form, error)
    context = {
        "form": form,
        "editable": may(request.actor, Permission.MANAGE_WORKSPACE),
        "may_create": may(request.actor, Permission.MANAGE_ORGANIZATION),
        "egress": addresses_of(workspace),
        "rules": rules_of(workspace),
    }
    return render_page(request, "workspaces/general.html", context, status=422 if form.errors else 200)


@requires(Permission.MEMBER)
def profile(request: WorkspaceRequest) -> HttpResponse:
    """The person's own name and time zone."""
    user = request.user
    form = ProfileForm(request.POST or None, initial={"name": user.name, "timezone": user.timezone})
    if form.is_valid():
        try:
            services.update_profile(actor=request.actor, user=user, **form.cleaned_data)
            return go_to(request, request.path, "Profile saved.")
        except Invalid as error:
            show_errors(form, error)
    return render_page(request, "workspaces/profile.html", {"form": form}, status=422 if form.errors else 200)


@requires(Permission.MEMBER)
def palette(request: WorkspaceRequest) -> HttpResponse:
    """What the command palette shows for the words typed so far."""
    return JsonResponse({"groups": command_palette.find(request, request.GET.get("q", "").strip())})
