"""The tables that runs write about themselves into the warehouse, and what their columns mean.

Names and meanings are those of the public dbt package for such logs, so that
its models run on them once they are told the schema. This is the one place that
names them: statements, tests and the documentation are made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa
from sqlglot import exp

from connectors.sdk.planner import AUDIT_SCHEMA, Statement, json_field, own_table


class Kind(StrEnum):
    """What a column holds, by its type in PostgreSQL; other warehouses have their own name for it."""

    NUMBER = "BIGINT"
    TEXT = "TEXT"
    JSON = "JSON"
    MOMENT = "TIMESTAMPTZ"

    @property
    def arrow(self) -> pa.DataType:
        """The type in which values are handed to the warehouse; JSON travels as text."""
        return {Kind.NUMBER: pa.int64(), Kind.MOMENT: pa.timestamp("us", "UTC")}.get(self, pa.string())


@dataclass(frozen=True, slots=True)
class LogColumn:
    """A column; ``description`` completes "Holds …" for whoever writes queries."""

    name: str
    kind: Kind
    description: str

    @property
    def field(self) -> pa.Field:
        """The column in batches that are appended."""
        return json_field(self.name) if self.kind is Kind.JSON else pa.field(self.name, self.kind.arrow)

    def definition(self) -> exp.ColumnDef:
        """The column for a statement that makes it."""
        return exp.ColumnDef(this=exp.to_identifier(self.name, quoted=True), kind=exp.DataType.build(self.kind.value))


@dataclass(frozen=True, slots=True)
class LogTable:
    """One of the tables. ``key`` says what is replaced when a run is logged again.

    ``grouped`` tables get the column :data:`GROUP` once a sync that sends experiment groups is logged.
    """

    name: str
    summary: str
    columns: tuple[LogColumn, ...]
    key: str
    grouped: bool = False

    @property
    def arrow(self) -> pa.Schema:
        """The schema of the batches that are appended."""
        return pa.schema([column.field for column in self.columns])

    def batch_schema(self, *, groups: bool) -> pa.Schema:
        """The schema of the batches, with the rows' experiment groups where there are any."""
        return self.arrow.append(GROUP.field) if groups and self.grouped else self.arrow

    def expression(self) -> exp.Table:
        """The table's name for a statement."""
        return own_table(self.name, AUDIT_SCHEMA)

    def creation(self) -> Statement:
        """A statement that makes the table where it is not there yet."""
        schema = exp.Schema(this=self.expression(), expressions=[column.definition() for column in self.columns])
        return Statement(exp.Create(this=schema, kind="TABLE", exists=True))

    def addition(self) -> Statement:
        """A statement that adds the column :data:`GROUP`."""
        return Statement(exp.Alter(this=self.expression(), kind="TABLE", actions=[GROUP.definition()]))


_WORKSPACE = LogColumn(
    "workspace", Kind.TEXT, "Which Headrace workspace wrote the row, where several share the warehouse."
)
_SYNC = LogColumn("sync_id", Kind.NUMBER, "The id of the sync, as its page and the API show it.")
_RUN = LogColumn("sync_run_id", Kind.NUMBER, "The id of the run.")
_ROW = LogColumn("row_id", Kind.TEXT, "The value of the model's primary key.")
_REASON = LogColumn(
    "failure_reason",
    Kind.TEXT,
    "Why the row failed, in the destination's words; for an aborted row that was sent, why no answer is known.",
)
_FIELDS = LogColumn(
    "fields",
    Kind.JSON,
    "The row's values of the synced columns as the model returned them, not what was sent. Decimals keep every digit; "
    "moments are in UTC.",
)
GROUP = LogColumn(
    "split_group",
    Kind.TEXT,
    "The name of the row's experiment group. Only where a sync that sends groups was logged; empty for other syncs.",
)
_STATUS = "succeeded, failed (the destination refused the row), or aborted (planned, but not attempted or not answered)"

CHANGELOG = LogTable(
    "sync_changelog",
    "Every row that a run planned to send, one entry a run and row.",
    (
        _SYNC,
        _RUN,
        LogColumn("op_type", Kind.TEXT, "added, changed or removed, compared with the run before."),
        _ROW,
        LogColumn("status", Kind.TEXT, f"What became of it: {_STATUS}."),
        _REASON,
        _FIELDS,
        LogColumn("logged_at", Kind.MOMENT, "When the entry was written: what retention goes by."),
        _WORKSPACE,
    ),
    key="sync_run_id",
    grouped=True,
)

SNAPSHOT = LogTable(
    "sync_snapshot",
    "The latest state of every row of the model, replaced after each run of the sync.",
    (
        _SYNC,
        LogColumn("sync_run_id", Kind.NUMBER, "The id of the run that wrote the row."),
        LogColumn("op_type", Kind.TEXT, "added or changed by that run, or unchanged: there was nothing to send."),
        _ROW,
        LogColumn("status", Kind.TEXT, f"The row's latest state: {_STATUS}."),
        _REASON,
        _FIELDS,
        _WORKSPACE,
    ),
    key="sync_id",
    grouped=True,
)

OPERATIONS = {"add": "added", "change": "changed", "remove": "removed"}
_COUNTERS = {
    "planned": "Rows that the comparison found to be {}.",
    "attempted": "Of those planned to be {}, rows that were tried: the rest was aborted.",
    "succeeded": "Of those tried, rows that the destination has {}.",
    "failed": "Of those tried, rows that the destination refused to have {}.",
}

RUNS = LogTable(
    "sync_runs",
    "One entry for each run, without any row's values.",
    (
        _SYNC,
        _RUN,
        LogColumn("primary_key", Kind.TEXT, "The name of the model's primary key column."),
        LogColumn("destination", Kind.TEXT, "The destination's type, for example postgres."),
        LogColumn("model_name", Kind.TEXT, "The name of the model when the run ended."),
        LogColumn("model_id", Kind.NUMBER, "The id of the model."),
        LogColumn("status", Kind.TEXT, "succeeded or failed. The rows' own states say more."),
        LogColumn("error", Kind.TEXT, "What ended the run early, if anything did."),
        LogColumn("started_at", Kind.MOMENT, "When the run started."),
        LogColumn("finished_at", Kind.MOMENT, "When the run finished."),
        *(
            LogColumn(f"num_{counter}_{short}", Kind.NUMBER, words.format(word))
            for counter, words in _COUNTERS.items()
            for short, word in OPERATIONS.items()
        ),
        _WORKSPACE,
    ),
    key="sync_run_id",
)

TABLES = {"changelog": CHANGELOG, "snapshot": SNAPSHOT, "runs": RUNS}
