"""Who entered and who left: the members of now against those that were known, compared in DuckDB.

Both sides are Parquet files. A member is a key as text and the group that it is in, if any; a change of group is an
exit and an entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from syncs.engine.duck import Duck, literal
from syncs.engine.forgetting import Forgotten, leave_out
from syncs.engine.logs.rows import BATCH_ROWS
from syncs.engine.recipe import KEY, key_expression
from syncs.engine.spec import RowStatus

ROW, GROUP = "row_id", "split_group"
_CHANGES = "membership_changes"


def compare(bench: Duck, now: Path, known: Path, forgotten: Sequence[Forgotten] = ()) -> Mapping[str, int]:
    """Find all differences; how many entered and exited, under ``enter`` and ``exit``.

    ``now`` has the column ``row_id`` of any type and perhaps ``split_group``, ``known`` both as text. Those who were
    forgotten are nobody now.
    """
    bench.run(
        f"CREATE OR REPLACE TEMP TABLE {_CHANGES} AS SELECT coalesce(n.{ROW}, k.{ROW}) AS {ROW}, "
        f"CASE WHEN n.{ROW} IS NULL THEN 'exit' ELSE 'enter' END AS event, coalesce(n.{GROUP}, k.{GROUP}) AS {GROUP} "
        f"FROM ({_present(bench, now, forgotten)}) n FULL JOIN read_parquet({literal(known)}) k "
        f"ON n.{ROW} = k.{ROW} AND coalesce(n.{GROUP}, '') = coalesce(k.{GROUP}, '') "
        f"WHERE n.{ROW} IS NULL OR k.{ROW} IS NULL"
    )
    counts = dict(bench.rows(f"SELECT event, count(*) FROM {_CHANGES} GROUP BY 1"))
    return {"enter": int(counts.get("enter", 0)), "exit": int(counts.get("exit", 0))}


def changes(bench: Duck) -> Iterator[pa.RecordBatch]:
    """What :func:`compare` found: keys, ``enter`` or ``exit``, and groups."""
    yield from bench.stream(f"SELECT {ROW}, event, {GROUP} FROM {_CHANGES}", batch_rows=BATCH_ROWS)


def delivered_keys(bench: Duck, outcomes: Sequence[Path]) -> Iterator[pa.RecordBatch]:
    """The keys of rows that arrived, by files of outcomes."""
    files = ", ".join(literal(path) for path in outcomes)
    done = literal(RowStatus.SUCCEEDED.value)
    sql = f"SELECT DISTINCT key FROM read_parquet([{files}]) WHERE status = {done}"
    yield from bench.stream(sql, batch_rows=BATCH_ROWS)


def _present(bench: Duck, file: Path, forgotten: Sequence[Forgotten]) -> str:
    kinds = {row[0]: row[1] for row in bench.rows(f"DESCRIBE SELECT * FROM read_parquet({literal(file)})")}
    group = GROUP if GROUP in kinds else "NULL::VARCHAR"
    rows = f"SELECT {key_expression(ROW, kinds[ROW])} AS {KEY}, {group} AS {GROUP} FROM read_parquet({literal(file)})"
    for place, each in enumerate(forgotten):
        rows = leave_out(bench, each, rows, place)
    return f"SELECT DISTINCT {KEY} AS {ROW}, {GROUP} FROM ({rows}) WHERE {KEY} IS NOT NULL"
