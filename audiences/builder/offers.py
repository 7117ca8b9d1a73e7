"""What can be chosen at one level of a definition: columns, relations, events, audiences and traits of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import Any, TypeVar, assert_never

import orjson

from audiences.query.codec import load_trait
from audiences.query.conditions import (
    AggregationTrait,
    CountTrait,
    FormulaTrait,
    ListTrait,
    OccurrenceTrait,
    ReadAs,
    SqlTrait,
    Trait,
)
from audiences.query.errors import InvalidTree
from audiences.query.schema import ModelKind, StudioColumn, StudioModel, StudioSchema, Surface
from audiences.query.values import READ_AS, result_type
from connectors.sdk.types import ColumnType

T = TypeVar("T")
MAX_LEVELS = 3  # of related rows; see the compiler
ENTITIES = {"household": "Household", "account": "Account"}  # of the schema's LEVELS
JSON_TYPES = (ColumnType.OBJECT, ColumnType.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that can be chosen: what the form sends, what people read, and why it cannot be chosen if so."""

    value: str
    label: str
    kind: str = ""
    refused: str = ""


@dataclass(frozen=True)
class ChoiceGroup:
    """Choices under one heading."""

    label: str
    choices: tuple[Choice, ...]

    @cached_property
    def options(self) -> Mapping[str, str]:
        """The choices as options of a select, by value. A page shows the same group many times."""
        return {each.value: option(each.value, each.label) for each in self.choices}

    def label_of(self, value: str) -> str:
        """What one of them is called."""
        return next(each.label for each in self.choices if each.value == value)


def option(value: str, label: str, *, chosen: bool = False) -> str:
    """A choice as an option of a select: most of a builder's page, so they are not left to a template."""
    return f'<option value="{escape(value)}"{" selected" if chosen else ""}>{escape(label)}</option>'


@dataclass(frozen=True, slots=True)
class Suggested:
    """A column or saved trait whose most frequent values are offered; ``id`` is its own on the page."""

    model: str
    column: str
    id: str
    trait: str = ""


@dataclass(frozen=True, slots=True)
class Tested:
    """A value that a test is about: its type decides the operators, suggestions rule percentiles out.

    ``of_event`` is the time of something that was done, which reads otherwise than a column's.
    """

    type: ColumnType
    title: str
    suggested: Suggested | None = None
    of_event: bool = False


EVENT_TIME = Tested(ColumnType.TIMESTAMP, "time", of_event=True)


@dataclass(frozen=True, slots=True)
class Offers:
    """What a level over ``model`` offers.

    ``level`` counts the relations above it; ``excluded`` is the audience itself. ``known`` is what was worked out
    before, of this level and others.
    """

    schema: StudioSchema
    model: StudioModel | None
    level: int = 0
    excluded: str = ""
    known: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def _once(self, what: str, make: Callable[[StudioModel], T], level: int = 0) -> T | tuple[()]:
        """What a model offers, whatever condition of the page asks; nothing where there is no model."""
        if self.model is None:
            return ()
        key = (what, self.model.id, level)
        if key not in self.known:
            self.known[key] = make(self.model)
        found: T = self.known[key]
        return found

    def fields(self) -> tuple[ChoiceGroup, ...]:
        """The columns that filters may use: the model's own, then the ones merged into it."""
        return self._once("fields", self._fields)

    def _fields(self, model: StudioModel) -> tuple[ChoiceGroup, ...]:
        groups = [ChoiceGroup(model.name, tuple(self._columns(model, ())))]
        for relationship in self.schema.relationships.values():
            other = self.schema.models.get(relationship.to)
            if relationship.from_ != model.id or not relationship.merged or other is None:
                continue
            merged = [each for each in other.columns if each.name in relationship.merged]
            choices = self._columns(other, (relationship.id,), merged)
            groups.append(ChoiceGroup(f"From {other.name}", tuple(choices)))
        return tuple(group for group in groups if group.choices)

    def _columns(
        self, model: StudioModel, via: tuple[str, ...], columns: list[StudioColumn] | None = None
    ) -> Iterator[Choice]:
        for each in model.columns if columns is None else columns:
            if each.enabled and each.may(Surface.FILTERS):
                yield Choice(field_value({"column": each.name, "via": list(via)}), each.title, each.type.value)

    def relations(self) -> tuple[Choice, ...]:
        """The relationships to models that are not of events."""
        return tuple(self._neighbours(events=False))

    def relation_groups(self) -> tuple[ChoiceGroup, ...]:
        """The same, those to households and accounts under their labels."""
        found, of = self.relations(), self._entities()
        levels = [(label, tuple(each for each in found if of.get(each.value) == label)) for label in ENTITIES.values()]
        rest = tuple(each for each in found if each.value not in of)
        groups = [*(ChoiceGroup(label, choices) for label, choices in levels), ChoiceGroup("Related rows", rest)]
        return tuple(group for group in groups if group.choices)

    def levels(self) -> Iterator[Choice]:
        """The households and accounts that a row of this model belongs to, as conditions to add."""
        of = self._entities()
        for each in self.relations():
            if label := of.get(each.value):
                alone = list(of.values()).count(label) == 1
                yield Choice(f"level:{each.value}", label if alone else f"{label}: {each.label}")

    def _entities(self) -> dict[str, str]:
        """The labels of the households and accounts, by relationship."""
        found = self.schema.levels(self.model.id) if self.model else []
        return {relationship: ENTITIES[there.entity] for relationship, there in found}

    def can_share(self, relationship: str) -> bool:
        """Whether rows of this model can be asked for the others that belong to the same row."""
        return self.model is not None and self.schema.sharing(relationship, self.model.id) is not None

    def shares(self, relationship: str) -> bool:
        """Whether to offer that: of households and accounts."""
        return relationship in self._entities() and self.can_share(relationship)

    def events(self) -> tuple[Choice, ...]:
        """The relationships to models of events."""
        return tuple(self._neighbours(events=True))

    def _neighbours(self, *, events: bool) -> Iterator[Choice]:
        if self.model is None or self.level >= MAX_LEVELS:
            return
        for relationship in self.schema.relationships.values():
            other = self.neighbour(relationship.id)
            if other is not None and (other.kind is ModelKind.EVENT) is events:
                named = f"{other.name} ({relationship.name})" if relationship.name else other.name
                yield Choice(relationship.id, named)

    def neighbour(self, relationship: str) -> StudioModel | None:
        """The model at the other end of a relationship, seen from this level."""
        hops = self.schema.step(relationship, self.model.id) if self.model else None
        return self.schema.models.get(hops[-1].model) if hops else None

    def below(self, relationship: str, *, others: bool = False) -> Offers:
        """What the level of the rows along a relationship offers, or of the others who share them."""
        model = self.model if others else self.neighbour(relationship)
        return Offers(self.schema, model, self.level + 1, self.excluded, self.known)

    def audiences(self) -> tuple[Choice, ...]:
        """The other audiences of the same model; only members of the parent model can be in one."""
        return self._once("audiences", self._audiences)

    def _audiences(self, model: StudioModel) -> tuple[Choice, ...]:
        found = self.schema.audiences.values()
        mine = [each for each in found if each.model == model.id and each.id != self.excluded]
        return tuple(Choice(each.id, each.name) for each in sorted(mine, key=lambda each: each.name.casefold()))

    def traits(self) -> tuple[ChoiceGroup, ...]:
        """The saved traits of this model, templates under a heading of their own."""
        return self._once("traits", self._traits)

    def _traits(self, model: StudioModel) -> tuple[ChoiceGroup, ...]:
        found = [each for each in self.schema.traits.values() if each.model == model.id]
        usable = sorted((each for each in found if not each.archived), key=lambda each: each.name.casefold())
        saved = tuple(Choice(each.id, each.name) for each in usable if not each.template)
        templates = tuple(Choice(each.id, each.name) for each in usable if each.template)
        groups = (ChoiceGroup("Traits", saved), ChoiceGroup("Trait templates", templates))
        return tuple(group for group in groups if group.choices)

    def lists(self) -> tuple[Choice, ...]:
        """The uploaded lists of values."""
        return tuple(Choice(each.id, f"{each.name} ({len(each.values):,})") for each in self.schema.lists.values())

    def kinds(self) -> tuple[Choice, ...]:
        """The kinds of condition that make sense here, in the order of the menu."""
        return self._once("kinds", self._kinds, self.level) or (Choice("group", "Group of conditions"),)

    def _kinds(self, model: StudioModel) -> tuple[Choice, ...]:
        known = {
            "property": ("Property", bool(self.fields())),
            **{level.value: (level.label, True) for level in self.levels()},
            "relation": ("Related rows", bool(self.relations())),
            "event": ("Event", bool(self.events())),
            "audience": ("Audience", bool(self.audiences())),
            "trait": ("Trait", bool(self.traits())),
            "custom_trait": ("Custom trait", bool(self.relations() or self.events())),
            "group": ("Group of conditions", True),
        }
        return tuple(Choice(kind, label) for kind, (label, offered) in known.items() if offered)

    # What a test is about.

    def tested_field(self, field: Any) -> Tested | None:
        """What a property condition tests; ``None`` where the column is not there."""
        model, column = self._owned(field)
        if model is None or column is None:
            return None
        if field.get("path"):
            return Tested(READ_AS[_read_as(field)], f"{column.title} → {field['path']}")
        if not column.suggestions:
            return Tested(column.type, column.title)
        place = model.columns.index(column)
        return Tested(column.type, column.title, Suggested(model.id, column.name, f"values-{model.id}-{place}"))

    def column(self, field: Any) -> StudioColumn | None:
        """The column that a field's JSON names."""
        return self._owned(field)[1]

    def _owned(self, field: Any) -> tuple[StudioModel | None, StudioColumn | None]:
        """A column with the model that it is of."""
        if not isinstance(field, dict):
            return None, None
        model: StudioModel | None = self.model
        for relationship in via_of(field):
            hops = self.schema.step(relationship, model.id) if model else None
            model = self.schema.models.get(hops[-1].model) if hops else None
        return model, model.column(str(field.get("column"))) if model else None

    def trait(self, condition: dict[str, Any]) -> Trait | None:
        """The trait of a condition: the one that is defined in it, or a saved one; ``None`` where it is not there."""
        if condition.get("definition"):
            try:
                return load_trait(condition["definition"])
            except InvalidTree:
                return None
        saved = self.schema.traits.get(str(condition.get("trait")))
        return saved.definition if saved else None

    def tested_trait(self, condition: dict[str, Any]) -> Tested | None:
        """What a condition on a trait tests."""
        trait = self.trait(condition)
        if trait is None:
            return None
        saved = None if condition.get("definition") else self.schema.traits.get(str(condition.get("trait")))
        if saved is None or not saved.suggestions:
            return Tested(self.trait_type(trait), "trait")
        suggested = Suggested(saved.model, "", f"values-of-trait-{saved.id}", trait=saved.id)
        return Tested(self.trait_type(trait), "trait", suggested)

    def below_trait(self, condition: dict[str, Any]) -> Offers | None:
        """What the level of the rows that a trait is calculated from offers; ``None`` where there are no such rows."""
        trait = self.trait(condition)
        return None if trait is None or isinstance(trait, FormulaTrait) else self.below(trait.relationship)

    def trait_type(self, trait: Trait) -> ColumnType:
        """The type of a trait's values."""
        match trait:
            case AggregationTrait() | CountTrait():
                return ColumnType.NUMBER
            case ListTrait():
                return ColumnType.OBJECT
            case SqlTrait() | FormulaTrait():
                return result_type(trait.result)
            case OccurrenceTrait():
                field = {"column": trait.column.column, "via": list(trait.column.via)}
                found = self.below(trait.relationship).column(field)
                return found.type if found else ColumnType.UNKNOWN
        assert_never(trait)


def field_value(field: dict[str, Any]) -> str:
    """A field as the value of a choice: the same text for the same column, whatever else the field says."""
    return orjson.dumps({"column": str(field.get("column", "")), "via": via_of(field)}).decode()


def via_of(field: dict[str, Any]) -> list[str]:
    """The relationships that a field's JSON goes along."""
    via = field.get("via")
    return [str(each) for each in via] if isinstance(via, list) else []


def _read_as(field: dict[str, Any]) -> ReadAs:
    try:
        return ReadAs(field.get("read_as", "unknown"))
    except ValueError:
        return ReadAs.UNKNOWN
