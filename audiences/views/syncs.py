"""The syncs of an audience, and the way to a new one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from audiences import access
from audiences.selectors.settings import settings_here
from audiences.selectors.sync_templates import sync_templates_for
from audiences.services.syncing import open_for_syncs
from audiences.views.applying import groups_of
from audiences.views.audience_tab import AudienceTab
from audiences.views.base import PageView, id_in
from audiences.views.intents import forget_intent, keep_intent
from config.errors import HeadraceError
from config.htmx import go_to, render_page
from config.ui.listing import Column, Listing
from connectors import catalog
from connectors.choices import Kind
from syncs.access import may_trigger, syncs_in_view
from syncs.models import Sync
from syncs.selectors.matches import newest_matches, reports_matches
from syncs.views.base import sync_pill
from workspaces.access import may

LAST_RUN, MATCHED = Column("Last run"), Column("Matched, about", numeric=True)
COLUMNS = [
    Column("Destination", sort="destination__name"),
    Column("Status"),
    LAST_RUN,
    Column("Runs"),
    Column("Last change", sort="updated_at"),
    Column("Run", hidden_label=True, fit=True),
]

MISSING = (
    "Sending it takes the right to configure audiences on its parent model and to draft syncs to a destination, both "
    "within one group. A workspace admin can give them."
)


class AudienceSyncs(AudienceTab):
    """Where an audience is sent."""

    route = "audience_syncs"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The tab."""
        audience = access.audience_for(self.actor, pk)
        listing = Listing(request, columns=list(COLUMNS), order="destination__name")
        rows = syncs_in_view(self.actor).filter(model_id=audience.model_id or 0)
        page = listing.page(rows.select_related("destination", "last_run", "model"))
        reports = any(reports_matches(sync) for sync in page.rows)
        if reports:
            listing.columns.insert(COLUMNS.index(LAST_RUN) + 1, MATCHED)
        matches = newest_matches(page.rows) if reports else {}
        context = {
            **self.around(audience),
            "listing": listing,
            "page": page,
            "reports": reports,
            "lines": [{**self._line(sync), "match": matches.get(sync.pk)} for sync in page.rows],
            "here": request.get_full_path(),
            "may_add": may(self.actor, access.ADD_SYNC, parent_model_id=audience.parent_model_id),
            "missing": MISSING,
        }
        return render_page(request, "audiences/audiences/syncs.html", context)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Begin a sync: on to the templates, or where there are none to its destination, or the one that was chosen."""
        audience = access.audience_for(self.actor, pk)
        if "without" not in request.POST and (
            sync_templates_for(self.actor, audience) or settings_here().templates_required
        ):
            return go_to(request, self.url("audience_templates", pk))
        group = id_in(request.POST.get("group", ""))
        try:
            model = open_for_syncs(actor=self.actor, audience=audience)
            forget_intent(request)
            if group in {each.pk for each in groups_of(audience)}:
                keep_intent(request, model.pk, group)
        except HeadraceError as error:
            return go_to(request, self.url("audience_syncs", pk), f"{error.message} {error.hint}".strip(), tone="bad")
        asked = request.POST.get("destination", "")
        chosen = {"destination": asked} if asked.isascii() and asked.isdigit() else {}
        to = reverse("syncs:sync_new", args=[self.here.workspace.slug])
        return go_to(request, f"{to}?{urlencode({'model': model.pk, **chosen})}")

    def _line(self, sync: Sync) -> dict[str, Any]:
        return {
            "sync": sync,
            "entry": catalog.known_entry(Kind.DESTINATION, sync.destination.type),
            "pill": sync_pill(sync),
            "schedule": sync.schedule,
            "may_run": sync.published and not sync.paused and may_trigger(self.actor, sync),
        }


class AudienceOfModel(PageView):
    """The address of an audience for those who know only what its syncs read."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """On to the audience."""
        return go_to(request, access.audience_of_model(self.actor, pk).get_absolute_url())
