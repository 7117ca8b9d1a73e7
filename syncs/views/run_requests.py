"""The requests of a run: found by text, by how they were answered, and by the rows they carried."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from config.errors import HeadraceError
from config.htmx import render_page
from config.ui.listing import Column
from syncs.access import may_view_rows
from syncs.engine.exchanges import Answered, ExchangePage
from syncs.selectors import exchange_detail, run_exchanges
from syncs.views.exchanges import shown_exchanges
from syncs.views.run_detail import RunView

ANSWERS = (
    ("", "Any answer"),
    (Answered.SUCCESS.value, "2xx success"),
    (Answered.REDIRECTED.value, "3xx redirected"),
    (Answered.REFUSED.value, "4xx refused"),
    (Answered.BROKEN.value, "5xx server error"),
    (Answered.NOT_AT_ALL.value, "No answer"),
)
COLUMNS = (
    Column("Answer", fit=True),
    Column("Request"),
    Column("Sent"),
    Column("Took", numeric=True),
    Column("Batch", fit=True),
)


class RunRequests(RunView):
    """The tab of a run's requests."""

    route = "run_requests"

    def get(self, request: HttpRequest, pk: int, run: int) -> HttpResponse:
        """A page of them, in the order in which they were kept."""
        row = self.found(pk, run)
        chosen = self._chosen()
        try:
            page, problem = run_exchanges(self.actor, row, **_arguments(chosen)), ""
        except HeadraceError as error:
            page, problem = ExchangePage(()), error.message
        here = self.url("run_requests", pk, run)
        following = {**chosen, "after": page.next}
        context = {
            "chosen": chosen,
            "answers": ANSWERS,
            "headings": COLUMNS,
            "exchanges": page.exchanges,
            "problem": problem,
            "request_base": f"{here}/",
            "may_search": may_view_rows(self.actor, row.sync.model),
            "narrowed": any(chosen[name] for name in ("q", "key", "answer")),
            "next_url": f"{here}?{urlencode({k: v for k, v in following.items() if v})}" if page.next else "",
            "expired": row.traces_purged_at is not None,
            "retention_days": settings.TRACE_RETENTION_DAYS,
        }
        return self.page(row, "syncs/runs/requests.html", context)

    def _chosen(self) -> dict[str, str]:
        asked = self.request.GET
        chosen = {name: asked.get(name, "").strip() for name in ("q", "key", "answer", "after")}
        return chosen if chosen["answer"] in dict(ANSWERS) else {**chosen, "answer": ""}


class RunRequest(RunView):
    """One request, its answer and the rows it carried."""

    def get(self, request: HttpRequest, pk: int, run: int, exchange: str) -> HttpResponse:
        """The drawer beside the list, or a page of its own."""
        found = self.found(pk, run)
        detail = exchange_detail(self.actor, found, exchange)
        context = {
            "exchanges": shown_exchanges([detail.exchange], found.sync.destination),
            "rows": detail.rows,
            "may_see": not detail.redacted,
            "row_base": self.url("run_row", pk, run, "_")[: -len("_")],
            "breadcrumb": [
                *self.crumbs(found),
                self.crumb(f"Run {found.number}", "run", pk, run),
                self.crumb("Requests", "run_requests", pk, run),
            ],
        }
        return render_page(request, "syncs/runs/request.html", context, part="syncs/runs/parts/request.html")


def _arguments(chosen: dict[str, str]) -> dict[str, Any]:
    return {
        "text": chosen["q"],
        "key": chosen["key"],
        "answered": Answered(chosen["answer"]) if chosen["answer"] else None,
        "cursor": chosen["after"],
    }
