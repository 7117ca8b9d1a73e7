"""Product areas of the workspace: which there are, and switching one off or on."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse

from config.htmx import go_to, render_page
from workspaces import areas as known
from workspaces import services
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.routes import requires


@requires(Permission.MANAGE_WORKSPACE)
def areas(request: WorkspaceRequest) -> HttpResponse:
    """All areas, and which are off."""
    off = known.off_here()
    lines = [{"area": area, "off": area.key in off} for area in known.areas()]
    return render_page(request, "workspaces/areas.html", {"lines": lines})


@requires(Permission.MANAGE_WORKSPACE)
def area(request: WorkspaceRequest, key: str) -> HttpResponse:
    """What switching an area off stops; and switching it."""
    found, overview = known.area_named(key), reverse("workspaces:areas", args=[request.workspace.slug])
    if request.method == "POST":
        enabled = request.POST.get("enabled") == "yes"
        services.switch_area(actor=request.actor, workspace=request.workspace, key=key, enabled=enabled)
        return go_to(request, overview, f"{found.name} is {'on' if enabled else 'off'}.")
    context = {
        "area": found,
        "at_work": found.at_work(),
        "off": key in known.off_here(),
        "breadcrumb": [{"label": "Product areas", "url": overview}],
    }
    return render_page(request, "workspaces/area.html", context)
