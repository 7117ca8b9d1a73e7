"""What a run is made of: frozen, JSON-friendly values that stages pass on.

Nothing here knows Django. ``RunSpec`` is fixed when a run starts; ``Prepared``
is what querying and diffing found; ``PartOutcome`` is what delivery did;
``Baseline`` is what the next run compares with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from connectors.sdk.destination import FirstRun, Mode, Removal, RowSet
from connectors.sdk.types import ColumnType, Operation
from syncs.engine.guardrails import Guardrails


class Planner(StrEnum):
    """Where a run is compared with what was delivered before."""

    LOCAL = "local"
    WAREHOUSE = "warehouse"


class MappingKind(StrEnum):
    """Where a mapped value comes from."""

    COLUMN = "column"
    STATIC = "static"
    VARIABLE = "variable"
    TEMPLATE = "template"
    OBJECT = "object"  # an object made of the inner mappings
    ARRAY = "array"  # an array: the inner mappings for each element of a column's array of objects
    PROPERTY = "property"  # of the element at hand; only inside arrays


# Objects and arrays may stand inside one another this deep, the outermost counted.
MAX_DEPTH = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldMapping:
    """One value of a record: from a model column, a constant, a run variable, a template, or several of these.

    ``value`` is the column name (for arrays too), the constant (string, number,
    boolean, null), the variable name, the template text or the element's property.
    ``ignore_null`` leaves the field out of a record or object in which it is null.
    ``inner`` are the mappings that an object or each element of an array is made of.
    """

    to: str
    kind: MappingKind
    value: Any = None
    ignore_null: bool = False
    identifier: bool = False  # record matching
    inner: tuple[FieldMapping, ...] = ()

    def walk(self, *, within_array: bool = False) -> Iterator[tuple[FieldMapping, bool]]:
        """This mapping and all inside it, each with whether it stands inside an array."""
        yield self, within_array
        for mapping in self.inner:
            yield from mapping.walk(within_array=within_array or self.kind is MappingKind.ARRAY)

    @property
    def named_columns(self) -> tuple[str, ...]:
        """The columns that are named outright; templates name theirs in their text."""
        return tuple(
            str(mapping.value)
            for mapping, within_array in self.walk()
            if mapping.kind is MappingKind.COLUMN or (mapping.kind is MappingKind.ARRAY and not within_array)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelColumn:
    """A model column the run reads; ``cast`` is the person's choice of type, if any."""

    name: str
    type: ColumnType
    cast: ColumnType | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """Everything a run needs to know, frozen at its start and stored with it.

    ``sql`` is the model's query, unwrapped; ``columns`` those to read, the key
    among them. ``tracked`` are the columns whose change makes a row "changed".
    ``wanted`` are the operations delivered; the rest only move the baseline.
    ``resync`` treats every row as added and handles no removals; ``clear`` empties
    the destination's list before that. ``provide``: what the rows go into is made before the first.
    ``reset`` remembers the rows and sends nothing. ``reprocess`` sends every
    row known from before as changed (the mapping was changed). ``only_unsettled`` reads
    and sends only rows that earlier runs could not deliver.
    ``keep_one_by``: of the rows that share a key, the one with the smallest value in this
    column is sent and only the others are rejected; without it all of them are.
    ``directory`` is the run's folder below the storage root, ``syncs/7/runs/12``.
    ``guardrails`` are the limits beyond which the run is held before anything is sent.
    ``namespace`` keeps its tables in the warehouse apart from those of other workspaces.
    ``left_out`` are the fields that are not filled because the model lost their columns.
    ``follows``: changed rows are delivered, too, where the mode only adds.
    ``counting``, if any, asks the source how the rows came to be so many: nothing of the run waits for its answer.
    ``group``, if any, is the column that names each row's experiment group: the last of ``columns``, read for
    the logs alone and never sent.
    """

    run_id: int
    sync_id: int
    sql: str
    dialect: str
    primary_key: str
    columns: tuple[ModelColumn, ...]
    tracked: tuple[str, ...]
    mappings: tuple[FieldMapping, ...]
    mode: Mode
    rows: RowSet
    removal: Removal
    first_run: FirstRun
    wanted: frozenset[Operation]
    idempotent: bool
    directory: str
    all_columns: bool = False
    single_writer: bool = False
    split_retry: bool = False
    follows: bool = False
    resync: bool = False
    clear: bool = False
    provide: bool = False
    reset: bool = False
    reprocess: bool = False
    only_unsettled: bool = False
    keep_one_by: str = ""
    part_rows: int = 250_000
    variables: tuple[tuple[str, str], ...] = ()
    guardrails: Guardrails = field(default_factory=Guardrails)
    planner: Planner = Planner.LOCAL
    namespace: str = ""
    left_out: tuple[str, ...] = ()
    counting: str = ""
    group: str = ""

    @property
    def sent_columns(self) -> tuple[ModelColumn, ...]:
        """The columns that mappings and destinations may know."""
        return tuple(column for column in self.columns if column.name != self.group)


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What was delivered so far: the pointer that PostgreSQL holds for a sync.

    ``spool`` and ``overlay`` are immutable Parquet files below the storage root.
    The effective baseline is the spool with the overlay's unsettled rows applied.
    ``recipe`` names how row hashes were made (expression and DuckDB version);
    on any mismatch they are made again from ``columns``. With the warehouse planner
    ``plan`` and ``rejections`` are tables of the planner schema in their place, and
    ``previous`` the pair before, which is kept for people who look into a run.
    """

    run_id: int
    spool: str
    overlay: str
    recipe: str
    columns: tuple[str, ...]
    rows: int
    unsettled: int
    planner: Planner = Planner.LOCAL
    plan: str = ""
    rejections: str = ""
    previous: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerTables:
    """A run's tables in the warehouse: its result, what differs, and what it was compared with."""

    plan: str
    changes: str
    base_plan: str = ""
    base_rejections: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A slice of the change set: one Parquet file, delivered by one worker at a time."""

    number: int
    path: str
    rows: int
    operations: tuple[tuple[Operation, int], ...]  # rows per operation, in file order


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationCounts:
    """A number for each operation."""

    added: int = 0
    changed: int = 0
    removed: int = 0

    @property
    def total(self) -> int:
        return self.added + self.changed + self.removed


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What querying and diffing found. ``queried = null_keys + duplicates + forgotten + keyed``.

    Where only unsettled rows are read, these count the whole result that the run works
    with: the previous one, with those rows as they are now.
    ``found`` counts all differences, ``planned`` those that are delivered; parts
    hold one operation each, removals first. ``carried`` is the Parquet of
    baseline entries that this run keeps aside: keys that are duplicated now.
    ``known`` counts the rows that the destination is known to hold (``None``: those of
    the baseline), ``removed_again`` the removals that earlier runs could not deliver.
    With the warehouse planner both stay there, in ``tables``; ``spool`` then tells the columns only.
    ``lost`` is a file of the baseline that was missing, so that every row is planned as added.
    """

    queried: int
    null_keys: int
    duplicates: int
    keyed: int
    found: OperationCounts
    planned: OperationCounts
    retried: int  # of the planned rows, those left over from earlier runs
    spool: str
    recipe: str
    rejected_before_delivery: str  # Parquet of duplicate-key rows and their reason ("" if none)
    parts: tuple[Part, ...]
    carried: str = ""
    known: int | None = None
    removed_again: int = 0
    tables: PlannerTables | None = None
    forgotten: int = 0  # rows about people who were forgotten: left out
    lost: str = ""


class RowStatus(StrEnum):
    """What became of a row of the change set."""

    SUCCEEDED = "succeeded"
    REJECTED = "rejected"
    ABORTED = "aborted"  # never attempted, or given up before an answer
    PLANNED = "planned"  # found, and waiting to be sent or looked at
    IN_DOUBT = "in_doubt"  # sent, no answer known: sent again where harmless, else only reported


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a part or run stopped: a typed error's code, message and hint."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartOutcome:
    """What delivering one part did; ``path`` is its Parquet of row outcomes.

    ``succeeded + rejected + aborted`` are all its rows; ``in_doubt`` counts those
    of ``aborted`` that were sent without a known answer.
    """

    number: int
    path: str
    succeeded: OperationCounts = field(default_factory=OperationCounts)
    rejected: OperationCounts = field(default_factory=OperationCounts)
    aborted: OperationCounts = field(default_factory=OperationCounts)
    in_doubt: int = 0
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The run's end: the new baseline and the final numbers."""

    baseline: Baseline
    succeeded: OperationCounts
    rejected: OperationCounts
    aborted: OperationCounts
    in_doubt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRecord:
    """A journal entry: rows ``first`` to ``first + rows`` of a part, sent as one batch.

    ``done`` is false from just before sending until the answer is stored.
    ``status`` is that of the rows without a word of their own.
    ``rejections`` holds (index within the record's rows, code, message, field);
    ``doubtful`` the indexes of rows in doubt beside others that were answered.
    ``in_doubt``: some try was never answered, so rows that did not succeed may
    have been applied all the same. ``receipt``: what the destination gave for a
    job that it works on (see :mod:`connectors.sdk.receipts`).
    """

    number: int
    first: int
    rows: int
    done: bool
    status: RowStatus = RowStatus.SUCCEEDED
    rejections: Sequence[tuple[int, str, str, str]] = ()
    doubtful: Sequence[int] = ()
    code: str = ""
    message: str = ""
    in_doubt: bool = False
    receipt: str = ""
