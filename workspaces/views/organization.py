"""The organization itself and its workspaces."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from config.errors import Invalid
from config.htmx import go_to, render_page, wants_part
from config.ui.listing import Column, Listing
from workspaces import contents, services
from workspaces.access import matching_workspaces, may, may_found_organization
from workspaces.entry import check_network, detour
from workspaces.forms import NewWorkspaceForm, OrganizationSettingsForm
from workspaces.models import Organization, Workspace
from workspaces.pages import show_errors
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.roster import organizations_to_add_to
from workspaces.routes import requires
from workspaces.scoping import organization_scope, unscoped

COLUMNS = (
    Column("Workspace", sort="name"),
    Column("Region", sort="region"),
    Column("Holds"),
    Column("Made", sort="created_at"),
)
SWITCH = (Column("Workspace", sort="name"), Column("Organization"))
MOST_IN_MENU = 20


@requires(Permission.VIEW_ORGANIZATION, write=Permission.MANAGE_ORGANIZATION)
def organization(request: WorkspaceRequest) -> HttpResponse:
    """The organization's name, and how people come in."""
    found = request.workspace.organization
    initial = {field: getattr(found, field) for field in OrganizationSettingsForm.base_fields}
    form = OrganizationSettingsForm(request.POST or None, initial=initial)
    if form.is_valid():
        try:
            services.update_organization(actor=request.actor, organization=found, **form.cleaned_data)
            return go_to(request, request.path, "Organization saved.")
        except Invalid as error:
            show_errors(form, error)
    context = {"form": form, "organization": found, "manages": may(request.actor, Permission.MANAGE_ORGANIZATION)}
    return render_page(request, "workspaces/organization.html", context, status=422 if form.errors else 200)


@requires(Permission.VIEW_ORGANIZATION)
def workspaces(request: WorkspaceRequest) -> HttpResponse:
    """All workspaces of the organization, with what each holds."""
    listing = Listing(request, columns=COLUMNS, order="name")
    with organization_scope(request.workspace.organization_id):
        rows = Workspace.objects.all()
        page = listing.page(rows.filter(name__icontains=listing.query) if listing.query else rows)
    counts = contents.counts_of([workspace.pk for workspace in page.rows])
    context = {
        "listing": listing,
        "page": page,
        "lines": [{"workspace": workspace, "counts": counts[workspace.pk]} for workspace in page.rows],
        "organization": request.workspace.organization,
        "manages": may(request.actor, Permission.MANAGE_ORGANIZATION),
    }
    return render_page(request, "workspaces/workspaces.html", context)


@requires(Permission.MANAGE_ORGANIZATION)
def delete_workspace(request: WorkspaceRequest) -> HttpResponse:
    """What a workspace holds and what stands in the way; a POST with its slug deletes it."""
    workspace = request.workspace
    error = ""
    if request.method == "POST":
        try:
            services.start_deletion(
                actor=request.actor, workspace=workspace, confirm_name=request.POST.get("confirm_name", "")
            )
            return go_to(request, reverse("home"), f"{workspace.name} is being deleted.")
        except Invalid as invalid:
            error = invalid.message
    context = {
        "breadcrumb": [{"label": "General", "url": reverse("workspaces:general", args=[workspace.slug])}],
        "counts": contents.counts_of([workspace.pk])[workspace.pk],
        "obstacles": contents.obstacles_of(workspace.pk),
        "error": error,
    }
    return render_page(request, "workspaces/delete_workspace.html", context, status=422 if error else 200)


@requires(Permission.MEMBER)
def switch(request: WorkspaceRequest) -> HttpResponse:
    """The workspaces this person may open, of all their organizations; the menu asks for a few that match."""
    listing = Listing(request, columns=SWITCH, order="name")
    with unscoped("the switcher lists a person's workspaces of all organizations"):
        rows = matching_workspaces(request.user.pk, listing.query).select_related("organization")
        if wants_part(request) and request.headers.get("HX-Target") == "switch-list":
            return render(request, "shell/switch.html", {"found": list(rows[:MOST_IN_MENU])})
        page = listing.page(rows)
    return render_page(request, "workspaces/switch.html", {"listing": listing, "page": page})


@requires(Permission.MANAGE_ORGANIZATION)
def new_workspace(request: WorkspaceRequest) -> HttpResponse:
    """One more workspace: of an organization that the person administers, or of a new one where that is open."""
    offered = organizations_to_add_to(request.user.pk)
    may_found = may_found_organization() and request.user.sso_organization_id is None
    if not offered and not may_found:
        raise services.no_workspaces_by_sso()
    initial = {"organization": request.workspace.organization_id}
    form = NewWorkspaceForm(request.POST or None, organizations=offered, may_found=may_found, initial=initial)
    if form.is_valid():
        chosen = next((each for each in offered if str(each.pk) == form.cleaned_data["organization"]), None)
        if chosen is not None and (way := _way_into(request, chosen)):
            return redirect(way)
        try:
            made = _new_workspace(request, chosen, form.cleaned_data)
            return go_to(request, made.get_absolute_url(), f"{made.name} is ready.")
        except Invalid as error:
            show_errors(form, error)
    back = reverse("workspaces:workspaces", args=[request.workspace.slug])
    context = {"form": form, "back": back}
    return render_page(request, "workspaces/new_workspace.html", context, status=422 if form.errors else 200)


def _way_into(request: WorkspaceRequest, organization: Organization) -> str:
    """Where the person has to go before they may work in another organization. Raises Denied for its networks."""
    if organization == request.workspace.organization:
        return ""
    check_network(request, organization)
    needed = detour(request, request.user, organization)
    return needed.url if needed else ""


def _new_workspace(request: WorkspaceRequest, chosen: Organization | None, values: dict[str, Any]) -> Workspace:
    place = {"slug": values["slug"], "region": values["region"]}
    if chosen is not None:
        return services.create_workspace(actor=request.actor, organization=chosen, name=values["name"], **place)
    return services.create_organization(
        actor=request.actor,
        owner=request.user,
        name=values["organization_name"],
        workspace_name=values["name"],
        **place,
    )
