"""The list of sources or destinations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from config.htmx import render_page
from config.ui.listing import Column, Filter, Listing, Option
from connectors import access, catalog, dependants, selectors
from connectors.choices import Health
from connectors.models import Connection
from connectors.views.base import ConnectionView
from workspaces.access import may
from workspaces.labels import labels_in, with_labels
from workspaces.models import User
from workspaces.organizing import label_filters, saved_views


@dataclass(frozen=True, slots=True)
class ListRow:
    """One line of the list. ``counts`` stand in the order of the page's nouns."""

    row: Connection
    entry: catalog.Entry
    url: str
    counts: tuple[int, ...]


class ConnectionList(ConnectionView):
    """All of one side: search, filters by type and health, sorting, pages."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list, narrowed by the address."""
        views = saved_views(self.here, self.kind.plural)
        if views.first_url:
            return redirect(views.first_url)
        nouns = dependants.nouns_of(self.kind)
        types = selectors.type_counts(self.model)
        listing = Listing(request, columns=self._columns(nouns), filters=self._filters(types), order="name")
        listing.clear_url = views.all_url
        page = listing.page(self._found(listing))
        context = {
            **self.shared(),
            "listing": listing,
            "page": page,
            "views": views,
            "here": request.get_full_path(),
            "rows": self._lines(page.rows, nouns),
            "total": sum(count.number for count in types),
            "new_url": self.url("new"),
            "organize_url": self.url("organize"),
            "may_create": may(self.here.actor, access.CREATE[self.kind]),
            "bulk": "yes" if may(self.here.actor, access.MANAGE[self.kind]) else "",
        }
        return render_page(request, f"connectors/{self.kind.value}_list.html", context)

    def _found(self, listing: Listing) -> QuerySet[Any]:
        found = selectors.search(self.model.objects.all(), listing.query)
        if chosen := listing.chosen("type"):
            found = found.filter(type__in=chosen)
        if chosen := listing.chosen("health"):
            found = found.filter(health__in=chosen, setup_done=True)
        if people := listing.chosen_ids("creator"):
            found = found.filter(created_by__in=people)
        return with_labels(found, listing.chosen("label"), listing.chosen("without"))

    def _columns(self, nouns: list[str]) -> list[Column]:
        counts = [Column(f"{noun.capitalize()}s", numeric=True) for noun in nouns]
        return [
            Column("Status", fit=True),
            Column("Name", sort="name"),
            Column("Type", sort="type"),
            *counts,
            Column("Last test", sort="last_checked_at"),
            Column("Last change", sort="updated_at"),
        ]

    def _filters(self, types: list[selectors.TypeCount]) -> list[Filter]:
        options = tuple(Option(c.entry.key, c.entry.name, c.number) for c in types)
        rows = self.model.objects.all()
        people = User.objects.filter(pk__in=rows.values("created_by")).order_by("email")
        return [
            Filter("type", "Type", options),
            Filter.of("health", "Status", Health.choices),
            *label_filters(labels_in(rows)),
            Filter.of("creator", "Created by", [(p.pk, p.display_name) for p in people], more=True),
        ]

    def _lines(self, rows: object, nouns: list[str]) -> list[ListRow]:
        connections: list[Connection] = list(rows)  # type: ignore[call-overload]  # a page of this side's model
        counts = dependants.counts_of(self.here.actor, self.kind, [row.pk for row in connections])
        return [
            ListRow(
                row,
                catalog.known_entry(self.kind, row.type),
                self.url("", row.pk) if row.setup_done else self.url("setup", row.pk),
                tuple(counts[row.pk].get(noun, 0) for noun in nouns),
            )
            for row in connections
        ]
