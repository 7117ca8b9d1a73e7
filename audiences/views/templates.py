"""Templates of audiences: the list, the builder, and what begins with one."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from audiences import access
from audiences.choices import ModelKind
from audiences.models import AudienceTemplate, SchemaModel
from audiences.selectors.settings import settings_here
from audiences.services import templates as services
from audiences.template_tabs import TABS, TemplateTab
from audiences.views.audiences import BuilderPage, ChooseParent, told
from audiences.views.base import PageView, id_in
from audiences.views.building import Building, posted_tree
from config.errors import HeadraceError, Invalid, NotFound
from config.htmx import go_to, render_page
from config.ui.listing import Column, Filter, Listing, Option
from config.ui.search import matching

COLUMNS = [
    Column("Name", sort="name"),
    Column("Made of", sort="parent_model__name"),
    Column("Blanks", numeric=True),
    Column("Last change", sort="updated_at"),
    Column("Added", sort="created_at"),
]


class TemplateList(PageView):
    """The templates of audiences."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list, narrowed by the address."""
        parents = SchemaModel.objects.filter(kind=ModelKind.PARENT, archived_at=None)
        options = tuple(Option(str(parent.pk), parent.name) for parent in parents)
        listing = Listing(request, columns=COLUMNS, filters=[Filter("parent", "Made of", options)], order="name")
        rows = access.templates_in_view(self.actor).select_related("parent_model", "created_by")
        if chosen := listing.chosen("parent"):
            rows = rows.filter(parent_model__in=[parent for parent in parents if str(parent.pk) in chosen])
        context = {
            "listing": listing,
            "page": listing.page(matching(rows, listing.query, "name", "description")),
            "tabs": template_tabs(self.here.workspace.slug, TABS[0]),
            "required": settings_here().audience_templates_required,
            "may_build": bool(options) and access.may_build(self.actor),
        }
        return render_page(request, "audiences/templates/list.html", context)


def template_tabs(slug: str, shown: TemplateTab) -> list[dict[str, Any]]:
    """The tabs of the page of templates, for every kind of them."""
    return [{"label": tab.label, "url": reverse(tab.route, args=[slug]), "active": tab is shown} for tab in TABS]


class ChooseTemplateParent(ChooseParent):
    """The first step of a new template: who its audiences are about."""

    title, route = "Add audience template", "template_define"

    def list_crumb(self) -> dict[str, str]:
        """The way back."""
        return {"label": "Templates", "url": self.url("templates")}

    def steps(self) -> list[dict[str, str]]:
        """A template is made on one page."""
        return []


class TemplateBuilder(BuilderPage):
    """A page with the builder in which values may be left blank."""

    template = "audiences/templates/edit.html"

    def building(self, parent: SchemaModel, tree: Any) -> Building:
        """The builder's state."""
        return Building(self.actor, parent, tree, blanks=True)

    def answer(
        self,
        building: Building,
        named: dict[str, str],
        error: HeadraceError | None = None,
        template: AudienceTemplate | None = None,
    ) -> HttpResponse:
        """The page."""
        wrong = error.fields if isinstance(error, Invalid) else {}
        context = {
            "breadcrumb": [{"label": "Templates", "url": self.url("templates")}],
            "saved_template": template,
            "name_error": wrong.get("name", ""),
            "problem": "" if "name" in wrong else told(error),
            "version": self.version(template, error) if template else "",
            "name": named.get("name", ""),
            "description": named.get("description", ""),
            "save_label": "Save template",
            "may_change": access.may_build(self.actor, building.parent.pk),
            "may_approve": access.may_configure(self.actor, building.parent.source_id),
        }
        return self.show(building, context, error.status if error else 200)

    def typed(self) -> dict[str, str]:
        """The name and description that were typed."""
        return {key: self.request.POST.get(key, "") for key in ("name", "description")}


class NewTemplate(TemplateBuilder):
    """The builder of a new template, empty or with the conditions of an audience."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What it begins with."""
        parent = access.parent_to_build_on(self.actor, pk)
        asked = request.GET.get("audience", "")
        if not asked:
            return self.answer(self.building(parent, {}), {})
        audience = access.audience_for(self.actor, id_in(asked))
        if audience.parent_model_id != parent.pk:
            raise NotFound("There is no such audience of this model.")
        return self.answer(
            self.building(parent, audience.definition), {"name": audience.name, "description": audience.description}
        )

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Edit, or save."""
        parent = access.parent_to_build_on(self.actor, pk)
        building = self.building(parent, posted_tree(request.POST))
        if request.POST.get("do") != "save":
            return self.answer(building, self.typed())
        try:
            made = services.create_template(actor=self.actor, parent=parent, definition=building.fitted, **self.typed())
        except Invalid as error:
            return self.answer(building, self.typed(), error)
        return go_to(request, made.get_absolute_url(), f"“{made.name}” was saved.")


class TemplatePage(TemplateBuilder):
    """The builder of a saved template."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What is saved."""
        found = access.template_for(self.actor, pk)
        named = {"name": found.name, "description": found.description}
        return self.answer(self.building(found.parent_model, found.definition), named, template=found)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Edit, or save."""
        found = access.template_for(self.actor, pk)
        access.require_build(self.actor, found.parent_model_id)
        building = self.building(found.parent_model, posted_tree(request.POST))
        if request.POST.get("do") != "save":
            return self.answer(building, self.typed(), template=found)
        try:
            seen = request.POST.get("version", "")
            services.update_template(
                actor=self.actor, template=found, definition=building.fitted, seen=seen, **self.typed()
            )
        except HeadraceError as error:
            return self.answer(building, self.typed(), error, found)
        return go_to(request, found.get_absolute_url(), "Saved.")


class ApproveTemplate(PageView):
    """Approval, and its end."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Approve what the page showed, or withdraw that."""
        found = access.template_for(self.actor, pk)
        if "withdraw" in request.POST:
            services.withdraw_approval(actor=self.actor, template=found)
            return go_to(request, found.get_absolute_url(), f"“{found.name}” is not approved any more.", tone="neutral")
        services.approve_template(actor=self.actor, template=found, seen=request.POST.get("version", ""))
        return go_to(request, found.get_absolute_url(), f"“{found.name}” is approved.")


class DeleteTemplate(PageView):
    """Removal."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Delete and go back to the list."""
        found = access.template_for(self.actor, pk)
        services.delete_template(actor=self.actor, template=found)
        return go_to(request, self.url("templates"), f"“{found.name}” was deleted.")
