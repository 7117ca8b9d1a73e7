"""The waterfall of an audience's sync: from everybody who meets the conditions to what was delivered."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from audiences import access
from audiences.choices import CalculationKind
from audiences.models import Audience, Calculation
from audiences.query.layers import Layer
from audiences.services.layers import count_layers, preview_stopped
from audiences.syncing import audience_of
from audiences.views.base import PageView
from audiences.views.people import titled
from audiences.waterfall import LABELS, layer_steps, run_steps
from config.errors import HeadraceError, NotFound
from config.htmx import go_to, render_page
from syncs.access import sync_for
from syncs.models import Run, Sync
from syncs.views.sync_detail import SyncPage


class SyncWaterfall(SyncPage):
    """The tab of an audience's sync."""

    route = "audiences:sync_waterfall"

    def get(self, request: HttpRequest, sync_id: int) -> HttpResponse:
        """The newest counts, with what the newest run made of them."""
        sync = sync_for(self.actor, sync_id)
        audience = _audience(self, sync)
        calculation = (
            Calculation.objects.filter(audience=audience, kind=CalculationKind.LAYERS, question={"sync": sync.pk})
            .select_related("parent_model__source")
            .first()
        )
        context = {
            "audience": audience,
            "calculation": calculation,
            "may_count": access.may_build(self.actor, audience.parent_model_id),
            "may_see_rows": access.may_view_rows(self.actor, audience.parent_model),
            **_numbers(sync, calculation),
        }
        return self.page(sync, "audiences/syncs/waterfall.html", context, part="audiences/syncs/parts/waterfall.html")

    def post(self, request: HttpRequest, sync_id: int) -> HttpResponse:
        """Count anew."""
        sync = sync_for(self.actor, sync_id)
        here = self.tab_url(self.route, sync.pk)
        try:
            count_layers(actor=self.actor, sync=sync)
        except HeadraceError as error:
            return go_to(request, here, f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, here)


class LayerRows(PageView):
    """Who was stopped at one layer."""

    def get(self, request: HttpRequest, sync_id: int, layer: str) -> HttpResponse:
        """The drawer beside the waterfall, or a page of its own."""
        sync = sync_for(self.actor, sync_id)
        if layer not in list(Layer)[1:]:
            raise NotFound("There is no such layer.")
        meant = Layer(layer)
        context: dict[str, Any] = {
            "sync": sync,
            "audience": _audience(self, sync),
            "why": LABELS[meant][1],
            "breadcrumb": [{"label": str(sync), "url": self.url("sync_waterfall", sync.pk)}],
        }
        try:
            found = preview_stopped(actor=self.actor, sync=sync, layer=meant)
            context |= {"members": found, "preview_columns": titled(context["audience"].parent_model, found)}
        except HeadraceError as error:
            context["problem"] = error
        return render_page(request, "audiences/syncs/stopped.html", context, part="audiences/syncs/parts/stopped.html")


def _audience(view: PageView | SyncPage, sync: Sync) -> Audience:
    """The audience that a sync sends; other syncs have no waterfall."""
    if not sync.model.of_audience:
        raise NotFound("This sync sends no audience.")
    return access.audience_for(view.actor, audience_of(sync.model_id).pk)


def _numbers(sync: Sync, calculation: Calculation | None) -> dict[str, Any]:
    """The steps, and whether the newest run saw other rows than the newest count."""
    run: Run | None = sync.last_run if sync.last_run and not sync.last_run.live else None
    layers = layer_steps(calculation.counts) if calculation and calculation.counts else []
    differs = bool(run and layers and run.queried != layers[-1].left)
    return {"layers": layers, "run": run, "results": run_steps(run) if run else [], "differs": differs}
