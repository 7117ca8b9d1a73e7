"""What a destination author writes against."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import pyarrow as pa

from connectors.sdk.audiences import AudienceThere
from connectors.sdk.context import Environment
from connectors.sdk.fields import Field, When
from connectors.sdk.types import ColumnType, Operation, Verification

if TYPE_CHECKING:
    from connectors.sdk.net import Consent


class Mode(StrEnum):
    """What a sync does with the rows of its model."""

    UPSERT = "upsert"
    UPDATE = "update"
    INSERT = "insert"
    ADD = "add"
    REMOVE = "remove"
    ARCHIVE = "archive"
    ALL = "all"
    SNAPSHOT = "snapshot"
    DIFF = "diff"
    CUSTOM = "custom"  # the destination's own triggers decide (HTTP Request)


class Removal(StrEnum):
    """What happens at the destination to a row that left the model."""

    NOTHING = "nothing"
    CLEAR = "clear"  # keep the record, null its mapped fields
    DELETE = "delete"


class RowSet(StrEnum):
    """Which rows the engine hands over."""

    CHANGES = "changes"  # added, changed, removed
    ADDED = "added"
    FULL = "full"  # the whole result, every run
    FILES = "files"  # added, changed and removed as three separate streams


class FirstRun(StrEnum):
    """What the first run sends."""

    BACKFILL = "backfill"
    SKIP = "skip"  # remember the rows, send nothing


class Mapper(StrEnum):
    """Where the values of a sync type's fields may come from."""

    BASIC = "basic"  # columns only
    ADVANCED = "advanced"  # also static values, variables, templates, inline objects and arrays


class FanOut(StrEnum):
    """How a field takes an array of values: as one record for each (see :class:`DestinationField`)."""

    NONE = "none"  # arrays are values like any other
    INDEPENDENT = "independent"  # every value together with every value of the other fields
    LINKED = "linked"  # the n-th value together with the n-th of the other linked fields


class Shape(StrEnum):
    """What a field of type object takes."""

    OBJECT = "object"
    ARRAY = "array"  # of objects
    VALUES = "values"  # a list of plain values, which a column brings


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """At most ``requests`` in any ``seconds``."""

    requests: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much may be sent at once. The engine keeps to it; connectors never sleep or retry."""

    batch_rows: int = 1_000
    batch_bytes: int = 5_000_000
    concurrency: int = 1
    rates: tuple[Rate, ...] = ()  # all hold together: 100 in 10 seconds and 10,000 in an hour
    pause_ms: int = 0  # between batches of one connection
    attempts: int = 5  # tries of one batch within a run
    timeout_s: float = 30.0  # of one request
    batch_s: float = 0.0  # of a whole batch with all its requests; 0: ten times that


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationField:
    """A field rows can be mapped to.

    ``fan_out``: an array in this field is sent as several records, one for each
    element or combination, which together decide what became of the row.
    ``modes``: those in which it can be mapped, where not in all (an id that the service makes itself).
    ``shape`` says of a field of type object how the mapper begins with it.
    """

    name: str
    label: str = ""
    type: ColumnType = ColumnType.UNKNOWN
    required: bool = False
    identifier: bool = False  # may be chosen for record matching
    recommended: bool = False
    native_type: str = ""
    description: str = ""
    read_only: bool = False
    fan_out: FanOut = FanOut.NONE
    modes: tuple[Mode, ...] = ()
    shape: Shape = Shape.OBJECT

    @property
    def nests(self) -> str:
        """What is put together for it from several columns: an ``object``, an ``array`` of them, or nothing."""
        return "" if self.type is not ColumnType.OBJECT or self.shape is Shape.VALUES else self.shape.value

    def fits(self, mode: Mode) -> bool:
        """Whether it can be mapped in this mode."""
        return not self.modes or mode in self.modes


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeSpec:
    """One mode of a sync type: the rows it gets and what may happen to removed ones.

    ``idempotent``: sending the same batch twice leaves the destination the same;
    decides whether an in-doubt batch is sent again. ``matching``: needs an identifier.
    ``follows``: changed rows are sent, too, in a mode that only adds: members are known by the mapped
    values, so that a row with other values is another one. What it was stays in: another row may be it, too.
    """

    mode: Mode
    rows: RowSet
    description: str
    removals: tuple[Removal, ...] = (Removal.NOTHING,)
    idempotent: bool = True
    matching: bool = True
    follows: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncType:
    """One kind of thing a destination takes: records, events, members, messages, files.

    ``all_columns``: tracks and receives every model column (HTTP Request bodies are
    templates). With ``mapping`` too, a sync may map chosen fields instead, and then gets
    only those (files); where it ``maps_itself``, rows stay whole all the same, and :attr:`Job.sources`
    tells the column of each field. ``custom_fields``: free field names may be mapped.
    ``single_writer``: one session handles the whole run in order (files).
    ``mapper`` says where values may come from, ``matching_templates`` whether records
    may be matched by what a template makes of a row.
    ``clears`` names what :meth:`Destination.clear` empties (“the audience”); empty where
    it cannot, and then clear and fill is not offered.
    ``match_stats`` says that :meth:`Destination.match_stats` tells whom the service recognised.
    ``verification``: how far this type was checked, where that is less far than the destination as a whole.
    """

    key: str
    name: str
    description: str
    modes: tuple[ModeSpec, ...]
    settings: tuple[Field, ...] = ()
    limits: Limits = field(default_factory=Limits)
    all_columns: bool = False
    mapping: bool = True
    maps_itself: bool = False
    mapper: Mapper = Mapper.ADVANCED
    matching_templates: bool = False
    custom_fields: bool = False
    single_writer: bool = False
    split_retry: bool = False
    clears: str = ""
    match_stats: bool = False
    first_run: tuple[FirstRun, ...] = (FirstRun.BACKFILL,)
    verification: Verification | None = None

    def mode(self, mode: Mode) -> ModeSpec:
        """The spec of one of this type's modes."""
        return next(spec for spec in self.modes if spec.mode == mode)

    def takes_whole_rows(self, *, mapped: bool) -> bool:
        """Whether a sync of this type gets every column as it is; ``mapped`` says that it maps fields."""
        return self.all_columns and (not mapped or self.maps_itself)


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationDefinition:
    """Everything Headrace shows and checks about a destination type.

    ``connects``: the setting (by its path) with which a person signs in on the service's
    own page instead of entering credentials (without values: always); :meth:`Destination.consent` says how.
    """

    key: str
    name: str
    category: str
    summary: str
    docs_url: str
    fields: tuple[Field, ...]
    sync_types: tuple[SyncType, ...]
    verification: Verification
    safe_to_resync: bool = True  # false: a full resync makes duplicates; warn
    connects: When | None = None
    status_page: str = ""  # on which the vendor tells of its outages
    lists_audiences: bool = False  # Destination.audiences_there() lists those of every account

    def sync_type(self, key: str) -> SyncType:
        """One sync type by key."""
        return next(t for t in self.sync_types if t.key == key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one run asks of a destination; plain data, the same for every worker of the run.

    ``kept``: what :meth:`Destination.provide` told to remember for this sync, in this and earlier runs.
    ``begun``: what :meth:`Destination.begin` told of this run. ``sources``: the column of each mapped field
    that takes one as it is.
    """

    sync_id: int
    sync_slug: str
    run_id: int
    model_id: int
    model_name: str
    sync_type: str
    mode: Mode
    removal: Removal
    settings: Mapping[str, Any]
    identifiers: tuple[str, ...]  # destination fields that match records
    fields: tuple[DestinationField, ...]  # mapped fields, in order
    started_at: datetime
    primary_key: str = ""  # the model's key column
    resync: bool = False
    kept: Mapping[str, str] = field(default_factory=dict)
    begun: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchStats:
    """Whom a service recognised among the people that a sync has sent there, as the service tells it: roughly.

    ``matched`` are people of its own, ``rate`` their share of those sent (1.0 is all; some services go beyond, as
    they count before they remove duplicates): whichever it tells. ``at`` is when it made the report, ``status`` the
    state of the list in its own words (“Ready”, “Too small to serve”), ``url`` where a person sees the list there.
    """

    matched: int | None = None
    rate: float | None = None
    at: datetime | None = None
    status: str = ""
    url: str = ""


class Encoded(Protocol):
    """Rows as the other side takes them, in whatever form their connector likes."""

    def slice(self, start: int, stop: int) -> Encoded:
        """Rows ``start`` to ``stop``, without copying."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one operation, ready to send.

    ``rows`` has one column per mapped field (or per model column for
    ``all_columns`` types), in the same order as ``keys`` (the model's primary
    key as text). ``omit_nulls`` names fields to leave out of a record where null.
    ``encoded`` is what the connector's own :meth:`Destination.encoder` made of the rows.
    ``old`` are the mapped values that changed rows had before, where :meth:`Destination.wants_old` asks for them.
    """

    operation: Operation
    keys: Sequence[str]
    rows: pa.RecordBatch
    omit_nulls: frozenset[str] = frozenset()
    encoded: Encoded | None = None
    old: pa.RecordBatch | None = None

    def __len__(self) -> int:
        return len(self.keys)

    def records(self) -> list[dict[str, Any]]:
        """The rows as dictionaries, nulls left out where the mapping says so."""
        records: list[dict[str, Any]] = self.rows.to_pylist()
        if not self.omit_nulls:
            return records
        return [{k: v for k, v in r.items() if v is not None or k not in self.omit_nulls} for r in records]

    def slice(self, start: int, stop: int) -> Batch:
        """Rows ``start`` to ``stop`` as a batch of their own, without copying."""
        encoded = self.encoded.slice(start, stop) if self.encoded is not None else None
        rows = self.rows.slice(start, stop - start)
        old = self.old.slice(start, stop - start) if self.old is not None else None
        return Batch(self.operation, self.keys[start:stop], rows, self.omit_nulls, encoded, old)

    def take(self, places: Sequence[int]) -> Batch:
        """The rows at these places as a batch of their own, to be encoded anew."""
        keys, chosen = [self.keys[place] for place in places], pa.array(places, pa.int64())
        old = self.old.take(chosen) if self.old is not None else None
        return Batch(self.operation, keys, self.rows.take(chosen), self.omit_nulls, old=old)


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row: accepted, or rejected with the other side's words.

    ``passing``: for a reason that may be over in a moment (a lock, too much at once), so that
    the row is tried again in the same run.
    """

    accepted: bool
    message: str = ""
    code: str = ""
    field: str = ""
    passing: bool = False


ACCEPTED = RowResult(True)


def rejected(message: str, *, code: str = "row_rejected", field: str = "", passing: bool = False) -> RowResult:
    """A row the destination refused; it is tried again by later runs, and by this one where the reason may pass."""
    return RowResult(False, message, code, field, passing)


class Session(Protocol):
    """An open line to a destination for one part of a run."""

    async def deliver(self, batch: Batch) -> Sequence[RowResult]:
        """Send one batch; one result per row, by position.

        Raises :class:`~connectors.sdk.errors.ConnectorError` when no row-by-row
        answer exists: the engine then retries, splits, or stops the run.
        """


class RowStreams(Protocol):
    """For ``single_writer`` types: the run's rows by operation, already mapped, streamed in order.

    ``schema`` has the columns of every stream, also where a stream has no rows.
    """

    @property
    def schema(self) -> pa.Schema: ...

    def stream(self, operation: Operation) -> Iterator[Batch]:
        """The rows of one operation (``ADDED`` carries the full result for ``RowSet.FULL``)."""

    def count(self, operation: Operation) -> int:
        """How many rows that stream has."""


class Destination(ABC):
    """One connected system that syncs deliver to. Methods raise only :mod:`connectors.sdk.errors`."""

    definition: ClassVar[DestinationDefinition]

    def __init__(self, config: Mapping[str, Any], environment: Environment) -> None:
        self.config = config
        self.environment = environment

    @abstractmethod
    async def check(self) -> None:
        """At most one call without side effects; a typed error says what to change."""

    def consent(self) -> Consent | None:
        """How a person signs in on the service's own page, where the settings ask for that."""
        return None

    async def fields(self, sync_type: str, settings: Mapping[str, Any]) -> Sequence[DestinationField]:
        """Fields rows can be mapped to; empty where any name may be mapped."""
        return ()

    async def asked(self, sync_type: str, settings: Mapping[str, Any]) -> Sequence[Field]:
        """The settings that stand in the place of an :class:`~connectors.sdk.fields.Asked` one, given the others."""
        return ()

    async def begin(self, job: Job) -> Mapping[str, str]:
        """What the service says of a run before it is planned; every worker of the run finds it in ``job.begun``."""
        return {}

    def first_run(self, job: Job, chosen: FirstRun) -> FirstRun:
        """What the first run sends, where the service decides that."""
        return chosen

    def limits(self, job: Job, operation: Operation | None = None) -> Limits:
        """The limits of this job: the sync type's, unless its settings change them.

        Rate and concurrency hold for the job as a whole; the batch size may differ
        by operation. Without one, the smallest that suits every operation.
        """
        return self.definition.sync_type(job.sync_type).limits

    def wanted(self, job: Job) -> frozenset[Operation]:
        """The operations the job sends; others are tracked but not delivered."""
        return frozenset(Operation)

    def validate(self, job: Job) -> None:
        """Check a sync's settings beyond its declarations; raises ``ConfigError``."""
        return

    async def review(self, job: Job) -> None:
        """Let the service itself say what is wrong, when somebody saves a configuration; raises ``ConfigError``."""
        return

    def encoder(self, job: Job) -> Callable[[Batch], Encoded | None] | None:
        """Writes many rows at once, on another thread, while earlier ones are sent (None: nothing to gain).

        It may decline (``None``): sessions take batches with and without ``encoded``.
        """
        return None

    def wants_old(self, job: Job) -> bool:
        """Whether batches of changed rows bring what was mapped before, as :attr:`Batch.old`."""
        return False

    def shows_requests(self, job: Job) -> bool:
        """Whether requests can be shown unsent: every effect leaves by the outbound door, with no sign-in before."""
        return False

    def lacks(self, job: Job) -> bool:
        """Whether what the rows go into is still to be made (a list, a tag), by :meth:`provide`."""
        return False

    async def provide(self, job: Job) -> Mapping[str, str]:
        """Make what the rows go into, before the first of them is sent; what to remember for the sync.

        Asked only where :meth:`lacks` says so, and again after a crash: look for what was
        made by its name before making another. Later runs find the answer in ``job.kept``.
        """
        return {}

    def session(self, job: Job) -> AbstractAsyncContextManager[Session]:
        """Open a line for one part (all sync types except ``single_writer`` ones)."""
        raise NotImplementedError(f"{self.definition.key} delivers whole runs only")

    async def clear(self, job: Job) -> None:
        """Remove every member of what the sync fills, before the first row is sent.

        Only for types that declare ``clears``. Called again after a crash: emptying
        what is empty succeeds.
        """
        raise NotImplementedError(f"{self.definition.key} cannot empty anything")

    async def match_stats(self, job: Job) -> MatchStats | None:
        """Whom the service recognised in what the sync fills; nothing where it has no report yet.

        Only for types that declare ``match_stats``. Asked after runs and once a day, so it only reads; ``job`` is
        that of the latest run.
        """
        raise NotImplementedError(f"{self.definition.key} reports no matches")

    def audiences_there(self) -> AsyncIterator[AudienceThere]:
        """Every audience of the active accounts that the credentials reach, once an account.

        Only for definitions that declare ``lists_audiences``. Asked once a day, so it only reads.
        """
        raise NotImplementedError(f"{self.definition.key} lists no audiences")

    def audience_of(self, job: Job) -> str:
        """The service's id of what the sync fills, by :attr:`AudienceThere.id`; empty where it is still to be made."""
        return ""

    async def write(self, job: Job, rows: RowStreams) -> None:
        """Deliver a whole run in one go (``single_writer`` types); all rows succeed or it raises.

        Called again from the start after a crash: must replace what it wrote before.
        """
        raise NotImplementedError(f"{self.definition.key} delivers batch by batch")
