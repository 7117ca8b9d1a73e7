"""Saved filters and favourites: what people keep for themselves."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_POST

from config.errors import Conflict, HeadraceError, Invalid
from config.htmx import go_to, render_page, wants_part
from workspaces import favourites as kept
from workspaces import services
from workspaces.access import may, saved_filter_for
from workspaces.models import DefaultView
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.resources import thing_for
from workspaces.routes import requires
from workspaces.selectors import saved_filters_of

# The lists that have saved filters, and their routes.
PAGES = {
    "syncs": "syncs:syncs",
    "models": "syncs:models",
    "sources": "connectors:sources",
    "destinations": "connectors:destinations",
    "sequences": "syncs:sequences",
    "audiences": "audiences:audiences",
}


@requires(Permission.MEMBER)
def saved_filters(request: WorkspaceRequest) -> HttpResponse:
    """The person's own filters and those shared with the workspace; posting saves a new one."""
    if request.method == "POST":
        return _save(request)
    first = set(DefaultView.objects.filter(user=request.user).values_list("saved_filter_id", flat=True))
    manages = may(request.actor, Permission.MANAGE_WORKSPACE)
    lines = [
        {
            "saved": saved,
            "url": f"{_list_url(request, saved.page)}?{saved.query}&view={saved.pk}",
            "opens_first": saved.pk in first,
            "changes": saved.owner_id == request.user.pk or manages,
        }
        for saved in saved_filters_of(request.actor)
    ]
    return render_page(request, "workspaces/saved_filters.html", {"lines": lines, "manages": manages})


@requires(Permission.MEMBER)
@require_POST
def saved_filter(request: WorkspaceRequest, saved_id: int) -> HttpResponse:
    """Rename, share or delete a saved filter, or let its list open with it: the button that was pressed says which."""
    saved, actor = saved_filter_for(request.actor, saved_id), request.actor
    here = reverse("workspaces:saved_filters", args=[request.workspace.slug])
    action = request.POST.get("action", "")
    try:
        if action == "delete":
            services.delete_saved_filter(actor=actor, saved=saved)
            return go_to(request, here, f"{saved.name} was deleted.")
        if action in ("first", "not_first"):
            chosen = saved if action == "first" else None
            services.set_default_view(actor=actor, workspace=request.workspace, page=saved.page, saved=chosen)
            opens = f"Your list of {saved.page} opens with"
            words = f"{opens} {saved.name if chosen else 'everything'}."
            return go_to(request, here, words)
        if action in ("share", "unshare"):
            services.update_saved_filter(actor=actor, saved=saved, shared=action == "share")
            return go_to(request, here, "Shared with the workspace." if action == "share" else "Yours alone again.")
        services.update_saved_filter(actor=actor, saved=saved, name=request.POST.get("name", ""))
    except Invalid as error:
        return go_to(request, here, next(iter(error.fields.values()), error.message), tone="bad")
    return go_to(request, here, "Renamed.")


def _save(request: WorkspaceRequest) -> HttpResponse:
    page = request.POST.get("page", "")
    to = _list_url(request, page)
    try:
        saved = services.create_saved_filter(
            actor=request.actor,
            workspace=request.workspace,
            page=page,
            name=request.POST.get("name", ""),
            query=request.POST.get("query", ""),
            shared=request.POST.get("shared") == "yes",
        )
    except HeadraceError as error:
        fields = error.fields if isinstance(error, Invalid) else {}
        return go_to(
            request, f"{to}?{request.POST.get('query', '')}", next(iter(fields.values()), error.message), tone="bad"
        )
    if request.POST.get("first") == "yes":
        services.set_default_view(actor=request.actor, workspace=request.workspace, page=page, saved=saved)
    return go_to(request, f"{to}?{saved.query}&view={saved.pk}", f"{saved.name} is saved.")


def _list_url(request: WorkspaceRequest, page: str) -> str:
    """The list of this name; the overview where there is none."""
    try:
        return reverse(PAGES.get(page, ""), args=[request.workspace.slug])
    except NoReverseMatch:
        return request.workspace.get_absolute_url()


@requires(Permission.MEMBER)
@require_POST
def favourite(request: WorkspaceRequest, kind: str, object_id: int) -> HttpResponse:
    """Keep a thing at hand, or no longer; answers with the star as it stands."""
    row = thing_for(request.actor, kind, object_id)
    try:
        if request.POST.get("on") == "yes":
            services.add_favourite(actor=request.actor, workspace=request.workspace, kind=kind, object_id=object_id)
        else:
            services.remove_favourite(actor=request.actor, kind=kind, object_id=object_id)
    except Conflict as error:
        return go_to(request, kept.url_of(request, kind, object_id), f"{error.message} {error.hint}", tone="bad")
    if not wants_part(request):
        return go_to(request, kept.url_of(request, kind, object_id))
    return render(request, "workspaces/parts/star.html", {"star": kept.star_of(request, kind, row)})


@requires(Permission.MEMBER)
def favourites(request: WorkspaceRequest) -> HttpResponse:
    """The person's favourites and what they opened last, as a page or as the rail's menu."""
    context = {"favourites": kept.favourites_of(request), "recent": kept.recently_opened(request)}
    return render_page(request, "workspaces/favourites.html", context, part="workspaces/parts/favourites.html")
