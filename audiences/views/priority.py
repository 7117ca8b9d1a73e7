"""Priority lists: the list of them, and the order of one."""

from __future__ import annotations

from typing import Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponse

from audiences import access
from audiences.choices import ModelKind
from audiences.forms.priority import PriorityForm
from audiences.models import PriorityList, SchemaModel
from audiences.selectors.priority import audiences_to_rank
from audiences.services import priority as services
from audiences.views.base import PageView
from config.errors import HeadraceError, Invalid
from config.htmx import go_to, render_page
from config.ui.listing import Column, Listing
from config.ui.search import matching

COLUMNS = [
    Column("Name", sort="name"),
    Column("Made of", sort="parent_model__name"),
    Column("Audiences", sort="audience_count", numeric=True),
    Column("Last change", sort="updated_at"),
    Column("Added", sort="created_at"),
]


class PriorityLists(PageView):
    """All priority lists of the workspace."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list, narrowed by the address."""
        listing = Listing(request, columns=COLUMNS, order="name")
        rows = access.priority_lists_in_view(self.actor).select_related("parent_model", "created_by")
        rows = rows.annotate(audience_count=Count("places"))
        context = {
            "listing": listing,
            "page": listing.page(matching(rows, listing.query, "name", "places__audience__name").distinct()),
            "may_build": access.may_build(self.actor),
        }
        return render_page(request, "audiences/priority/list.html", context)


class ListEditor(PageView):
    """What adding and changing share."""

    def form(self, parent: SchemaModel, priority_list: PriorityList | None = None, data: Any = None) -> PriorityForm:
        """The form, with the audiences that may stand in the list."""
        audiences = audiences_to_rank(self.actor, parent.pk, priority_list.pk if priority_list else None)
        return PriorityForm(data, audiences=audiences.order_by("name"), priority_list=priority_list)

    def page(
        self, form: PriorityForm, parent: SchemaModel, priority_list: PriorityList | None = None, status: int = 200
    ) -> HttpResponse:
        """The form, empty or as it was sent."""
        context = {
            "form": form,
            "parent": parent,
            "priority_list": priority_list,
            "breadcrumb": [{"label": "Priority lists", "url": self.url("priority_lists")}],
            "may_change": access.may_build(self.actor, parent.pk),
        }
        return render_page(self.request, "audiences/priority/edit.html", context, status=status)

    def refused(
        self, form: PriorityForm, error: HeadraceError, parent: SchemaModel, of: PriorityList | None = None
    ) -> HttpResponse:
        """The form with what a service said of it."""
        field = "name" if isinstance(error, Invalid) and "name" in error.fields else None
        form.name.add_error(field, f"{error.message} {error.hint}".strip())
        return self.page(form, parent, of, 422)


class NewList(ListEditor):
    """A list that does not exist yet: first whom it is about, then the order."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The choice of a parent model; a single one is chosen at once."""
        rows = SchemaModel.objects.select_related("source").filter(kind=ModelKind.PARENT, archived_at=None)
        parents = [parent for parent in rows.order_by("name") if access.may_build(self.actor, parent.pk)]
        if len(parents) == 1:
            return go_to(request, self.url("priority_define", parents[0].pk))
        context = {
            "parents": parents,
            "breadcrumb": [{"label": "Priority lists", "url": self.url("priority_lists")}],
        }
        return render_page(request, "audiences/priority/choose_parent.html", context)


class DefineList(ListEditor):
    """The name and order of a new list of one parent model's audiences."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """An empty form."""
        parent = access.parent_to_build_on(self.actor, pk)
        return self.page(self.form(parent), parent)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Add it."""
        parent = access.parent_to_build_on(self.actor, pk)
        form = self.form(parent, data=request.POST)
        if not form.is_valid():
            return self.page(form, parent, status=422)
        name, ids = form.name.cleaned_data["name"], form.audience_ids()
        try:
            made = services.create_priority_list(actor=self.actor, parent=parent, name=name, audience_ids=ids)
        except HeadraceError as error:
            return self.refused(form, error, parent)
        return go_to(request, self.url("priority_lists"), f"“{made}” holds from the next runs on.")


class EditList(ListEditor):
    """The name and order of a list."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form with what is stored."""
        found = access.priority_list_for(self.actor, pk)
        return self.page(self.form(found.parent_model, found), found.parent_model, found)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Save."""
        found = access.priority_list_for(self.actor, pk)
        access.require_build(self.actor, found.parent_model_id)
        form = self.form(found.parent_model, found, request.POST)
        if not form.is_valid():
            return self.page(form, found.parent_model, found, 422)
        name, ids = form.name.cleaned_data["name"], form.audience_ids()
        try:
            services.update_priority_list(actor=self.actor, priority_list=found, name=name, audience_ids=ids)
        except HeadraceError as error:
            return self.refused(form, error, found.parent_model, found)
        return go_to(request, self.url("priority_list", pk), "Saved. It holds from the next runs on.")


class DeleteList(PageView):
    """The end of a list; its audiences stay."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Delete it."""
        found = access.priority_list_for(self.actor, pk)
        try:
            services.delete_priority_list(actor=self.actor, priority_list=found)
        except HeadraceError as error:
            words = f"{error.message} {error.hint}".strip()
            return go_to(request, self.url("priority_list", pk), words, tone="bad")
        return go_to(request, self.url("priority_lists"), f"“{found}” was deleted.")
