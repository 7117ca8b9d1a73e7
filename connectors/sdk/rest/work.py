"""One batch for a writer: its rows as records, and the usual ways to send them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from hashlib import sha1
from typing import Any, TypeVar
from uuid import UUID

import pyarrow as pa

from connectors.sdk.arrow import column_type
from connectors.sdk.destination import ACCEPTED, Batch, DestinationField, Job, Mode, Removal, RowResult, rejected
from connectors.sdk.errors import AuthError, BatchRejected, ConfigError, ConnectorError, Gone, InternalError
from connectors.sdk.rest.api import Line
from connectors.sdk.rest.results import refusals
from connectors.sdk.rows import json_rows, json_value
from connectors.sdk.types import ColumnType, Operation

T = TypeVar("T")
Record = dict[str, Any]
Results = Sequence[RowResult]
Send = Callable[["Work"], Awaitable[Results]]

_EVENTS = UUID("0b0c7a52-8a0f-5a3c-9d53-0d5f6a3a7f11")
_MOST_HELD = 1_000
_HELD: dict[tuple[int, str], tuple[Iterable[DestinationField], Mapping[str, str]]] = {}
_VARIANT = {digit: f"{int(digit, 16) & 3 | 8:x}" for digit in "0123456789abcdef"}  # RFC 4122
NO_MATCH = RowResult(True, "No record matches; nothing was updated.", "no_match")
NOTHING_TO_REMOVE = RowResult(True, "No record matches; nothing was removed.", "no_match")


@dataclass(frozen=True, slots=True)
class Read:
    """Rows that were read as JSON values together with many others: that costs less than batch by batch."""

    rows: Sequence[Record]

    @classmethod
    def of(cls, batch: Batch) -> Read | None:
        """Nothing where rows hold objects, which must not be shared, as batches are sent again; nor where one value
        cannot be read, which must not fail more than its batch.
        """
        schema = batch.rows.schema
        if any(pa.types.is_nested(f.type) or column_type(f) is ColumnType.OBJECT for f in schema):
            return None
        try:
            return cls(json_rows(batch.rows))
        except (ValueError, ArithmeticError):
            return None

    def slice(self, start: int, stop: int) -> Read:
        """Rows ``start`` to ``stop``."""
        return Read(self.rows[start:stop])

    def pick(self, places: Sequence[int]) -> Read:
        """These rows alone."""
        return Read([self.rows[place] for place in places])

    def records(self) -> list[Record]:
        """The rows, for a writer to do with them what it likes."""
        return [dict(row) for row in self.rows]


@dataclass(frozen=True)
class Found:
    """Records of the service by the value that matches them: the ids of each, as looked up."""

    ids: Mapping[str, Sequence[str]]
    fold: Callable[[str], str] = str

    def of(self, value: Any) -> Sequence[str]:
        """The ids of records with this value."""
        return self.ids.get(self.fold(text(value)), ())


@dataclass(frozen=True)
class Work:
    """A batch, the job it belongs to and the line to send it on.

    ``config`` are the connection's settings, for services that want a key inside the body.
    ``place`` is the id of what the rows go into, where the sync type has such a thing.
    ``memo`` lives as long as the session: for what would otherwise be asked for every batch.
    """

    line: Line
    job: Job
    batch: Batch
    place: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    memo: MutableMapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.batch)

    @property
    def operation(self) -> Operation:
        """What happened to the rows."""
        return self.batch.operation

    @property
    def settings(self) -> Mapping[str, Any]:
        """The sync's settings."""
        return self.job.settings

    @property
    def removing(self) -> bool:
        """Whether the records of these rows are to go, rather than to be written (cleared ones are written)."""
        return self.operation is Operation.REMOVED and self.job.removal is not Removal.CLEAR

    @property
    def leaving(self) -> bool:
        """Whether the rows are to leave the place they are in: they left the model, or the mode takes rows out."""
        return self.removing or self.job.mode is Mode.REMOVE

    @property
    def match(self) -> str:
        """The field that matches records; raises ``ConfigError`` where none was chosen."""
        if not self.job.identifiers:
            raise ConfigError("No field is chosen to match records by.", field="mappings")
        return self.job.identifiers[0]

    @cached_property
    def records(self) -> list[Record]:
        """The rows as JSON values by field, nulls left out where the mapping says so."""
        read, omitted = self.batch.encoded, self.batch.omit_nulls
        rows = read.records() if isinstance(read, Read) else json_rows(self.batch.rows)
        if not omitted:
            return rows
        return [{k: v for k, v in row.items() if v is not None or k not in omitted} for row in rows]

    def old_of(self, record: Record) -> Record:
        """What a changed row of this batch, known by its match, had mapped before; empty where that is not known."""
        return self._old.get(text(record.get(self.match)), {})

    @cached_property
    def _old(self) -> dict[str, Record]:
        if self.batch.old is None:
            return {}
        pairs = zip(self.records, json_rows(self.batch.old), strict=True)
        return {text(record.get(self.match)): old for record, old in pairs}

    @cached_property
    def moments(self) -> frozenset[str]:
        """The fields whose values are dates or times."""
        kinds = (ColumnType.DATE, ColumnType.TIMESTAMP)
        return frozenset(each.name for each in self.batch.rows.schema if column_type(each) in kinds)

    @cached_property
    def event_ids(self) -> list[str]:
        """An id for each row that is the same when it is sent again in this run: services drop what comes twice."""
        job = f"{self.job.sync_id}/{self.job.run_id}/{self.operation.value}"
        return list(_uuids(f"{job}/", self.batch.keys))

    def pick(self, places: Sequence[int]) -> Work:
        """These rows alone."""
        read = self.batch.encoded.pick(places) if isinstance(self.batch.encoded, Read) else None
        return replace(self, batch=replace(self.batch.take(places), encoded=read))

    async def each(self, send: Callable[[Record], Awaitable[RowResult | None]], *, at_once: int = 1) -> Results:
        """One request a row, ``at_once`` of them side by side; nothing returned means taken.

        Only where sending twice does no harm: others declare batches of one row, whose
        outcome the engine writes down one by one.
        """
        return await self._one_by_one((partial(send, record) for record in self.records), at_once)

    async def each_found(
        self,
        ids: Sequence[str],
        send: Callable[[Record, str], Awaitable[RowResult | None]],
        *,
        at_once: int = 1,
    ) -> Results:
        """One request a row, with the id of its record: for what :meth:`by_match` updates and removes."""
        paired = zip(self.records, ids, strict=True)
        return await self._one_by_one((partial(send, record, key) for record, key in paired), at_once)

    async def _one_by_one(self, sends: Iterable[Callable[[], Awaitable[RowResult | None]]], at_once: int) -> Results:
        limit = asyncio.Semaphore(at_once)

        async def one(send: Callable[[], Awaitable[RowResult | None]]) -> RowResult | ConnectorError:
            async with limit:
                try:
                    return await send() or ACCEPTED
                except (BatchRejected, Gone) as error:
                    return rejected(error.message)
                except ConnectorError as error:
                    return error

        # The first goes alone: where the sign-in is refused, nothing else is sent.
        queue = list(sends)
        if not queue:
            return []
        outcome = await one(queue[0])
        if isinstance(outcome, AuthError):
            raise outcome
        return _settled([outcome, *await side_by_side(*map(one, queue[1:]))])

    async def together(
        self,
        make: Callable[[Record, str], Any],
        send: Callable[[list[Any]], Awaitable[Results | None]],
    ) -> Results:
        """One request for all rows: ``make`` turns each (with its event id) into its part, ``send`` sends the parts.

        A row for which ``make`` returns a refusal, or raises ``BatchRejected``, is refused by itself
        and not sent. ``send`` answers for the parts it got; nothing returned means that all were taken.
        """
        results: list[RowResult] = []
        parts: list[Any] = []
        for record, made_id in zip(self.records, self.event_ids, strict=True):
            try:
                part = make(record, made_id)
            except BatchRejected as error:
                part = rejected(error.message)
            results.append(part if isinstance(part, RowResult) else ACCEPTED)
            if not isinstance(part, RowResult):
                parts.append(part)
        answers = (await send(parts) or [ACCEPTED] * len(parts)) if parts else []
        if len(answers) != len(parts):
            raise InternalError(f"The service answered for {len(answers)} rows of {len(parts)}.")
        outcome = iter(answers)
        return [next(outcome) if result.accepted else result for result in results]

    async def in_groups(self, *groups: tuple[Sequence[int], Send]) -> Results:
        """Each group of rows its own way, one after another; a refused group is halved where the sync splits.

        Rows in no group are taken. Once a group was carried out, what stops a later one
        is told row by row, so that the answers already given are not lost.
        """
        results: list[RowResult | ConnectorError] = [ACCEPTED] * len(self)
        done = False
        for places, send in groups:
            if not places:
                continue
            part = self if len(places) == len(self) else self.pick(places)
            try:
                answers = await (send(part) if part is self else part.halving(send))
            except ConnectorError as error:
                if not done:
                    raise
                answers = refusals(len(part), error)
            done = True
            for place, answer in zip(places, answers, strict=True):
                results[place] = answer
        return _settled(results)

    async def halving(self, send: Send) -> Results:
        """Send these rows; refused as one, they are halved until the rows at fault stand alone."""
        try:
            return await send(self)
        except BatchRejected as error:
            if len(self) == 1 or not self.settings.get("split_retry", False):
                return refusals(len(self), error)
        middle = len(self) // 2
        halves = [range(middle), range(middle, len(self))]
        return [result for half in halves for result in await self.pick(half).halving(send)]

    async def look_up(
        self,
        ask: Callable[[Sequence[str]], Awaitable[Iterable[tuple[Any, Any]]]],
        *,
        name: str = "",
        chunk: int = 100,
        fold: Callable[[str], str] = str,
        at_once: int = 1,
    ) -> Found:
        """Find the records of these rows, ``chunk`` values a request, ``at_once`` requests side by side.

        ``ask`` gets values of the field ``name`` (by default the one that matches) and answers
        with pairs of value and id. ``fold`` makes values equal that the service takes for equal.
        """
        name = name or self.match
        values = list(dict.fromkeys(text(r[name]) for r in self.records if r.get(name) is not None))
        ids: dict[str, list[str]] = {}
        chunks = [values[start : start + chunk] for start in range(0, len(values), chunk)]
        # The first goes alone: where the sign-in is refused, nothing else is sent.
        for wave in (chunks[:1], *(chunks[n : n + at_once] for n in range(1, len(chunks), at_once))):
            for answer in await side_by_side(*map(ask, wave)):
                for value, found in answer:
                    known = ids.setdefault(fold(text(value)), [])
                    if str(found) not in known:
                        known.append(str(found))
        return Found(ids, fold)

    async def by_match(
        self,
        found: Found,
        *,
        create: Send | None = None,
        update: Callable[[Work, Sequence[str]], Awaitable[Results]] | None = None,
        remove: Callable[[Work, Sequence[str]], Awaitable[Results]] | None = None,
    ) -> Results:
        """Create what is not there, update or remove what is, as the mode says; ids go along with their rows.

        Of rows with the same match the last one counts. Rows that match several records are
        refused: nobody can say which is meant.
        """
        results: list[RowResult] = [ACCEPTED] * len(self)
        new: list[int] = []
        known: list[int] = []
        same: dict[str, list[int]] = {}
        for place, record in enumerate(self.records):
            value = record.get(self.match)
            if value is None:
                results[place] = rejected(f"{self.match} is empty, so no record can be matched.", field=self.match)
                continue
            same.setdefault(found.fold(text(value)), []).append(place)
        for places in same.values():
            last = places[-1]
            matches = found.of(self.records[last][self.match])
            if len(matches) > 1:
                told = rejected(f"{len(matches)} records have this {self.match}; one is needed.", field=self.match)
                results = [told if place in places else result for place, result in enumerate(results)]
            elif matches:
                known.append(last)
            elif self.removing:
                results[last] = NOTHING_TO_REMOVE
            elif create is None or self.job.mode is Mode.UPDATE or self.operation is Operation.REMOVED:
                results[last] = NO_MATCH
            else:
                new.append(last)
        act = remove if self.removing else update

        async def on_known(part: Work) -> Results:
            chosen = [found.of(record[self.match])[0] for record in part.records]
            return await act(part, chosen) if act is not None else [ACCEPTED] * len(part)

        sent = await self.in_groups((known, on_known), (new, create or _taken))
        for place in (*known, *new):
            results[place] = sent[place]
        for places in same.values():
            for place in places[:-1]:
                results[place] = results[places[-1]]
        return results

    async def distinct(self, send: Send, *, fold: Callable[[str], str] = str) -> Results:
        """Send these rows without looking anything up, of those with the same match the last one alone."""
        found = Found({fold(text(r[self.match])): ("",) for r in self.records if r.get(self.match) is not None}, fold)

        async def whole(part: Work, ids: Sequence[str]) -> Results:
            return await send(part)

        return await self.by_match(found, update=whole, remove=whole)


def _uuids(lead: str, keys: Iterable[str]) -> Iterator[str]:
    """``uuid5`` of ``lead`` and each key, as text: the hash of what they share is made once, and no objects."""
    shared = sha1(_EVENTS.bytes + lead.encode(), usedforsecurity=False)
    for key in keys:
        made = shared.copy()
        made.update(key.encode())
        d = made.hexdigest()
        yield f"{d[:8]}-{d[8:12]}-5{d[13:16]}-{_VARIANT[d[16]]}{d[17:20]}-{d[20:32]}"


def missing(record: Record, *names: str) -> RowResult | None:
    """The refusal of a row that has nothing in any of these fields; nothing where it has."""
    for name in names:
        if record.get(name) not in (None, ""):
            return None
    told = f"{names[0]} is empty." if len(names) == 1 else f"One of {', '.join(names)} is needed."
    return rejected(told, field=names[0])


def besides(record: Record, own: Iterable[DestinationField]) -> Record:
    """What is mapped to fields that a person named: properties."""
    names = _names(own, "")
    return {name: value for name, value in record.items() if name not in names}


def inside(record: Record, known: Iterable[DestinationField], prefix: str = "") -> Record:
    """The values of these fields, without the prefix of their names; empty ones are left out."""
    names = _names(known, prefix).items()
    return {told: value for name, told in names if (value := record.get(name)) is not None}


def _names(known: Iterable[DestinationField], prefix: str) -> Mapping[str, str]:
    """The names of fields, each with what is left without the prefix; those of a connector's constants are kept."""
    if not isinstance(known, tuple):
        return {each.name: each.name.removeprefix(prefix) for each in known}
    held = _HELD.get((id(known), prefix))
    if held is None:  # what is held keeps its identity
        if len(_HELD) >= _MOST_HELD:
            _HELD.clear()
        names = {each.name: each.name.removeprefix(prefix) for each in known}
        held = _HELD[id(known), prefix] = known, names
    return held[1]


def text(value: Any) -> str:
    """A value as the text by which records are compared."""
    if isinstance(value, str):
        return value
    if type(value) is int:
        return str(value)
    value = json_value(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


async def side_by_side(*sent: Awaitable[T]) -> list[T]:
    """The answers to all of these; where one fails, after the others have ended, so that nothing is left on the way."""
    tasks = [asyncio.ensure_future(each) for each in sent]
    try:
        if tasks:
            await asyncio.wait(tasks)
    finally:
        for task in tasks:
            task.cancel()
    return [task.result() for task in tasks]


async def _taken(part: Work) -> Results:
    return [ACCEPTED] * len(part)


def _settled(outcomes: Sequence[RowResult | ConnectorError]) -> list[RowResult]:
    """Results for all rows; raises where no row has an answer of its own."""
    errors = [outcome for outcome in outcomes if isinstance(outcome, ConnectorError)]
    if errors and len(errors) == len(outcomes):
        raise errors[0]
    return [
        rejected(outcome.message, code=outcome.code) if isinstance(outcome, ConnectorError) else outcome
        for outcome in outcomes
    ]
