"""Governance of the studio's data: how far each column goes, what destinations get, which rows people build from."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponse, QueryDict

from audiences import access
from audiences.choices import PRIVACY_WORDS, ModelKind, PersonalData, Privacy
from audiences.models import DestinationRule, SchemaColumn, SchemaModel, SubsetCategory
from audiences.personal import flagged
from audiences.query.schema import ALLOWED, Surface
from audiences.query.schema import Privacy as QueryPrivacy
from audiences.services import ColumnSettings, change_columns
from audiences.views.base import PageView, id_in
from config.errors import HeadraceError
from config.htmx import ToastTone, go_to, render_page, toast, wants_part
from config.ui.listing import Column, Filter, Listing, Option
from config.ui.search import matching

TABS = (
    ("governance", "Data masking"),
    ("destination_rules", "Destination rules"),
    ("subset_categories", "Subsets"),
)
MASKING = [
    Column("Column", sort="name"),
    Column("Model", sort="model__name"),
    Column("Source"),
    Column("Privacy", sort="privacy"),
    Column("Personal data", sort="personal_data"),
    Column("Last change", sort="changed_at"),
]
RULES = [
    Column("Status", fit=True),
    Column("Rule", sort="name"),
    Column("Destination", sort="destination__name"),
    Column("About", sort="parent_model__name"),
    Column("Last change", sort="updated_at"),
]
CATEGORIES = [
    Column("Category", sort="name"),
    Column("Divides", sort="parent_model__name"),
    Column("Subsets", numeric=True),
    Column("Audiences", numeric=True),
    Column("Last change", sort="updated_at"),
]
LEVELS = [(level.value, level.label, PRIVACY_WORDS[level]) for level in Privacy]
SURFACES = {
    Surface.FILTERS: "Filters",
    Surface.PREVIEWS: "Previews and profiles",
    Surface.SUGGESTIONS: "Suggested values",
    Surface.ANALYTICS: "Insights",
    Surface.SYNCS: "Syncs",
}
MATRIX_COLUMNS = [{"label": "Level"}, *({"label": label, "fit": True} for label in SURFACES.values())]
MATRIX = [
    {
        "label": level.label,
        "words": PRIVACY_WORDS[level],
        "cells": [surface in ALLOWED[QueryPrivacy(level.value)] for surface in SURFACES],
    }
    for level in Privacy
]
MOST = 500


class GovernancePage(PageView):
    """What the pages of the studio's governance share."""

    route = "governance"

    def page(self, template: str, context: dict[str, Any], *, part: str = "", status: int = 200) -> HttpResponse:
        """Render one tab."""
        tabs = [{"label": words, "url": self.url(name), "active": name == self.route} for name, words in TABS]
        may = {"may_govern": access.may_configure(self.actor)}
        return render_page(self.request, template, {**may, **context, "tabs": tabs}, part=part, status=status)

    def parents(self) -> list[SchemaModel]:
        """The parent models that there are."""
        rows = SchemaModel.objects.filter(kind=ModelKind.PARENT, archived_at=None)
        return list(rows.select_related("source").order_by("name", "pk"))

    def back_to(self, route: str) -> dict[str, str]:
        """The way back to one of the tabs."""
        return {"label": dict(TABS)[route], "url": self.url(route)}


class MaskingPage(GovernancePage):
    """Every column of the schema with its privacy level, newest decision first."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list, narrowed by the address."""
        models = list(SchemaModel.objects.filter(archived_at=None).select_related("source"))
        listing = Listing(request, columns=MASKING, filters=_masking_filters(models), order="-changed_at")
        rows = SchemaColumn.objects.filter(model__archived_at=None, missing=False).select_related("model__source")
        for name, field in (("model", "model_id"), ("source", "model__source_id"), ("level", "privacy")):
            if chosen := listing.chosen(name):
                rows = rows.filter(**{f"{field}__in": chosen})
        if chosen := listing.chosen("personal"):
            rows = rows.filter(personal_data__in=[*chosen])
        if listing.chosen("flagged"):
            rows = rows.filter(flagged())
        page = listing.page(matching(rows, listing.query, "name", "alias", "model__name"))
        context = {
            "listing": listing,
            "page": page,
            "has_columns": bool(models),
            "levels": LEVELS,
            "kinds": PersonalData.choices,
            "flagged_count": SchemaColumn.objects.filter(flagged(), model__archived_at=None, missing=False).count(),
            "configurable": {m.source_id for m in models if access.may_configure(self.actor, m.source_id)},
            "matrix": MATRIX,
            "matrix_columns": MATRIX_COLUMNS,
        }
        return self.page("audiences/governance/masking.html", context, part="audiences/governance/parts/masking.html")

    def post(self, request: HttpRequest) -> HttpResponse:
        """Set the level or the kind of personal data of one column, or of those that are ticked."""
        settings = _settings_of(request.POST)
        ids = [id_in(each) for each in request.POST.getlist("selected")[:MOST]]
        by_model: dict[int, list[SchemaColumn]] = defaultdict(list)
        for column in SchemaColumn.objects.filter(pk__in=ids).select_related("model"):
            by_model[column.model_id].append(column)
        changed, refused = 0, []
        for columns in by_model.values():
            model, names = columns[0].model, [column.name for column in columns]
            try:
                change_columns(actor=self.actor, model=model, names=names, settings=settings)
                changed += len(names)
            except HeadraceError as error:
                refused.append(f"{model.name}: {error.message}")
        words = f"{changed:,} column{'' if changed == 1 else 's'} changed." if changed else "Nothing was changed."
        return self._stay(" ".join([words, *refused]), "bad" if refused else "good" if changed else "neutral")

    def _stay(self, words: str, tone: ToastTone) -> HttpResponse:
        if wants_part(self.request):
            return toast(self.get(self.request), words, tone=tone)
        return go_to(self.request, self.request.get_full_path(), words, tone=tone)


def _settings_of(data: QueryDict) -> ColumnSettings:
    """One column's own form sends both; the bar over ticked ones what its button says."""
    do = data.get("do", "")
    if do in ("privacy", "personal_data"):
        wanted: dict[str, Any] = {do: data.get(f"to_{do}", "")}
        return ColumnSettings(**wanted)
    return ColumnSettings(privacy=data.get("privacy"), personal_data=data.get("personal_data"))


def _masking_filters(models: list[SchemaModel]) -> list[Filter]:
    sources = {model.source_id: model.source.name for model in models}
    by_name = sorted(models, key=lambda model: model.name.casefold())
    return [
        Filter.of("level", "Privacy", Privacy.choices),
        Filter("flagged", "Flagged", (Option("yes", "Looks like personal data"),), single=True),
        Filter.of("personal", "Personal data", [pair for pair in PersonalData.choices if pair[0]]),
        Filter("model", "Model", tuple(Option(str(model.pk), model.name) for model in by_name), more=True),
        Filter.of("source", "Source", sources.items(), more=True),
    ]


class RulesPage(GovernancePage):
    """The destination rules."""

    route = "destination_rules"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list, narrowed by the address."""
        parents = self.parents()
        listing = Listing(request, columns=RULES, filters=[_about(parents)], order="name")
        rows = DestinationRule.objects.select_related("parent_model", "destination")
        if chosen := listing.chosen("parent"):
            rows = rows.filter(parent_model__in=[parent for parent in parents if str(parent.pk) in chosen])
        page = listing.page(matching(rows, listing.query, "name", "destination__name"))
        context = {"listing": listing, "page": page, "has_parents": bool(parents)}
        return self.page("audiences/governance/rules.html", context)


class CategoriesPage(GovernancePage):
    """The categories of subsets."""

    route = "subset_categories"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list, narrowed by the address."""
        parents = self.parents()
        listing = Listing(request, columns=CATEGORIES, filters=[_about(parents)], order="name")
        rows = SubsetCategory.objects.select_related("parent_model").annotate(
            subset_count=Count("subsets", distinct=True),
            audience_count=Count("subsets__chosen_by__audience", distinct=True),
        )
        if chosen := listing.chosen("parent"):
            rows = rows.filter(parent_model__in=[parent for parent in parents if str(parent.pk) in chosen])
        page = listing.page(matching(rows, listing.query, "name", "description"))
        context = {"listing": listing, "page": page, "has_parents": bool(parents)}
        return self.page("audiences/governance/categories.html", context)


def _about(parents: list[SchemaModel]) -> Filter:
    return Filter("parent", "Parent model", tuple(Option(str(parent.pk), parent.name) for parent in parents))
