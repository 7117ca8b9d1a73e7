"""What helps people along: guides to read, and hints that they put aside."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from config import guides
from config.errors import NotFound
from config.htmx import go_to, render_page
from workspaces import services
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.routes import requires


@requires(Permission.MEMBER)
def guide(request: WorkspaceRequest, guide: str) -> HttpResponse:
    """One of the guides that come with Headrace."""
    found = guides.guide(guide, lambda name: reverse("workspaces:guide", args=[request.workspace.slug, name]))
    if found is None:
        raise NotFound("There is no such guide.")
    return render_page(request, "workspaces/guide.html", {"guide": found})


@requires(Permission.MEMBER)
@require_POST
def hint(request: WorkspaceRequest, hint: str) -> HttpResponse:
    """Put a help aside, or show it again."""
    if request.POST.get("on") == "yes":
        services.restore_hint(actor=request.actor, hint=hint)
        return go_to(request, request.workspace.get_absolute_url())
    services.dismiss_hint(actor=request.actor, workspace=request.workspace, hint=hint)
    words = "The list is put aside. “Get started”, at the top of this page, brings it back."
    return go_to(request, request.workspace.get_absolute_url(), words)
