"""The list of syncs."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from config.htmx import render_page
from config.ui.listing import Column, Listing
from syncs import access, services
from syncs.selectors import SyncFilter, list_syncs
from syncs.selectors.alerts import rollups
from syncs.views.base import PageView, sync_pill
from syncs.views.narrowing import narrowed_syncs, sync_filters
from workspaces import bulk
from workspaces.access import may
from workspaces.organizing import folder_pane, in_folder, saved_views
from workspaces.permissions import Permission

DRAFT_SYNCS = (Permission.DRAFT_FROM_SOURCE, Permission.DRAFT_TO_DESTINATION)
COLUMNS = [
    Column("Status", fit=True),
    Column("Sync", sort="name"),
    Column("Model", sort="model__name"),
    Column("Destination", sort="destination__name"),
    Column("Schedule"),
    Column("Last run", sort="last_run__started_at"),
    Column("Added", sort="created_at"),
]
ACTIONS = {
    "run": (services.start_run, "started"),
    "pause": (services.pause_sync, "paused"),
    "resume": (services.resume_sync, "resumed"),
    "enable": (services.enable_schedule, "switched on"),
    "disable": (services.disable_schedule, "switched off"),
}


class SyncList(PageView):
    """All syncs: folders, search, filters, saved views, sorting, pages, and acting on several."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list, narrowed by the address."""
        views = saved_views(self.here, "syncs")
        if views.first_url:
            return redirect(views.first_url)
        filters = sync_filters(self.actor, request.GET.get("model", ""))
        listing = Listing(request, columns=COLUMNS, filters=filters, order="-created_at", keep=("folder",))
        listing.clear_url = views.all_url
        pane = folder_pane(self.here, listing, access.syncs_on(self.actor), "model__folder")
        rows = narrowed_syncs(list_syncs(self.actor, SyncFilter(search=listing.query)), listing)
        rows = in_folder(rows, "model__folder", request.GET.get("folder", ""), pane.within)
        page = listing.page(rows)
        alerts = rollups([sync.pk for sync in page.rows])
        lines = [
            {"sync": s, "alerts": alerts[s.pk], "pill": sync_pill(s), "schedule": s.schedule.words} for s in page.rows
        ]
        may_run, may_draft = may(self.actor, Permission.TRIGGER), may(self.actor, DRAFT_SYNCS)
        context = {
            "listing": listing,
            "page": page,
            "pane": pane,
            "views": views,
            "here": request.get_full_path(),
            "lines": lines,
            "may_create": may(self.actor, Permission.DRAFT_TO_DESTINATION),
            "may_run": may_run,
            "may_draft": may_draft,
            "bulk": "yes" if may_run or may_draft else "",
            "has_spaces": self.here.workspace.spaces_enabled,
        }
        return render_page(request, "syncs/syncs/list.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Do one thing to the ticked ones; those that refuse are listed with their reasons."""
        service, word = ACTIONS.get(request.POST.get("action", ""), ACTIONS["run"])
        rows = access.syncs_on(self.actor).filter(pk__in=bulk.ticked(request)).select_related("model", "destination")
        outcomes = bulk.each(rows, lambda sync: service(actor=self.actor, sync=sync))  # type: ignore[operator]
        return bulk.answer(request, outcomes, word, bulk.back_to(request, self.url("syncs")))
