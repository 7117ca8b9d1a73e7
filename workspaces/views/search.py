"""Search across everything."""

from __future__ import annotations

from django.http import HttpResponse

from config.htmx import render_page
from workspaces import search as finding
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.routes import requires


@requires(Permission.MEMBER)
def search(request: WorkspaceRequest) -> HttpResponse:
    """What matches the words, by kind; where nothing does, what has a name like them."""
    words, only = request.GET.get("q", "").strip()[: finding.LONGEST], request.GET.get("kind", "")
    found = finding.search(request, words, only)
    alike = finding.similar(request, words) if words and not found and not only else []
    context = {
        "words": words,
        "only": only,
        "found": found or alike,
        "alike": bool(alike),
        "total": sum(len(group.hits) for group in found),
    }
    return render_page(request, "workspaces/search.html", context)
