"""What an audience can be broken down by: columns, traits, and how many related rows or events a member has.

In forms, requests and calculations a measure is JSON: ``{"field": {"column": …, "via": […]}}``, ``{"trait": id}`` or
``{"relationship": id}``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from audiences.builder.offers import MAX_LEVELS, Offers
from audiences.query.conditions import Field
from audiences.query.insights import Calculation, Measure
from audiences.query.schema import SavedTrait, StudioColumn, StudioModel, StudioSchema, Surface
from config.errors import Invalid
from connectors.sdk.types import ColumnType

GROUPED = (ColumnType.STRING, ColumnType.NUMBER, ColumnType.BOOLEAN, ColumnType.DATE, ColumnType.TIMESTAMP)
CALCULATIONS = {
    Calculation.COUNT: "how many members",
    Calculation.AVERAGE: "the average",
    Calculation.SUM: "the sum",
    Calculation.MINIMUM: "the least",
    Calculation.MAXIMUM: "the greatest",
    Calculation.DISTINCT: "how many different values",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One measure that can be chosen: its JSON as text, its name, and the type of its values."""

    value: str
    label: str
    type: ColumnType


@dataclass(frozen=True, slots=True)
class ChoiceGroup:
    """Measures under one heading."""

    label: str
    choices: tuple[Choice, ...]


def measures_of(schema: StudioSchema, model_id: str) -> list[ChoiceGroup]:
    """Everything that members of a model can be broken down by, without what privacy keeps out of analytics."""
    model = schema.models.get(model_id)
    if model is None:
        return []
    offers = Offers(schema, model)
    near = [("Events", offers.events()), ("Related rows", offers.relations())]
    groups = [
        *_columns(schema, model),
        ChoiceGroup("Traits", tuple(_traits(schema, offers, model_id))),
        *(
            ChoiceGroup(label, tuple(_choice({"relationship": c.value}, c.label, ColumnType.NUMBER) for c in choices))
            for label, choices in near
        ),
    ]
    return [group for group in groups if group.choices]


def groupings_of(schema: StudioSchema, model_id: str) -> list[ChoiceGroup]:
    """The columns that another measure can be grouped by: those that are no numbers."""
    model = schema.models.get(model_id)
    found = _columns(schema, model) if model else []
    kept = [
        ChoiceGroup(group.label, tuple(each for each in group.choices if each.type is not ColumnType.NUMBER))
        for group in found
    ]
    return [group for group in kept if group.choices]


def read_measure(given: Any, place: str) -> Measure:
    """A measure from its JSON. Raises :class:`Invalid`."""
    if isinstance(given, dict) and len(given) == 1:
        [(kind, value)] = given.items()
        if kind == "field" and isinstance(value, dict) and isinstance(value.get("column"), str):
            via = value.get("via") or []
            if isinstance(via, list) and all(isinstance(each, str) for each in via) and len(via) < MAX_LEVELS:
                return Measure(field=Field(value["column"], via=tuple(via)))
        if kind == "trait" and isinstance(value, str):
            return Measure(trait=value)
        if kind == "relationship" and isinstance(value, str):
            return Measure(relationship=value)
    raise Invalid.field(place, "Choose a column, a trait or related rows.")


def title_of(schema: StudioSchema, model_id: str, measure: Any) -> str:
    """What people call a measure, by its JSON; the answer to a question outlives what it was about."""
    wanted = _written(measure)
    choices = [each for group in measures_of(schema, model_id) for each in group.choices]
    return next((each.label for each in choices if each.value == wanted), "something that is not there any more")


def _columns(schema: StudioSchema, model: StudioModel) -> list[ChoiceGroup]:
    telling = sorted(model.columns, key=lambda each: each.name in model.primary_key)  # a key has a value for each row
    groups = [ChoiceGroup("Properties", tuple(_fields(tuple(telling), ())))]
    for relationship in schema.relationships.values():
        other = schema.models.get(relationship.to)
        if relationship.from_ == model.id and relationship.merged and other is not None:
            merged = tuple(each for each in other.columns if each.name in relationship.merged)
            groups.append(ChoiceGroup(f"From {other.name}", tuple(_fields(merged, (relationship.id,)))))
    return [group for group in groups if group.choices]


def _fields(columns: tuple[StudioColumn, ...], via: tuple[str, ...]) -> list[Choice]:
    return [
        _choice({"field": {"column": each.name, "via": list(via)}}, each.title, each.type)
        for each in columns
        if each.enabled and each.type in GROUPED and each.may(Surface.ANALYTICS)
    ]


def _traits(schema: StudioSchema, offers: Offers, model_id: str) -> list[Choice]:
    found = [each for each in schema.traits.values() if each.model == model_id]
    usable = sorted((each for each in found if not each.archived and not each.template), key=_by_name)
    typed = [(each, offers.trait_type(each.definition)) for each in usable]
    return [_choice({"trait": each.id}, each.name, kind) for each, kind in typed if kind in GROUPED]


def _by_name(trait: SavedTrait) -> str:
    return trait.name.casefold()


def _choice(measure: Any, label: str, kind: ColumnType) -> Choice:
    return Choice(_written(measure), label, kind)


def _written(measure: Any) -> str:
    return orjson.dumps(measure, option=orjson.OPT_SORT_KEYS).decode()
