"""What people find of the studio, mark as favourites and open again."""

from __future__ import annotations

from django.db.models import Q

from audiences.choices import STUDIO
from audiences.models import Audience, AudienceTemplate, PriorityList, SchemaColumn, SchemaModel, Trait, ValueList
from workspaces.access import in_view
from workspaces.resources import Kind as ResourceKind


def kinds() -> tuple[ResourceKind, ...]:
    """All of them."""
    return schema_kind(), audience_kind(), priority_list_kind(), trait_kind(), template_kind(), list_kind()


def list_kind() -> ResourceKind:
    """Uploaded lists of values, by their names."""
    return ResourceKind(
        name="value_list",
        plural="Value lists",
        icon="list",
        route="audiences:list",
        rows=lambda actor: ValueList.objects.defer("values"),
        detail=lambda row: f"{row.size:,} values",
        named=("name",),
        areas=(STUDIO,),
    )


def template_kind() -> ResourceKind:
    """Templates of audiences, found by their description, too."""
    return ResourceKind(
        name="audience_template",
        plural="Audience templates",
        icon="wand-sparkles",
        route="audiences:template",
        rows=lambda actor: AudienceTemplate.objects.all(),
        detail=lambda template: f"of {template.parent_model.name}",
        named=("name",),
        inside=lambda word: Q(description__icontains=word),
        inside_words="in its description",
        related=("parent_model",),
        areas=(STUDIO,),
    )


def priority_list_kind() -> ResourceKind:
    """Priority lists."""
    return ResourceKind(
        name="priority_list",
        plural="Priority lists",
        icon="arrow-down-up",
        route="audiences:priority_list",
        rows=lambda actor: PriorityList.objects.all(),
        detail=lambda ranked: f"of {ranked.parent_model.name}",
        named=("name",),
        related=("parent_model",),
        areas=(STUDIO,),
    )


def audience_kind() -> ResourceKind:
    """Audiences, found by their description, too."""
    return ResourceKind(
        name="audience",
        plural="Audiences",
        icon="users-round",
        route="audiences:audience",
        rows=lambda actor: in_view(Audience.objects.all(), actor),
        detail=lambda audience: f"made of {audience.parent_model.name}",
        named=("name",),
        inside=lambda word: Q(description__icontains=word),
        inside_words="in its description",
        related=("parent_model",),
        areas=(STUDIO,),
    )


def trait_kind() -> ResourceKind:
    """Traits and their templates, found by their description, too."""
    return ResourceKind(
        name="trait",
        plural="Traits",
        icon="calculator",
        route="audiences:trait",
        rows=lambda actor: Trait.objects.all(),
        detail=lambda trait: f"{'template' if trait.is_template else 'trait'} of {trait.model.name}",
        named=("name",),
        inside=lambda word: Q(description__icontains=word),
        inside_words="in its description",
        related=("model",),
        areas=(STUDIO,),
    )


def schema_kind() -> ResourceKind:
    """Schema models, found by their query, table and columns, too."""
    return ResourceKind(
        name="schema_model",
        plural="Schema",
        icon="network",
        route="audiences:schema_model",
        rows=lambda actor: SchemaModel.objects.all(),
        detail=lambda model: f"{model.get_kind_display()}, {model.source.name}",
        inside=in_model,
        inside_words="in its query or columns",
        related=("source",),
        areas=(STUDIO,),
    )


def in_model(word: str) -> Q:
    """The condition under which a word stands in a model's description, query, table or columns."""
    named = Q(name__icontains=word) | Q(alias__icontains=word)
    columns = SchemaColumn.objects.filter(named).values("model_id")
    return Q(description__icontains=word) | Q(sql__icontains=word) | Q(table_name__icontains=word) | Q(pk__in=columns)
