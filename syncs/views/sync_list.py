"""The list of syncs."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from config.errors import HeadraceError
from config.htmx import go_to, render_page
from config.ui.listing import Column, Filter, Listing, Option
from connectors.selectors import destinations
from syncs import access, services
from syncs.choices import Health
from syncs.models import Sync
from syncs.selectors import SyncFilter, list_syncs
from syncs.selectors.alerts import rollups
from syncs.views.base import PageView, pill_key
from workspaces.access import may
from workspaces.permissions import Permission

COLUMNS = [
    Column("Status", fit=True),
    Column("Sync", sort="name"),
    Column("Model", sort="model__name"),
    Column("Destination", sort="destination__name"),
    Column("Schedule"),
    Column("Last run", sort="last_run__started_at"),
    Column("Added", sort="created_at"),
]
HEALTH = Filter.of("health", "Health", [(h.value, h.value.capitalize()) for h in Health], single=True)
ACTIONS = {
    "run": (services.start_run, "started"),
    "pause": (services.pause_sync, "paused"),
    "resume": (services.resume_sync, "resumed"),
}


class SyncList(PageView):
    """All syncs: search, filters by health and destination, sorting, pages, and acting on several."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list, narrowed by the address."""
        targets = tuple(Option(str(pk), name) for pk, name in destinations().values_list("pk", "name"))
        filters = [HEALTH, Filter("destination", "Destination", targets, single=True)]
        listing = Listing(request, columns=COLUMNS, filters=filters, order="-created_at")
        health, target = listing.chosen("health"), listing.chosen("destination")
        chosen = SyncFilter(
            search=listing.query,
            health=health[0] if health else "",
            destination_id=int(target[0]) if target else None,
        )
        page = listing.page(list_syncs(self.actor, chosen))
        alerts = rollups([sync.pk for sync in page.rows])
        lines = [
            {"sync": s, "alerts": alerts[s.pk], "pill": pill_key(s.words.sync_page), "schedule": s.schedule.words}
            for s in page.rows
        ]
        context = {
            "listing": listing,
            "page": page,
            "lines": lines,
            "may_create": may(self.actor, Permission.DRAFT_TO_DESTINATION),
            "may_run": may(self.actor, Permission.TRIGGER),
        }
        return render_page(request, "syncs/syncs/list.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Run, pause or resume the ticked ones; those that refuse are counted."""
        service, word = ACTIONS[request.POST.get("action", "run")]
        done = refused = 0
        for sync in Sync.objects.filter(pk__in=[pk for pk in request.POST.getlist("selected") if pk.isdigit()]):
            try:
                service(actor=self.actor, sync=access.sync_for(self.actor, sync.pk))  # type: ignore[operator]
                done += 1
            except HeadraceError:
                refused += 1
        words = f"{done} {word}." + (f" {refused} could not be." if refused else "")
        return go_to(request, self.url("syncs"), words, tone="warn" if refused else "good")
