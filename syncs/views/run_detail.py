"""One run: how far it is, its rows by outcome, and the requests behind each row."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify

from config.errors import HeadraceError, NotFound
from config.htmx import go_to, render_page
from config.streaming import StreamedResponse
from config.ui.listing import Column
from config.ui.tags import duration, is_number
from connectors.choices import Planner
from connectors.sdk.destination import RowSet
from connectors.sdk.types import Operation
from syncs import access, services
from syncs.choices import LIVE, RunStatus, Trigger
from syncs.codec import load
from syncs.engine import operations_sent
from syncs.engine.runlog import LoggedRow
from syncs.engine.spec import Prepared, RowStatus, RunSpec
from syncs.holds import hold_of
from syncs.models import Run
from syncs.retries import can_retry
from syncs.selectors import (
    error_groups,
    export_rows,
    may_export_rows,
    progress_of,
    row_counts,
    row_detail,
    run_phases,
    run_rows,
)
from syncs.selectors.logs import logs_of
from syncs.views.base import PageView, pill_key
from syncs.views.exchanges import shown_exchanges

STAGES = (
    ("Query", (RunStatus.ENQUEUED, RunStatus.QUERYING)),
    ("Compare", (RunStatus.PREPARING,)),
    ("Held", (RunStatus.HELD,)),
    ("Send", (RunStatus.QUEUED, RunStatus.WRITING)),
    ("Record", (RunStatus.SETTLING,)),
)
TONES = {
    RunStatus.SUCCEEDED: "good",
    RunStatus.WARNING: "warn",
    RunStatus.FAILED: "bad",
    RunStatus.INTERRUPTED: "warn",
    RunStatus.CANCELLED: "warn",
}
OUTCOMES = (
    (RowStatus.SUCCEEDED, "Successful"),
    (RowStatus.REJECTED, "Rejected"),
    (RowStatus.ABORTED, "Not sent"),
    (RowStatus.IN_DOUBT, "In doubt"),
    (RowStatus.PLANNED, "Not sent yet"),
)
OPERATIONS = (("", "All"), *((o.value, o.value.capitalize()) for o in Operation))
TABS = (("run", "Rows"), ("run_requests", "Requests"))
CELLS = 6
DECISIONS = {
    "release": (services.release_run, "Released. The changes are being sent as they were found."),
    "drop": (services.drop_run, "Dropped. Nothing was sent; the next run compares again."),
}


class RunView(PageView):
    """A view of one run, found through its sync."""

    route = ""

    def found(self, pk: int, run: int) -> Run:
        """The run of the address."""
        row = access.run_for(self.actor, run)
        if row.sync_id != pk:
            raise NotFound("There is no such run of this sync.")
        return row

    def crumbs(self, run: Run) -> list[dict[str, str]]:
        """The way back."""
        return [self.crumb("Syncs", "syncs"), self.crumb(str(run.sync), "sync", run.sync_id)]

    def progress(self, run: Run) -> dict[str, Any]:
        """What ``parts/progress.html`` shows."""
        progress = progress_of(run)
        return {
            "run": run,
            "sync": run.sync,
            "progress": progress,
            "stages": _stages(run),
            "operations": _operations(run),
            "tone": TONES.get(RunStatus(run.status), "brand"),
            "words": _words(run, progress.queried, progress.sent),
        }

    def logs(self, run: Run) -> dict[str, Any]:
        """What ``parts/logs.html`` shows."""
        logs = None if run.live else logs_of(run)
        sync, failed = run.sync, logs is not None and logs.failure is not None
        may = failed and access.may_configure(self.actor, sync.model, sync.destination_id)
        return {"run": run, "sync": run.sync, "logs": logs, "may_log_again": may}

    def page(self, run: Run, template: str, context: dict[str, Any]) -> HttpResponse:
        """Render one tab."""
        may_trigger = access.may_trigger(self.actor, run.sync)
        whole = {
            **self.progress(run),
            **self.logs(run),
            "planner": Planner(run.spec.get("planner") or Planner.LOCAL).label,
            "breadcrumb": self.crumbs(run),
            "pill": pill_key(run.words.run_page),
            "row_base": self.url("run_row", run.sync_id, run.pk, "_")[: -len("_")],
            "export_url": self.url("run_export", run.sync_id, run.pk),
            "may_see": may_export_rows(self.actor, run),
            "may_trigger": may_trigger,
            "may_retry": may_trigger and not run.live and bool(run.rejected or run.aborted) and can_retry(run.sync),
            "hold": hold_of(run),
            "may_decide": access.may_decide(self.actor, run.sync),
            "tabs": [
                {"label": label, "url": self.url(route, run.sync_id, run.pk), "active": route == self.route}
                for route, label in TABS
            ],
        }
        return render_page(self.request, template, whole | context)


class RunPage(RunView):
    """The page of a run, with its debugger."""

    route = "run"

    def get(self, request: HttpRequest, pk: int, run: int) -> HttpResponse:
        """Errors first: rejected rows, or those of a run that sent nothing, unless another outcome is asked for."""
        row = self.found(pk, run)
        chosen = self._chosen(row)
        page = run_rows(
            self.actor,
            row,
            operation=chosen["operation"],
            status=chosen["status"],
            search=chosen["search"],
            like=chosen["like"],
            cursor=request.GET.get("after", ""),
        )
        failed = chosen["status"] not in (RowStatus.SUCCEEDED, RowStatus.PLANNED)
        lines = row_lines(page.rows, page.columns)
        context = {
            "chosen": chosen,
            "groups": error_groups(self.actor, row) if failed and not row.live else (),
            "outcome_tabs": self._outcome_tabs(row, chosen),
            "operation_tabs": self._operation_tabs(row, chosen),
            "page": {"rows": lines, "next_url": self._next(page.next)},
            "redacted": page.redacted,
            "headings": row_headings(lines, page.columns, failed),
            "show_message": failed,
            "nothing": _nothing(page.expired, chosen["status"]),
            "sampled": row.spec.get("rows") == RowSet.FULL,
        }
        return self.page(row, "syncs/runs/run.html", context)

    def _chosen(self, run: Run) -> dict[str, str]:
        asked = self.request.GET
        default = _worst_outcome(run)
        status = asked.get("status", default.value)
        operation = asked.get("operation", "")
        return {
            "status": status if status in {s.value for s, _ in OUTCOMES} else default.value,
            "operation": operation if operation in {o for o, _ in OPERATIONS} else "",
            "search": asked.get("q", "").strip(),
            "like": asked.get("like", ""),
        }

    def _outcome_tabs(self, run: Run, chosen: dict[str, str]) -> list[dict[str, Any]]:
        counts: dict[str, int] = {}
        for count in row_counts(self.actor, run):
            counts[count.status] = counts.get(count.status, 0) + count.rows
        return [
            {
                "label": label,
                "count": counts.get(status, 0),
                "url": self._address(status=status.value, q=chosen["search"]),
                "active": status == chosen["status"],
            }
            for status, label in OUTCOMES
            if counts.get(status) or status in _tabs_always(run)
        ]

    def _operation_tabs(self, run: Run, chosen: dict[str, str]) -> list[dict[str, Any]]:
        counts: dict[str, int] = {}
        for count in row_counts(self.actor, run):
            if count.status == chosen["status"]:
                counts[count.operation or ""] = counts.get(count.operation or "", 0) + count.rows
        total = sum(counts.values())
        return [
            {
                "label": label,
                "count": total if not operation else counts.get(operation, 0),
                "url": self._address(status=chosen["status"], operation=operation, q=chosen["search"]),
                "active": operation == chosen["operation"],
            }
            for operation, label in OPERATIONS
        ]

    def _next(self, cursor: str) -> str:
        return self._address(**{**self.request.GET.dict(), "after": cursor}) if cursor else ""

    def _address(self, **params: str) -> str:
        query = self.request.GET.copy()
        query.clear()
        query.update({name: value for name, value in params.items() if value})
        return f"{self.request.path}?{query.urlencode()}"


class RunProgressPart(RunView):
    """The progress of a run by itself, for the page that watches it."""

    def get(self, request: HttpRequest, pk: int, run: int) -> HttpResponse:
        """The part; once the run has ended, it fetches the rest of the page, which differs then."""
        row = self.found(pk, run)
        # A page that was drawn before the run was held, or before somebody decided, is drawn anew too.
        differs = (row.status == RunStatus.HELD) != ("held" in request.GET)
        context = {**self.progress(row), "ended": not row.live or differs}
        return render_page(request, "syncs/runs/parts/progress.html", context)


class RunRow(RunView):
    """One row: its values, its outcome, and the requests that carried it."""

    def get(self, request: HttpRequest, pk: int, run: int, row: str) -> HttpResponse:
        """The drawer beside the list, or a page of its own."""
        found = self.found(pk, run)
        detail = row_detail(self.actor, found, row)
        context = {
            "row": detail.row,
            "exchanges": shown_exchanges(detail.exchanges, found.sync.destination),
            "siblings": [sibling for sibling in detail.siblings if sibling.id != detail.row.id],
            "row_base": self.url("run_row", pk, run, "_")[: -len("_")],
            "retention_days": settings.TRACE_RETENTION_DAYS,
            "may_see": not detail.redacted,
            "breadcrumb": [*self.crumbs(found), self.crumb(f"Run {found.number}", "run", pk, run)],
        }
        return render_page(request, "syncs/runs/row.html", context, part="syncs/runs/parts/row.html")


class CancelRun(RunView):
    """The cancel button."""

    def post(self, request: HttpRequest, pk: int, run: int) -> HttpResponse:
        """Ask the run to stop before its next batch."""
        row = self.found(pk, run)
        here = self.url("run", pk, run)
        try:
            services.cancel_run(actor=self.actor, run=row)
        except HeadraceError as error:
            return go_to(request, here, error.message, tone="bad")
        return go_to(request, here, "The run stops before its next batch.")


class ExportRows(RunView):
    """A run's rows as a file."""

    def get(self, request: HttpRequest, pk: int, run: int) -> StreamedResponse:
        """CSV or JSON lines, streamed; all rows, or those that failed."""
        found = self.found(pk, run)
        services.record_export(actor=self.actor, run=found)
        rows = export_rows(self.actor, found, failed="failed" in request.GET)
        as_json = request.GET.get("format") == "json"
        body = _json_lines(rows) if as_json else _csv_lines(rows)
        response = StreamedResponse(body, content_type="application/x-ndjson" if as_json else "text/csv")
        name = f"{slugify(str(found.sync))}-run-{found.number}.{'ndjson' if as_json else 'csv'}"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response


class DecideRun(RunView):
    """The two buttons of a held run."""

    def post(self, request: HttpRequest, pk: int, run: int) -> HttpResponse:
        """Release or drop its changes; where somebody was faster, say who."""
        row = self.found(pk, run)
        here = self.url("run", pk, run)
        if request.POST.get("next") == "requests":
            here = reverse("approvals:requests", args=[self.here.workspace.slug])
        decide, words = DECISIONS["drop" if request.POST.get("choice") == "drop" else "release"]
        try:
            decide(actor=self.actor, run=row, note=request.POST.get("note", ""))
        except HeadraceError as error:
            return go_to(request, here, f"{error.message} {error.hint}".strip(), tone="bad")
        return go_to(request, here, words)


def _worst_outcome(run: Run) -> RowStatus:
    if run.status == RunStatus.HELD:
        return RowStatus.PLANNED
    if run.rejected or run.duplicates:
        return RowStatus.REJECTED
    return RowStatus.ABORTED if run.aborted and not run.succeeded else RowStatus.SUCCEEDED


def _operations(run: Run) -> list[dict[str, Any]]:
    """The numbers of the operations that the sync sends; rows that left the model are told even where nobody is."""
    spec = load(RunSpec, run.spec)
    sent = operations_sent(spec)
    lines = [
        {
            "operation": operation.value,
            "planned": getattr(run, f"planned_{operation}"),
            "succeeded": getattr(run, f"succeeded_{operation}"),
            "rejected": getattr(run, f"rejected_{operation}"),
            "sent": True,
        }
        for operation in Operation
        if operation in sent or getattr(run, f"planned_{operation}")
    ]
    told = any(line["operation"] == Operation.REMOVED for line in lines)
    if spec.rows is RowSet.CHANGES and not told and run.prepared:
        found = load(Prepared, run.prepared).found.removed
        lines.append({"operation": Operation.REMOVED.value, "planned": found, "sent": False})
    return lines


def _tabs_always(run: Run) -> tuple[RowStatus, ...]:
    if run.status == RunStatus.HELD:
        return (RowStatus.PLANNED,)
    return (RowStatus.SUCCEEDED, RowStatus.REJECTED)


def _stages(run: Run) -> list[dict[str, str]]:
    took: dict[str, float] = {}
    for phase in run_phases(run):
        took[phase.name] = took.get(phase.name, 0.0) + phase.duration.total_seconds()
    shown = [stage for stage in STAGES if run.hold or RunStatus.HELD not in stage[1]]
    now = next((i for i, (_, statuses) in enumerate(shown) if run.status in statuses), len(shown))
    reached = max((i for i, (_, s) in enumerate(shown) if any(x.value in took for x in s)), default=0)
    stages = []
    for index, (label, statuses) in enumerate(shown):
        seconds = sum(took.get(status.value, 0.0) for status in statuses)
        stages.append({"label": label, "state": _state(run, index, now, reached), "detail": _took(seconds)})
    return stages


def _state(run: Run, index: int, now: int, reached: int) -> str:
    if run.status in LIVE:
        return "done" if index < now else "active" if index == now else "waiting"
    if run.status in (RunStatus.SUCCEEDED, RunStatus.WARNING) or index < reached:
        return "done"
    return "failed" if index == reached else "waiting"


def _took(seconds: float) -> str:
    return duration(seconds) if seconds else ""


def _words(run: Run, queried: int, sent: int) -> str:
    if not run.live:
        if run.trigger == Trigger.REJECTED:
            return f"{run.words.run_page}. Of the rows left over from earlier runs, {run.planned:,} to send."
        return f"{run.words.run_page}. {run.queried:,} rows queried, {run.planned:,} to send."
    if run.status == RunStatus.HELD:
        return f"{queried:,} rows queried, {run.planned:,} to send. Nothing has been sent."
    if run.status == RunStatus.QUERYING:
        return f"Saving query results: {queried:,} rows so far" if queried else "Waiting for query results"
    if run.status != RunStatus.WRITING:
        return f"{queried:,} rows read. {run.get_status_display()}" if queried else run.get_status_display()
    started = run.timings.get(RunStatus.WRITING.value)
    speed = _per_second(started, sent)
    if not speed:
        return f"{sent:,} of {run.planned:,} rows sent"
    left = max(0, run.planned - sent) / speed
    return f"{sent:,} of {run.planned:,} rows sent, {speed:,.0f} rows a second, about {left:,.0f} s left"


def _per_second(started: str | None, rows: int) -> float:
    if not started or not rows:
        return 0.0
    seconds = (timezone.now() - datetime.fromisoformat(started)).total_seconds()
    return rows / seconds if seconds > 0 else 0.0


def row_lines(rows: Iterable[LoggedRow], columns: Iterable[str]) -> list[dict[str, Any]]:
    """Rows of a run or preview as table lines; a changed value has the one before it."""
    shown = list(columns)[:CELLS]
    return [
        {
            "id": row.id,
            "key": row.key,
            "operation": row.operation,
            "message": row.message,
            "cells": [_cell(row, name) for name in shown],
        }
        for row in rows
    ]


def _cell(row: LoggedRow, name: str) -> dict[str, Any]:
    """A value, and the one before it where that was another."""
    value = (row.values or row.old_values or {}).get(name)
    before = row.old_values.get(name) if row.old_values and row.values else value
    return {"value": value, "before": before, "changed": before != value}


def row_headings(lines: Sequence[dict[str, Any]], columns: Iterable[str], with_message: bool) -> list[Column]:
    """Headings of the rows; a column whose values are all numbers is aligned as one."""
    message = [Column("Error")] if with_message else []
    cells = []
    for at, name in enumerate(list(columns)[:CELLS]):
        values = [line["cells"][at]["value"] for line in lines if line["cells"][at]["value"] is not None]
        cells.append(Column(name, numeric=bool(values) and all(is_number(value) for value in values)))
    return [Column("Operation", fit=True), Column("Key"), *message, *cells]


def _nothing(expired: bool, status: str) -> str:
    if expired:
        return f"The rows of this run are past their retention of {settings.TRACE_RETENTION_DAYS} days"
    words = {s.value: label for s, label in OUTCOMES}[status].lower()
    return f"No {words} rows" if words != "not sent" else "Every row was sent"


class _Line:
    """What ``csv.writer`` writes to: hands each line back."""

    def write(self, value: str) -> str:
        return value


def _csv_lines(rows: Iterator[LoggedRow]) -> Iterator[str]:
    writer = csv.writer(_Line())
    header: list[str] = []
    for row in rows:
        values = row.values or row.old_values or {}
        if not header:
            header = list(values)
            yield writer.writerow(["key", "operation", "status", "error", *map(_safe, header)])
        cells = [_safe(values.get(name)) for name in header]
        yield writer.writerow([_safe(row.key), row.operation or "", row.status.value, _safe(row.message), *cells])


def _json_lines(rows: Iterator[LoggedRow]) -> Iterator[str]:
    for row in rows:
        line = {"key": row.key, "operation": row.operation, "status": row.status, "error": row.message}
        yield json.dumps({**line, "values": row.values, "old_values": row.old_values}, default=str) + "\n"


def _safe(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula gets an apostrophe."""
    text = json.dumps(value, default=str) if isinstance(value, dict | list) else value
    return f"'{text}" if isinstance(text, str) and text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else text
