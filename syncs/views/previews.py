"""What a run would do: asked for, watched while it is found out, and looked at."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from config.errors import HeadraceError, NotFound
from config.htmx import go_to, render_page
from connectors.sdk.types import Operation
from syncs import access, services
from syncs.engine.spec import Prepared, RowStatus
from syncs.models import Preview
from syncs.selectors.previews import preview_numbers, preview_requests, preview_row, preview_rows
from syncs.views.base import PageView
from syncs.views.run_detail import row_headings, row_lines


class StartPreview(PageView):
    """The button."""

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for a preview and go where it shows."""
        sync = access.sync_for(self.actor, pk)
        try:
            made = services.start_preview(actor=self.actor, sync=sync)
        except HeadraceError as error:
            return go_to(request, self.url("sync", pk), f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, self.url("preview", pk, made.pk), "")


class PreviewView(PageView):
    """A view of one preview, found through its sync."""

    def found(self, pk: int, preview: int) -> Preview:
        """The preview of the address."""
        row = access.preview_for(self.actor, preview)
        if row.sync_id != pk:
            raise NotFound("There is no such preview of this sync.")
        return row

    def crumbs(self, row: Preview) -> list[dict[str, str]]:
        """The way back: to the sync, or to the request that it was made for."""
        if row.draft is not None:
            slug = self.here.workspace.slug
            requests = {"label": "Requests", "url": reverse("approvals:requests", args=[slug])}
            return [
                requests,
                {"label": row.draft.label, "url": reverse("approvals:request", args=[slug, row.draft.pk])},
            ]
        return [self.crumb("Syncs", "syncs"), self.crumb(str(row.sync), "sync", row.sync_id)]


class PreviewPage(PreviewView):
    """Plan, numbers, rows and first requests."""

    def get(self, request: HttpRequest, pk: int, preview: int) -> HttpResponse:
        """While it is made, how far it is; then what was found."""
        row = self.found(pk, preview)
        context: dict[str, Any] = {
            "preview": row,
            "sync": row.sync,
            "breadcrumb": self.crumbs(row),
            "may_trigger": row.draft_id is None and access.may_trigger(self.actor, row.sync),
            "numbers": None,
        }
        if (numbers := preview_numbers(row)) is not None:
            context |= self._found(row, numbers)
        return render_page(request, "syncs/previews/preview.html", context)

    def _found(self, row: Preview, numbers: Prepared) -> dict[str, Any]:
        asked = self.request.GET
        chosen = asked.get("operation", "")
        chosen = chosen if chosen in {*Operation, RowStatus.REJECTED.value} else ""
        search = asked.get("q", "").strip()
        page = preview_rows(self.actor, row, operation=chosen, search=search, cursor=asked.get("after", ""))
        lines = row_lines(page.rows, page.columns if not page.redacted else ())
        rejected = chosen == RowStatus.REJECTED
        return {
            "numbers": numbers,
            "tabs": self._tabs(numbers, chosen),
            "chosen": {"operation": chosen, "search": search},
            "lines": lines,
            "headings": row_headings(lines, page.columns if not page.redacted else (), rejected),
            "show_message": rejected,
            "redacted": page.redacted,
            "next_url": f"?{urlencode({'operation': chosen, 'q': search, 'after': page.next})}" if page.next else "",
            "row_base": self.url("preview_row", row.sync_id, row.pk, "_")[: -len("_")],
            "exchanges": preview_requests(self.actor, row),
        }

    def _tabs(self, numbers: Prepared, chosen: str) -> list[dict[str, Any]]:
        counts = [("", "All", numbers.planned.total)]
        counts += [(o.value, o.value.capitalize(), getattr(numbers.planned, o.value)) for o in Operation]
        if numbers.duplicates:
            counts.append((RowStatus.REJECTED.value, "Rejected before sending", numbers.duplicates))
        return [
            {"label": label, "count": count, "url": f"?operation={value}", "active": value == chosen}
            for value, label, count in counts
        ]


class PreviewRow(PreviewView):
    """One row in full."""

    def get(self, request: HttpRequest, pk: int, preview: int, row: str) -> HttpResponse:
        """The drawer beside the list, or a page of its own."""
        shown = self.found(pk, preview)
        found, hidden = preview_row(self.actor, shown, row)
        context = {
            "row": found,
            "planned": True,
            "may_see": not hidden,
            "breadcrumb": [*self.crumbs(shown), self.crumb("Preview", "preview", pk, preview)],
        }
        return render_page(request, "syncs/runs/row.html", context, part="syncs/runs/parts/row.html")


class CancelPreview(PreviewView):
    """The button beside the progress."""

    def post(self, request: HttpRequest, pk: int, preview: int) -> HttpResponse:
        """Give it up."""
        row = self.found(pk, preview)
        try:
            services.cancel_preview(actor=self.actor, preview=row)
        except HeadraceError as error:
            return go_to(request, self.url("preview", pk, preview), error.message, tone="bad")
        return go_to(request, self.url("sync", pk), "The preview was given up.")
