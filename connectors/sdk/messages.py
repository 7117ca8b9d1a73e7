"""Destinations that take messages: queues, streams, topics, buses. A row that was added, changed or removed is one.

A family member declares what a message has besides its body (a key, a group, attributes) and publishes messages;
what a person designs for each kind of change, and which rows allow no message, is taken care of here.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from connectors.sdk.destination import (
    ACCEPTED,
    Batch,
    Destination,
    FirstRun,
    Job,
    Limits,
    Mode,
    ModeSpec,
    Removal,
    RowResult,
    RowSet,
    SyncType,
)
from connectors.sdk.errors import ConfigError, ConnectorError, Gone
from connectors.sdk.fields import Field, KeyValues, Section, Select, Text, When
from connectors.sdk.liquid import Template, TemplateError, compile_template, compile_value, liquid_text, row_variables
from connectors.sdk.payload import Payload, payload_of
from connectors.sdk.payload_settings import payload_settings
from connectors.sdk.rest.results import refusals
from connectors.sdk.rows import json_rows
from connectors.sdk.types import Choice, Operation

FIXED, COLUMN = "fixed", "column"
_WORDS = {Operation.ADDED: "are new in", Operation.CHANGED: "changed in", Operation.REMOVED: "left"}


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent for one row. ``place``: its position in the batch; ``values``: the declared texts that are set.

    ``named`` says that the row itself names the target, which then is the row's fault where there is none.
    """

    place: int
    target: str
    named: bool
    body: bytes
    values: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What messages are sent to (“Queue”), the destination's method that lists them, and the setting's name."""

    name: str
    label: str
    discover: str
    by_column: bool = True  # whether rows may name theirs
    help: str = ""

    def settings(self) -> tuple[Field, ...]:
        """The settings of one trigger."""
        picker = Select(name=self.name, label=self.label, discover=self.discover, help=self.help)
        if not self.by_column:
            return (picker,)
        source = f"{self.name}_from"
        return (
            Select(
                name=source,
                label=f"Which {self.label.lower()}",
                default=FIXED,
                choices=(Choice(FIXED, "Always the same"), Choice(COLUMN, "The one that a column names")),
            ),
            Select(
                name=self.name,
                label=self.label,
                discover=self.discover,
                help=self.help,
                when=When(field=source, values=(FIXED,)),
            ),
            Select(
                name=f"{self.name}_column",
                label=f"Column with the {self.label.lower()}",
                column=True,
                when=When(field=source, values=(COLUMN,)),
            ),
        )


def liquid(name: str, label: str, text: str, *, required: bool = False, default: str = "", holder: str = "") -> Text:
    """A value of each message, written in Liquid or the same for all."""
    return Text(
        name=name,
        label=label,
        help=text,
        required=required,
        default=default,
        placeholder=holder or "{{ row.id }}",
        template=True,
        syntax="liquid",
    )


def attributes(label: str, text: str) -> KeyValues:
    """Names and values that go along with each message."""
    return KeyValues(name="attributes", label=label, help=text, template=True, column=True)


def message_sync_type(noun: str, target: Target, *more: Field, limits: Limits) -> SyncType:
    """Messages for rows that were added, changed or removed. ``noun``: what one is called (“Message”)."""
    triggers = tuple(
        Section(
            name=operation.value,
            label=f"Rows {operation.value}",
            help=f"Send a {noun.lower()} for each row that was {operation.value}: those that {_WORDS[operation]} "
            "the model.",
            group="Triggers",
            fields=(*target.settings(), *payload_settings(json_only=True, label=noun), *more),
        )
        for operation in Operation
    )
    return SyncType(
        key=f"{noun.lower()}s",
        name=f"{noun}s",
        description=f"{noun}s that you design, for rows that are added, changed or removed.",
        settings=triggers,
        limits=limits,
        all_columns=True,
        mapping=False,
        first_run=(FirstRun.BACKFILL, FirstRun.SKIP),
        modes=(
            ModeSpec(
                mode=Mode.CUSTOM,
                rows=RowSet.CHANGES,
                description="Your triggers decide what is sent. What may have arrived or not is sent again.",
                removals=(Removal.NOTHING,),
                matching=False,
            ),
        ),
    )


class Trigger:
    """What to send for rows of one operation."""

    def __init__(self, settings: Mapping[str, Any], target: Target, texts: Sequence[str]) -> None:
        by_column = settings.get(f"{target.name}_from") == COLUMN
        self._column = str(settings.get(f"{target.name}_column") or "") if by_column else ""
        self._target = str(settings.get(target.name) or "")
        if not (self._column or self._target):
            raise ConfigError(f"Choose the {target.label.lower()}.", field=target.name)
        self._noun = target.label.lower()
        self._payload: Payload = payload_of(settings)
        self._texts = {n: compile_template(str(settings[n]).strip()) for n in texts if settings.get(n)}
        self._attributes = [(r["name"], _source(r["value"])) for r in settings.get("attributes") or ()]

    def require(self, columns: Sequence[str]) -> None:
        """Raise ``ConfigError`` for columns that the model does not have."""
        self._payload.require(columns)
        named = [self._column, *(source for _, source in self._attributes)]
        for template in (*self._texts.values(), *(s for s in named if isinstance(s, Template))):
            template.require(columns)
        if missing := [n for n in named if isinstance(n, str) and n and n not in columns]:
            raise ConfigError(f"Unknown field name “{missing[0]}”: the model does not return it.")

    def message(self, place: int, row: Mapping[str, Any], context: Mapping[str, Any]) -> Message:
        """The message for a row; raises ``TemplateError`` where the row allows none."""
        target = liquid_text(row[self._column]).strip() if self._column else self._target
        if not target:
            raise TemplateError(f"The column “{self._column}” names no {self._noun}.")
        variables = row_variables(row, context)
        values = {name: template.render(variables).strip() for name, template in self._texts.items()}
        along = {name: liquid_text(_value(source, row, variables)) for name, source in self._attributes}
        return Message(
            place,
            target,
            bool(self._column),
            self._payload.one(row, context),
            {name: value for name, value in values.items() if value},
            {name: value for name, value in along.items() if value},
        )


Publish = Callable[[Sequence[Message]], Awaitable[Sequence[RowResult]]]


class MessageSession:
    """One part's line: rows in, messages out, an answer for each."""

    def __init__(self, triggers: Mapping[Operation, Trigger], job: Job, publish: Publish) -> None:
        self._triggers = triggers
        self._publish = publish
        self._checked: set[Operation] = set()
        self._job = job

    async def deliver(self, batch: Batch) -> Sequence[RowResult]:
        """Publish the batch; rows that allow no message are refused by themselves."""
        trigger = self._triggers.get(batch.operation)
        if trigger is None:
            raise ConfigError(f"Nothing is set for rows that were {batch.operation}.", field=batch.operation.value)
        if batch.operation not in self._checked:
            trigger.require(batch.rows.schema.names)
            self._checked.add(batch.operation)
        results: list[RowResult] = [ACCEPTED] * len(batch)
        messages: list[Message] = []
        context = run_context(self._job, batch.operation)
        for place, row in enumerate(json_rows(batch.rows)):
            try:
                messages.append(trigger.message(place, row, context))
            except TemplateError as error:
                results[place] = error.result()
        if messages:
            for message, result in zip(messages, await self._publish(messages), strict=True):
                results[message.place] = result
        return results


class MessageDestination(Destination):
    """A system that takes messages. Members say what they are sent to, which texts they have, and publish."""

    target: ClassVar[Target]

    @abstractmethod
    def publishing(self, job: Job) -> Any:
        """An async context that gives a function :data:`Publish`."""

    def wanted(self, job: Job) -> frozenset[Operation]:
        return frozenset(operation for operation in Operation if job.settings.get(operation.value))

    def validate(self, job: Job) -> None:
        if not self._triggers(job):
            raise ConfigError("Switch on at least one trigger.", field=Operation.ADDED.value)

    @asynccontextmanager
    async def session(self, job: Job) -> AsyncIterator[MessageSession]:
        triggers = self._triggers(job)
        async with self.publishing(job) as publish:
            yield MessageSession(triggers, job, publish)

    def _triggers(self, job: Job) -> dict[Operation, Trigger]:
        declared = self.definition.sync_type(job.sync_type).settings[0]
        assert isinstance(declared, Section)
        payload = {f.name for f in payload_settings(json_only=True)}
        texts = [f.name for f in declared.fields if isinstance(f, Text) and f.name not in payload]
        found: dict[Operation, Trigger] = {}
        for operation in Operation:
            if settings := job.settings.get(operation.value):
                try:
                    found[operation] = Trigger(settings, self.target, texts)
                except ConfigError as error:
                    error.field = f"{operation.value}.{error.field or 'payload'}"
                    raise
        return found


async def by_target(
    messages: Sequence[Message],
    send: Callable[[str, list[Message]], Awaitable[Sequence[RowResult]]],
    *,
    count: int,
    size: int,
    weigh: Callable[[Message], int] | None = None,
) -> list[RowResult]:
    """Send messages in groups of one target, of at most so many messages and bytes.

    Where only some groups are stopped, that is told row by row, so that answers already given are not lost.
    """
    results: dict[int, RowResult] = {}
    targets = dict.fromkeys(message.target for message in messages)
    groups = [
        (target, group)
        for target in targets
        for group in in_groups([m for m in messages if m.target == target], count=count, size=size, weigh=weigh)
    ]
    failed: list[ConnectorError] = []
    for target, group in groups:
        try:
            answers = await send(target, group)
        except ConnectorError as error:
            if not (group[0].named and isinstance(error, Gone | ConfigError)):
                failed.append(error)
            answers = refusals(len(group), error)
        results.update(zip((m.place for m in group), answers, strict=True))
    if failed and len(failed) == len(groups):
        raise failed[0]
    return [results[message.place] for message in messages]


def in_groups(
    messages: Iterable[Message], *, count: int, size: int, weigh: Callable[[Message], int] | None = None
) -> Iterator[list[Message]]:
    """Messages in order, at most so many and so many bytes together."""
    weigh = weigh or weight
    held: list[Message] = []
    held_bytes = 0
    for message in messages:
        more = weigh(message)
        if held and (len(held) >= count or held_bytes + more > size):
            yield held
            held, held_bytes = [], 0
        held.append(message)
        held_bytes += more
    if held:
        yield held


def weight(message: Message) -> int:
    """The bytes of a message with what goes along."""
    along = sum(len(name.encode()) + len(value.encode()) + 16 for name, value in message.attributes.items())
    return len(message.body) + along + sum(len(value.encode()) for value in message.values.values())


def run_context(job: Job, operation: Operation) -> dict[str, str]:
    """What the run says of itself, for templates."""
    return {
        "model_id": str(job.model_id),
        "model_name": job.model_name,
        "sync_id": str(job.sync_id),
        "sync_run_id": str(job.run_id),
        "current_timestamp": job.started_at.isoformat().replace("+00:00", "Z"),
        "operation": operation.value,
    }


def _source(value: str) -> str | Template:
    """A column's name, or a template where there is any Liquid in it."""
    return compile_value(value) if "{{" in value or "{%" in value else value


def _value(source: str | Template, row: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
    return row[source] if isinstance(source, str) else source.evaluate(variables)
