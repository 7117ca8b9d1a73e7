"""Traits for pages and for the query package: what there is, what uses one, and what audiences carry along."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial

from django.db.models import Q, QuerySet

from audiences.dependants import Dependant
from audiences.models import Audience, SchemaModel, Trait
from audiences.query.codec import load_group, load_trait
from audiences.query.conditions import Group
from audiences.query.errors import InvalidTree
from audiences.query.schema import SavedTrait, StudioSchema
from audiences.query.statements import Output
from audiences.query.uses import Uses, uses_of
from audiences.selectors.schema import studio_schema
from audiences.selectors.uses import users_of
from connectors.models import Source
from governance.audit.actors import Actor
from syncs.models import Sync
from workspaces.access import require
from workspaces.permissions import Permission


def traits_in_view(actor: Actor, *, archived: bool | None = None, templates: bool | None = None) -> QuerySet[Trait]:
    """The traits of the workspace, with their models."""
    require(actor, Permission.MEMBER)
    rows = Trait.objects.select_related("model__source", "template")
    if archived is not None:
        rows = rows.filter(archived_at__isnull=not archived)
    return rows if templates is None else rows.filter(is_template=templates)


def schema_with_traits(source: Source) -> StudioSchema:
    """A source's schema with its traits, and without its audiences: enough to say what traits are made of."""
    return replace(studio_schema(source), traits=saved_traits(source))


def saved_traits(source: Source) -> dict[str, SavedTrait]:
    """The traits of a source's schema as the query package knows them, without those that it cannot read."""
    rows = Trait.objects.filter(model__source=source).defer("suggestions", "description")
    return {str(row.pk): found for row in rows if (found := saved_trait(row))}


def saved_trait(row: Trait) -> SavedTrait | None:
    """A trait as the query package knows it; nothing where this version cannot read its definition."""
    try:
        definition = load_trait(row.definition)
    except InvalidTree:
        return None
    return SavedTrait(
        id=str(row.pk),
        name=row.name,
        model=str(row.model_id),
        definition=definition,
        template=row.is_template,
        archived=row.archived_at is not None,
        suggestions=row.suggest,
    )


def trait_outputs(parent: SchemaModel, sent: Callable[[], Collection[str]] = frozenset) -> list[Output]:
    """The traits of a parent model that every audience of it can send along, by name.

    Archived ones are left out, but for those that syncs send already: ``sent`` says which.
    """
    rows = list(Trait.objects.filter(model=parent, is_template=False))
    kept = sent() if any(row.archived_at for row in rows) else ()
    return [Output(row.name, trait=str(row.pk)) for row in rows if row.archived_at is None or row.name in kept]


def enrichment_outputs(audience: Audience) -> list[Output]:
    """The columns that the members have in this audience alone, in their order."""
    return [found for each in audience.enrichments if (found := enrichment_output(each))]


def enrichment_output(enrichment: dict[str, object]) -> Output | None:
    """One of them; nothing where this version cannot read it."""
    try:
        definition = enrichment.get("definition")
        where = enrichment.get("where")
        return Output(
            str(enrichment["name"]),
            trait=str(enrichment["trait"]) if enrichment.get("trait") else None,
            definition=load_trait(definition) if definition else None,
            where=load_group(where) if where else Group(),
        )
    except InvalidTree:
        return None


def computed_outputs(audience: Audience) -> list[Output]:
    """All that syncs of an audience offer beside columns: the parent model's traits, then the audience's own."""
    return [*trait_outputs(audience.parent_model, partial(_sent, audience.model_id)), *enrichment_outputs(audience)]


def _sent(model_id: int | None) -> Collection[str]:
    from syncs.selectors.models import columns_read  # on first use: it knows the connectors

    return columns_read(model_id) if model_id else ()


def traits_from(model: SchemaModel) -> list[Trait]:
    """The traits of a model, and those of other models that need its rows."""
    schema = schema_with_traits(model.source)
    users = {each.id for each in schema.traits.values() if str(model.pk) in uses_of_saved(schema, each).models}
    own = Q(model=model) | Q(pk__in=users)
    return list(Trait.objects.filter(own).select_related("workspace"))


def syncs_of_trait(actor: Actor, trait: Trait) -> list[Sync]:
    """The syncs that send a trait of a parent model along, as far as the actor sees them."""
    from syncs.selectors.models import syncs_reading  # on first use: it knows the connectors

    audiences = Audience.objects.filter(parent_model_id=trait.model_id, model__isnull=False)
    return syncs_reading(actor, [pk for pk in audiences.values_list("model_id", flat=True) if pk], trait.name)


def traits_along(model: SchemaModel, relationship_id: int) -> list[Trait]:
    """The traits that are calculated along a relationship of this schema, also by columns that formulas name."""
    schema = schema_with_traits(model.source)
    saved = schema.traits.values()
    users = [each.id for each in saved if str(relationship_id) in uses_of_saved(schema, each).relationships]
    return list(Trait.objects.filter(pk__in=users).select_related("workspace"))


def lost_columns(model: SchemaModel) -> list[str]:
    """Columns of a model that its source does not return any more, and the traits that need them, as sentences."""
    gone = set(model.columns.filter(missing=True).values_list("name", flat=True))
    if not gone:
        return []
    schema, key = schema_with_traits(model.source), str(model.pk)
    found = []
    for trait in schema.traits.values():
        columns = {name for owner, name in uses_of_saved(schema, trait).columns if owner == key}
        found += [f"“{name}”, which the trait “{trait.name}” is made of" for name in sorted(columns & gone)]
    return found


def uses_of_trait(actor: Actor, trait: Trait) -> list[Dependant]:
    """Everything that a trait is part of, and the traits that were made from it."""
    found = users_of(actor, "trait", trait.pk)
    for made in trait.derived.select_related("workspace"):
        how = "Made from it, with logic of its own now" if made.overrides else "Follows it"
        found.append(Dependant("trait", made.name, made.get_absolute_url(), how))
    return found


def uses_of_saved(schema: StudioSchema, trait: SavedTrait) -> Uses:
    """What a saved trait refers to."""
    return uses_of(schema, trait.model, trait.definition)
