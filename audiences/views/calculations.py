"""Counting definitions: asking for it, seeing how far it is, and giving it up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse

from audiences import access
from audiences.choices import CalculationKind
from audiences.models import Audience, Calculation, SchemaModel
from audiences.selectors.insights import answer_for, breakdown_shown, overlap_chart, overlap_rows
from audiences.services import audiences as services
from audiences.views.base import PageView, id_in
from audiences.views.building import Building, posted_subsets, posted_tree
from audiences.views.sampling import wants_sample
from config.errors import Denied, Invalid, NotFound
from config.htmx import render_page
from connectors.access import destination_for
from connectors.models import Destination
from governance.audit.actors import Actor

PARTS: Mapping[str, str] = {
    CalculationKind.SIZE: "audiences/audiences/parts/size.html",
    CalculationKind.DAILY: "audiences/audiences/parts/size.html",
    CalculationKind.RUN: "audiences/audiences/parts/size.html",
    CalculationKind.OVERLAP: "audiences/insights/overlap.html",
    CalculationKind.BREAKDOWN: "audiences/insights/breakdown.html",
    CalculationKind.EVENTS: "audiences/insights/events.html",
}


class Asked(PageView):
    """What the pages around a calculation share."""

    def answer(self, calculation_id: int) -> HttpResponse:
        """How far it is."""
        calculation = access.calculation_for(self.actor, calculation_id)
        if calculation.kind not in PARTS:
            raise NotFound("There is no such calculation in this workspace.")
        url = self.url("calculation", calculation.pk)
        context = {
            "calculation": calculation,
            "url": url if calculation.live else "",
            "give_up_url": url,
            **found(self.actor, calculation),
        }
        return render_page(self.request, PARTS[calculation.kind], context)

    def refused(self, kind: CalculationKind, error: Invalid | Denied) -> HttpResponse:
        """Why it was not begun."""
        status = 422 if isinstance(error, Invalid) else 403
        return render_page(self.request, PARTS[kind], {"problem": error}, status=status)


class Calculate(Asked):
    """Counting the members of a definition."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Begin."""
        parent = access.parent_to_build_on(self.actor, pk)
        building = meant(self, parent)
        try:
            made = services.calculate_size(
                actor=self.actor,
                parent=parent,
                definition=building.fitted,
                audience=building.audience,
                subset_ids=building.wanted,
                destination=meant_destination(self),
                sampled=wants_sample(request),
            )
        except (Invalid, Denied) as error:
            return self.refused(CalculationKind.SIZE, error)
        return self.answer(made.pk)


class CalculationPage(Asked):
    """One calculation."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """How far it is."""
        return self.answer(pk)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give it up."""
        services.give_up_calculation(actor=self.actor, calculation=access.calculation_for(self.actor, pk))
        return self.answer(pk)


def found(actor: Actor, calculation: Calculation) -> dict[str, Any]:
    """What the parts of a page show of an answer."""
    answer = answer_for(actor, calculation)
    if calculation.kind == CalculationKind.OVERLAP:
        rows = overlap_rows(answer, calculation.audience)
        return {"rows": rows, "chart": overlap_chart(rows)}
    if calculation.kind == CalculationKind.BREAKDOWN:
        return {"breakdown": breakdown_shown(answer)}
    if calculation.kind == CalculationKind.EVENTS:
        events = answer.get("events", [])
        data = {"name": "Members", "data": [each["members"] for each in events]}
        return {"events": events, "chart": {"labels": [each["name"] for each in events], "series": [data]}}
    return {}


def meant(view: PageView, parent: SchemaModel) -> Building:
    """What a builder's page, or one beside it, is about: conditions and subsets, posted or saved."""
    audience = meant_audience(view, parent)
    posted = posted_subsets(view.request.POST)
    return Building(view.actor, parent, meant_tree(view, audience), audience, posted)


def meant_destination(view: PageView) -> Destination | None:
    """The destination whose rules somebody wants to see at work."""
    asked = id_in(view.request.POST.get("destination", ""))
    return destination_for(view.actor, asked) if asked else None


def meant_audience(view: PageView, parent: SchemaModel) -> Audience | None:
    """The saved audience that a builder is about, if it says so."""
    asked = view.request.POST.get("audience", "")
    if not asked:
        return None
    audience = access.audience_for(view.actor, id_in(asked))
    if audience.parent_model_id != parent.pk:
        raise NotFound("There is no such audience of this model.")
    return audience


def meant_tree(view: PageView, audience: Audience | None) -> Any:
    """The definition that was posted, or the one of the saved audience where none was."""
    if audience is not None and "tree" not in view.request.POST:
        return audience.definition
    return posted_tree(view.request.POST)
