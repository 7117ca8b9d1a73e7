"""Sending one row of a model to see what comes of it. No run, and nothing is remembered as synced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pyarrow as pa

from config.errors import Conflict, Invalid, NotFound
from connectors.access import open_source, require_ready, require_running
from connectors.sdk.errors import ConnectorError
from connectors.sdk.types import Operation
from governance.audit.actors import Actor
from governance.audit.services import record, service
from syncs import access, engine
from syncs.configuration import definition_of
from syncs.engine import EngineError
from syncs.engine.onerow import SentRow
from syncs.engine.spec import RunSpec
from syncs.limits import limiter_for
from syncs.looks import note_rows_to_try_seen
from syncs.models import Sync
from syncs.origins import unseen_in
from syncs.privacy.tombstones import forgotten_rows
from syncs.services.beginning import require_not_draft
from syncs.storage import workdir
from syncs.trial import Trial, told, trial_of, without_secrets

FOUND_ROWS = 20
HIDDEN = "••••"


@dataclass(frozen=True, slots=True)
class FoundRow:
    """A row of the model: its key as text, and what the sync reads of it."""

    key: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be tried: rows, the operations that the sync sends, and the columns that may not be edited.

    Values of ``hidden`` columns are sent and not shown, so rows are without them; others can be typed instead.
    """

    rows: Sequence[FoundRow]
    operations: Sequence[Operation]
    fixed: frozenset[str]
    hidden: Sequence[str] = ()


def rows_to_try(*, actor: Actor, sync: Sync, key: str = "") -> Choices:
    """The first rows of the model, or the one with this key, read from the source now."""
    sync = _sync(actor, sync)
    trial, rows = _read(sync, key.strip())
    found = [engine.row_values(rows, place) for place in range(rows.num_rows)]
    name, unseen = trial.spec.primary_key, unseen_in(sync.model)
    listed = [FoundRow(str(values[name]), _seen(values, unseen)) for values in found if values[name] is not None]
    sent = engine.operations_sent(trial.spec)
    if listed:
        note_rows_to_try_seen(actor, sync)
    operations = [operation for operation in Operation if operation in sent]
    hidden = [column.name for column in trial.spec.columns if column.name in unseen]
    return Choices(listed, operations, _fixed(trial.spec), hidden)


def send_test_row(
    *, actor: Actor, sync: Sync, key: str, operation: Operation, edits: Mapping[str, Any] | None = None
) -> SentRow:
    """Send the row with this key, some values replaced, as added, changed or removed.

    The destination gets it for real. Raises :class:`Invalid` with either side's
    words where it cannot be made or sent at all.
    """
    edits = dict(edits or {})
    sync = _sync(actor, sync)
    require_running(sync.destination)
    require_ready(sync.destination)
    trial, rows = _read(sync, key)
    if not rows.num_rows:
        raise NotFound(f"The model has no row with the key “{key}”.")
    _check(trial.spec, operation, edits)
    record_test(actor=actor, sync=sync, key=key, operation=operation, edited=sorted(edits))
    limits = trial.destination.limits(trial.job, operation)
    try:
        sent = engine.send_row(
            trial.spec,
            trial.job,
            trial.destination,
            rows.slice(0, 1),
            operation,
            edits=edits,
            limits=limits,
            limiter=partial(limiter_for, sync.destination, limits),
            workdir=workdir(),
        )
    except (ConnectorError, EngineError) as error:
        raise told(sync, error) from error
    shown = SentRow(sent.row, sent.exchanges, without_secrets(sync, sent.failure) if sent.failure else None)
    unseen = unseen_in(sync.model) - edits.keys()
    return _without_hidden(shown, engine.row_values(rows, 0), unseen) if unseen & set(rows.column_names) else shown


@service("sync.tested")
def record_test(*, actor: Actor, sync: Sync, key: str, operation: Operation, edited: Sequence[str]) -> None:
    """Remember that somebody sends a row outside of any run."""
    access.require_try(actor, sync)
    record(sync, after={"key": key, "operation": operation.value, "edited_columns": list(edited)})


def cannot_try(sync: Sync) -> str:
    """Why no single row of this sync can be sent; empty where it can."""
    kind = definition_of(sync.destination).sync_type(sync.sync_type)
    if kind.single_writer:
        return (
            "This sync writes whole files. A single row would replace what the last run wrote, "
            "so there is no test row here."
        )
    return ""


def _seen(values: Mapping[str, Any], unseen: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in unseen}


def _without_hidden(sent: SentRow, row: Mapping[str, Any], unseen: frozenset[str]) -> SentRow:
    """What was sent, without anything in which values of hidden columns may stand: whatever was said to each side."""
    hidden = [str(row[name]) for name in unseen if row.get(name) is not None]

    def clean(words: str) -> str:
        for value in sorted(hidden, key=len, reverse=True):
            words = words.replace(value, HIDDEN)
        return words

    note = f"Not shown: values of {', '.join(sorted(unseen & row.keys()))} are in it, which nobody sees."
    exchanges = [
        replace(
            each,
            target=each.target.partition("?")[0] if clean(each.target) == each.target else HIDDEN,
            request_body="",
            response_body="",
            error=clean(each.error),
            note=note,
        )
        for each in sent.exchanges
    ]
    failure = sent.failure and replace(sent.failure, message=clean(sent.failure.message))
    told_of = replace(sent.row, values=_seen(sent.row.values, unseen), message=clean(sent.row.message))
    return SentRow(told_of, exchanges, failure)


def _sync(actor: Actor, sync: Sync) -> Sync:
    """The sync as it is now, which this person may try out and which takes single rows."""
    sync = access.sync_for(actor, sync.pk)
    access.require_try(actor, sync)
    require_not_draft(sync)
    if words := cannot_try(sync):
        raise Conflict(words, code="no_test_row")
    return sync


def _read(sync: Sync, key: str) -> tuple[Trial, pa.Table]:
    try:
        trial = trial_of(sync)
        rows = engine.find_rows(trial.spec, open_source(sync.model.source), key=key, limit=FOUND_ROWS)
    except (ConnectorError, EngineError) as error:
        raise told(sync, error) from error
    return trial, _without_forgotten(sync, trial, rows)


def _without_forgotten(sync: Sync, trial: Trial, rows: pa.Table) -> pa.Table:
    """Nobody who was forgotten is sent to try something out."""
    forgotten = forgotten_rows(sync.model_id, trial.spec.primary_key)
    if forgotten is None:
        return rows
    name = trial.spec.primary_key
    keys = [str(engine.row_values(rows, place)[name]) for place in range(rows.num_rows)]
    hidden = set(forgotten.among(keys))
    return rows.filter(pa.array([key not in hidden for key in keys], pa.bool_()))


def _check(spec: RunSpec, operation: Operation, edits: Mapping[str, Any]) -> None:
    if operation not in engine.operations_sent(spec):
        raise Invalid.field("operation", f"This sync does not send {operation.value} rows.")
    known = {column.name for column in spec.columns}
    for name in edits:
        if name not in known:
            raise Invalid.field(name, f"The sync reads no column “{name}”.")
        if name in _fixed(spec):
            raise Invalid.field(name, f"Records are matched by “{name}”, so it cannot be edited here.")


def _fixed(spec: RunSpec) -> frozenset[str]:
    """The key, and the columns by which records are matched."""
    matched = {str(m.value) for m in spec.mappings if m.identifier and m.kind == "column"}
    return frozenset({spec.primary_key, *matched})
