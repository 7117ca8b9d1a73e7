"""The schema browser of a source, and the pickers and fields that sync forms ask for."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect

from config.errors import HeadraceError, Invalid, NotFound
from config.htmx import go_to, render_page, wants_part
from config.ui.listing import Listing
from connectors import access, discovery, selectors, services
from connectors.forms import SettingsForm
from connectors.models import Destination, Source, SourceTable
from connectors.views.base import ConnectionView
from connectors.views.detail import DetailView

TABLES_A_PAGE = 100


class Schema(DetailView):
    """The tables of a source as last read."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The tab, or the tree alone for the SQL editor's side panel (``?panel=1``)."""
        row = access.source_for(self.here.actor, pk)
        return self._show(row)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Read the tables and columns again."""
        row = access.source_for(self.here.actor, pk, access.USE[self.kind])
        try:
            _, told = services.refresh_schema_telling(actor=self.here.actor, source=row)
        except HeadraceError as error:
            return self._show(row, error)
        if wants_part(request):
            return self._show(access.source_for(self.here.actor, pk), told=told)
        return go_to(request, self.url("schema", pk), told)

    def _show(self, row: Source, problem: HeadraceError | None = None, told: str = "") -> HttpResponse:
        listing = Listing(self.request, columns=(), order="name", page_size=TABLES_A_PAGE)
        page = listing.page(selectors.tables_of(row, listing.query))
        context = {
            "listing": listing,
            "page": page,
            "tables": [{"table": t, "url": self.url("table", row.pk, t.pk)} for t in page.rows],
            "problem": problem,
            "told": told,
            "schema_url": self.url("schema", row.pk),
            "may_use": access.may_use(self.here.actor, row),
            "row": row,
            "panel": "panel" in self.request.GET,
        }
        if "panel" in self.request.GET:
            return render_page(self.request, "connectors/parts/schema_tree.html", context)
        return self.page(row, "schema", "connectors/schema.html", context, problem.status if problem else 200)


class TableColumns(ConnectionView):
    """The columns of one table, shown under it."""

    def get(self, request: HttpRequest, pk: int, table_id: int) -> HttpResponse:
        """The columns as last read."""
        source, table = self._found(pk, table_id)
        return self._show(source, table)

    def post(self, request: HttpRequest, pk: int, table_id: int) -> HttpResponse:
        """Read this table's columns again."""
        source, table = self._found(pk, table_id)
        try:
            fresh = services.refresh_table(actor=self.here.actor, source=source, table=table)
        except HeadraceError as error:
            return self._show(source, table, error)
        if not wants_part(request):
            return redirect(self.url("schema", pk))
        return self._show(source, fresh)

    def _found(self, pk: int, table_id: int) -> tuple[Source, SourceTable]:
        source = access.source_for(self.here.actor, pk)
        table = selectors.table_of(source, table_id)
        if table is None:
            raise NotFound("This table was not there when the source was last read.", hint="Refresh the schema.")
        return source, table

    def _show(self, source: Source, table: SourceTable, problem: HeadraceError | None = None) -> HttpResponse:
        context = {
            "row": source,
            "table": table,
            "problem": problem,
            "table_url": self.url("table", source.pk, table.pk),
            "may_use": access.may_use(self.here.actor, source),
        }
        return render_page(self.request, "connectors/parts/columns.html", context)


class SchemaMap(ConnectionView):
    """Tables and columns as JSON, for completion in the SQL editor."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """``{"schema.table": ["column", …]}``."""
        return JsonResponse(selectors.schema_map(access.source_for(self.here.actor, pk)))


class Fields(ConnectionView):
    """The fields of a destination that rows can be mapped to, for the sync form."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """``{"fields": […]}`` for ``sync_type`` and the settings sent beside it; ``refresh`` asks again."""
        destination = access.destination_for(self.here.actor, pk, access.USE[self.kind])
        form = _sync_form(destination, request)
        refresh = "refresh" in request.GET
        found = discovery.destination_fields(destination, request.GET["sync_type"], form.values, refresh=refresh)
        return JsonResponse({"fields": [asdict(field) for field in found]})


class Choices(ConnectionView):
    """The options of a picker that the destination lists, for the sync form."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """``<option>`` elements for ``field``, the chosen one kept; a failure reads as a disabled option.

        Where what was chosen is no longer offered, the picker tells so in the page: others depend on it.
        """
        destination = access.destination_for(self.here.actor, pk, access.USE[self.kind])
        form = _sync_form(destination, request)
        path = request.GET.get("field", "")
        picker = discovery.picker(form.declared, path)
        chosen = str(request.POST.get(form.add_prefix(path), ""))
        context: dict[str, Any] = {"chosen": chosen, "required": picker.required}
        try:
            level = discovery.level(form.values, path)
            context["choices"] = discovery.choices(destination, picker, level, refresh="refresh" in request.GET)
            context["waits_for"] = discovery.waits_for(form.declared, picker, level)
        except HeadraceError as error:
            context["problem"] = error
        response = render_page(request, "connectors/parts/options.html", context)
        if chosen and "problem" not in context and chosen not in {choice.value for choice in context["choices"]}:
            response["HX-Trigger-After-Swap"] = "change"
        return response


def _sync_form(destination: Destination, request: HttpRequest) -> SettingsForm:
    """The settings of the sync type in the address, as the sync form sent them."""
    definition = access.definition_of(destination.kind, destination.type)
    key = request.GET.get("sync_type", "")
    sync_type = next((t for t in definition.sync_types if t.key == key), None)
    if sync_type is None:
        raise Invalid.field("sync_type", f"This destination has no sync type “{key}”.")
    return SettingsForm(sync_type.settings, request.POST, request.FILES, prefix=request.GET.get("prefix") or None)
