"""What a tree refers to: which traits, audiences, models, relationships and columns it would not work without."""

from __future__ import annotations

from dataclasses import dataclass, field

from audiences.query import formulas
from audiences.query.conditions import (
    AggregationTrait,
    AudienceCondition,
    Condition,
    CountTrait,
    Definition,
    EventCondition,
    Field,
    FormulaTrait,
    Group,
    ListTrait,
    OccurrenceTrait,
    PropertyCondition,
    RelationCondition,
    SqlTrait,
    Trait,
    TraitCondition,
)
from audiences.query.dialects import STUDIOS
from audiences.query.schema import StudioModel, StudioSchema

_TRAIT = "trait."


@dataclass(slots=True)
class Uses:
    """Ids, and columns as (model, name). What a saved trait or audience refers to itself is not among them."""

    traits: set[str] = field(default_factory=set)
    audiences: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)
    relationships: set[str] = field(default_factory=set)
    columns: set[tuple[str, str]] = field(default_factory=set)


def uses_of(schema: StudioSchema, model: str, tree: Definition | Condition | Trait) -> Uses:
    """What a definition, condition or trait of a model refers to."""
    found = _Walk(schema)
    here = schema.models.get(model)
    found.uses.models.add(model)
    match tree:
        case Definition():
            found.condition(tree.where, here)
            if tree.limit is not None:
                found.fields([tree.limit.by], here)
                found.uses.traits |= {tree.limit.trait} if tree.limit.trait else set()
        case AggregationTrait() | CountTrait() | OccurrenceTrait() | ListTrait() | SqlTrait() | FormulaTrait():
            found.trait(tree, here)
        case _:
            found.condition(tree, here)
    return found.uses


def loop_of(schema: StudioSchema, trait: str) -> list[str]:
    """The names along the way from a saved trait back to itself; nothing where there is none."""
    begin = schema.traits[trait]
    open_ones = [(begin, [begin.name])]
    seen: set[str] = set()
    while open_ones:
        here, names = open_ones.pop()
        for used in sorted(uses_of(schema, here.model, here.definition).traits):
            other = schema.traits.get(used)
            if used == trait:
                return [*names, begin.name]
            if other is not None and used not in seen:
                seen.add(used)
                open_ones.append((other, [*names, other.name]))
    return []


@dataclass(slots=True)
class _Walk:
    schema: StudioSchema
    uses: Uses = field(default_factory=Uses)

    def condition(self, condition: Condition, model: StudioModel | None) -> None:
        match condition:
            case Group():
                for each in condition.conditions:
                    self.condition(each, model)
            case PropertyCondition():
                self.fields([condition.field], model)
            case RelationCondition(others=True):
                self.condition(condition.where, model)
            case RelationCondition() | EventCondition():
                self.condition(condition.where, self._along(condition.relationship, model))
            case AudienceCondition():
                self.uses.audiences.add(condition.audience)
            case TraitCondition():
                self._trait_condition(condition, model)

    def _trait_condition(self, condition: TraitCondition, model: StudioModel | None) -> None:
        if condition.definition is not None:
            self.trait(condition.definition, model)
        if condition.trait is not None:
            self.uses.traits.add(condition.trait)
        saved = self.schema.traits.get(condition.trait or "")
        about = condition.definition or (saved.definition if saved else None)
        if about is not None and not isinstance(about, FormulaTrait):
            self.condition(condition.where, self._along(about.relationship, model))

    def trait(self, trait: Trait, model: StudioModel | None) -> None:
        if isinstance(trait, FormulaTrait):
            self._formula(trait, model)
            return
        there = self._along(trait.relationship, model)
        self.condition(trait.where, there)
        match trait:
            case AggregationTrait() | CountTrait():
                self.fields([trait.column], there)
            case OccurrenceTrait():
                self.fields([trait.column, trait.order_by], there)
            case ListTrait():
                self.fields([*(each.column for each in trait.columns), trait.order_by], there)
            case SqlTrait():
                self.fields([Field(name) for name in formulas.references(trait.sql)], there)

    def _formula(self, trait: FormulaTrait, model: StudioModel | None) -> None:
        own = {column.name for column in model.columns} if model else set()
        for name in formulas.names_in(trait.sql, STUDIOS[self.schema.dialect].dialect):
            if name in own or not name.startswith((_TRAIT, formulas.MERGED)):
                self.fields([Field(name)], model)
            elif name.startswith(_TRAIT) and model is not None:
                found = formulas.trait_named(self.schema, model.id, name.removeprefix(_TRAIT))
                self.uses.traits |= {found.id} if found else set()
            elif model is not None and (merged := formulas.merged_field(self.schema, model.id, name)):
                self.fields([merged], model)

    def fields(self, fields: list[Field | None], model: StudioModel | None) -> None:
        for each in fields:
            owner = model
            for relationship in each.via if each else ():
                owner = self._along(relationship, owner)
            if each is not None and owner is not None:
                self.uses.columns.add((owner.id, each.column))

    def _along(self, relationship: str, model: StudioModel | None) -> StudioModel | None:
        self.uses.relationships.add(relationship)
        hops = self.schema.step(relationship, model.id) if model else None
        for hop in hops or ():
            self.uses.models.add(hop.model)
        return self.schema.models.get(hops[-1].model) if hops else None
