"""The workspace at a glance: health of the syncs, rows over time, what runs and what failed."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from config.htmx import render_page
from connectors.selectors import destinations, sources
from syncs.choices import Health
from syncs.models import Model, Sync
from syncs.selectors import Overview, overview
from syncs.selectors.alerts import active_alerts
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
        context: dict[str, Any] = {"overview": found, "steps": self._first_steps() if not found.syncs else []}
        if found.syncs:
            context |= {
                "health": [self._tile(found, health) for health in HEALTH],
                "chart": _chart(found),
                "running": [{"run": run, "pill": pill_key(run.words.run_page)} for run in found.running],
                "alerts": [{"state": s, "muted": s.is_muted(timezone.now())} for s in active_alerts(self.actor)],
                "failures": [{"run": run, "pill": pill_key(run.words.run_page)} for run in found.failures],
            }
        return render_page(request, "syncs/overview.html", context)

    def _tile(self, found: Overview, health: Health) -> dict[str, Any]:
        label, icon, tone = HEALTH[health]
        url = f"{self.url('syncs')}?health={health.value}"
        return {"label": label, "icon": icon, "tone": tone, "value": found.health[health], "url": url}

    def _first_steps(self) -> list[dict[str, Any]]:
        has_source, has_model = sources().exists(), Model.objects.exists()
        has_destination, has_sync = destinations().exists(), Sync.objects.exists()
        slug = self.here.workspace.slug
        return [
            {
                "label": "Add a source",
                "text": "A database, a warehouse or files. Sample data works too.",
                "url": f"/{slug}/sources/new",
                "done": has_source,
            },
            {
                "label": "Write a model",
                "text": "A query, or a table, whose rows you want to send.",
                "url": self.url("model_new"),
                "done": has_model,
            },
            {
                "label": "Add a destination",
                "text": "The tool or database that should get them.",
                "url": f"/{slug}/destinations/new",
                "done": has_destination,
            },
            {
                "label": "Add a sync",
                "text": "Join the two; Headrace keeps them in step.",
                "url": self.url("sync_new"),
                "done": has_sync,
            },
        ]


def _chart(found: Overview) -> dict[str, Any]:
    return {
        "labels": [f"{bucket.at:%-d %b}" for bucket in found.delivered],
        "series": [
            {"name": "Delivered", "data": [bucket.succeeded for bucket in found.delivered]},
            {"name": "Rejected", "data": [bucket.rejected for bucket in found.delivered]},
        ],
    }
