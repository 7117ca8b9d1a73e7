"""The waterfall of an audience's sync: from everybody who meets the conditions to what was delivered."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from audiences import access
from audiences.choices import CalculationKind
from audiences.models import Audience, Calculation
from audiences.query.layers import Layer
from audiences.selectors.layers import is_being_counted, runs_with_layers
from audiences.services.layers import count_layers, preview_stopped
from audiences.syncing import audience_of
from audiences.views.base import PageView
from audiences.views.people import titled
from audiences.waterfall import LABELS, layer_steps, run_steps, skipped
from config.errors import HeadraceError, NotFound
from config.htmx import go_to, render_page
from config.ui.listing import Column, Listing
from syncs.access import sync_for
from syncs.models import MatchReport, Run, Sync
from syncs.selectors.matches import matches_of_runs, reports_matches
from syncs.views.sync_detail import SyncPage

COLUMNS = [
    Column("Run"),
    Column("Started"),
    Column("Meet the conditions", numeric=True),
    Column("After all layers", numeric=True),
    Column("Asked for", numeric=True),
    Column("Skipped", numeric=True),
    Column("Planned", numeric=True),
    Column("Delivered", numeric=True),
]
MATCHED = Column("Matched, about", numeric=True)


class SyncWaterfall(SyncPage):
    """The tab of an audience's sync."""

    route = "audiences:sync_waterfall"

    def get(self, request: HttpRequest, sync_id: int) -> HttpResponse:
        """One run's numbers, the newest count as of now, and the runs before."""
        sync = sync_for(self.actor, sync_id)
        audience = _audience(self, sync)
        reports = reports_matches(sync)
        listing = Listing(request, columns=[*COLUMNS, MATCHED] if reports else COLUMNS, keep=("run",))
        page = listing.page(runs_with_layers(sync))
        run = _chosen(request, sync)
        matches = matches_of_runs([each.pk for each in (*page.rows, run) if each]) if reports else {}
        context = {
            "audience": audience,
            "may_count": access.may_build(self.actor, audience.parent_model_id),
            "may_see_rows": access.may_view_rows(self.actor, audience.parent_model),
            "listing": listing,
            "page": page,
            "lines": [_line(each, matches.get(each.pk)) for each in page.rows],
            "reports": reports,
            **_of_run(run, matches.get(run.pk) if run else None),
            **_of_now(sync, audience),
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


def _chosen(request: HttpRequest, sync: Sync) -> Run | None:
    """The run that is looked at: the newest that knows its rows, or one from the list."""
    runs, wanted = runs_with_layers(sync), request.GET.get("run", "")
    if wanted and not wanted.isdecimal():
        raise NotFound("There is no such run.")
    found = runs.filter(pk=int(wanted)).first() if wanted else runs.first()
    if wanted and found is None:
        raise NotFound("There is no such run.")
    return found


def _line(run: Run, match: MatchReport | None) -> dict[str, Any]:
    """A run in the list."""
    counts = run.layers.counts if hasattr(run, "layers") else {}
    first, last = (counts.get(layer) for layer in (Layer.AUDIENCE, Layer.RULE))
    return {"run": run, "first": first, "last": last, "skipped": skipped(run), "match": match}


def _of_run(run: Run | None, match: MatchReport | None) -> dict[str, Any]:
    """All steps of one run. Its rows and its count are two questions: between them the source may have moved."""
    if run is None:
        return {"run": None}
    kept = run.layers if hasattr(run, "layers") else None
    layers = layer_steps(kept.counts) if kept and kept.counts else []
    counting = kept is None and is_being_counted(run)
    differs = bool(layers and run.queried != layers[-1].left)
    return {
        "run": run,
        "kept": kept,
        "counting": counting,
        "run_layers": layers,
        "differs": differs,
        "results": run_steps(run, match),
        "match": match,
    }


def _of_now(sync: Sync, audience: Audience) -> dict[str, Any]:
    """What was counted last, whatever runs do."""
    rows = Calculation.objects.filter(audience=audience, kind=CalculationKind.LAYERS, question={"sync": sync.pk})
    calculation = rows.select_related("parent_model__source").first()
    layers = layer_steps(calculation.counts) if calculation and calculation.counts else []
    return {"calculation": calculation, "layers": layers}
