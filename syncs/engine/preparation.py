"""Query and diff in one go: from a run's specification to its change set."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from connectors.sdk.destination import RowSet
from connectors.sdk.source import Source
from connectors.sdk.types import Operation
from syncs.engine import diff, retrying
from syncs.engine.duck import Duck, duck, literal, never
from syncs.engine.errors import BaselineMissing, PlannerLeft
from syncs.engine.forgetting import Forgotten
from syncs.engine.parts import PartWriter, batch_rows_for
from syncs.engine.protocols import Progress
from syncs.engine.query import PARQUET, Spool, read_key_type, write_spool
from syncs.engine.recipe import DUPLICATE_CODE, KEY, keys_compare
from syncs.engine.rules import Rules, rules_of
from syncs.engine.spec import Baseline, OperationCounts, Part, Planner, Prepared, RunSpec
from syncs.engine.storage import Storage
from syncs.engine.warehouse import preparation as warehouse
from syncs.engine.watch import Watch


def prepare(
    spec: RunSpec,
    source: Source,
    storage: Storage,
    baseline: Baseline | None,
    *,
    workdir: str | Path,
    memory_mb: int,
    threads: int,
    progress: Progress | None = None,
    check_cancel: Callable[[], None] = never,
    attempt: str = "",
    forgotten: Forgotten | None = None,
) -> Prepared:
    """Query the model, compare it with the baseline and write the change set.

    Can be killed at any point and called again: nothing counts until the caller
    has stored what it returns. ``check_cancel`` is called about twice a second on
    this thread and may raise to stop; ``attempt`` keeps files of different
    attempts apart; rows that are ``forgotten`` are left out as if the model did not have
    them. Raises :mod:`connectors.sdk.errors` of the source and
    :mod:`syncs.engine.errors`.
    """
    watch = Watch(progress, check_cancel)
    if spec.only_unsettled:
        retrying.require_possible(spec, baseline)
    if spec.planner is Planner.WAREHOUSE:
        return warehouse.prepare(spec, source, storage, baseline, watch=watch, attempt=attempt, forgotten=forgotten)
    lost = _lost_file(spec, baseline, storage)
    if lost:
        spec = replace(spec, resync=True)
    suffix = f"-{attempt}" if attempt else ""
    with duck(workdir, memory_mb=memory_mb, threads=threads, check=watch) as bench:
        spool_path = f"{spec.directory}/spool{suffix}.parquet"
        if spec.only_unsettled and baseline is not None:
            spool = retrying.write_spool(bench, spec, source, storage, baseline, spool_path, watch.on_rows)
        else:
            spool = write_spool(bench, spec, source, storage, spool_path, watch.on_rows, forgotten=forgotten)
        watch.enter("diff")
        spec = _with_comparable_keys(spec, spool, storage, baseline)
        keys = diff.check_keys(bench, spool, storage, spec.keep_one_by)
        rules = rules_of(spec, baseline)
        compared = baseline if baseline is not None and not (spec.resync or spec.reset) else None
        changes = _Changes(bench, spec, spool, storage, suffix)
        found, planned, retried, parts = changes.write(rules, compared, keys)
        return Prepared(
            queried=keys.queried + spool.forgotten,
            forgotten=spool.forgotten,
            null_keys=keys.null_keys,
            duplicates=keys.duplicates,
            keyed=keys.keyed,
            found=found,
            planned=planned,
            retried=retried,
            spool=spool.path,
            recipe=spool.recipe,
            rejected_before_delivery=changes.duplicates() if keys.duplicates else "",
            parts=parts,
            carried=changes.carried(compared) if keys.duplicates else "",
            known=changes.known,
            removed_again=changes.removed_again,
            lost=lost,
        )


def next_parts(prepared: Prepared, finished: Collection[int]) -> tuple[Part, ...]:
    """The parts that may be delivered now: those of the first operation that is not through yet.

    Removals come before changes and changes before additions, so that a record
    which one row gives up can be claimed by another one in the same run.
    """
    waiting = [part for part in prepared.parts if part.number not in finished]
    return tuple(part for part in waiting if part.operations[0][0] is waiting[0].operations[0][0])


class _Changes:
    """Writes what the diff finds into the run's folder."""

    def __init__(self, bench: Duck, spec: RunSpec, spool: Spool, storage: Storage, suffix: str) -> None:
        self._bench = bench
        self._spec = spec
        self._spool = spool
        self._storage = storage
        self._suffix = suffix
        self._writer = PartWriter(storage, spec.directory, suffix, spec.part_rows)
        self.known: int | None = None
        self.removed_again = 0

    def write(
        self, rules: Rules, baseline: Baseline | None, keys: diff.Keys
    ) -> tuple[OperationCounts, OperationCounts, int, tuple[Part, ...]]:
        """The change set: differences found, differences delivered, retried rows, parts."""
        if baseline is not None:
            diff.make_base(self._bench, self._spec, self._spool, baseline, self._storage)
        if rules.everything or rules.silent:
            return self._write_everything(rules, keys)
        diff.find_changes(self._bench, self._spec, rules, duplicates=keys.duplicates > 0)
        if baseline is not None:
            self.known, self.removed_again = diff.count_known(self._bench, baseline, self._storage)
        planned = diff.count_changes(self._bench, wanted=True)
        for operation in diff.ORDER:
            if getattr(planned, operation.value):
                self._stream(operation, diff.rows_sql(self._bench, self._spool.layout, operation))
        found = diff.count_changes(self._bench, wanted=False)
        return found, planned, diff.count_retried(self._bench), tuple(self._writer.parts)

    def duplicates(self) -> str:
        """Every row whose key is not its own, with the reason; the file's path."""
        kept = " One of them was taken." if self._spec.keep_one_by else ""
        words = f"'The primary key is not unique: ' || times || ' rows have it.{kept}'"
        columns = ", ".join(self._spool.layout.positions)
        return self._copy(
            "duplicates",
            f"SELECT {KEY}, '{DUPLICATE_CODE}' AS code, {words} AS message, {columns} FROM surplus",
        )

    def carried(self, baseline: Baseline | None) -> str:
        """Baseline entries of duplicated keys; the file's path."""
        if baseline is None:
            columns = ", ".join(f"NULL::{kind} AS c{i}" for i, kind in enumerate(self._spool.layout.types))
            return self._copy(
                "carried",
                f"SELECT {KEY}, false AS _present, false AS _forced, NULL::UBIGINT AS _hash, {columns} FROM twice",
            )
        return self._copy("carried", diff.carried_sql())

    def _write_everything(
        self, rules: Rules, keys: diff.Keys
    ) -> tuple[OperationCounts, OperationCounts, int, tuple[Part, ...]]:
        found = OperationCounts(added=keys.keyed)
        if rules.silent or Operation.ADDED not in rules.delivered or not keys.keyed:
            return found, OperationCounts(), 0, ()
        self._stream(Operation.ADDED, diff.every_row_sql(self._spool.layout))
        return found, found, 0, tuple(self._writer.parts)

    def _stream(self, operation: Operation, sql: str) -> None:
        rows = batch_rows_for(self._storage.local(self._spool.path))
        self._writer.write(operation, self._bench.stream(sql, batch_rows=rows), self._spool.schema)

    def _copy(self, name: str, sql: str) -> str:
        path = f"{self._spec.directory}/{name}{self._suffix}.parquet"
        with self._storage.writing(path) as place:
            self._bench.run(f"COPY ({sql}) TO {literal(place)} ({PARQUET})")
        return path


def _with_comparable_keys(spec: RunSpec, spool: Spool, storage: Storage, baseline: Baseline | None) -> RunSpec:
    """A full resync where the key has another type at the source than before.

    Its values would read otherwise as text, and every row would look removed and added.
    """
    if baseline is None or baseline.planner is Planner.WAREHOUSE:
        return spec
    if spec.resync or spec.reset or spec.primary_key not in baseline.columns:
        return spec
    before = read_key_type(storage.local(baseline.spool))
    return spec if keys_compare(before, spool.key_type) else replace(spec, resync=True)


def _lost_file(spec: RunSpec, baseline: Baseline | None, storage: Storage) -> str:
    """A file that this run would compare with and that somebody deleted from the storage; nothing if all are there.

    Without it the change set can only be the whole result, which a person lets through or not.
    """
    if baseline is None or spec.resync or spec.reset or spec.rows is RowSet.FULL:
        return ""
    if baseline.planner is Planner.WAREHOUSE:
        raise PlannerLeft("This sync was compared in the warehouse before, and what it delivered is known only there.")
    for path in filter(None, (baseline.spool, baseline.overlay)):
        if not storage.exists(path):
            if spec.only_unsettled:
                raise BaselineMissing(f"The previous run's file “{path}” is missing from the storage.")
            return path
    return ""
