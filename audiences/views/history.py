"""The history of an audience's members, and what the audiences of a source log."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.text import slugify

from audiences import access
from audiences.choices import LogPlace
from audiences.forms.history import AudienceLogsForm
from audiences.models import Audience, Recording
from audiences.selectors.experiments import running_experiment
from audiences.selectors.subsets import require_all_rows
from audiences.services import recordings as services
from audiences.services.members import record_members_preview
from audiences.views.audience_tab import AudienceTab
from audiences.views.base import PageView
from config.errors import Conflict, Denied, HeadraceError, Invalid
from config.htmx import go_to, render_page
from config.streaming import StreamedResponse
from config.ui.listing import Column, Listing
from connectors.choices import Kind
from connectors.models import Source
from connectors.views.detail import DetailView

_PLACES: dict[str, str] = {LogPlace.WAREHOUSE: "in the warehouse", LogPlace.STORAGE: "in Headrace's storage"}
COLUMNS = [
    Column("Taken"),
    Column("Why"),
    Column("Entered", numeric=True),
    Column("Left", numeric=True),
    Column("Added by the run", numeric=True),
    Column("Held out", numeric=True),
    Column("State"),
]


class HistoryTab(AudienceTab):
    """When the members were written down, and who they were at a moment."""

    route = "audience_history"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The snapshots, newest first."""
        audience = access.audience_for(self.actor, pk)
        listing = Listing(request, columns=COLUMNS)
        page = listing.page(Recording.objects.filter(audience=audience).select_related("run__sync__destination"))
        logs = services.logs_of(audience.parent_model.source)
        context = {
            **self.around(audience),
            "listing": listing,
            "page": page,
            "logs": logs,
            "place": _PLACES.get(logs.place, ""),
            "live": any(row.live for row in page.rows),
            "experiment": running_experiment(audience),
            "may_see": self._may_see(audience),
        }
        part = "audiences/history/list.html"
        return render_page(request, "audiences/history/tab.html", context, part=part)

    def _may_see(self, audience: Audience) -> bool:
        """Whether this person may see all members that a snapshot can hold."""
        try:
            access.require_view_rows(self.actor, audience.parent_model)
            require_all_rows(self.actor, audience.parent_model)
        except Denied:
            return False
        return True

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take a snapshot now."""
        audience = access.audience_for(self.actor, pk)
        try:
            services.take_snapshot(actor=self.actor, audience=audience)
        except HeadraceError as error:
            here = self.url("audience_history", pk)
            return go_to(request, here, f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, self.url("audience_history", pk))


class MembersOfMoment(PageView):
    """The members at a moment, as a file."""

    def get(self, request: HttpRequest, pk: int) -> StreamedResponse | HttpResponse:
        """CSV of keys and groups."""
        from audiences.selectors.history import members_of_moment  # on first use: few pages ask

        audience = access.audience_for(self.actor, pk)
        access.require_view_rows(self.actor, audience.parent_model)
        require_all_rows(self.actor, audience.parent_model)
        try:
            at = asked_moment(request.GET.get("at", ""))
        except Invalid as error:
            return go_to(request, self.url("audience_history", pk), error.message, tone="bad")
        record_members_preview(actor=self.actor, parent=audience.parent_model, audience=audience)
        try:
            members = members_of_moment(audience, at)
        except Conflict as error:
            return go_to(request, self.url("audience_history", pk), f"{error.message} {error.hint}".strip(), tone="bad")
        answer = StreamedResponse(_lines(members), content_type="text/csv")
        answer["Content-Disposition"] = f'attachment; filename="{slugify(audience.name)}-{at:%Y-%m-%d-%H%M}.csv"'
        return answer


class SourceAudienceLogs(DetailView):
    """What the audiences of a source log."""

    kind = Kind.SOURCE

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The tab."""
        return self._page(self.row(pk), None)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Save."""
        row = self.row(pk)
        assert isinstance(row, Source)
        form = AudienceLogsForm(request.POST)
        if not form.is_valid():
            return self._page(row, form, 422)
        try:
            services.change_audience_logs(actor=self.here.actor, source=row, **form.cleaned_data)
        except Invalid as error:
            form.add_error("every" if "every" in error.fields else None, error.message)
            return self._page(row, form, 422)
        return go_to(request, request.path, "Saved. It holds for every run that ends from now on.")

    def _page(self, row: Any, form: AudienceLogsForm | None, status: int = 200) -> HttpResponse:
        from audiences.history_places import place_for  # on first use: no page but this asks

        logs = services.logs_of(row)
        initial = {"snapshots": logs.snapshots, "holdouts": logs.holdouts, "every": logs.every}
        place = LogPlace(logs.place or place_for(row))
        context = {
            "form": form or AudienceLogsForm(initial=initial),
            "logs": logs,
            "in_warehouse": place == LogPlace.WAREHOUSE,
        }
        return self.page(row, "audience_logs", "audiences/history/source.html", context, status)


def asked_moment(text: str) -> datetime:
    """The moment that somebody asks about, now without one. Raises :class:`Invalid` where it is none."""
    if not text:
        return timezone.now()
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise Invalid.field("at", f"“{text[:40]}” is no moment. Write it like 2026-11-22T14:05.")
    return found if timezone.is_aware(found) else timezone.make_aware(found)


class _Line:
    """What ``csv.writer`` writes to: hands each line back."""

    def write(self, value: str) -> str:
        return value


def _lines(members: Iterator[Sequence[Any]]) -> Iterator[str]:
    """The file, line by line; it is read after the request, outside of the workspace."""
    writer = csv.writer(_Line())
    yield writer.writerow(["row_id", "experiment_group"])
    for row, group in members:
        yield writer.writerow([_safe(row), _safe(group)])


def _safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
