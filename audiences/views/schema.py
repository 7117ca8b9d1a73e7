"""The schema of a source: its picture, and its models as a list."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest, HttpResponse

from audiences import access
from audiences.choices import ModelKind
from audiences.models import Relationship
from audiences.selectors import drawing_of, schema_models, studio_sources
from audiences.views.base import PageView
from config.htmx import render_page
from config.ui.listing import Column, Filter, Listing, Option
from config.ui.search import matching
from connectors import catalog
from connectors.choices import Kind
from connectors.models import Source

COLUMNS = [
    Column("Name", sort="name"),
    Column("Kind", sort="kind"),
    Column("Rows from"),
    Column("Columns", sort="column_count", numeric=True),
    Column("Rows", numeric=True),
    Column("Last change", sort="updated_at"),
]
KINDS = Filter("kind", "Kind", tuple(Option(value, label) for value, label in ModelKind.choices))
SHOWN = Filter("shown", "Show", (Option("archived", "Archived"),))
MOST_DRAWN = 60


class SchemaPage(PageView):
    """The models of one source and how they hang together."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The picture and the list, narrowed by the address."""
        sources = list(studio_sources(self.actor))
        source = self._chosen(sources)
        listing = Listing(request, columns=COLUMNS, filters=[KINDS, SHOWN], order="name", keep=("source",))
        archived = listing.chosen_one("shown") == "archived"
        rows = schema_models(self.actor, source_id=source.pk if source else 0, archived=archived)
        if kinds := listing.chosen("kind"):
            rows = rows.filter(kind__in=kinds)
        page = listing.page(matching(rows, listing.query, "name", "slug", "description"))
        models = list(schema_models(self.actor, source_id=source.pk)[: MOST_DRAWN + 1]) if source else []
        links = Relationship.objects.filter(Q(from_model__in=models) & Q(to_model__in=models))
        drawing = drawing_of(models, links.select_related("from_model", "to_model")) if models else None
        context = {
            "sources": [{"source": s, "url": f"{request.path}?source={s.pk}", "active": s == source} for s in sources],
            "source": source,
            "entry": catalog.known_entry(Kind.SOURCE, source.type) if source else None,
            "listing": listing,
            "page": page,
            "drawing": drawing if len(models) <= MOST_DRAWN else None,
            "model_count": len(models),
            "parents": [model for model in models if model.is_parent],
            "may_configure": source is not None and access.may_configure(self.actor, source.pk),
        }
        return render_page(request, "audiences/schema/schema.html", context)

    def _chosen(self, sources: list[Source]) -> Source | None:
        asked = self.request.GET.get("source", "")
        chosen = next((source for source in sources if str(source.pk) == asked), None)
        return chosen or (sources[0] if sources else None)


class ChooseSource(PageView):
    """The first step of a new model, where there are several sources."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The sources whose schema this person may configure."""
        rows = [
            {
                "source": source,
                "entry": catalog.known_entry(Kind.SOURCE, source.type),
                "url": self.url("schema_define", source.pk),
            }
            for source in studio_sources(self.actor)
            if access.may_configure(self.actor, source.pk)
        ]
        context = {"rows": rows, "breadcrumb": [{"label": "Schema", "url": self.url("schema")}]}
        return render_page(request, "audiences/schema/choose_source.html", context)
