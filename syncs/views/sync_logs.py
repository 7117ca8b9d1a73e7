"""What a sync logs in the warehouse: which tables, how the latest writes went, and queries to start from."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from config.errors import HeadraceError, NotFound
from config.htmx import go_to, render_page
from connectors import catalog
from connectors.access import can_host_planner
from connectors.choices import Kind, LogTable
from syncs import access, services
from syncs.engine.logs.queries import examples
from syncs.forms.logs import SyncLogsForm
from syncs.logs import workspace_code
from syncs.models import Sync
from syncs.selectors.logs import latest_logs
from syncs.views.run_detail import RunView
from syncs.views.sync_detail import SyncPage


class SyncLogs(SyncPage):
    """The tab, for everybody; the form for whoever may change the sync."""

    route = "sync_logs"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what is chosen and what was written."""
        sync = access.sync_for(self.actor, pk)
        return self._page(sync, SyncLogsForm.of(sync))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Save; runs that end from now on are logged so."""
        sync = access.sync_for(self.actor, pk)
        form = SyncLogsForm.of(sync, request.POST)
        if not form.is_valid():
            return self._page(sync, form, 422)
        try:
            services.change_sync_logs(actor=self.actor, sync=sync, tables=form.chosen)
        except HeadraceError as error:
            form.add_error(None, f"{error.message} {error.hint}".strip())
            return self._page(sync, form, error.status)
        return go_to(request, self.url("sync_logs", pk), "Saved. It holds for every run that ends from now on.")

    def _page(self, sync: Sync, form: SyncLogsForm, status: int = 200) -> HttpResponse:
        source = sync.model.source
        if not can_host_planner(source):
            raise NotFound("Headrace cannot write into this sync's source, so there are no logs there.")
        entry = catalog.known_entry(Kind.SOURCE, source.type)
        context: dict[str, Any] = {
            "form": form,
            "write_tested": source.write_health == "healthy",
            "of_source": [LogTable(name).label for name in source.sync_logs],
            "logs": latest_logs(sync),
            "queries": examples(workspace=workspace_code(sync.workspace), sync_id=sync.pk, dialect=entry.dialect),
        }
        return self.page(sync, "syncs/syncs/logs.html", context, status)


class RunLogsPart(RunView):
    """What became of one run's logs, and the button for those that were given up."""

    def get(self, request: HttpRequest, pk: int, run: int) -> HttpResponse:
        """The part of the run's page, while it waits."""
        row = self.found(pk, run)
        return render_page(request, "syncs/runs/parts/logs.html", self.logs(row))

    def post(self, request: HttpRequest, pk: int, run: int) -> HttpResponse:
        """Ask for the logs again and stay on the run's page."""
        row = self.found(pk, run)
        here = self.url("run", pk, run)
        try:
            services.write_logs_again(actor=self.actor, run=row)
        except HeadraceError as error:
            return go_to(request, here, f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, here, "The logs of this run are being written.")
