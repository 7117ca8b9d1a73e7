"""The landing page of an audience: whom it means, how many there are, who uses it, what happened to it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from audiences import access
from audiences.selectors.overview import in_words, recent_entries
from audiences.views.audience_tab import AudienceTab
from config.htmx import render_page


class OverviewPage(AudienceTab):
    """The overview of a saved audience."""

    route = "audience"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The page; nothing is asked of the source for it."""
        audience = access.audience_for(self.actor, pk)
        around = self.around(audience)
        latest = audience.calculations.filter(definition=audience.definition).first()
        counting = latest is not None and latest.live and around["may_change"]
        context = {
            **around,
            "sentence": in_words(self.actor, audience),
            "entries": recent_entries(audience),
            "calculation": latest,
            "calculation_url": self.url("calculation", latest.pk) if latest and counting else "",
            "calculate_url": self.url("calculate", audience.parent_model_id),
        }
        return render_page(request, "audiences/audiences/overview.html", context)
