"""The list of models."""

from __future__ import annotations

from django.db.models import Count
from django.http import HttpRequest, HttpResponse

from config.htmx import render_page
from config.ui.listing import Column, Filter, Listing, Option
from config.ui.search import matching
from connectors import catalog
from connectors.choices import Kind
from connectors.selectors import sources
from syncs.models import Model
from syncs.views.base import PageView
from workspaces.access import may
from workspaces.permissions import Permission

COLUMNS = [
    Column("Name", sort="name"),
    Column("Source", sort="source__name"),
    Column("Primary key"),
    Column("Syncs", sort="sync_count", numeric=True),
    Column("Last change", sort="updated_at"),
]


class ModelList(PageView):
    """All models: search, filter by source, sorting, pages."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list, narrowed by the address."""
        options = tuple(Option(str(pk), name) for pk, name in sources().values_list("pk", "name"))
        listing = Listing(request, columns=COLUMNS, filters=[Filter("source", "Source", options)], order="name")
        rows = matching(Model.objects.select_related("source"), listing.query, "name", "slug", "description")
        if chosen := listing.chosen("source"):
            rows = rows.filter(source_id__in=chosen)
        page = listing.page(rows.annotate(sync_count=Count("syncs")))
        lines = [{"model": m, "entry": catalog.known_entry(Kind.SOURCE, m.source.type)} for m in page.rows]
        context = {
            "listing": listing,
            "page": page,
            "lines": lines,
            "may_create": may(self.actor, Permission.DRAFT_FROM_SOURCE),
            "has_sources": bool(options),
        }
        return render_page(request, "syncs/models/list.html", context)
