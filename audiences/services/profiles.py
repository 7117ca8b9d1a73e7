"""The profile of one row: its columns and traits, what belongs to it, what it did, and the audiences that it is in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Any

from audiences import access
from audiences.definitions import NEW
from audiences.memberships import memberships
from audiences.models import Audience, SchemaModel
from audiences.one_row import EVERYBODY, Looking, Rows, look_at
from audiences.query import evidence
from audiences.query.conditions import (
    Definition,
    EventCondition,
    Group,
    Operator,
    RelationCondition,
)
from audiences.query.schema import ModelKind, SavedAudience, StudioColumn, StudioModel, Surface
from audiences.query.statements import Output
from audiences.services.members import member_outputs, preview_members
from audiences.trait_checks import problems_of_output
from config.errors import Invalid
from connectors.sdk.errors import ConnectorError
from connectors.sdk.types import ColumnType
from governance.audit.actors import Actor
from governance.audit.services import record, service
from syncs.definitions import Preview

RELATED_ROWS = 10
EVENT_ROWS = 25
MOST_EVENTS = 50
FOUND = 50
LONGEST_NUMBER = 18  # digits: more than that is no key of any warehouse
WHERE = ("where", "conditions", 0)


@dataclass(frozen=True, slots=True)
class Profile:
    """One row: ``values`` and ``traits`` are titles with values; ``hidden`` are titles of columns out of sight."""

    key: str
    labels: tuple[str, ...]
    values: tuple[tuple[str, Any], ...]
    traits: tuple[tuple[str, Any], ...]
    hidden: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that somebody did: the event, when, and its other columns."""

    event: str
    at: Any
    values: tuple[tuple[str, Any], ...]


def search_profiles(*, actor: Actor, parent: SchemaModel, words: str) -> Preview:
    """Rows of a parent model with these words as their key or in their labels; the first rows without any."""
    parent = access.parent_model_for(actor, parent.pk)
    definition = {"where": _search(parent, words.strip())} if words.strip() else EVERYBODY
    return preview_members(actor=actor, parent=parent, definition=definition, limit=FOUND)


@service("schema_model.profile_viewed")
def view_profile(*, actor: Actor, parent: SchemaModel, key: str) -> Profile:
    """The columns and traits of the row with this key."""
    looking = look_at(actor, parent, key)
    model = looking.model
    shown, labels = member_outputs(model), looking.label_outputs()
    traits = [
        (saved.name, Output(f"trait_{saved.id}", trait=saved.id))
        for saved in sorted(looking.schema.traits.values(), key=lambda each: each.name.casefold())
        if saved.model == model.id and not saved.archived and not saved.template
    ]
    usable = [
        (name, output)
        for name, output in traits
        if not problems_of_output(looking.schema, model.id, output, surface=Surface.PREVIEWS)
    ]
    columns = [replace(output, name=f"column_{place}") for place, output in enumerate(shown)]
    row = looking.row([*labels, *columns, *(output for _, output in usable)])
    record(looking.parent)
    titles = {each.name: each.title for each in model.columns}
    first, then = len(labels), len(labels) + len(columns)
    return Profile(
        key=looking.key,
        labels=tuple(str(value) for value in row[:first] if value is not None),
        values=tuple((titles[output.name], value) for output, value in zip(shown, row[first:then], strict=True)),
        traits=tuple((name, value) for (name, _), value in zip(usable, row[then:], strict=True)),
        hidden=tuple(each.title for each in model.columns if each.enabled and not each.may(Surface.PREVIEWS)),
    )


@service("schema_model.profile_viewed")
def view_related(*, actor: Actor, parent: SchemaModel, key: str) -> list[Rows]:
    """The first rows of each related model that belong to the row with this key.

    Of a household or account also the others who belong to it.
    """
    looking = look_at(actor, parent, key)
    looking.row()
    record(looking.parent, after={"part": "related rows"})
    shared = {relationship for relationship, _ in looking.schema.levels(looking.model.id)}
    found = []
    for relationship, model in _near(looking):
        if model.kind is not ModelKind.EVENT:
            found.append(_belonging(looking, relationship, model, RELATED_ROWS))
        if relationship in shared:
            found.append(_sharing(looking, relationship, model))
    return found


@service("schema_model.profile_viewed")
def view_timeline(*, actor: Actor, parent: SchemaModel, key: str) -> list[Happened]:
    """What the row with this key did, newest first."""
    looking = look_at(actor, parent, key)
    looking.row()
    record(looking.parent, after={"part": "events"})
    found: list[Happened] = []
    for relationship, model in _near(looking):
        timestamp = model.column(model.timestamp or "")
        if model.kind is ModelKind.EVENT and timestamp is not None and timestamp.may(Surface.PREVIEWS):
            found += _happened(_belonging(looking, relationship, model, EVENT_ROWS), timestamp)
    return sorted(found, key=_moment, reverse=True)[:MOST_EVENTS]


@service("schema_model.profile_viewed")
def view_memberships(*, actor: Actor, parent: SchemaModel, key: str) -> list[Audience]:
    """The audiences that the row with this key is in, as far as the actor sees them, by name."""
    looking = look_at(actor, parent, key)
    looking.row()
    record(looking.parent, after={"part": "audiences"})
    seen = access.audiences_in_view(actor).filter(parent_model=looking.parent).order_by("name", "pk")
    try:
        return memberships(actor, looking.parent, list(seen), looking.key)
    except ConnectorError as error:
        raise Invalid(error.message, hint=error.hint) from None


def _search(parent: SchemaModel, words: str) -> dict[str, Any]:
    """The key is exactly this, or a label has it in it: as far as people see their values."""
    columns = {each.name: each for each in parent.columns.filter(missing=False, enabled=True) if not each.redacted}
    conditions = []
    key = columns.get(parent.primary_key[0])
    kind = ColumnType(key.effective_type) if key else ColumnType.UNKNOWN
    number = words.isascii() and words.isdigit() and len(words) <= LONGEST_NUMBER
    if kind is ColumnType.STRING or (kind is ColumnType.NUMBER and number):
        value = words if kind is ColumnType.STRING else int(words)
        conditions.append(_property(parent.primary_key[0], Operator.EQUALS, [value]))
    for name in dict.fromkeys((parent.primary_label, parent.secondary_label)):
        if name in columns and columns[name].effective_type == ColumnType.STRING:
            conditions.append(_property(name, Operator.CONTAINS, _spellings(words)))
    if not conditions:
        raise Invalid.field(
            "q",
            f"Nothing of {parent.name} can be searched by “{words}”.",
            hint=f"Give the {parent.primary_key[0]}, or let the schema have a label that may be seen.",
        )
    return {"type": "group", "match": "any", "conditions": conditions}


def _spellings(words: str) -> list[str]:
    """The same words as names are usually written, as texts compare letter by letter."""
    return list(dict.fromkeys([words, words.lower(), words.upper(), words.capitalize(), words.title()]))


def _property(column: str, operator: Operator, values: Sequence[Any]) -> dict[str, Any]:
    test = {"operator": operator.value, "operand": {"kind": "values", "values": list(values)}}
    return {"type": "property", "field": {"column": column}, "test": test}


def _near(looking: Looking) -> list[tuple[str, StudioModel]]:
    """The relationships of the model, each with the model at its other end if this person may see its rows, by name."""
    found = [
        (relationship, looking.schema.models[hops[-1].model])
        for relationship in looking.schema.relationships
        if (hops := looking.schema.step(relationship, looking.model.id))
    ]
    seen = access.models_to_see(looking.actor, looking.parent.source_id, {int(model.id) for _, model in found})
    return sorted((each for each in found if int(each[1].id) in seen), key=lambda each: each[1].name.casefold())


def _belonging(looking: Looking, relationship: str, model: StudioModel, most: int) -> Rows:
    event = model.kind is ModelKind.EVENT
    condition = EventCondition(relationship) if event else RelationCondition(relationship)
    asked = _audience(looking, Group(conditions=(condition,)))
    return looking.related(model.id, partial(evidence.evidence, looking.ask, asked, WHERE, (looking.key,)), most)


def _sharing(looking: Looking, relationship: str, model: StudioModel) -> Rows:
    asked = _audience(looking, Group(conditions=(RelationCondition(relationship, others=True),)))
    about = partial(evidence.evidence, looking.ask, asked, WHERE, (looking.key,))
    rows = looking.related(looking.model.id, about, RELATED_ROWS)
    return replace(rows, model=f"Other {looking.model.name} of the same {model.name}")


def _audience(looking: Looking, where: Group) -> SavedAudience:
    return SavedAudience(id=NEW, name="", model=looking.model.id, definition=Definition(where=where))


def _happened(rows: Rows, timestamp: StudioColumn) -> list[Happened]:
    place = rows.columns.index(timestamp.title)
    others = [*rows.columns[:place], *rows.columns[place + 1 :]]
    return [
        Happened(rows.model, row[place], tuple(zip(others, [*row[:place], *row[place + 1 :]], strict=True)))
        for row in rows.rows
    ]


def _moment(event: Happened) -> str:
    """When it happened, to sort by: days, moments and moments with a zone can stand beside each other."""
    return event.at.isoformat() if isinstance(event.at, datetime | date) else str(event.at or "")
