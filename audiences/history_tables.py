"""The tables that hold the history of audiences: in the warehouse, or file by file with the same columns.

Their columns are those that queries and dashboards for such logs already know; ``workspace`` is the one more, for
warehouses that several workspaces share.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlglot import exp

from connectors.sdk.planner import AUDIT_SCHEMA, PLANNER_SCHEMA, own_table
from syncs.engine.logs.tables import Kind, LogColumn, LogTable


@dataclass(frozen=True, slots=True)
class HistoryTable(LogTable):
    """A table in either of Headrace's schemas; ``audience`` is the column that says whose the row is."""

    schema: str = AUDIT_SCHEMA
    row: str = "ht_row_id"
    audience: str = "ht_audience_id"

    def expression(self) -> exp.Table:
        """The table's name for a statement."""
        return own_table(self.name, self.schema)


_WORKSPACE = LogColumn("workspace", Kind.TEXT, "Which Headrace workspace wrote the row.")
_ROW = LogColumn("ht_row_id", Kind.TEXT, "The primary key of the member, as text.")
_AUDIENCE = LogColumn("ht_audience_id", Kind.TEXT, "The id of the audience.")
_GROUP = LogColumn("ht_split_group", Kind.TEXT, "The id of the member's experiment group; empty without an experiment.")

MEMBERSHIP = HistoryTable(
    "audience_membership",
    "Who entered and left which audience, and when: first every member, then changes.",
    (
        _ROW,
        _AUDIENCE,
        LogColumn("ht_timestamp", Kind.MOMENT, "When the snapshot was taken that found it."),
        LogColumn("ht_event_type", Kind.TEXT, "enter or exit. A change of group is one of each."),
        _GROUP,
        _WORKSPACE,
    ),
    key="",
    schema=PLANNER_SCHEMA,
)

SYNCED = HistoryTable(
    "audience_synced",
    "Which members of an audience with an experiment a run added at its destination: the earliest is the first sync.",
    (
        _ROW,
        _AUDIENCE,
        LogColumn("sync_id", Kind.NUMBER, "The id of the sync."),
        LogColumn("sync_run_id", Kind.NUMBER, "The id of the run."),
        LogColumn("ht_timestamp", Kind.MOMENT, "When the run ended."),
        _WORKSPACE,
    ),
    key="sync_run_id",
    schema=PLANNER_SCHEMA,
)

HOLDOUT = HistoryTable(
    "audience_holdout",
    "Rows that a run did not get because they are in another group of the experiment.",
    (
        LogColumn("sync_id", Kind.NUMBER, "The id of the sync."),
        LogColumn("sync_run_id", Kind.NUMBER, "The id of the run."),
        LogColumn("model_id", Kind.NUMBER, "The id of the audience."),
        LogColumn("timestamp", Kind.MOMENT, "When the run ended."),
        LogColumn("row_id", Kind.TEXT, "The primary key of the row, as text."),
        LogColumn("fields", Kind.JSON, "The row's values of the columns that the sync reads."),
        LogColumn("split_group", Kind.TEXT, "The name of the experiment group."),
        _WORKSPACE,
    ),
    key="sync_run_id",
    row="row_id",
    audience="model_id",
)

TABLES = (MEMBERSHIP, SYNCED, HOLDOUT)


def members_at(table: exp.Expr, audience_id: int, workspace: str, at: datetime | None = None) -> exp.Select:
    """Who was in an audience at a moment, or is by its newest snapshot: the columns ``row_id`` and ``split_group``.

    Entries are added up, so that their order at one moment does not matter.
    """
    entered = exp.column("ht_event_type", quoted=True).eq(exp.Literal.string("enter"))
    added = exp.Case(ifs=[exp.If(this=entered, true=exp.Literal.number(1))], default=exp.Literal.number(-1))
    row, group = exp.column("ht_row_id", quoted=True), exp.column("ht_split_group", quoted=True)
    named = [exp.alias_(row, "row_id", quoted=True), exp.alias_(group, "split_group", quoted=True)]
    found = exp.select(*named).from_(table).where(_of("ht_audience_id", str(audience_id)), _of("workspace", workspace))
    if at is not None:
        found = found.where(exp.column("ht_timestamp", quoted=True) <= moment(at))
    return found.group_by(row.copy(), group.copy()).having(exp.Sum(this=added) > 0)


def moment(at: datetime) -> exp.Expr:
    """A moment as a literal."""
    return exp.cast(exp.Literal.string(at.isoformat()), "timestamptz")


def of_audience(table: HistoryTable, audience_id: int, workspace: str) -> exp.Expr:
    """The condition of an audience's rows."""
    kind = next(column.kind for column in table.columns if column.name == table.audience)
    number = exp.Literal.number(audience_id) if kind is Kind.NUMBER else exp.Literal.string(str(audience_id))
    own = exp.column(table.audience, quoted=True).eq(number)
    return exp.and_(own, _of("workspace", workspace))


def _of(name: str, value: str) -> exp.Expr:
    return exp.column(name, quoted=True).eq(exp.Literal.string(value))
