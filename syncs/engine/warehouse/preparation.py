"""Query and diff inside the warehouse: only the change set comes out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from connectors.sdk.errors import QueryError
from connectors.sdk.planner import Statement, model_table, own_table, warehouse_of
from connectors.sdk.source import Source
from connectors.sdk.sql import quoted_column
from connectors.sdk.types import Column, Operation
from syncs.engine.casting import Caster
from syncs.engine.errors import PlannerTablesMissing, PlannerUnknown
from syncs.engine.forgetting import Forgotten
from syncs.engine.parts import PartWriter, part_schema
from syncs.engine.query import missing_columns, write_schema
from syncs.engine.recipe import DUPLICATE_CODE, KEY
from syncs.engine.rules import Rules, rules_of
from syncs.engine.spec import Baseline, OperationCounts, Planner, PlannerTables, Prepared, RunSpec
from syncs.engine.storage import Storage
from syncs.engine.warehouse.changes import ChangeBatches, Sent
from syncs.engine.warehouse.desk import Desk, desk
from syncs.engine.warehouse.dialects import PROFILES
from syncs.engine.warehouse.forgetting import leave_out
from syncs.engine.warehouse.moving import move
from syncs.engine.warehouse.profile import Profile
from syncs.engine.warehouse.statements import DUPLICATE, TIMES, Base, Statements
from syncs.engine.warehouse.tables import CHANGES, PLAN, Names
from syncs.engine.watch import Watch

# Removals go first: a record that leaves one row may be what the next row claims.
_WHOLE = frozenset({
    "tinyint", "smallint", "integer", "int", "bigint", "hugeint", "utinyint", "usmallint", "uinteger", "ubigint",
    "int2", "int4", "int8", "int64",
})  # fmt: skip
_FLOATS = ("double", "float", "real")
_ORDER = (Operation.REMOVED, Operation.CHANGED, Operation.ADDED)


def prepare(
    spec: RunSpec,
    source: Source,
    storage: Storage,
    baseline: Baseline | None,
    *,
    watch: Watch,
    attempt: str,
    forgotten: Forgotten | None = None,
) -> Prepared:
    """Make the model a table, compare it there, and stream out what differs.

    Can be killed at any point and called again: each attempt has tables of its own,
    and its first act is to drop those of dead ones.
    """
    warehouse = warehouse_of(source)
    profile = profile_of(source)
    compared = baseline if baseline is not None and not (spec.resync or spec.reset) else None
    with desk(warehouse, watch) as bench:
        names = Names.of(spec, attempt)
        clear(bench, names, baseline, settling=False)
        if compared is not None and compared.planner is Planner.WAREHOUSE:
            require_tables(bench, names, compared)
        columns = _described(spec, bench, source)
        statements = statements_for(spec, profile, columns)
        plan = names(PLAN)
        keep_one_by = _place(spec, spec.keep_one_by) if spec.keep_one_by else None
        bench.create(plan, statements.create_plan(plan, spec.sql, keep_one_by))
        counted = statements.count_plan(plan, keeps_one=keep_one_by is not None)
        queried, keyed, surplus = bench.rows(counted)[0]
        watch.on_rows(queried)
        watch.enter("diff")
        rules = rules_of(spec, baseline)
        base = None if rules.everything else base_of(spec, bench, statements.recipe, names, storage, compared)
        if base is not None and _key_changed(spec, baseline, base, columns):
            # Its values would read otherwise as text, and every row would look removed and added.
            rules, base = rules_of(replace(spec, resync=True), baseline), None
        left = queried
        if forgotten:
            leave_out(bench, statements, names, base, forgotten, keeps_one=keep_one_by is not None)
            left, keyed, surplus = bench.rows(counted)[0]
        tables = PlannerTables(
            plan=plan,
            changes=names(CHANGES),
            base_plan=base.plan if base else "",
            base_rejections=base.rejections if base else "",
        )
        differing = statements.create_changes(tables.changes, plan, base, reprocess=spec.reprocess)
        bench.create(tables.changes, differing)
        counts = Counts.of(bench.rows(statements.count_changes(tables.changes)))
        keyed_alone, duplicates = keyed - counts.duplicate_rows, counts.duplicate_rows + surplus
        work = _Work(spec, bench, statements, storage, tables, f"-{attempt}" if attempt else "")
        known, removed_again = _known(bench, statements, baseline, base, tables.changes)
        if base is None:
            found, planned, retried = work.everything(rules, keyed_alone, duplicates=counts.duplicate_rows > 0)
        else:
            found, planned, retried = work.differences(rules, base, counts)
        return Prepared(
            queried=queried,
            null_keys=left - keyed - surplus,
            forgotten=queried - left,
            duplicates=duplicates,
            keyed=keyed_alone,
            found=found,
            planned=planned,
            retried=retried,
            spool=work.schema(),
            recipe=statements.recipe,
            rejected_before_delivery=work.duplicates() if duplicates else "",
            parts=tuple(work.writer.parts),
            known=known,
            removed_again=removed_again,
            tables=tables,
        )


def profile_of(source: Source) -> Profile:
    """How the source's system does what the planner needs."""
    definition = source.definition
    name = definition.planner_profile or definition.dialect
    if name not in PROFILES:
        raise PlannerUnknown(f"The warehouse planner does not know “{name}”.")
    return PROFILES[name]


def statements_for(spec: RunSpec, profile: Profile, columns: Sequence[Column]) -> Statements:
    """The statements of this run."""
    places = {column.name: i for i, column in enumerate(spec.columns)}
    return Statements(profile, columns, _place(spec, spec.primary_key), [places[name] for name in sorted(spec.tracked)])


def clear(bench: Desk, names: Names, baseline: Baseline | None, *, settling: bool) -> None:
    """Drop what dead attempts and runs left."""
    needed = {baseline.plan, baseline.rejections, *baseline.previous} if baseline is not None else set()
    for name in names.dead(bench.tables(names.prefix), needed, settling=settling):
        bench.drop(name)


def require_tables(bench: Desk, names: Names, baseline: Baseline) -> None:
    """Raise :class:`PlannerTablesMissing` where the previous run's tables are gone."""
    there = set(bench.tables(names.prefix))
    missing = [name for name in (baseline.plan, baseline.rejections) if name and name not in there]
    if missing:
        raise PlannerTablesMissing(f"The previous run's tables are gone from the planner schema: {', '.join(missing)}.")


def base_of(
    spec: RunSpec, bench: Desk, recipe: str, names: Names, storage: Storage, baseline: Baseline | None
) -> Base | None:
    """The tables to compare with; what the local planner knew is loaded first."""
    if baseline is None:
        return None
    if baseline.planner is Planner.LOCAL:
        plan, rejections = move(bench, names, storage, baseline)
        return base_on(spec, bench, baseline, plan, rejections, own_hash=False)
    rejections = baseline.rejections if baseline.unsettled else ""
    return base_on(spec, bench, baseline, baseline.plan, rejections, own_hash=baseline.recipe == recipe)


def base_on(
    spec: RunSpec, bench: Desk, baseline: Baseline | None, plan: str, rejections: str, *, own_hash: bool
) -> Base | None:
    """A base made of these tables, whose columns are those of the baseline."""
    if baseline is None or not plan:
        return None
    described = {column.name: column for column in bench.session.describe(_all_of(plan))}
    places = {name: f"c{i}" for i, name in enumerate(baseline.columns)}
    columns = tuple(described[places[c.name]] if c.name in places else None for c in spec.columns)
    key = columns[_place(spec, spec.primary_key)]
    moved = baseline.planner is Planner.LOCAL
    floating = moved and key is not None and key.native_type.lower().startswith(_FLOATS)
    return Base(plan=plan, rejections=rejections, columns=columns, own_hash=own_hash, key=key if floating else None)


def plan_columns(spec: RunSpec, bench: Desk, plan: str) -> tuple[Column, ...]:
    """The columns of a run's own plan table, in the order of its specification."""
    described = {column.name: column for column in bench.session.describe(_all_of(plan))}
    return tuple(described[f"c{i}"] for i in range(len(spec.columns)))


def _whole(number: object) -> int:
    """A count, which some systems hand out as a decimal or a float: sums are not whole everywhere."""
    return int(Decimal(str(number)))


@dataclass(frozen=True, slots=True)
class Counts:
    """What the comparison found."""

    keys: dict[str, int]
    duplicate_rows: int

    @classmethod
    def of(cls, rows: Sequence[tuple[object, ...]]) -> Counts:
        """From rows of operation, unsettled, keys and rows."""
        keys: dict[str, int] = {}
        duplicates = 0
        for operation, _, number, times in rows:
            keys[str(operation)] = keys.get(str(operation), 0) + _whole(number)
            duplicates += _whole(times) if operation == DUPLICATE else 0
        return cls(keys, duplicates)


@dataclass
class _Work:
    """Writes what the comparison found into the run's folder."""

    spec: RunSpec
    bench: Desk
    statements: Statements
    storage: Storage
    tables: PlannerTables
    suffix: str

    def __post_init__(self) -> None:
        self.writer = PartWriter(self.storage, self.spec.directory, self.suffix, self.spec.part_rows)
        with self.bench.stream(self._every_row(duplicates=False)) as (schema, _):
            self._columns = Caster(_without_key(schema), self.spec.columns).schema

    def everything(self, rules: Rules, rows: int, *, duplicates: bool) -> tuple[OperationCounts, OperationCounts, int]:
        """Every row as an addition: differences found, differences delivered, none of them retried."""
        found = OperationCounts(added=rows)
        if rules.silent or Operation.ADDED not in rules.delivered or not rows:
            return found, OperationCounts(), 0
        self._write(Operation.ADDED, [self._every_row(duplicates=duplicates)], Sent())
        return found, found, 0

    def differences(self, rules: Rules, base: Base, counts: Counts) -> tuple[OperationCounts, OperationCounts, int]:
        """Removals, changes and additions: found, delivered, and how many of these are retried."""
        sent = Sent()
        found: dict[str, int] = {}
        planned: dict[str, int] = {}
        for operation in _ORDER:
            found[operation.value] = counts.keys.get(operation.value, 0)
            if operation in rules.delivered and found[operation.value]:
                written = self._write(operation, self._queries(operation, base), sent)
                found[operation.value] = planned[operation.value] = written
        return OperationCounts(**found), OperationCounts(**planned), sent.retried

    def schema(self) -> str:
        """A file that tells the columns, for destinations that write files; its path."""
        path = f"{self.spec.directory}/schema{self.suffix}.parquet"
        write_schema(self.storage, path, self._columns)
        return path

    def duplicates(self) -> str:
        """Every row whose key is not its own, with the reason; the file's path."""
        path = f"{self.spec.directory}/duplicates{self.suffix}.parquet"
        keeps_one = bool(self.spec.keep_one_by)
        query = self.statements.duplicates(self.tables.plan, self.tables.changes, keeps_one=keeps_one)
        kept = " One of them was taken." if keeps_one else ""
        with self.bench.stream(query) as (schema, batches), self.storage.writing(path) as place:
            caster = Caster(_without_key(schema), self.spec.columns)
            fields = [(KEY, pa.string()), ("code", pa.string()), ("message", pa.string())]
            fields += [(f"c{i}", field.type) for i, field in enumerate(caster.schema)]
            written = part_schema(pa.schema(fields), caster.schema)
            with pq.ParquetWriter(place, written, compression="snappy") as writer:
                for batch in batches:
                    writer.write_batch(_duplicate_rows(batch, caster, written, kept))
        return path

    def _every_row(self, *, duplicates: bool) -> Statement:
        return self.statements.every_row(self.tables.plan, self.tables.changes, duplicates=duplicates)

    def _queries(self, operation: Operation, base: Base) -> list[Statement]:
        kinds: list[bool | None] = [None] if operation is Operation.ADDED else [False]
        if operation is not Operation.ADDED and base.rejections:
            kinds.append(True)
        tables = self.tables
        return [
            self.statements.changed_rows(operation, tables.plan, tables.changes, base, unsettled=kind) for kind in kinds
        ]

    def _write(self, operation: Operation, queries: Sequence[Statement], sent: Sent) -> int:
        before = sum(part.rows for part in self.writer.parts)
        ready = ChangeBatches(self.spec, operation, self._columns, sent)
        self.writer.write(operation, self._batches(queries, ready), self._columns)
        return sum(part.rows for part in self.writer.parts) - before

    def _batches(self, queries: Sequence[Statement], ready: ChangeBatches) -> Iterator[pa.RecordBatch]:
        for query in queries:
            with ExitStack() as stack:
                schema, batches = stack.enter_context(self.bench.stream(query))
                yield from ready(schema, batches)


def _described(spec: RunSpec, bench: Desk, source: Source) -> tuple[Column, ...]:
    """The columns that the sync reads, in the warehouse's own types."""
    names = [column.name for column in spec.columns]
    query = exp.select(*(quoted_column(name) for name in names)).from_(model_table())
    try:
        return tuple(bench.session.describe(Statement(query, spec.sql)))
    except QueryError:
        if (error := missing_columns(spec, source)) is not None:
            raise error from None
        raise


def _key_changed(spec: RunSpec, baseline: Baseline | None, base: Base, columns: Sequence[Column]) -> bool:
    """Whether the key has another type than before; whole numbers of any size are the same as text."""
    place = _place(spec, spec.primary_key)
    before, now = base.columns[place], columns[place]
    if baseline is None or baseline.planner is Planner.LOCAL or before is None:
        return False
    kinds = {before.native_type.lower(), now.native_type.lower()}
    return len(kinds) > 1 and not kinds <= _WHOLE


def _known(
    bench: Desk, statements: Statements, baseline: Baseline | None, base: Base | None, changes: str
) -> tuple[int | None, int]:
    """Rows that the destination is known to hold, without removals that were due before; and those removals."""
    if baseline is None or base is None:
        return None, 0
    if not base.rejections:
        return baseline.rows, 0
    in_result, held, again = (int(n or 0) for n in bench.rows(statements.count_known(base, changes))[0])
    return baseline.rows - in_result + held - again, again


def _all_of(table: str) -> Statement:
    return Statement(exp.select(exp.Star()).from_(own_table(table)))


def _place(spec: RunSpec, name: str) -> int:
    return [column.name for column in spec.columns].index(name)


def _without_key(schema: pa.Schema) -> pa.Schema:
    return pa.schema([field for field in schema if field.name not in (KEY, TIMES)])


def _duplicate_rows(batch: pa.RecordBatch, caster: Caster, schema: pa.Schema, kept: str) -> pa.RecordBatch:
    columns = [batch.column(name) for name in batch.schema.names if name not in (KEY, TIMES)]
    cast = caster(pa.RecordBatch.from_arrays(columns, names=[f"c{i}" for i in range(len(columns))]))
    times = batch.column(TIMES).to_pylist()
    words = [f"The primary key is not unique: {int(n)} rows have it.{kept}" for n in times]
    reasons = [pa.repeat(pa.scalar(DUPLICATE_CODE), batch.num_rows), pa.array(words, pa.string())]
    return pa.RecordBatch.from_arrays([batch.column(KEY), *reasons, *cast.columns], schema=schema)
