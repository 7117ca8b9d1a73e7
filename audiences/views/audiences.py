"""Audiences: the list, the builder, members, and settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from audiences import access
from audiences.choices import CalculationKind, ModelKind
from audiences.models import Audience, SchemaModel
from audiences.selectors.missing import what_is_missing
from audiences.selectors.rules import destinations_with_rules
from audiences.selectors.settings import settings_here
from audiences.services import audiences as services
from audiences.services.members import preview_members
from audiences.views.audience_tab import AudienceTab
from audiences.views.base import PageView, id_in
from audiences.views.beginning import asked_template, begun_with, steps_of, templates_for
from audiences.views.building import Building, narrowing, posted_subsets, posted_tree
from audiences.views.calculations import meant, meant_destination
from audiences.views.keeping import keep
from audiences.views.narrowing import audience_filters, narrowed_audiences
from audiences.views.people import lines_of, titled
from audiences.views.sampling import sample_toggle, wanted_sample, wants_sample
from config.errors import Conflict, Denied, HeadraceError, Invalid
from config.htmx import go_to, render_page
from config.ui.listing import Column, Listing
from config.ui.search import matching
from syncs.views.base import activity_context
from workspaces.access import may
from workspaces.folders import folder_choices
from workspaces.organizing import folder_pane, in_folder, saved_views

COLUMNS = [
    Column("Name", sort="name"),
    Column("Made of", sort="parent_model__name"),
    Column("Size", sort="size", numeric=True),
    Column("Last change", sort="updated_at"),
    Column("Added", sort="created_at"),
]

NOTHING: Mapping[str, Any] = {}


class AudienceList(PageView):
    """All audiences that this person sees."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list, narrowed by the address."""
        views = saved_views(self.here, "audiences")
        if views.first_url:
            return redirect(views.first_url)
        filters = audience_filters(self.actor)
        listing = Listing(request, columns=COLUMNS, filters=filters, order="name", keep=("folder",))
        listing.clear_url = views.all_url
        rows = access.audiences_in_view(self.actor).select_related("parent_model", "created_by")
        pane = folder_pane(self.here, listing, access.audiences_in_view(self.actor), "folder")
        rows = in_folder(
            narrowed_audiences(self.actor, rows, listing), "folder", request.GET.get("folder", ""), pane.within
        )
        context = {
            "listing": listing,
            "pane": pane,
            "views": views,
            "page": listing.page(matching(rows, listing.query, "name", "description")),
            "has_parents": bool(filters[0].options),
            "may_build": access.may_build(self.actor),
            "has_spaces": self.here.workspace.spaces_enabled,
            "here": request.get_full_path(),
            "may_configure": access.may_configure(self.actor),
        }
        return render_page(request, "audiences/audiences/list.html", context)


class ChooseParent(PageView):
    """The first step of a new audience: who it is about."""

    title, route = "Add audience", "audience_define"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The parent models on which this person may build; a single one is chosen at once."""
        rows = SchemaModel.objects.select_related("source").filter(kind=ModelKind.PARENT, archived_at=None)
        parents = [parent for parent in rows.order_by("name") if access.may_build(self.actor, parent.pk)]
        if len(parents) == 1:
            return go_to(request, self.url(self.route, parents[0].pk) + self.carried())
        context = {
            "carried": self.carried(),
            "parents": parents,
            "title": self.title,
            "breadcrumb": [self.list_crumb()],
            "route": f"audiences:{self.route}",
            "steps": self.steps(),
        }
        return render_page(request, "audiences/audiences/choose_parent.html", context)

    def carried(self) -> str:
        """What the address says about the audience to come: its folder."""
        folder = id_in(self.request.GET.get("folder", ""))
        return f"?folder={folder}" if folder else ""

    def steps(self) -> list[dict[str, str]]:
        """The steps that follow."""
        return steps_of("parent", {}, self.here.workspace.slug)

    def list_crumb(self) -> dict[str, str]:
        """The way back."""
        return {"label": "Audiences", "url": self.url("audiences")}


class BuilderPage(PageView):
    """A page with the builder: every change is posted and answered with the builder as it is then."""

    template = ""
    part = "audiences/audiences/parts/builder.html"

    def show(self, building: Building, context: dict[str, Any], status: int = 200) -> HttpResponse:
        """The page, or the builder alone where that is asked for."""
        whole = {
            **building.context(),
            "calculate_url": self.url("calculate", building.parent.pk),
            "members_url": self.url("members_preview", building.parent.pk),
            "insights_url": self.url("insights_panel", building.parent.pk),
            "parent": building.parent,
            "may_view_rows": access.may_view_rows(self.actor, building.parent),
            "ruled": destinations_with_rules(building.parent.pk),
            "ruled_by": self.request.POST.get("destination", ""),
            "save_label": "Save audience",
            "template_mode": building.blanks,
            **context,
        }
        return render_page(self.request, self.template, whole, part=self.part, status=status)


class NewAudience(BuilderPage):
    """The builder of a new audience of a parent model."""

    template = "audiences/audiences/new.html"

    def show(self, building: Building, context: dict[str, Any], status: int = 200) -> HttpResponse:
        """The page, with the templates that an audience can begin with."""
        chosen = {"parent": building.parent.name}
        steps = steps_of("define", chosen, self.here.workspace.slug)
        beside = {"offered_templates": templates_for(self, building), "keeps": True, "steps": steps}
        beside |= sample_toggle(self.request, building.parent)
        beside["template_required"] = settings_here().audience_templates_required
        return super().show(building, {**beside, **context}, status)

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """An empty definition, which is everybody, or the one of the template that the address names."""
        parent = access.parent_to_build_on(self.actor, pk)
        building = Building(self.actor, parent, {})
        if barred := [choice.category for choice in building.choices if choice.barred]:
            context = {**self._context({}), "parent": parent, "barred": barred}
            return render_page(request, "audiences/audiences/barred.html", context)
        if asked := request.GET.get("template", ""):
            building = begun_with(self, building, asked)
        context = {**self._context({}), "missing": what_is_missing(self.actor, parent)}
        return self.show(building, context)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Edit, or save."""
        parent = access.parent_to_build_on(self.actor, pk)
        building = Building(self.actor, parent, posted_tree(request.POST), posted=posted_subsets(request.POST))
        if template := asked_template(request.POST.get("do", "")):
            building = begun_with(self, building, template)
        if request.POST.get("do") != "save":
            building, beside = keep(building, request.POST)
            return self.show(building, {**self._context({}), **beside})
        name, description = request.POST.get("name", ""), request.POST.get("description", "")
        try:
            audience = services.create_audience(
                actor=self.actor,
                parent=parent,
                name=name,
                description=description,
                definition=building.fitted,
                folder_id=id_in(request.POST.get("folder", "")) or None,
                subset_ids=building.wanted,
                sampled=wants_sample(request),
            )
        except Invalid as error:
            return self.show(building, self._context(error.fields, error.message), 422)
        except (Conflict, Denied) as error:
            return self.show(building, self._context({}, f"{error.message} {error.hint}"), error.status)
        to = audience.get_absolute_url()
        if len(parent.primary_key) == 1 and may(self.actor, access.ADD_SYNC, parent_model_id=parent.pk):
            to = self.url("audience_templates", audience.pk) + "?new=1"
        return go_to(request, to, f"“{audience.name}” was saved.")

    def _context(self, wrong: dict[str, str], problem: str = "") -> dict[str, Any]:
        return {
            "breadcrumb": [{"label": "Audiences", "url": self.url("audiences")}],
            "name_error": wrong.get("name", ""),
            "problem": "" if "name" in wrong else problem,
            "name": self.request.POST.get("name", ""),
            "description": self.request.POST.get("description", ""),
            "folders": folder_choices(),
            "folder": id_in(self.request.POST.get("folder", "") or self.request.GET.get("folder", "")),
            "may_change": True,
            "details_last": True,
        }


class DefinitionPage(AudienceTab, BuilderPage):
    """The builder of a saved audience."""

    route = "audience_definition"
    template = "audiences/audiences/definition.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The saved definition."""
        audience = access.audience_for(self.actor, pk)
        return self._page(Building(self.actor, audience.parent_model, audience.definition, audience), audience)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Edit, save, or go back to what is saved."""
        audience = access.audience_for(self.actor, pk)
        access.require_build(self.actor, audience.parent_model_id)
        if request.POST.get("do") == "discard":
            return go_to(request, self.url("audience_definition", pk), "Back to what is saved.", tone="neutral")
        tree, posted = posted_tree(request.POST), posted_subsets(request.POST)
        building = Building(self.actor, audience.parent_model, tree, audience, posted)
        if template := asked_template(request.POST.get("do", "")):
            building = begun_with(self, building, template)
        if request.POST.get("do") != "save":
            building, beside = keep(building, request.POST)
            return self._page(building, audience, beside=beside)
        try:
            services.update_audience(
                actor=self.actor,
                audience=audience,
                definition=building.fitted,
                subset_ids=building.wanted,
                seen=request.POST.get("version", ""),
                sampled=wanted_sample(request, audience),
            )
        except HeadraceError as error:
            return self._page(building, audience, error)
        return go_to(request, self.url("audience_definition", pk), "Saved.")

    def _page(
        self,
        building: Building,
        audience: Audience,
        error: HeadraceError | None = None,
        *,
        beside: Mapping[str, Any] = NOTHING,
    ) -> HttpResponse:
        of_it = audience.calculations.filter(kind=CalculationKind.SIZE, definition=audience.definition)
        last = None if building.changed else of_it.first()
        context = {
            "offered_templates": templates_for(self, building),
            **self.around(audience),
            "changed": building.changed or wanted_sample(self.request, audience) not in (None, audience.sampled),
            "version": self.version(audience, error),
            "problem": told(error),
            "calculation": last,
            "narrowing": narrowing(building.root, last),
            "keeps": True,
            **sample_toggle(self.request, building.parent, audience.sampled),
            "missing": what_is_missing(self.actor, building.parent) if self.request.method == "GET" else [],
            **beside,
        }
        return self.show(building, context, error.status if error else 200)


def told(error: HeadraceError | None) -> str:
    """What was wrong; what is wrong with single conditions stands beside these."""
    if error is None:
        return ""
    return error.message if isinstance(error, Invalid) else f"{error.message} {error.hint}".strip()


class MembersPage(AudienceTab):
    """The first members of a saved audience."""

    route = "audience_members"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The tab; the rows are asked for once it is there."""
        audience = access.audience_for(self.actor, pk)
        may_see = access.may_view_rows(self.actor, audience.parent_model)
        context = {
            **self.around(audience),
            "may_see": may_see,
            "members_url": self.url("members_preview", audience.parent_model_id),
            "ruled": destinations_with_rules(audience.parent_model_id),
            **sample_toggle(request, audience.parent_model, audience.sampled),
        }
        return render_page(request, "audiences/audiences/members.html", context)


class MembersPreview(PageView):
    """The first members of a definition that was posted, or of a saved audience."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The table."""
        parent = access.parent_model_for(self.actor, pk)
        building = meant(self, parent)
        try:
            found = preview_members(
                actor=self.actor,
                parent=parent,
                definition=building.fitted,
                audience=building.audience,
                subset_ids=building.wanted,
                destination=meant_destination(self),
                sampled=wants_sample(request),
            )
        except HeadraceError as error:
            return render_page(request, "audiences/audiences/parts/members.html", {"problem": error})
        context = {
            "members": found,
            "from_sample": wants_sample(request),
            "lines": lines_of(parent, found),
            "parent": parent,
            "audience": building.audience,
            "chosen": building.wanted,
            "tree": orjson.dumps(building.fitted).decode() if "tree" in request.POST else "",
            "preview_columns": [*titled(parent, found), Column("What can be asked", hidden_label=True)],
        }
        return render_page(request, "audiences/audiences/parts/members.html", context)


class AudienceActivity(AudienceTab):
    """What the audit log says of an audience."""

    route = "audience_activity"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The tab, newest first."""
        audience = access.audience_for(self.actor, pk)
        context = {**self.around(audience), **activity_context(request, "audience", audience)}
        return render_page(request, "audiences/audiences/activity.html", context)


class RenameAudience(PageView):
    """The inline rename of the page header."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Rename or describe it, and stay on the page."""
        audience = access.audience_for(self.actor, pk)
        name, description = request.POST.get("name"), request.POST.get("description")
        if description is None:
            name = name or ""
        try:
            services.update_audience(actor=self.actor, audience=audience, name=name, description=description)
        except HeadraceError as error:
            return go_to(request, self.url("audience", pk), error.message, tone="bad")
        return go_to(request, self.url("audience", pk), "Renamed." if description is None else "Saved.")


class DeleteAudience(PageView):
    """Removal, after the name was typed."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Delete and go back to the list."""
        audience = access.audience_for(self.actor, pk)
        if request.POST.get("confirm_name", "").strip() != audience.name:
            words = "Type the name of the audience to delete it."
            return go_to(request, self.url("audience", pk), words, tone="bad")
        try:
            services.delete_audience(actor=self.actor, audience=audience)
        except HeadraceError as error:
            return go_to(request, self.url("audience", pk), f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, self.url("audiences"), f"“{audience.name}” was deleted.")
