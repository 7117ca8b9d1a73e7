"""Who asks to join the workspace, and the answers."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from config.errors import Invalid
from config.htmx import go_to, render_page
from config.ui.listing import Column, Listing
from workspaces import services
from workspaces.access import group_for
from workspaces.membership import groups_to_let_into, membership_request_for, requests_here
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.routes import requires
from workspaces.views.access import access_tabs

COLUMNS = (Column("Person", sort="user__email"), Column("Asked", sort="created_at"), Column("Answer", fit=True))


@requires(Permission.MANAGE_WORKSPACE)
def membership_requests(request: WorkspaceRequest) -> HttpResponse:
    """Who asks to join, the longest waiting first."""
    listing = Listing(request, columns=COLUMNS, order="created_at")
    rows = requests_here()
    page = listing.page(rows.filter(user__email__icontains=listing.query) if listing.query else rows)
    lines = [{"asked": asked, "groups": groups_to_let_into(request.actor, asked)} for asked in page.rows]
    context = {"listing": listing, "page": page, "lines": lines, "tabs": access_tabs(request, "requests")}
    return render_page(request, "workspaces/membership_requests.html", context)


@requires(Permission.MANAGE_WORKSPACE)
@require_POST
def approve_membership_request(request: WorkspaceRequest, request_id: int) -> HttpResponse:
    """Let a person into the group that was chosen."""
    asked, chosen = membership_request_for(request_id), request.POST.get("group", "")
    if not chosen.isdecimal() or len(chosen) > 18:
        raise Invalid.field("group", "Choose a group.")
    group = group_for(int(chosen))
    services.approve_membership_request(actor=request.actor, asked=asked, group=group)
    return go_to(request, _list(request), f"{asked.user.display_name} is in {group} now.")


@requires(Permission.MANAGE_WORKSPACE)
@require_POST
def decline_membership_request(request: WorkspaceRequest, request_id: int) -> HttpResponse:
    """Leave a person outside."""
    asked = membership_request_for(request_id)
    services.decline_membership_request(actor=request.actor, asked=asked)
    return go_to(request, _list(request), f"{asked.user.display_name} stays outside.", tone="neutral")


def _list(request: WorkspaceRequest) -> str:
    return reverse("workspaces:membership_requests", args=[request.workspace.slug])
