"""The landing page of an audience: whom it means, how many there are and were, who uses it, what happened to it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from audiences import access
from audiences.choices import CalculationKind
from audiences.models import Audience
from audiences.periods import CHOICES, Period, asked_period
from audiences.selectors.overview import in_words, recent_entries, recent_runs
from audiences.selectors.sizes import size_history
from audiences.services.audiences import calculate_size
from audiences.views.audience_tab import AudienceTab
from audiences.views.base import PageView
from audiences.views.calculations import found
from audiences.views.sampling import sample_toggle
from config.errors import Denied, Invalid
from config.htmx import go_to, render_page


class OverviewPage(AudienceTab):
    """The overview of a saved audience."""

    route = "audience"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The page; nothing is asked of the source for it."""
        audience = access.audience_for(self.actor, pk)
        around = self.around(audience)
        latest = audience.calculations.filter(kind=CalculationKind.SIZE, definition=audience.definition).first()
        counting = latest is not None and latest.live and around["may_change"]
        counted = audience.calculations.filter(kind=CalculationKind.EVENTS, definition=audience.definition).first()
        period = asked_period(request.GET)
        history = size_history(audience, period)
        context = {
            **around,
            "period": period,
            "periods": self._periods(period),
            "history": history,
            "chart": history.chart(period),
            "share": _share(audience),
            "sentence": in_words(self.actor, audience),
            "runs": recent_runs(self.actor, audience, timezone.now()),
            "entries": recent_entries(audience),
            "calculation": latest,
            "calculation_url": self.url("calculation", latest.pk) if latest and counting else "",
            "counted": counted,
            "counted_url": self.url("calculation", counted.pk) if counted and counted.live else "",
            "counted_found": found(self.actor, counted) if counted else {},
            "events_url": self.url("audience_events", audience.pk),
            "calculate_url": self.url("calculate", audience.parent_model_id),
            **sample_toggle(request, audience.parent_model, audience.sampled),
        }
        return render_page(request, "audiences/audiences/overview.html", context)

    def _periods(self, chosen: Period) -> list[dict[str, Any]]:
        """The usual periods, as links."""
        return [{"label": f"{days} days", "url": f"?days={days}", "active": days == chosen.days} for days in CHOICES]


class CountNow(PageView):
    """Counting a saved audience again, from the menu of any of its pages."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Begin, and show on the overview how far it is."""
        audience = access.audience_for(self.actor, pk)
        try:
            calculate_size(
                actor=self.actor, parent=audience.parent_model, definition=audience.definition, audience=audience
            )
        except (Invalid, Denied) as error:
            return go_to(request, audience.get_absolute_url(), f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, audience.get_absolute_url())


def _share(audience: Audience) -> str:
    """How much of the parent model the audience is; empty where one of both was never counted."""
    rows = audience.parent_model.rows
    if not rows or audience.size is None:
        return ""
    return f"{min(1, audience.size / rows):.1%} of {rows:,} {audience.parent_model.name}"
