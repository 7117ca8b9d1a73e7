"""The workspace at a glance: health of the syncs, rows over time, what runs and what failed; and what to do first."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from config.htmx import render_page
from governance.approvals.selectors import review_count
from syncs.choices import Health
from syncs.selectors import Overview, overview
from syncs.selectors.alerts import active_alerts
from syncs.selectors.getting_started import GettingStarted, getting_started
from syncs.views.base import PageView, pill_key

HEALTH = {
    Health.HEALTHY: ("Healthy", "circle-check", "good"),
    Health.WARNING: ("With rejected rows", "triangle-alert", "warn"),
    Health.FAILED: ("Failed", "circle-x", "bad"),
    Health.IDLE: ("Idle", "circle-dashed", "draft"),
}


class OverviewPage(PageView):
    """The first page of a workspace."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """What people want to know each morning; before the first sync, what to do first."""
        found = overview(self.actor)
        context: dict[str, Any] = {
            "overview": found,
            "started": self._started(),
            "waiting": review_count(self.actor),
        }
        if found.syncs:
            context |= {
                "health": [self._tile(found, health) for health in HEALTH],
                "chart": _chart(found),
                "running": [{"run": run, "pill": pill_key(run.words.run_page)} for run in found.running],
                "alerts": [{"state": s, "muted": s.is_muted(timezone.now())} for s in active_alerts(self.actor)],
                "failures": [{"run": run, "pill": pill_key(run.words.run_page)} for run in found.failures],
            }
        return render_page(request, "syncs/overview.html", context)

    def _started(self) -> GettingStarted:
        looking = self.actor.looking  # as somebody who may be no operator
        operator = self.here.user.is_operator and not looking
        return getting_started(self.actor, self.here.workspace, operator=operator)

    def _tile(self, found: Overview, health: Health) -> dict[str, Any]:
        label, icon, tone = HEALTH[health]
        url = f"{self.url('syncs')}?health={health.value}"
        return {"label": label, "icon": icon, "tone": tone, "value": found.health[health], "url": url}


def _chart(found: Overview) -> dict[str, Any]:
    return {
        "labels": [f"{bucket.at:%-d %b}" for bucket in found.delivered],
        "series": [
            {"name": "Delivered", "data": [bucket.succeeded for bucket in found.delivered]},
            {"name": "Rejected", "data": [bucket.rejected for bucket in found.delivered]},
        ],
    }
