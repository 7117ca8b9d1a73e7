"""What can be asked about: models, their columns, and how they hang together. Frozen values, no Django.

Ids are texts, as in JSON: ``str(primary key)``. Names in messages and sentences are the ones people
see (aliases); names in SQL are the columns' own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from sqlglot import exp

from connectors.sdk.types import Column, ColumnType, Table

if TYPE_CHECKING:
    from audiences.query.conditions import Definition, Trait


LEVELS = ("household", "account")  # what people belong to; see the schema's labels


class ModelKind(StrEnum):
    """What a model of the schema is for."""

    PARENT = "parent"  # what audiences are made of
    RELATED = "related"  # context of a parent
    EVENT = "event"  # something that happened at a time


class Cardinality(StrEnum):
    """How many rows of the other model belong to one row of this."""

    ONE_TO_ONE = "one_to_one"
    ONE_TO_MANY = "one_to_many"
    MANY_TO_ONE = "many_to_one"

    @property
    def single(self) -> bool:
        """At most one row at the other end, so that its columns can be merged."""
        return self is not Cardinality.ONE_TO_MANY


class Privacy(StrEnum):
    """The six privacy levels of a column."""

    APPROVED = "approved"
    BLOCKED = "blocked"
    REDACTED = "redacted"
    SYNC_ONLY = "sync_only"
    SYNC_BLOCKED = "sync_blocked"
    UNREVIEWED = "unreviewed"


class Surface(StrEnum):
    """Where a column may appear, one check for each."""

    FILTERS = "filters"
    PREVIEWS = "previews"
    SUGGESTIONS = "suggestions"
    ANALYTICS = "analytics"
    SYNCS = "syncs"


_EVERYWHERE = frozenset(Surface)
ALLOWED: Mapping[Privacy, frozenset[Surface]] = {
    Privacy.APPROVED: _EVERYWHERE,
    Privacy.UNREVIEWED: _EVERYWHERE,
    Privacy.BLOCKED: frozenset(),
    Privacy.REDACTED: frozenset({Surface.FILTERS, Surface.SYNCS}),
    Privacy.SYNC_ONLY: frozenset({Surface.SYNCS}),
    Privacy.SYNC_BLOCKED: _EVERYWHERE - {Surface.SYNCS},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioColumn:
    """A column of a model.

    ``zoned``: its values are moments with a zone of their own; see :func:`~audiences.query.times.is_zoned`.
    ``enabled`` is off where a column is not offered in the studio. ``suggestions``: people pick its values
    from a list, which rules percentiles out. ``ignore_case``: texts compare whatever their case.
    """

    name: str
    type: ColumnType
    alias: str = ""
    native_type: str = ""
    nullable: bool = True
    zoned: bool = False
    enabled: bool = True
    suggestions: bool = False
    ignore_case: bool = False
    privacy: Privacy = Privacy.UNREVIEWED

    @property
    def title(self) -> str:
        """The name that people see."""
        return self.alias or self.name

    def may(self, surface: Surface) -> bool:
        """Whether the column's privacy level lets its values appear there."""
        return surface in ALLOWED[self.privacy]

    def as_column(self) -> Column:
        """The column as the rest of Headrace knows it."""
        return Column(self.name, self.type, self.native_type, nullable=self.nullable)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioModel:
    """A model: a table, or the text of a query, which goes to the source untouched.

    ``entity`` says what a row stands for: people, household or account; empty where nobody said so.
    ``timestamp`` is the column that says when, of an event. ``sample`` is read in the place of
    ``relation`` where a query asks for sampled data.
    """

    id: str
    name: str
    kind: ModelKind
    relation: Table | str
    primary_key: tuple[str, ...]
    columns: tuple[StudioColumn, ...]
    timestamp: str | None = None
    primary_label: str | None = None
    secondary_label: str | None = None
    sample: Table | None = None
    entity: str = ""

    def column(self, name: str) -> StudioColumn | None:
        """The column of that name."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relationship:
    """How rows of one model belong to rows of another: all pairs of ``keys`` (from, to) match.

    ``through`` are the ids of the direct relationships that a relationship goes by, in order; it has
    no keys of its own then. ``merged`` are the columns of ``to`` that read as columns of ``from_``.
    A relationship can be walked from either end: see :meth:`StudioSchema.step`.
    """

    id: str
    from_: str
    to: str
    cardinality: Cardinality
    keys: tuple[tuple[str, str], ...] = ()
    through: tuple[str, ...] = ()
    name: str = ""
    merged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hop:
    """One walk from a model to a neighbour: ``keys`` are (here, there)."""

    model: str
    keys: tuple[tuple[str, str], ...]
    single: bool  # at most one row there for each row here
    lone: bool  # at most one row here for each row there


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedTrait:
    """A trait or a trait template that was saved, by id. ``suggestions``: people pick its values from a list."""

    id: str
    name: str
    model: str
    definition: Trait
    template: bool = False
    archived: bool = False
    suggestions: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedAudience:
    """An audience that others can refer to. ``subsets``: any of each group, all groups (see the layers)."""

    id: str
    name: str
    model: str
    definition: Definition
    subsets: tuple[tuple[Definition, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueList:
    """Uploaded values. ``table`` is where they were loaded in the source, in a column named ``value``."""

    id: str
    name: str
    values: Sequence[str | int | float]
    table: Table | None = None


@dataclass(frozen=True, kw_only=True)
class StudioSchema:
    """Everything that conditions can refer to, by id.

    ``dialect`` is the name of a planner profile (:data:`syncs.engine.warehouse.dialects.PROFILES`).
    ``zone`` is the source's time zone: what columns without a zone of their own are written in.
    ``null_is_a_value`` is the workspace's policy: "is not" conditions hold for rows without a value.
    ``sampled_for`` is the parent whose rows the models' samples belong to.
    """

    dialect: str
    models: Mapping[str, StudioModel]
    relationships: Mapping[str, Relationship] = field(default_factory=dict)
    traits: Mapping[str, SavedTrait] = field(default_factory=dict)
    audiences: Mapping[str, SavedAudience] = field(default_factory=dict)
    lists: Mapping[str, ValueList] = field(default_factory=dict)
    zone: str = "UTC"
    null_is_a_value: bool = True
    sampled_for: str = ""

    @cached_property
    def _hops(self) -> Mapping[tuple[str, str], tuple[Hop, ...]]:
        found: dict[tuple[str, str], tuple[Hop, ...]] = {}
        for relationship in self.relationships.values():
            if relationship.through:
                continue
            there = tuple(relationship.keys)
            back = tuple((to, from_) for from_, to in there)
            kind = relationship.cardinality
            lone = kind is not Cardinality.MANY_TO_ONE
            found[relationship.id, relationship.from_] = (Hop(relationship.to, there, kind.single, lone),)
            if relationship.to != relationship.from_:
                found[relationship.id, relationship.to] = (Hop(relationship.from_, back, lone, kind.single),)
        return found

    def step(self, relationship: str, model: str) -> tuple[Hop, ...] | None:
        """The hops from ``model`` along a relationship, in either direction; ``None`` where it does not touch it."""
        known = self.relationships.get(relationship)
        if known is None:
            return None
        if not known.through:
            return self._hops.get((relationship, model))
        if model == known.from_:
            return self._walk(known.through, model)
        return self._walk(tuple(reversed(known.through)), model) if model == known.to else None

    def levels(self, model: str) -> list[tuple[str, StudioModel]]:
        """The relationships from a model to households and accounts, with those."""
        mine = self.models[model].entity
        found = []
        for relationship in self.relationships:
            hops = self.step(relationship, model)
            there = self.models.get(hops[-1].model) if hops else None
            if there is not None and there.entity in LEVELS and there.entity != mine:
                found.append((relationship, there))
        return found

    def sharing(self, relationship: str, model: str) -> tuple[Hop, ...] | None:
        """The hops from a row of ``model`` to itself, along a relationship, and back to all who belong there.

        ``None`` where the relationship does not touch the model, or leads to the model itself.
        """
        there = self.step(relationship, model)
        back = self.step(relationship, there[-1].model) if there else None
        if there is None or back is None or there[-1].model == model:
            return None
        key = self.models[model].primary_key
        return (Hop(model, tuple((name, name) for name in key), single=True, lone=True), *there, *back)

    def _walk(self, path: Sequence[str], model: str) -> tuple[Hop, ...] | None:
        hops: list[Hop] = []
        for relationship in path:
            direct = self._hops.get((relationship, model))
            if direct is None:
                return None
            hops += direct
            model = direct[-1].model
        return tuple(hops)


def table_node(table: Table) -> exp.Table:
    """A table of the source, its names quoted."""
    schema = [exp.to_identifier(part, quoted=True) for part in (table.schema,) if part]
    return exp.Table(this=exp.to_identifier(table.name, quoted=True), db=schema[0] if schema else None)
