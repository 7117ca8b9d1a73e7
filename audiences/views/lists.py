"""Uploaded lists of values: the list of them, adding, replacing and deleting."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from audiences import access
from audiences.forms.lists import ValueListForm
from audiences.models import ValueList
from audiences.services import lists as services
from audiences.views.base import PageView
from config.errors import HeadraceError, Invalid
from config.htmx import go_to, render_page
from config.ui.listing import Column, Listing
from config.ui.search import matching
from workspaces.pages import show_errors

COLUMNS = [
    Column("Name", sort="name"),
    Column("Values", sort="size", numeric=True),
    Column("Last change", sort="updated_at"),
    Column("Added", sort="created_at"),
]
SHOWN = 20


class ValueLists(PageView):
    """All lists."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list, narrowed by the address."""
        listing = Listing(request, columns=COLUMNS, filters=[], order="name")
        rows = access.lists_in_view(self.actor).defer("values").select_related("created_by")
        context = {
            "listing": listing,
            "page": listing.page(matching(rows, listing.query, "name")),
            "may_build": access.may_build(self.actor),
        }
        return render_page(request, "audiences/lists/list.html", context)


class ListPage(PageView):
    """A list: new, or with its first values, for those who may build audiences."""

    def get(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """The form."""
        found = access.list_for(self.actor, pk) if pk is not None else None
        return self._page(ValueListForm(initial={"name": found.name if found else ""}), found)

    def post(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """Save."""
        found = access.list_for(self.actor, pk) if pk is not None else None
        form = ValueListForm(request.POST, request.FILES, replaces=found is not None)
        if not form.is_valid():
            return self._page(form, found, 422)
        name = form.cleaned_data["name"]
        try:
            values = form.given()
            if found is None:
                saved = services.create_list(actor=self.actor, name=name, values=values or [])
            else:
                saved = services.update_list(actor=self.actor, value_list=found, name=name, values=values)
        except Invalid as error:
            show_errors(form, error)
            return self._page(form, found, 422)
        return go_to(request, self.url("lists"), f"“{saved.name}” has {saved.size:,} values.")

    def _page(self, form: ValueListForm, found: ValueList | None, status: int = 200) -> HttpResponse:
        may_build = access.may_build(self.actor)
        context = {
            "form": form,
            "value_list": found,
            "may_build": may_build,
            "shown": found.values[:SHOWN] if found and may_build else [],
            "breadcrumb": [{"label": "Value lists", "url": self.url("lists")}],
        }
        return render_page(self.request, "audiences/lists/edit.html", context, status=status)


class DeleteList(PageView):
    """Removal."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Delete and go back."""
        found = access.list_for(self.actor, pk)
        try:
            services.delete_list(actor=self.actor, value_list=found)
        except HeadraceError as error:
            return go_to(request, found.get_absolute_url(), f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, self.url("lists"), f"“{found.name}” was deleted.")
