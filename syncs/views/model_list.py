"""The list of models."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from config.htmx import render_page
from config.ui.listing import Column, Listing
from config.ui.search import matching
from connectors import catalog
from connectors.choices import Kind
from syncs import access
from syncs.selectors.models import sync_count
from syncs.views.base import PageView
from syncs.views.narrowing import model_filters, narrowed_models
from workspaces.access import may
from workspaces.organizing import folder_pane, in_folder, saved_views
from workspaces.permissions import Permission

COLUMNS = [
    Column("Name", sort="name"),
    Column("Source", sort="source__name"),
    Column("Primary key"),
    Column("Syncs", sort="sync_count", numeric=True),
    Column("Last change", sort="updated_at"),
]


class ModelList(PageView):
    """All models: folders, search, filters, saved views, sorting, pages, and moving or labelling several."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list, narrowed by the address."""
        views = saved_views(self.here, "models")
        if views.first_url:
            return redirect(views.first_url)
        filters = model_filters(self.actor)
        listing = Listing(request, columns=COLUMNS, filters=filters, order="name", keep=("folder",))
        listing.clear_url = views.all_url
        pane = folder_pane(self.here, listing, access.models_in_view(self.actor), "folder")
        found = matching(
            access.models_in_view(self.actor).select_related("source"), listing.query, "name", "slug", "description"
        )
        rows = narrowed_models(self.actor, found, listing)
        rows = in_folder(rows, "folder", request.GET.get("folder", ""), pane.within)
        page = listing.page(rows.annotate(sync_count=sync_count(self.actor)))
        lines = [{"model": m, "entry": catalog.known_entry(Kind.SOURCE, m.source.type)} for m in page.rows]
        context = {
            "listing": listing,
            "page": page,
            "pane": pane,
            "views": views,
            "here": request.get_full_path(),
            "lines": lines,
            "may_create": may(self.actor, Permission.DRAFT_FROM_SOURCE),
            "has_sources": bool(filters[0].options),
        }
        return render_page(request, "syncs/models/list.html", context)
