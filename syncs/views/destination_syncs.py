"""The syncs that send to a destination, on its page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from config.ui.listing import Column, Listing
from connectors.choices import Kind
from connectors.views.detail import DetailView
from syncs.selectors import SyncFilter, list_syncs
from syncs.selectors.alerts import rollups
from syncs.views.base import sync_pill

COLUMNS = [
    Column("Status", fit=True),
    Column("Sync", sort="name"),
    Column("Model", sort="model__name"),
    Column("Schedule"),
    Column("Last run", sort="last_run__started_at"),
]


class DestinationSyncs(DetailView):
    """The tab."""

    kind = Kind.DESTINATION

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The syncs that this person may see, by page."""
        row = self.row(pk)
        listing = Listing(request, columns=COLUMNS, order="-created_at")
        page = listing.page(list_syncs(self.here.actor, SyncFilter(search=listing.query, destination_id=row.pk)))
        alerts = rollups([sync.pk for sync in page.rows])
        lines = [{"sync": s, "pill": sync_pill(s), "alerts": alerts[s.pk]} for s in page.rows]
        context = {"listing": listing, "page": page, "lines": lines}
        return self.page(row, "syncs", "syncs/destination_syncs.html", context)
