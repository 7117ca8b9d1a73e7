"""Definitions against the schema they are about: decoding, checking, and asking the source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain, groupby
from typing import Any, Protocol

from django.db.models import QuerySet
from django.utils import timezone

from audiences.models import Audience, AudienceSubset, SchemaModel, Subset
from audiences.query.codec import dump, load_definition
from audiences.query.conditions import Definition
from audiences.query.errors import InvalidTree, Problem
from audiences.query.schema import SavedAudience, StudioSchema
from audiences.query.statements import Asker, Query
from audiences.query.times import Clock
from audiences.referring import audiences_in
from audiences.selectors.lists import value_lists
from audiences.selectors.schema import studio_schema
from audiences.selectors.settings import settings_here
from audiences.selectors.traits import saved_traits
from connectors.models import Source
from governance.audit.actors import Actor
from workspaces.access import in_view, spaces_of

NEW = "new"  # the id of an audience that is not stored yet
Instead = Mapping[int, Definition]
NOTHING: Instead = {}


def schema_with_audiences(
    source: Source, actor: Actor | None = None, instead: Instead = NOTHING, needed: Iterable[int] | None = None
) -> StudioSchema:
    """A source's schema with its traits and audiences; with an actor, only the audiences that the actor sees.

    ``instead`` are definitions that some subsets are going to have, by id. With ``needed`` only these audiences are
    in it, and those that they are made of.
    """
    of_source = Audience.objects.filter(parent_model__source=source)
    audiences = _audiences(of_source, instead) if needed is None else _made_of(of_source, set(needed))
    schema = replace(
        studio_schema(source),
        audiences=audiences,
        traits=saved_traits(source),
        lists=value_lists(),
        null_is_a_value=settings_here().null_is_a_value,
    )
    return schema if actor is None else only_seen(schema, actor)


def _audiences(rows: QuerySet[Audience], instead: Instead = NOTHING) -> dict[str, SavedAudience]:
    chosen: dict[int, list[Subset]] = defaultdict(list)
    for choice in AudienceSubset.objects.filter(audience__in=rows).select_related("subset"):
        chosen[choice.audience_id].append(choice.subset)
    stored = rows.order_by().values_list("pk", "name", "parent_model_id", "definition", named=True)
    return {str(row.pk): found for row in stored if (found := saved(row, instead, chosen[row.pk]))}


def _made_of(rows: QuerySet[Audience], wanted: set[int]) -> dict[str, SavedAudience]:
    """These audiences, and those that their conditions and subsets are about, and so on."""
    found: dict[str, SavedAudience] = {}
    seen: set[int] = set()
    while wanted:
        seen |= wanted
        more = _audiences(rows.filter(pk__in=wanted))
        found |= more
        trees = [tree for each in more.values() for tree in (each.definition, *chain(*each.subsets))]
        wanted = {int(pk) for tree in trees for pk in audiences_in(dump(tree)) if pk.isdecimal()} - seen
    return found


def only_seen(schema: StudioSchema, actor: Actor) -> StudioSchema:
    """The schema with only those audiences that the actor sees."""
    if spaces_of(actor) is None or not schema.audiences:
        return schema
    rows = in_view(Audience.objects.filter(pk__in=list(schema.audiences)), actor)
    seen = {str(pk) for pk in rows.order_by().values_list("pk", flat=True)}
    return replace(schema, audiences={pk: each for pk, each in schema.audiences.items() if pk in seen})


def unseen_in(
    actor: Actor, definition: Any, schema: StudioSchema, audience: Audience | None = None
) -> Sequence[Problem]:
    """The audiences in a definition that the actor does not see: they may be kept in one, but not put into it."""
    asked = audiences_in(definition)
    known = set(audiences_in(audience.definition)) if audience else set()
    known.update(only_seen(schema, actor).audiences if asked else ())
    words = "The audience that this is about is not there any more."
    return [Problem(path, "unknown_audience", words) for pk, path in asked.items() if pk not in known]


class Stored(Protocol):
    """What of an audience queries have to know."""

    pk: int
    name: str
    parent_model_id: int
    definition: Any


def saved(audience: Stored, instead: Instead, subsets: Iterable[Subset]) -> SavedAudience | None:
    """An audience as the query package knows it; nothing where this version cannot read its definition."""
    try:
        return SavedAudience(
            id=str(audience.pk),
            name=audience.name,
            model=str(audience.parent_model_id),
            definition=load_definition(audience.definition),
            subsets=grouped(subsets, instead),
        )
    except InvalidTree:
        return None


def subsets_of(audience: Audience) -> list[Subset]:
    """The subsets that an audience is built from."""
    return [row.subset for row in audience.chosen.all()]


def grouped(subsets: Iterable[Subset], instead: Instead = NOTHING) -> tuple[tuple[Definition, ...], ...]:
    """Subsets as queries take them: any of each category, all categories. Raises :class:`InvalidTree`."""
    ordered = sorted(subsets, key=lambda subset: (subset.category_id, subset.pk))
    return tuple(
        tuple(instead.get(each.pk) or load_definition(each.definition) for each in category)
        for _, category in groupby(ordered, key=lambda subset: subset.category_id)
    )


def given(
    parent: SchemaModel, definition: Any, audience: Audience | None = None, subsets: Iterable[Subset] | None = None
) -> SavedAudience:
    """The audience that a page or program means, without ``subsets`` in its own. Raises :class:`InvalidTree`."""
    chosen = subsets if subsets is not None else subsets_of(audience) if audience else ()
    return SavedAudience(
        id=str(audience.pk) if audience else NEW,
        name=audience.name if audience else "This audience",
        model=str(parent.pk),
        definition=load_definition(definition),
        subsets=grouped(chosen),
    )


def asker(schema: StudioSchema, at: datetime | None = None) -> Asker:
    """Asks of this schema at a moment: now, where none is given."""
    return Asker(schema=schema, clock=Clock(at or timezone.now(), schema.zone))


def members_of(
    parent: SchemaModel,
    definition: Any,
    schema: StudioSchema,
    audience: Audience | None = None,
    subsets: Iterable[Subset] | None = None,
) -> Query:
    """What the source would be asked for the members. Raises :class:`InvalidTree` with everything that is wrong."""
    meant = given(parent, definition, audience, subsets)
    known = {**schema.audiences, meant.id: meant}
    return asker(replace(schema, audiences=known)).members(meant)


def problems_of(
    parent: SchemaModel,
    definition: Any,
    schema: StudioSchema,
    audience: Audience | None = None,
    subsets: Iterable[Subset] | None = None,
) -> Sequence[Problem]:
    """Everything that is wrong with a definition, without asking the source."""
    try:
        members_of(parent, definition, schema, audience, subsets)
    except InvalidTree as error:
        return error.problems
    return []
