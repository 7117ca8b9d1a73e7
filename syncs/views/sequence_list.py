"""The list of sequences."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from config.errors import HeadraceError
from config.htmx import go_to, render_page
from config.ui.listing import Column, Filter, Listing
from config.ui.status import SEQUENCE
from syncs import access, services
from syncs.selectors import list_sequences
from syncs.views.base import PageView
from workspaces.access import may
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
    """All sequences: search by their own names and those of their syncs, status, and acting on several."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list, narrowed by the address."""
        listing = Listing(request, columns=COLUMNS, filters=[STATUS], order="name")
        status = listing.chosen("status")
        found = list_sequences(self.actor, search=listing.query, status=status[0] if status else "")
        context = {"listing": listing, "page": listing.page(found), "may_run": may(self.actor, Permission.TRIGGER)}
        return render_page(request, "syncs/sequences/list.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Run or switch the ticked ones; those that refuse are counted."""
        service, word = ACTIONS.get(request.POST.get("action", ""), ACTIONS["run"])
        done = refused = 0
        for pk in [int(pk) for pk in request.POST.getlist("selected") if pk.isdecimal()]:
            try:
                service(actor=self.actor, sequence=access.sequence_for(self.actor, pk))  # type: ignore[operator]
                done += 1
            except HeadraceError:
                refused += 1
        words = f"{done} {word}." + (f" {refused} could not be." if refused else "")
        return go_to(request, self.url("sequences"), words, tone="warn" if refused else "good")
