"""A run of only those rows that earlier runs could not deliver.

The model is asked for the unsettled keys alone. What comes is put into a copy of
the previous spool, in the place of what it had under those keys; from there on the
run is like any other. Rows with other keys are in both as they were, so that only
the unsettled ones can differ, and the next run finds whatever else has changed.

Keys of which the model has several rows stay as they are: there is nothing to send
before one of them is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from connectors.sdk.errors import QueryError
from connectors.sdk.source import Source
from connectors.sdk.sql import quoted_column
from syncs.engine import query
from syncs.engine.duck import Duck, literal
from syncs.engine.errors import RetryImpossible
from syncs.engine.query import PARQUET, Spool, read_key_type, read_spool_schema, spool_notes
from syncs.engine.recipe import ERROR, HASH, KEY, is_whole
from syncs.engine.spec import Baseline, Planner, RunSpec
from syncs.engine.storage import Storage

# Systems limit the members of a list (Oracle: 1,000) and the length of a query (Athena: 256 KB).
KEYS_IN_QUERY, CHARACTERS_IN_QUERY = 1000, 100_000
_RETRIED = "retried_keys"

OnRows = Callable[[int], None]


def require_possible(spec: RunSpec, baseline: Baseline | None) -> None:
    """Raise :class:`RetryImpossible` where the rows cannot be told or be read by themselves."""
    if Planner.WAREHOUSE in (spec.planner, baseline.planner if baseline else None):
        raise RetryImpossible("With the warehouse planner, rows left over are not sent by themselves.")
    if baseline is None or not baseline.overlay:
        raise RetryImpossible("No rows are left over from earlier runs.")


def write_spool(
    bench: Duck, spec: RunSpec, source: Source, storage: Storage, baseline: Baseline, path: str, on_rows: OnRows
) -> Spool:
    """The previous spool with the unsettled rows as they are now; ``on_rows`` is told how many rows were read."""
    before = storage.local(baseline.spool)
    overlay = literal(storage.local(baseline.overlay))
    bench.run(f"CREATE TEMP TABLE {_RETRIED} AS SELECT {KEY} FROM read_parquet({overlay}) WHERE _reason <> 'duplicate'")
    fresh = _Reading(bench, spec, source, storage, baseline, f"{path}.fresh", on_rows).read(read_key_type(before))
    columns = ", ".join((KEY, HASH, ERROR, *fresh.layout.positions))
    merged = (
        f"SELECT {columns} FROM read_parquet({literal(before)}) ANTI JOIN {_RETRIED} USING ({KEY}) "
        f"UNION ALL SELECT {columns} FROM read_parquet({literal(storage.local(fresh.path))})"
    )
    with storage.writing(path) as place:
        bench.run(f"COPY ({merged}) TO {literal(place)} ({PARQUET}, {spool_notes(fresh.schema, fresh.key_type)})")
    storage.delete(fresh.path)
    return Spool(path, fresh.layout, fresh.schema, fresh.recipe, fresh.key_type)


class _Reading:
    """Reads the unsettled rows from the model, by their keys where that can be trusted."""

    def __init__(
        self,
        bench: Duck,
        spec: RunSpec,
        source: Source,
        storage: Storage,
        baseline: Baseline,
        path: str,
        on_rows: OnRows,
    ) -> None:
        self._bench = bench
        self._spec = spec
        self._source = source
        self._storage = storage
        self._baseline = baseline
        self._path = path
        self._on_rows = on_rows

    def read(self, key_type: str) -> Spool:
        """The rows that are still in the model.

        A row counts as gone only when the whole model was read without meeting it: what
        looks equal to us need not be equal to the source (types without a fixed form,
        padded text), and a removal cannot be taken back.
        """
        where = self._where(key_type)
        narrow = self._narrowly(where) if where is not None else None
        spool = narrow or self._rows(None)
        if not self._alike(spool):
            raise RetryImpossible("The columns that this sync compares have changed since its last run.")
        return spool

    def _narrowly(self, where: exp.Expr) -> Spool | None:
        try:
            spool = self._rows(where)
        except QueryError:
            return None  # the whole model tells whether the query itself is at fault
        return spool if self._alike(spool) and not self._missing(spool) else None

    def _rows(self, where: exp.Expr | None) -> Spool:
        return query.write_spool(
            self._bench,
            self._spec,
            self._source,
            self._storage,
            self._path,
            self._on_rows,
            where=where,
            among=_RETRIED,
        )

    def _where(self, key_type: str) -> exp.Expr | None:
        """The condition that picks the rows at the source; nothing where the whole model is read instead."""
        count, characters = self._bench.row(f"SELECT count(*), coalesce(sum(length({KEY})), 0) FROM {_RETRIED}")
        if not count:
            raise RetryImpossible("The rows left over share their key with other rows: that is for the model to mend.")
        if count > KEYS_IN_QUERY or characters > CHARACTERS_IN_QUERY:
            return None
        keys = [str(key) for (key,) in self._bench.rows(f"SELECT {KEY} FROM {_RETRIED}")]
        values = _literals(keys, key_type)
        return quoted_column(self._spec.primary_key).isin(*values) if values else None

    def _missing(self, spool: Spool) -> bool:
        found = f"read_parquet({literal(self._storage.local(spool.path))})"
        return bool(self._bench.rows(f"SELECT 1 FROM {_RETRIED} ANTI JOIN {found} USING ({KEY}) LIMIT 1"))

    def _alike(self, spool: Spool) -> bool:
        """Whether the rows can stand beside those of the previous run."""
        before = self._storage.local(self._baseline.spool)
        return (
            self._baseline.recipe == spool.recipe
            and self._baseline.columns == spool.layout.names
            and read_key_type(before) == spool.key_type
            and read_spool_schema(before).equals(spool.schema)
        )


def _literals(keys: Sequence[str], key_type: str) -> list[exp.Expr]:
    """The keys as values of the source's SQL; none where they have no form that all systems share."""
    if is_whole(key_type):
        return [exp.convert(int(key)) for key in keys]
    if key_type == "VARCHAR" and all(key.isprintable() and "\\" not in key for key in keys):
        return [exp.Literal.string(key) for key in keys]
    return []
