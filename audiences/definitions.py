"""Definitions against the schema they are about: decoding, checking, and asking the source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.utils import timezone

from audiences.models import Audience, SchemaModel
from audiences.query.codec import load_definition
from audiences.query.errors import InvalidTree, Problem
from audiences.query.schema import SavedAudience, StudioSchema
from audiences.query.statements import Asker
from audiences.query.times import Clock
from audiences.selectors.schema import studio_schema
from connectors.models import Source
from governance.audit.actors import Actor
from workspaces.access import in_view, spaces_of

NEW = "new"  # the id of an audience that is not stored yet


def schema_with_audiences(source: Source, actor: Actor | None = None) -> StudioSchema:
    """A source's schema with its audiences; with an actor, only those that the actor sees."""
    rows = Audience.objects.filter(parent_model__source=source)
    audiences = {str(row.pk): found for row in rows if (found := saved(row))}
    schema = replace(studio_schema(source), audiences=audiences)
    return schema if actor is None else only_seen(schema, actor)


def only_seen(schema: StudioSchema, actor: Actor) -> StudioSchema:
    """The schema with only those audiences that the actor sees."""
    if spaces_of(actor) is None or not schema.audiences:
        return schema
    rows = in_view(Audience.objects.filter(pk__in=list(schema.audiences)), actor)
    seen = {str(pk) for pk in rows.order_by().values_list("pk", flat=True)}
    return replace(schema, audiences={pk: each for pk, each in schema.audiences.items() if pk in seen})


def saved(audience: Audience) -> SavedAudience | None:
    """An audience as the query package knows it; nothing where this version cannot read its definition."""
    try:
        definition = load_definition(audience.definition)
    except InvalidTree:
        return None
    return SavedAudience(
        id=str(audience.pk), name=audience.name, model=str(audience.parent_model_id), definition=definition
    )


def given(parent: SchemaModel, definition: Any, audience: Audience | None = None) -> SavedAudience:
    """The audience that a page or program means. Raises :class:`InvalidTree`."""
    return SavedAudience(
        id=str(audience.pk) if audience else NEW,
        name=audience.name if audience else "This audience",
        model=str(parent.pk),
        definition=load_definition(definition),
    )


def asker(schema: StudioSchema) -> Asker:
    """Asks of this schema now."""
    return Asker(schema=schema, clock=Clock(timezone.now(), schema.zone))


def problems_of(
    parent: SchemaModel, definition: Any, schema: StudioSchema, audience: Audience | None = None
) -> Sequence[Problem]:
    """Everything that is wrong with a definition, without asking the source."""
    try:
        meant = given(parent, definition, audience)
    except InvalidTree as error:
        return error.problems
    known = {**schema.audiences, meant.id: meant}
    return asker(replace(schema, audiences=known)).check(meant)
