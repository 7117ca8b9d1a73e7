"""Snapshots of the audiences that an ad platform holds, in a table for each destination and a view over all of them.

Snapshots are only ever added. What an earlier attempt at the same snapshot left is deleted in the transaction that
writes it anew, so that trying again leaves none twice. A view whose columns would change gets the next number, and
the earlier ones stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import orjson
import pyarrow as pa
from sqlglot import exp

from connectors.sdk.audiences import AudienceThere
from connectors.sdk.planner import AUDIT_SCHEMA, Statement, WarehouseSession, own_table
from syncs.engine.logs.tables import Kind, LogColumn, LogTable

VIEW = "external_audiences_metadata_v1"
COLUMNS = (
    LogColumn("ad_account_id", Kind.TEXT, "The ad account, by the platform's id."),
    LogColumn("audience_id", Kind.TEXT, "The audience, by the platform's id."),
    LogColumn("audience_name", Kind.TEXT, "Its name there."),
    LogColumn("audience_size", Kind.NUMBER, "Roughly how many people it has; empty where the platform does not say."),
    LogColumn("fetched_at", Kind.MOMENT, "When the platform was asked: the same in all rows of a snapshot."),
    LogColumn("destination", Kind.TEXT, "The destination's type, for example meta."),
    LogColumn("destination_id", Kind.NUMBER, "The id of the destination."),
    LogColumn("sync_id", Kind.NUMBER, "The sync that fills the audience; empty where none does."),
)
OF_TABLES = (
    LogColumn("raw", Kind.JSON, "All that the platform said of the audience, as it said it."),
    LogColumn("snapshot_id", Kind.NUMBER, "Counts the destination's snapshots."),
    LogColumn("workspace", Kind.TEXT, "Which Headrace workspace wrote the row, where several share the warehouse."),
)
_NAMED = re.compile(r"[a-z0-9_]+_[0-9]+_audiences")
_BATCH = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Which snapshot of which destination; ``syncs`` are those that fill an audience, by its id."""

    id: int
    workspace: str
    destination: str
    destination_id: int
    fetched_at: datetime
    syncs: Mapping[str, int]


def table_of(destination: str, destination_id: int) -> LogTable:
    """The table of one destination."""
    return LogTable(
        f"{destination}_{destination_id}_audiences",
        "Every audience of the destination's ad accounts, once a snapshot.",
        (*COLUMNS, *OF_TABLES),
        key="snapshot_id",
    )


def write_snapshot(session: WarehouseSession, snapshot: Snapshot, audiences: Iterable[AudienceThere]) -> int:
    """Add a snapshot, and put its table into the view; how many rows it has. ``audiences`` are read once, in order."""
    table = table_of(snapshot.destination, snapshot.destination_id)
    session.execute(table.creation())
    with session.transaction():
        session.execute(_removal(table, snapshot))
        batches = pa.RecordBatchReader.from_batches(table.arrow, _batches(table, snapshot, audiences))
        written = session.load(table.name, batches, AUDIT_SCHEMA)
    session.execute(_view(session))
    return written


def _batches(table: LogTable, snapshot: Snapshot, audiences: Iterable[AudienceThere]) -> Iterable[pa.RecordBatch]:
    rows = (_row(snapshot, each) for each in audiences)
    while batch := list(islice(rows, _BATCH)):
        yield pa.RecordBatch.from_pylist(batch, schema=table.arrow)


def _row(snapshot: Snapshot, audience: AudienceThere) -> dict[str, Any]:
    return {
        "ad_account_id": audience.account,
        "audience_id": audience.id,
        "audience_name": audience.name,
        "audience_size": audience.size,
        "fetched_at": snapshot.fetched_at,
        "destination": snapshot.destination,
        "destination_id": snapshot.destination_id,
        "sync_id": snapshot.syncs.get(audience.id),
        "raw": orjson.dumps(audience.told).decode(),
        "snapshot_id": snapshot.id,
        "workspace": snapshot.workspace,
    }


def _removal(table: LogTable, snapshot: Snapshot) -> Statement:
    workspace, number = (exp.column(name, quoted=True) for name in ("workspace", table.key))
    same = (workspace.eq(exp.Literal.string(snapshot.workspace)), number.eq(exp.Literal.number(snapshot.id)))
    return Statement(exp.delete(table.expression()).where(*same))


def _view(session: WarehouseSession) -> Statement:
    names = [name for name in session.tables("", AUDIT_SCHEMA) if _NAMED.fullmatch(name)]
    columns = [exp.column(column.name, quoted=True) for column in COLUMNS]
    parts = [exp.select(*columns).from_(own_table(name, AUDIT_SCHEMA)) for name in names]
    query = exp.union(*parts, distinct=False) if len(parts) > 1 else parts[0]
    return Statement(exp.Create(this=own_table(VIEW, AUDIT_SCHEMA), kind="VIEW", replace=True, expression=query))
