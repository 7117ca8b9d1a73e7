"""Where a source's syncs are compared, and what its runs log in the warehouse."""

from __future__ import annotations

from typing import cast

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from config.errors import HeadraceError
from config.htmx import go_to, render_page, wants_part
from connectors import access, catalog, services
from connectors.choices import Planner
from connectors.models import Source
from connectors.planner_forms import PlannerForm, SyncLogsForm
from connectors.views.base import ConnectionView, write_setup
from connectors.views.detail import DetailView
from connectors.views.wizard import WizardView
from workspaces.permissions import Permission


class SetupSql(ConnectionView):
    """The SQL for a least-privilege user, while the settings are being typed."""

    def get(self, request: HttpRequest, type_key: str) -> HttpResponse:
        """The part, with the plain settings typed so far."""
        entry = catalog.entry(self.kind, type_key)
        plain = {field.name for field in access.fields_of(self.kind, entry.key) if not getattr(field, "secret", False)}
        values = {name: request.GET.get(name, "").strip() for name in plain}
        context = {**self.setup_sql(entry.key, values), "open": True, "entry": entry}
        return render_page(request, "connectors/parts/setup_sql.html", context)


class WriteCheck(ConnectionView):
    """The test of write access, wherever its button stands."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Run the test; the part shows which right is missing."""
        row = self.row(pk, access.USE[self.kind])
        services.check_write_access(actor=self.here.actor, source=cast(Source, row))
        row = self.row(pk)
        if not wants_part(request):
            return redirect(self.url("configuration" if row.setup_done else "setup_planner", pk))
        context = {**self.shared(row), **write_setup(self, cast(Source, row))}
        return render_page(request, "connectors/parts/write_check.html", context)


class MovePlanner(ConnectionView):
    """The move of a finished source to the warehouse planner."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Move, and say what happens next."""
        row = cast(Source, self.row(pk, access.MANAGE[self.kind]))
        here = self.url("configuration", pk)
        try:
            services.choose_planner(actor=self.here.actor, source=row, planner=request.POST.get("planner", ""))
        except HeadraceError as error:
            return go_to(request, here, f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, here, "On the warehouse planner. Each sync moves with its next run.")


class SetupPlanner(WizardView):
    """The step of the set-up that asks where syncs are compared."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Both planners side by side."""
        row = cast(Source, self.unfinished(pk))
        return self._page(row, PlannerForm(initial={"planner": row.planner}))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Keep the choice and go on to the name."""
        row = cast(Source, self.unfinished(pk))
        form = PlannerForm(request.POST)
        if not form.is_valid():
            return self._page(row, form, 422)
        try:
            services.choose_planner(actor=self.here.actor, source=row, planner=form.cleaned_data["planner"])
        except HeadraceError as error:
            form.add_error(None, f"{error.message} {error.hint}".strip())
            return self._page(row, form, error.status)
        return redirect(self.url("setup_finish", pk))

    def _page(self, row: Source, form: forms.Form, status: int = 200) -> HttpResponse:
        entry = catalog.known_entry(self.kind, row.type)
        if row.planner == Planner.WAREHOUSE:
            form.fields["planner"].disabled = True
        context = {
            **self.wizard("planner", entry, row),
            **write_setup(self, row),
            "form": form,
            "back_url": self.url("setup_test" if entry.needs_test else "setup", row.pk),
        }
        return render_page(self.request, "connectors/setup_planner.html", context, status=status)


class SyncLogs(DetailView):
    """What every sync of the source logs in the warehouse."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The tab, for everybody; the form for whoever may change the source."""
        row = cast(Source, self.row(pk))
        return self._page(row, SyncLogsForm.of(row))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Save; runs that end from now on are logged so."""
        row = cast(Source, self.row(pk, Permission.MANAGE_SOURCE))
        form = SyncLogsForm(request.POST)
        if not form.is_valid():
            return self._page(row, form, 422)
        try:
            services.change_sync_logs(
                actor=self.here.actor,
                source=row,
                tables=form.cleaned_data["tables"],
                changelog_days=form.cleaned_data["changelog_days"],
            )
        except HeadraceError as error:
            form.add_error(None, f"{error.message} {error.hint}".strip())
            return self._page(row, form, error.status)
        return go_to(request, self.url("sync_logs", pk), "Saved. It holds for every run that ends from now on.")

    def _page(self, row: Source, form: SyncLogsForm, status: int = 200) -> HttpResponse:
        context = {"form": form, **write_setup(self, row)}
        return self.page(row, "sync_logs", "connectors/sync_logs.html", context, status)
