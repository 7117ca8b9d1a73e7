"""The list of sequences."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from config.htmx import render_page
from config.ui.listing import Column, Filter, Listing
from config.ui.status import SEQUENCE
from syncs import access, services
from syncs.selectors import list_sequences
from syncs.views.base import PageView
from workspaces import bulk
from workspaces.access import may
from workspaces.labels import labels_in, with_labels
from workspaces.organizing import label_filters, saved_views
from workspaces.permissions import Permission

COLUMNS = [
    Column("Status", fit=True),
    Column("Sequence", sort="name"),
    Column("Syncs", sort="step_count", numeric=True),
    Column("Schedule"),
    Column("Next run", sort="next_run_at"),
    Column("Last run", sort="last_run__created_at"),
    Column("Took", numeric=True),
]
STATUS = Filter.of("status", "Status", [(key, status.word) for key, status in SEQUENCE.items()], single=True)
ACTIONS = {
    "run": (services.start_sequence, "started"),
    "disable": (services.disable_sequence, "switched off"),
    "enable": (services.enable_sequence, "switched on"),
}


class SequenceList(PageView):
    """All sequences: search by their own names and those of their syncs, filters, and acting on several."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list, narrowed by the address."""
        views = saved_views(self.here, "sequences")
        if views.first_url:
            return redirect(views.first_url)
        filters = [STATUS, *label_filters(labels_in(access.sequences_in_view(self.actor)))]
        listing = Listing(request, columns=COLUMNS, filters=filters, order="name")
        listing.clear_url = views.all_url
        found = list_sequences(self.actor, search=listing.query, status=listing.chosen_one("status"))
        found = with_labels(found, listing.chosen("label"), listing.chosen("without"))
        context = {
            "listing": listing,
            "page": listing.page(found),
            "views": views,
            "here": request.get_full_path(),
            "may_run": may(self.actor, Permission.TRIGGER),
        }
        return render_page(request, "syncs/sequences/list.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Run or switch the ticked ones; those that refuse are listed with their reasons."""
        service, word = ACTIONS.get(request.POST.get("action", ""), ACTIONS["run"])
        rows = access.sequences_in_view(self.actor).filter(pk__in=bulk.ticked(request))
        outcomes = bulk.each(rows, lambda sequence: service(actor=self.actor, sequence=sequence))  # type: ignore[operator]
        return bulk.answer(request, outcomes, word, bulk.back_to(request, self.url("sequences")))
