"""What a preview has found, through the one redaction gate, which also notes who saw values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from config.errors import Invalid, NotFound
from connectors.sdk.types import Operation
from governance.audit.actors import Actor
from syncs.access import may_view_rows
from syncs.codec import load
from syncs.engine.exchanges import KeptExchange
from syncs.engine.runlog import LoggedRow
from syncs.engine.spec import Prepared, RowStatus
from syncs.looks import Shown, note_preview_seen
from syncs.models import Preview
from syncs.previewing import found
from syncs.selectors.rows import PAGE_ROWS, RowsPage, without_bodies, without_values
from workspaces.access import require
from workspaces.permissions import Permission


def preview_rows(
    actor: Actor, preview: Preview, *, operation: str = "", search: str = "", cursor: str = "", limit: int = PAGE_ROWS
) -> RowsPage:
    """A page of the rows that would be sent; ``operation`` “rejected” asks for those refused before that."""
    hidden = _hidden(actor, preview)
    log = found(preview)
    if log is None:
        return RowsPage(redacted=hidden)
    rejected = operation == RowStatus.REJECTED
    try:
        page = log.rows(
            operation=Operation(operation) if operation and not rejected else None,
            status=RowStatus.REJECTED if rejected else RowStatus.PLANNED,
            search=search,
            cursor=cursor,
            limit=limit,
        )
    except ValueError as error:
        raise Invalid(str(error)) from error
    rows = [without_values(row) for row in page.rows] if hidden else page.rows
    if rows and not hidden:
        note_preview_seen(actor, preview, Shown.ROWS)
    return RowsPage(rows=rows, next=page.next, columns=log.columns, redacted=hidden)


def preview_row(actor: Actor, preview: Preview, row_id: str) -> tuple[LoggedRow, bool]:
    """One row with its old values, and whether its values are hidden."""
    hidden, log = _hidden(actor, preview), found(preview)
    try:
        row = log.row(row_id) if log else None
    except ValueError:
        row = None
    if row is None:
        raise NotFound("This preview has no such row.")
    if hidden:
        return without_values(row), True
    note_preview_seen(actor, preview, Shown.ROWS)
    return row, False


def preview_requests(actor: Actor, preview: Preview) -> Sequence[KeptExchange]:
    """The first requests that the run would send."""
    hidden = _hidden(actor, preview)
    kept = [_kept(number, stored) for number, stored in enumerate(preview.requests)]
    if hidden:
        return [without_bodies(exchange) for exchange in kept]
    if kept:
        note_preview_seen(actor, preview, Shown.REQUESTS)
    return kept


def preview_numbers(preview: Preview) -> Prepared | None:
    """The counts of a finished preview."""
    return load(Prepared, preview.prepared) if preview.prepared else None


def _kept(number: int, stored: dict[str, Any]) -> KeptExchange:
    return KeptExchange(
        id=str(number),
        part=0,
        batch=number,
        attempt=1,
        failed=False,
        started_at=None,
        duration_ms=None,
        method=stored["method"],
        target=stored["target"],
        status=None,
        request_headers=tuple((name, value) for name, value in stored["request_headers"]),
        request_body=stored["request_body"],
        response_headers=(),
        response_body="",
        error="",
        note="",
    )


def _hidden(actor: Actor, preview: Preview) -> bool:
    require(actor, Permission.MEMBER)
    return not may_view_rows(actor, preview.sync.model)
