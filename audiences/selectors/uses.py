"""What would stop working without an audience, trait, list or relationship: every kind of definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Model, Q, QuerySet, Value
from django.urls import reverse

from audiences.access import audiences_in_view
from audiences.dependants import Dependant, unseen
from audiences.models import Audience, AudienceTemplate, DestinationRule, Relationship, SchemaModel, Subset, Trait
from audiences.referring import Kind, RefersTo
from governance.audit.actors import Actor

CONDITION, COLUMN, PART = "One of its conditions", "A column of its members", "Part of what it calculates"
# Kinds of definitions beside audiences: what it is, how it uses something, and the route of its page.
_OTHERS: Mapping[str, tuple[type[Model], str, str]] = {
    "audience template": (AudienceTemplate, CONDITION, "template"),
    "trait": (Trait, PART, "trait"),
    "subset": (Subset, CONDITION, "subset"),
    "destination rule": (DestinationRule, CONDITION, "destination_rule"),
}


def users_of(actor: Actor, kind: Kind, *ids: int) -> list[Dependant]:
    """Everything whose definition refers to one of these; audiences that the actor does not see are counted."""
    return [*_audiences(actor, kind, ids), *_others(kind, ids)] if ids else []


def users_of_model(actor: Actor, model: SchemaModel) -> list[Dependant]:
    """Everything whose definition takes a relationship of this model, or one that goes through it."""
    ends = Q(from_model=model) | Q(to_model=model)
    passed = Q(steps__relationship__from_model=model) | Q(steps__relationship__to_model=model)
    ids = Relationship.objects.filter(ends | passed).order_by().values_list("pk", flat=True).distinct()
    return users_of(actor, "relationship", *ids)


def _audiences(actor: Actor, kind: Kind, ids: Sequence[int]) -> list[Dependant]:
    """By their conditions, or by columns of their own."""
    defined, enriched = RefersTo("definition", kind, *ids), RefersTo("enrichments", kind, *ids)
    using = Q(defined) | Q(enriched)
    rows = Audience.objects.filter(using)
    rows = rows.exclude(pk__in=ids) if kind == "audience" else rows
    seen = list(audiences_in_view(actor).filter(pk__in=rows).annotate(defined=defined).select_related("workspace"))
    named = [
        Dependant("audience", row.name, row.get_absolute_url(), CONDITION if row.defined else COLUMN) for row in seen
    ]
    return [*named, *unseen("an audience", rows.count() - len(seen))]


def _others(kind: Kind, ids: Sequence[int]) -> list[Dependant]:
    """All other kinds, in one query."""
    asked = []
    for noun, (model, _, _) in _OTHERS.items():
        rows: QuerySet[Model] = model._default_manager.filter(RefersTo("definition", kind, *ids)).order_by()
        rows = rows.exclude(pk__in=ids) if noun == kind else rows
        asked.append(rows.annotate(noun=Value(noun)).values_list("noun", "name", "pk", "workspace__slug"))
    found = []
    for noun, name, pk, slug in asked[0].union(*asked[1:], all=True):
        _, how, route = _OTHERS[noun]
        found.append(Dependant(noun, name, reverse(f"audiences:{route}", args=[slug, pk]), how))
    return found
