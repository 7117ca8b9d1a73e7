"""The second stage: what differs between the spool and what was delivered so far.

Works on narrow columns (key, hash) first and fetches values only for rows that
differ. Everything is DuckDB's work over Parquet files: memory stays capped and
large joins spill to disk.

The *effective baseline* is the previous spool with the overlay's entries in the
place of its own. An entry says whether the destination holds the row
(``present``), with which values, and whether it must be sent whatever the
comparison says (``forced``: an earlier send was never answered).
"""

from __future__ import annotations

from dataclasses import dataclass

from connectors.sdk.types import Operation
from syncs.engine.duck import Duck, literal, quoted
from syncs.engine.query import Spool
from syncs.engine.recipe import ERROR, HASH, KEY, Layout, hash_expression
from syncs.engine.rules import Rules
from syncs.engine.spec import Baseline, OperationCounts, RunSpec
from syncs.engine.storage import Storage

BASE_HASH, PRESENT, FORCED = "_base_hash", "_present", "_forced"
STATE = (BASE_HASH, PRESENT, FORCED)
# Removals go first: a record that leaves one row may be what the next row claims.
ORDER = (Operation.REMOVED, Operation.CHANGED, Operation.ADDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """How the rows of the spool stand with their keys."""

    queried: int
    null_keys: int
    duplicates: int  # rows, not keys

    @property
    def keyed(self) -> int:
        return self.queried - self.null_keys - self.duplicates


def check_keys(bench: Duck, spool: Spool, storage: Storage, keep_one_by: str = "") -> Keys:
    """Count rows and null keys, put duplicated keys into the table ``twice`` and their rows into ``surplus``.

    With ``keep_one_by``, a column, one row of each duplicated key is kept: ``twice`` is then empty.

    Counting hashes of keys takes a fraction of the memory of counting keys; only
    where two are equal are the keys themselves looked at.
    """
    bench.run(f"CREATE VIEW model AS SELECT * FROM read_parquet({literal(storage.local(spool.path))})")
    queried, null_keys = bench.row(f"SELECT count(*), count(*) - count({KEY}) FROM model")
    bench.run(
        f"CREATE TEMP TABLE suspects AS SELECT hash({KEY}) AS h FROM model WHERE {KEY} IS NOT NULL "
        "GROUP BY h HAVING count(*) > 1"
    )
    bench.run(
        f"CREATE TEMP TABLE twice AS SELECT {KEY}, count(*) AS times FROM model "
        f"WHERE {KEY} IS NOT NULL AND hash({KEY}) IN (SELECT h FROM suspects) GROUP BY {KEY} HAVING count(*) > 1"
    )
    if keep_one_by:
        return Keys(queried=queried, null_keys=null_keys, duplicates=_keep_one(bench, spool, keep_one_by))
    bench.run(f"CREATE VIEW surplus AS SELECT m.*, t.times FROM model m JOIN twice t USING ({KEY})")
    duplicates = bench.row("SELECT coalesce(sum(times), 0)::BIGINT FROM twice")[0]
    without = f"ANTI JOIN twice USING ({KEY})" if duplicates else ""
    bench.run(f"CREATE VIEW keyed AS SELECT * FROM model {without} WHERE {KEY} IS NOT NULL")
    return Keys(queried=queried, null_keys=null_keys, duplicates=duplicates)


def _keep_one(bench: Duck, spool: Spool, column: str) -> int:
    """Keep the row with the smallest value of each duplicated key; how many others there are."""
    order = f"m.{spool.layout.position(column)}, m.{HASH}"
    bench.run(
        f"CREATE TEMP TABLE sharing AS SELECT m.*, t.times, row_number() OVER (PARTITION BY {KEY} ORDER BY {order}) "
        f"AS place FROM model m JOIN twice t USING ({KEY})"
    )
    bench.run("CREATE VIEW surplus AS SELECT * EXCLUDE (place) FROM sharing WHERE place > 1")
    bench.run(
        f"CREATE VIEW keyed AS SELECT * FROM model ANTI JOIN sharing USING ({KEY}) WHERE {KEY} IS NOT NULL "
        "UNION ALL BY NAME SELECT * EXCLUDE (times, place) FROM sharing WHERE place = 1"
    )
    bench.run("CREATE OR REPLACE TEMP TABLE twice AS SELECT * FROM twice LIMIT 0")
    return int(bench.row("SELECT count(*) FROM surplus")[0])


def make_base(bench: Duck, spec: RunSpec, spool: Spool, baseline: Baseline, storage: Storage) -> None:
    """The effective baseline as the view ``base``: columns and hashes as the spool has them."""
    delivered = _aligned(bench, spec, spool, baseline, str(storage.local(baseline.spool)))
    state = f"true AS {PRESENT}, false AS {FORCED}, false AS unsettled"
    if not baseline.overlay:
        bench.run(f"CREATE VIEW base AS SELECT *, {state} FROM ({delivered})")
        return
    overlay_file = str(storage.local(baseline.overlay))
    overlay = _aligned(bench, spec, spool, baseline, overlay_file, extra=(PRESENT, FORCED))
    bench.run(
        f"CREATE VIEW base AS SELECT *, {state} FROM ({delivered}) "
        f"ANTI JOIN read_parquet({literal(overlay_file)}) USING ({KEY}) "
        f"UNION ALL BY NAME SELECT *, true AS unsettled FROM ({overlay})"
    )


def carried_sql() -> str:
    """Baseline entries of keys that are duplicated now: kept as they are, or kept absent."""
    return (
        f"SELECT t.{KEY}, coalesce(b.{PRESENT}, false) AS {PRESENT}, coalesce(b.{FORCED}, false) AS {FORCED}, "
        f"b.* EXCLUDE ({KEY}, {PRESENT}, {FORCED}, unsettled) FROM twice t LEFT JOIN base b USING ({KEY})"
    )


def find_changes(bench: Duck, spec: RunSpec, rules: Rules, *, duplicates: bool) -> None:
    """Compare, and put every difference into the table ``delta`` (key, operation, base state, wanted)."""
    base = f"(SELECT {KEY}, {HASH}, {PRESENT}, {FORCED}, unsettled FROM base"
    base += f" ANTI JOIN twice USING ({KEY}))" if duplicates else ")"
    differs = "true" if spec.reprocess else f"n.{HASH} IS DISTINCT FROM b.{HASH}"
    bench.run(
        f"CREATE TEMP TABLE delta AS SELECT *, {rules.wanted_sql('operation')} AS wanted FROM ("
        f"SELECT coalesce(n.{KEY}, b.{KEY}) AS {KEY}, "
        f"CASE WHEN n.{KEY} IS NULL THEN 'removed' WHEN b.{KEY} IS NULL OR NOT b.{PRESENT} THEN 'added' "
        f"ELSE 'changed' END AS operation, b.{HASH} AS {BASE_HASH}, coalesce(b.{PRESENT}, false) AS {PRESENT}, "
        f"coalesce(b.{FORCED}, false) AS {FORCED}, coalesce(b.unsettled, false) AS retried "
        f"FROM (SELECT {KEY}, {HASH}, {ERROR} FROM keyed) n FULL JOIN {base} b ON n.{KEY} = b.{KEY} "
        f"WHERE CASE WHEN n.{KEY} IS NULL THEN b.{PRESENT} OR b.{FORCED} "
        f"WHEN b.{KEY} IS NULL OR NOT b.{PRESENT} OR b.{FORCED} OR n.{ERROR} IS NOT NULL THEN true "
        f"ELSE {differs} END)"
    )


def count_changes(bench: Duck, *, wanted: bool) -> OperationCounts:
    """Differences by operation: all of them, or those that are delivered."""
    where = "WHERE wanted" if wanted else ""
    found = dict(bench.rows(f"SELECT operation, count(*) FROM delta {where} GROUP BY operation"))
    return OperationCounts(**{operation.value: found.get(operation.value, 0) for operation in Operation})


def count_retried(bench: Duck) -> int:
    """Rows to be delivered that are left over from earlier runs."""
    return int(bench.row("SELECT count(*) FROM delta WHERE wanted AND retried")[0])


def count_known(bench: Duck, baseline: Baseline, storage: Storage) -> tuple[int, int]:
    """Rows that the destination is known to hold, without removals that were due before; and those removals."""
    if not baseline.overlay:
        return baseline.rows, 0
    overlay = literal(str(storage.local(baseline.overlay)))
    held = int(bench.row(f"SELECT count(*) FROM base WHERE {PRESENT}")[0])
    again = bench.row(
        f"SELECT count(*) FROM delta d JOIN read_parquet({overlay}) o USING ({KEY}) "
        "WHERE d.operation = 'removed' AND o._operation = 'removed'"
    )[0]
    return held - int(again), int(again)


def every_row_sql(layout: Layout) -> str:
    """All rows of the model as additions: first runs, resyncs and full results."""
    return (
        f"SELECT {KEY}, {ERROR}, NULL::UBIGINT AS {BASE_HASH}, false AS {PRESENT}, false AS {FORCED}, "
        f"{', '.join(layout.positions)} FROM keyed"
    )


def rows_sql(bench: Duck, layout: Layout, operation: Operation) -> str:
    """The rows of one operation with their values; prepares what the query needs."""
    columns = layout.positions
    state = ", ".join(f"d.{name}" for name in STATE)
    chosen = f"(SELECT * FROM delta WHERE wanted AND operation = '{operation.value}')"
    if operation is Operation.ADDED:
        values = ", ".join(f"n.{c}" for c in columns)
        return f"SELECT d.{KEY}, n.{ERROR}, {state}, {values} FROM keyed n JOIN {chosen} d USING ({KEY})"
    if operation is Operation.REMOVED:
        values = ", ".join(f"b.{c}" for c in columns)
        return f"SELECT d.{KEY}, NULL::VARCHAR AS {ERROR}, {state}, {values} FROM base b JOIN {chosen} d USING ({KEY})"
    return _changed_sql(bench, columns, state, chosen)


def _changed_sql(bench: Duck, columns: tuple[str, ...], state: str, chosen: str) -> str:
    """New and old values side by side, each fetched by an inner join from the delta, then joined."""
    new = ", ".join(f"n.{c}" for c in columns)
    old = ", ".join(f"b.{c} AS o{c[1:]}" for c in columns)
    bench.run(
        f"CREATE TEMP TABLE changed_new AS SELECT d.{KEY}, n.{ERROR}, {state}, {new} "
        f"FROM keyed n JOIN {chosen} d USING ({KEY})"
    )
    bench.run(f"CREATE TEMP TABLE changed_old AS SELECT d.{KEY}, {old} FROM base b JOIN {chosen} d USING ({KEY})")
    return f"SELECT * FROM changed_new JOIN changed_old USING ({KEY})"


def _aligned(
    bench: Duck, spec: RunSpec, spool: Spool, baseline: Baseline, file: str, extra: tuple[str, ...] = ()
) -> str:
    """A baseline file read with the spool's columns, types and recipe.

    A value that the new type cannot hold without loss makes the hash null, so
    that the row counts as changed.
    """
    described = {row[0]: row[1] for row in bench.rows(f"DESCRIBE SELECT * FROM read_parquet({literal(file)})")}
    values = {name: _value(baseline, described, spool.layout, name) for name in spool.layout.names}
    columns = [f"{values[name].read} AS c{i}" for i, name in enumerate(spool.layout.names)]
    made = HASH if baseline.recipe == spool.recipe else _rehashed(spec, spool.layout, values)
    others = [quoted(name) for name in extra]
    source = f"(SELECT * FROM read_parquet({literal(file)}) WHERE {KEY} IS NOT NULL)"
    return f"SELECT {', '.join([KEY, f'{made} AS {HASH}', *others, *columns])} FROM {source}"


@dataclass(frozen=True, slots=True)
class _Value:
    """SQL that reads an old value as the new type, and whether it came through unharmed."""

    read: str
    kept: str = ""


def _value(baseline: Baseline, described: dict[str, str], layout: Layout, name: str) -> _Value:
    kind = layout.type_of(name)
    if name not in baseline.columns:
        return _Value(f"NULL::{kind}", "false")
    column = f"c{baseline.columns.index(name)}"
    if described[column] == kind:
        return _Value(column)
    cast = f"TRY_CAST({column} AS {kind})"
    return _Value(cast, f"TRY_CAST({cast} AS {described[column]}) IS NOT DISTINCT FROM {column}")


def _rehashed(spec: RunSpec, layout: Layout, values: dict[str, _Value]) -> str:
    made = hash_expression(layout, spec.tracked, {name: value.read for name, value in values.items()})
    conditions = [values[name].kept for name in sorted(spec.tracked) if values[name].kept]
    return f"CASE WHEN {' AND '.join(conditions)} THEN {made} END" if conditions else made
