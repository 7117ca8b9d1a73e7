"""Rows, errors and requests of a run, through the one redaction gate, which also notes who saw values.

Without the right to view row data people see keys, statuses and error texts
with row values taken out of them, but neither values nor request bodies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from config.errors import Denied, Invalid, NotFound
from connectors.sdk.types import Operation
from governance.audit.actors import Actor
from syncs import engine, sides
from syncs.access import may_view_rows
from syncs.choices import RunStatus
from syncs.codec import load
from syncs.engine.exchanges import Answered, ExchangePage, KeptExchange
from syncs.engine.runlog import MAX_PAGE, Count, ErrorGroup, LoggedRow, RunLog
from syncs.engine.spec import Prepared, RowStatus, RunSpec
from syncs.looks import Shown, note_run_seen
from syncs.models import Run
from syncs.outcomes import run_outcomes
from syncs.storage import storage
from workspaces.access import may, require
from workspaces.permissions import Permission

HIDDEN = "••••"
PAGE_ROWS = 50
# Shorter values would turn half the words of an error into dots.
_MIN_SCRUBBED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsPage:
    """Rows of a run. ``next`` is the cursor of the following page; ``redacted`` says that values are hidden."""

    rows: Sequence[LoggedRow] = ()
    next: str = ""
    columns: Sequence[str] = ()
    redacted: bool = False
    expired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDetail:
    """One row with the requests that carried it and the rows that travelled along."""

    row: LoggedRow
    exchanges: Sequence[KeptExchange]
    siblings: Sequence[LoggedRow]
    redacted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeDetail:
    """One request with the rows it carried."""

    exchange: KeptExchange
    rows: Sequence[LoggedRow]
    redacted: bool


def run_rows(
    actor: Actor,
    run: Run,
    *,
    operation: str = "",
    status: str = "",
    failed: bool = False,
    search: str = "",
    like: str = "",
    cursor: str = "",
    limit: int = PAGE_ROWS,
) -> RowsPage:
    """A page of a run's rows by operation and result; ``search`` looks in keys, ``like`` names a row
    with whose words others failed too."""
    redacted = _redacted(actor, run)
    log = _log(run)
    if log is None:
        return RowsPage(redacted=redacted, expired=run.traces_purged_at is not None)
    try:
        page = log.rows(
            operation=Operation(operation) if operation else None,
            status=RowStatus(status) if status else None,
            failed=failed,
            search=search,
            like=like,
            cursor=cursor,
            limit=limit,
        )
    except ValueError as error:
        raise Invalid(str(error)) from error
    rows = [without_values(row) for row in page.rows] if redacted else page.rows
    if rows and not redacted:
        note_run_seen(actor, run, Shown.ROWS)
    return RowsPage(rows=rows, next=page.next, columns=log.columns, redacted=redacted)


def row_counts(actor: Actor, run: Run) -> Sequence[Count]:
    """Rows by operation and result, for the tabs of the debugger."""
    require(actor, Permission.MEMBER)
    log = _log(run)
    return log.counts() if log else ()


def error_groups(actor: Actor, run: Run) -> Sequence[ErrorGroup]:
    """The words with which rows failed, most frequent first."""
    redacted, log = _redacted(actor, run), _log(run)
    if log is None:
        return ()
    groups = log.error_groups()
    return [_without_example_values(log, group) for group in groups] if redacted else groups


def row_detail(actor: Actor, run: Run, row_id: str) -> RowDetail:
    """One row: what was sent, what was answered, and what else was in its batch."""
    redacted, log = _redacted(actor, run), _log(run)
    try:
        row = log.row(row_id) if log else None
    except ValueError:
        row = None
    if log is None or row is None:
        raise NotFound("This run has no such row, or its rows are past their retention.")
    part = int(row_id.partition(":")[0])
    siblings: Sequence[LoggedRow] = ()
    exchanges: Sequence[KeptExchange] = ()
    if row.batch is not None:
        whole_run = load(RunSpec, run.spec).single_writer
        siblings = log.rows(batch=(part, row.batch), limit=PAGE_ROWS).rows
        place = (0, 0) if whole_run else (part, row.batch)
        exchanges = engine.batch_exchanges(storage(), run.spec["directory"], *place)
    if redacted:
        row, siblings = without_values(row), [without_values(sibling) for sibling in siblings]
        exchanges = [without_bodies(exchange) for exchange in exchanges]
    else:
        note_run_seen(actor, run, Shown.ROWS)
    return RowDetail(row=row, exchanges=exchanges, siblings=siblings, redacted=redacted)


def run_exchanges(
    actor: Actor,
    run: Run,
    *,
    text: str = "",
    key: str = "",
    failed: bool = False,
    answered: Answered | None = None,
    cursor: str = "",
    limit: int = PAGE_ROWS,
) -> ExchangePage:
    """Requests of a run; ``key`` asks for those that carried the rows whose key holds it.

    Searching inside them needs the row-data right, as it would tell what they hold.
    """
    redacted, log = _redacted(actor, run), _log(run)
    if redacted and text:
        raise Denied("You need the right to view the source's row data to search in requests.")
    if run.traces_purged_at is not None or (key and log is None):
        return ExchangePage(())
    try:
        page = engine.search_exchanges(
            storage(),
            run.spec["directory"],
            text=text,
            failed=failed,
            answered=answered,
            batches=_batches_of(run, log, key) if key and log else None,
            cursor=cursor,
            limit=limit,
        )
    except ValueError as error:
        raise Invalid(str(error)) from error
    if not redacted:
        if page.exchanges:
            note_run_seen(actor, run, Shown.REQUESTS)
        return page
    return replace(page, exchanges=tuple(without_bodies(exchange) for exchange in page.exchanges))


def exchange_detail(actor: Actor, run: Run, exchange_id: str) -> ExchangeDetail:
    """One request with its answer, and the rows it carried."""
    redacted, log = _redacted(actor, run), _log(run)
    try:
        found = engine.one_exchange(storage(), run.spec["directory"], exchange_id)
    except ValueError:
        found = None
    if found is None or run.traces_purged_at is not None:
        raise NotFound("This run has no such request, or it is past its retention.")
    # A writer of whole runs sends its requests for all rows together, as part 0.
    rows = log.rows(batch=(found.part, found.batch), limit=PAGE_ROWS).rows if log and found.part else ()
    if redacted:
        found, rows = without_bodies(found), tuple(without_values(row) for row in rows)
    else:
        note_run_seen(actor, run, Shown.REQUESTS)
    return ExchangeDetail(exchange=found, rows=rows, redacted=redacted)


def _batches_of(run: Run, log: RunLog, key: str) -> set[tuple[int, int]]:
    """Where the first rows whose key holds ``key`` travelled."""
    if load(RunSpec, run.spec).single_writer:
        return {(0, 0)}
    rows = log.rows(search=key, limit=MAX_PAGE).rows
    return {(int(row.id.partition(":")[0]), row.batch) for row in rows if row.batch is not None}


def export_rows(actor: Actor, run: Run, *, failed: bool = False) -> Iterator[LoggedRow]:
    """Every row of a run, or every one that failed; for workspace admins who may see row data."""
    require_export(actor, run)
    log = _log(run)
    return log.export(failed=failed) if log else iter(())


def require_export(actor: Actor, run: Run) -> None:
    """Raise unless the actor may take a run's rows away as a file."""
    require(actor, Permission.MANAGE_WORKSPACE)
    if not may_view_rows(actor, run.sync.model):
        sides.require(actor, run.sync.model, (Permission.VIEW_ROWS,))


def may_export_rows(actor: Actor, run: Run) -> bool:
    """Whether :func:`export_rows` would answer."""
    return may(actor, Permission.MANAGE_WORKSPACE) and may_view_rows(actor, run.sync.model)


def _redacted(actor: Actor, run: Run) -> bool:
    require(actor, Permission.MEMBER)
    return not may_view_rows(actor, run.sync.model)


def _log(run: Run) -> RunLog | None:
    """The record of a run; nothing before it was prepared and after its retention."""
    if run.prepared is None or run.traces_purged_at is not None:
        return None
    outcomes = [outcome for outcome in run_outcomes(run) if outcome.path]
    untold = RowStatus.PLANNED if run.status == RunStatus.HELD else None if run.live else RowStatus.ABORTED
    return engine.RunLog(storage(), load(RunSpec, run.spec), load(Prepared, run.prepared), outcomes, untold=untold)


def without_values(row: LoggedRow) -> LoggedRow:
    """A row for people who may not see the source's rows: key, result and words stay."""
    values = {**(row.old_values or {}), **row.values}
    return replace(row, values={}, old_values=None, message=_scrubbed(row.message, row.key, values))


def _scrubbed(message: str, key: str, values: dict[str, Any]) -> str:
    """An error text without the row's own values; the key may stay."""
    texts = {str(value) for value in values.values() if value is not None} - {key}
    for text in sorted((t for t in texts if len(t) >= _MIN_SCRUBBED), key=len, reverse=True):
        message = message.replace(text, HIDDEN)
    return message


def without_bodies(exchange: KeptExchange) -> KeptExchange:
    """What is no row data: where it went, when, and with which status."""
    return replace(
        exchange,
        target=_without_path(exchange.target),
        request_body=HIDDEN if exchange.request_body else "",
        response_headers=tuple((name, HIDDEN) for name, _ in exchange.response_headers),
        response_body=HIDDEN if exchange.response_body else "",
        error=exchange.error and HIDDEN,
    )


def _without_path(target: str) -> str:
    """The host of a web address: templates put row values into paths. Names of tables and files stay."""
    address = urlsplit(target)
    return f"{address.scheme}://{address.netloc}/{HIDDEN}" if address.netloc else target


def _without_example_values(log: RunLog, group: ErrorGroup) -> ErrorGroup:
    row = log.row(group.example)
    return replace(group, message=without_values(row).message) if row else group
