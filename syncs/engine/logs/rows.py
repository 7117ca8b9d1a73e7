"""What the log tables say of one run, worked out in DuckDB from the files that its stages left.

``fields`` is put together as text, value by value: DuckDB's own JSON functions
take decimals through a float.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime

import pyarrow as pa

from connectors.sdk.types import Operation
from syncs.engine.duck import Duck, literal
from syncs.engine.logs.tables import CHANGELOG, GROUP, SNAPSHOT, LogTable
from syncs.engine.recipe import HASH, KEY, is_nested
from syncs.engine.spec import Part, PartOutcome, Prepared, RowStatus, RunSpec
from syncs.engine.storage import Storage

BATCH_ROWS = 20_000
STATUS_WORDS = {
    RowStatus.SUCCEEDED: "succeeded",
    RowStatus.REJECTED: "failed",
    RowStatus.ABORTED: "aborted",
    RowStatus.IN_DOUBT: "aborted",
}
_NOT_A_NUMBER = r"(?i)(^|[:\[,\s])-?(nan|inf|infinity)\s*($|[,\]}])"


class RunRows:
    """A run's rows as the changelog and the snapshot hold them.

    ``result`` is the model's rows where they are not in the run's spool.
    """

    def __init__(
        self,
        bench: Duck,
        storage: Storage,
        spec: RunSpec,
        prepared: Prepared,
        outcomes: Sequence[PartOutcome],
        *,
        workspace: str,
        result: str = "",
    ) -> None:
        self._bench = bench
        self._storage = storage
        self._spec = spec
        self._prepared = prepared
        self._outcomes = {outcome.number: outcome for outcome in outcomes}
        self._workspace = workspace
        self._result = result or prepared.spool
        # The warehouse left out surplus rows itself.
        self._keep_one_by = "" if result else spec.keep_one_by

    def changelog(self, logged_at: datetime) -> Iterator[pa.RecordBatch]:
        """An entry for every planned row."""
        entries = [self._entries(part, fields=True) for part in self._prepared.parts]
        if not entries:
            return iter(())
        moment = f"TIMESTAMPTZ {literal(logged_at.isoformat())}"
        return self._stream(CHANGELOG, " UNION ALL ".join(entries), {"logged_at": moment})

    def snapshot(self) -> Iterator[pa.RecordBatch]:
        """The latest state of every row of the model."""
        return self._stream(SNAPSHOT, self._states(), {})

    def _stream(self, table: LogTable, rows: str, extra: dict[str, str]) -> Iterator[pa.RecordBatch]:
        """Batches in the table's schema: the columns that differ by row, and those that do not."""
        schema = table.batch_schema(groups=bool(self._spec.group))
        constants = {
            "sync_id": str(self._spec.sync_id),
            "sync_run_id": str(self._spec.run_id),
            "workspace": literal(self._workspace),
            **extra,
        }
        columns = ", ".join(f"{constants.get(name, name)} AS {name}" for name in schema.names)
        for batch in self._bench.stream(f"SELECT {columns} FROM ({rows})", batch_rows=BATCH_ROWS):
            yield pa.RecordBatch.from_arrays(
                [column.cast(kind) for column, kind in zip(batch.columns, schema.types, strict=True)], schema=schema
            )

    def _entries(self, part: Part, *, fields: bool) -> str:
        """SELECT of a part's rows with what became of them."""
        rows = f"read_parquet({literal(self._storage.local(part.path))}, file_row_number = true)"
        values = f", {self._fields(part.path)} AS fields{self._group()}" if fields else ""
        start = f"SELECT '{part.operations[0][0].value}' AS op_type, {_text(KEY)} AS row_id"
        outcome = self._outcomes.get(part.number)
        if outcome is None or not outcome.path:
            return f"{start}, 'aborted' AS status, NULL::VARCHAR AS failure_reason{values} FROM {rows}"
        ends = f"read_parquet({literal(self._storage.local(outcome.path))})"
        return (
            f"{start}, {_status('o.status')} AS status, {_text('o.message')} AS failure_reason{values} "
            f"FROM {rows} p JOIN (SELECT row AS place, status, message FROM {ends}) o ON p.file_row_number = o.place"
        )

    def _states(self) -> str:
        """SELECT of the model's rows: what this run planned for each, or that there was nothing to do."""
        known = [p for p in self._prepared.parts if p.operations[0][0] is not Operation.REMOVED]
        planned = " UNION ALL ".join(self._entries(part, fields=False) for part in known) or _NOTHING
        spool = f"read_parquet({literal(self._storage.local(self._result))})"
        duplicates = "" if self._spec.keep_one_by else self._prepared.rejected_before_delivery
        own = f"(SELECT * FROM {spool} WHERE {KEY} IS NOT NULL)"
        if self._keep_one_by:
            position = [column.name for column in self._spec.columns].index(self._keep_one_by)
            own = f"(SELECT DISTINCT ON ({KEY}) * FROM {own} ORDER BY {KEY}, c{position}, {HASH})"
        elif duplicates:
            twice = f"read_parquet({literal(self._storage.local(duplicates))})"
            own += f" ANTI JOIN {twice} USING ({KEY})"
        key, fields = _text(f"m.{KEY}"), self._fields(self._result)
        states = (
            f"SELECT coalesce(d.op_type, 'unchanged') AS op_type, {key} AS row_id, "
            f"coalesce(d.status, 'succeeded') AS status, d.failure_reason, {fields} AS fields{self._group('m.')} "
            f"FROM (SELECT * FROM {own}) m LEFT JOIN ({planned}) d ON {key} = d.row_id"
        )
        return f"{states} UNION ALL {self._duplicated(duplicates)}" if duplicates else states

    def _duplicated(self, path: str) -> str:
        """SELECT of one row for each key that several rows share: none of them was sent."""
        rows = f"read_parquet({literal(self._storage.local(path))})"
        one = f"(SELECT DISTINCT ON ({KEY}) * FROM {rows}) m"
        operation = "'added'"
        if self._prepared.carried:
            one += f" LEFT JOIN read_parquet({literal(self._storage.local(self._prepared.carried))}) b USING ({KEY})"
            operation = "CASE WHEN b._present THEN 'changed' ELSE 'added' END"
        return (
            f"SELECT {operation} AS op_type, {_text(f'm.{KEY}')} AS row_id, 'failed' AS status, "
            f"{_text('m.message')} AS failure_reason, {self._fields(path)} AS fields{self._group('m.')} FROM {one}"
        )

    def _group(self, table: str = "") -> str:
        """SQL for the row's experiment group as one more column; nothing where rows have none."""
        if not self._spec.group:
            return ""
        place = [column.name for column in self._spec.columns].index(self._spec.group)
        return f", {_text(f'{table}c{place}')} AS {GROUP.name}"

    def _fields(self, path: str) -> str:
        """SQL for the JSON text of the synced columns, of the row that the query reads from this file."""
        file = literal(self._storage.local(path))
        kinds = {row[0]: row[1] for row in self._bench.rows(f"DESCRIBE SELECT * FROM read_parquet({file})")}
        own = "" if path in {part.path for part in self._prepared.parts} else "m."
        pairs = [
            f"{literal(json.dumps(column.name, ensure_ascii=False) + ':')} || "
            f"coalesce({_value(f'{own}c{i}', kinds[f'c{i}'])}, 'null')"
            for i, column in enumerate(self._spec.columns)
            if column.name in self._spec.tracked
        ]
        inner = " || ',' || ".join(pairs)
        return f"'{{' || {inner} || '}}'" if pairs else "'{}'"


_NOTHING = (
    "SELECT NULL::VARCHAR AS op_type, NULL::VARCHAR AS row_id, NULL::VARCHAR AS status, "
    "NULL::VARCHAR AS failure_reason WHERE false"
)


def _status(column: str) -> str:
    cases = " ".join(f"WHEN '{status.value}' THEN '{word}'" for status, word in STATUS_WORDS.items())
    return f"CASE {column} {cases} END"


def _text(column: str) -> str:
    """Text without the one character that warehouses refuse."""
    return f"replace({column}, chr(0), '')"


def _value(column: str, kind: str) -> str:
    """SQL for one value as JSON text; null where it is null."""
    base = kind.split("(")[0].upper()
    if base in ("DECIMAL", "BOOLEAN", "UUID") or base.endswith("INT") or base in ("INTEGER", "BIGNUM"):
        text = f"{column}::VARCHAR"
        return f"'\"' || {text} || '\"'" if base == "UUID" else text
    if base in ("DOUBLE", "FLOAT"):
        return f"CASE WHEN isfinite({column}) THEN {column}::VARCHAR ELSE '\"' || {column}::VARCHAR || '\"' END"
    if base == "BLOB":
        return f"'\"' || base64({column}) || '\"'"
    if base == "JSON" or is_nested(kind):
        text = f"{column}::VARCHAR" if base == "JSON" else f"to_json({column})::VARCHAR"
        sound = f"json_valid({text}) AND NOT regexp_matches({text}, {literal(_NOT_A_NUMBER)})"
        return f"CASE WHEN {sound} THEN {text} ELSE to_json({text})::VARCHAR END"
    if base.startswith("TIMESTAMP"):
        zone = "Z" if base == "TIMESTAMP WITH TIME ZONE" else ""
        written = f"regexp_replace(strftime({column}, '%Y-%m-%dT%H:%M:%S.%f'), '\\.?0+$', '')"
        return (
            f"CASE WHEN isfinite({column}) THEN '\"' || {written} || '{zone}\"' "
            f"ELSE '\"' || {column}::VARCHAR || '\"' END"
        )
    return f"to_json({column}::VARCHAR)::VARCHAR"
