"""Insights into an audience: whom it shares with others, and what it is made of. Beside the builder and on a tab."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

from audiences import access
from audiences.choices import CalculationKind
from audiences.definitions import schema_with_audiences
from audiences.measures import CALCULATIONS, groupings_of, measures_of
from audiences.models import Audience, SchemaModel
from audiences.query.insights import Calculation as Calculated
from audiences.services import insights as services
from audiences.views.audience_tab import AudienceTab
from audiences.views.base import PageView, id_in
from audiences.views.calculations import Asked, meant
from audiences.views.sampling import sample_toggle, wants_sample
from config.errors import Denied, Invalid
from config.htmx import render_page
from connectors.sdk.types import ColumnType
from governance.audit.actors import Actor


class InsightsTab(AudienceTab):
    """The insights of a saved audience."""

    route = "audience_insights"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The questions; nothing is asked of the source yet."""
        audience = access.audience_for(self.actor, pk)
        parent = audience.parent_model
        context = {**self.around(audience), **questions(self, parent, audience), "parent": parent}
        context |= sample_toggle(request, parent, audience.sampled)
        return render_page(request, "audiences/insights/tab.html", context)


class InsightsPanel(PageView):
    """The same questions about what is in the builder, saved or not."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The panel."""
        parent = access.parent_to_build_on(self.actor, pk)
        building = meant(self, parent)
        context = {
            **questions(self, parent, building.audience),
            "parent": parent,
            "audience": building.audience,
            "chosen": building.wanted,
            "tree": orjson.dumps(building.fitted).decode(),
            **sample_toggle(request, parent),
        }
        return render_page(request, "audiences/insights/panel.html", context)


class Compare(Asked):
    """Comparing a definition with other audiences."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Begin."""
        parent = access.parent_to_build_on(self.actor, pk)
        building = meant(self, parent)
        try:
            made = services.compare_audiences(
                actor=self.actor,
                parent=parent,
                definition=building.fitted,
                other_ids=[id_in(each) for each in request.POST.getlist("with")],
                audience=building.audience,
                subset_ids=building.wanted,
                sampled=wants_sample(request),
            )
        except (Invalid, Denied) as error:
            return self.refused(CalculationKind.OVERLAP, error)
        return self.answer(made.pk)


class BreakDown(Asked):
    """Breaking a definition down by something."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Begin. What is looked at is grouped by itself, or else by a column."""
        parent = access.parent_to_build_on(self.actor, pk)
        building = meant(self, parent)
        try:
            looked_at, by = _measure(request.POST.get("of", "")), _measure(request.POST.get("by", ""))
            calculation = request.POST.get("calculation", Calculated.COUNT)
            if calculation != Calculated.COUNT and by is None:
                raise Invalid.field("by", "Choose a column to group by, so that there is something to compare.")
            made = services.break_down(
                actor=self.actor,
                parent=parent,
                definition=building.fitted,
                by=by or looked_at,
                measure=looked_at,
                calculation=calculation,
                audience=building.audience,
                subset_ids=building.wanted,
                sampled=wants_sample(request),
            )
        except (Invalid, Denied) as error:
            return self.refused(CalculationKind.BREAKDOWN, error)
        return self.answer(made.pk)


class CountEvents(Asked):
    """Counting what members of a saved audience did."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Begin."""
        audience = access.audience_for(self.actor, pk)
        days = request.POST.get("days", "")
        try:
            asked = int(days) if days.isascii() and days.isdigit() and len(days) < 5 else 0
            sampled = wants_sample(request)
            made = services.count_events(actor=self.actor, audience=audience, days=asked, sampled=sampled)
        except Invalid as error:
            return self.refused(CalculationKind.EVENTS, error)
        return self.answer(made.pk)


def questions(view: PageView, parent: SchemaModel, audience: Audience | None) -> dict[str, Any]:
    """What can be asked: other audiences to compare with, and what to break down by."""
    schema = schema_with_audiences(parent.source, view.actor)
    model = str(parent.pk)
    return {
        "others": _others(view.actor, parent, audience),
        "most_others": services.MOST_OTHERS,
        "measures": measures_of(schema, model),
        "groupings": groupings_of(schema, model),
        "number": ColumnType.NUMBER,
        "calculations": [(each.value, words) for each, words in CALCULATIONS.items()],
        "compare_url": view.url("insights_compare", parent.pk),
        "break_down_url": view.url("insights_break_down", parent.pk),
    }


def _others(actor: Actor, parent: SchemaModel, audience: Audience | None) -> list[Audience]:
    rows = access.audiences_in_view(actor).filter(parent_model=parent).order_by("name", "pk")
    return list(rows.exclude(pk=audience.pk) if audience else rows)


def _measure(written: str) -> Any:
    """What a form sent for a measure; nothing where nothing was chosen."""
    if not written:
        return None
    try:
        return orjson.loads(written)
    except orjson.JSONDecodeError:
        raise Invalid.field("of", "Choose a column, a trait or related rows.") from None
