"""Traits for pages and for the query package: what there is, what uses one, and what audiences carry along."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from django.db.models import Q, QuerySet

from audiences.models import Audience, DestinationRule, SchemaModel, Subset, Trait
from audiences.query.codec import load_definition, load_group, load_trait
from audiences.query.conditions import Definition, Group, Operator, Test, TraitCondition
from audiences.query.errors import InvalidTree
from audiences.query.schema import SavedTrait, StudioSchema
from audiences.query.statements import Output
from audiences.query.uses import Uses, uses_of
from audiences.selectors.rules import governing_by_trait
from audiences.selectors.schema import studio_schema
from connectors.models import Source
from governance.audit.actors import Actor
from syncs.models import Sync
from workspaces.access import in_view, require
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
    rows = Trait.objects.filter(model__source=source)
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
    """All that syncs of an audience offer beside columns: the parent model's traits, then the audience's own.

    Names that are taken, by a column or one another, get a number.
    """
    taken = set(audience.parent_model.columns.filter(missing=False).values_list("name", flat=True))
    shared = trait_outputs(audience.parent_model, partial(_sent, audience.model_id))
    found = []
    for each in (*shared, *enrichment_outputs(audience)):
        name = next(name for name in _names(each.name) if name not in taken)
        taken.add(name)
        found.append(Output(name, trait=each.trait, definition=each.definition, where=each.where))
    return found


def _sent(model_id: int | None) -> Collection[str]:
    from syncs.selectors.models import columns_read  # on first use: it knows the connectors

    return columns_read(model_id) if model_id else ()


def _names(wanted: str) -> Iterable[str]:
    yield wanted
    number = 1
    while True:
        number += 1
        yield f"{wanted} ({number})"


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
    """The traits that are calculated along a relationship of this schema."""
    schema = schema_with_traits(model.source)
    saved = schema.traits.values()
    users = [each.id for each in saved if str(relationship_id) in uses_of_saved(schema, each).relationships]
    return list(Trait.objects.filter(pk__in=users))


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


@dataclass(frozen=True, slots=True)
class TraitUses:
    """What would stop working without a trait, as far as somebody sees it; ``hidden`` counts audiences beyond that."""

    audiences: Sequence[Audience]
    enriched: Sequence[Audience]
    traits: Sequence[Trait]
    derived: Sequence[Trait]
    governing: Sequence[Subset | DestinationRule] = ()
    hidden: int = 0

    @property
    def names(self) -> list[str]:
        """All of them as parts of a message."""
        named = [f"audience “{each.name}”" for each in dict.fromkeys([*self.audiences, *self.enriched])]
        named += [f"trait “{each.name}”" for each in dict.fromkeys([*self.traits, *self.derived])]
        named += [f"{'subset' if isinstance(each, Subset) else 'rule'} “{each.name}”" for each in self.governing]
        return [*named, *(["audiences of spaces that you do not see"] if self.hidden else [])]


def uses_of_trait(actor: Actor, trait: Trait, schema: StudioSchema) -> TraitUses:
    """The audiences and traits that a trait is part of."""
    wanted = str(trait.pk)
    audiences = list(Audience.objects.filter(parent_model__source_id=trait.model.source_id))
    seen = set(
        in_view(Audience.objects.filter(pk__in=[row.pk for row in audiences]), actor).values_list("pk", flat=True)
    )
    by_condition = [row for row in audiences if wanted in uses_of_audience(schema, row).traits]
    by_column = [row for row in audiences if wanted in uses_of_enrichments(schema, row).traits]
    users = [str(each.id) for each in schema.traits.values() if wanted in uses_of_saved(schema, each).traits]
    return TraitUses(
        governing=governing_by_trait(trait),
        audiences=[row for row in by_condition if row.pk in seen],
        enriched=[row for row in by_column if row.pk in seen],
        traits=list(Trait.objects.filter(pk__in=[pk for pk in users if pk != wanted])),
        derived=list(trait.derived.all()),
        hidden=len({row.pk for row in (*by_condition, *by_column)} - seen),
    )


def uses_of_saved(schema: StudioSchema, trait: SavedTrait) -> Uses:
    """What a saved trait refers to."""
    return uses_of(schema, trait.model, trait.definition)


def uses_of_audience(schema: StudioSchema, audience: Audience) -> Uses:
    """What the definition of an audience refers to."""
    try:
        tree = load_definition(audience.definition)
    except InvalidTree:
        tree = Definition()
    return uses_of(schema, str(audience.parent_model_id), tree)


def uses_of_enrichments(schema: StudioSchema, audience: Audience) -> Uses:
    """What the columns of an audience's own refer to."""
    present = Test(Operator.EXISTS)
    columns = tuple(
        TraitCondition(present, trait=each.trait, definition=each.definition, where=each.where)
        for each in enrichment_outputs(audience)
    )
    return uses_of(schema, str(audience.parent_model_id), Group(conditions=columns))
