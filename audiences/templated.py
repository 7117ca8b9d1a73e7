"""What this app tells others about the syncs of audiences, and their templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Count, Q, QuerySet

from audiences import dependants as built
from audiences.keeper import TemplateKeeper
from audiences.models import SchemaModel, SyncTemplate
from connectors import dependants, sealed
from connectors.choices import Kind
from connectors.dependants import Dependant, Provider
from governance.audit.actors import Actor
from syncs import locks
from syncs.choices import ModelMethod
from syncs.models import Sync
from workspaces import belongings, contents, house_rules, resources
from workspaces.resources import Kind as ResourceKind


def register_all() -> None:
    """Called once at start-up."""
    house_rules.register(told_rules, "audiences:settings")
    locks.register(ModelMethod.AUDIENCE, TemplateKeeper())
    dependants.register(Kind.DESTINATION, Provider("sync template", templates_of_destination, template_counts))
    built.register("sync", syncs_of)
    built.register("sync template", templates_of)
    belongings.register("sync templates", templates_made_by)
    contents.register("sync template", SyncTemplate)
    resources.register(template_kind())
    sealed.register("sync templates", SyncTemplate, "sealed_settings")


def templates_made_by(organization_id: int, user_id: int) -> QuerySet[SyncTemplate]:
    """The sync templates that a person made, in all workspaces of the organization."""
    return SyncTemplate.objects.filter(workspace__organization_id=organization_id, created_by_id=user_id)


def syncs_of(actor: Actor, model: SchemaModel) -> list[built.Dependant]:
    """The syncs of a parent model's audiences; those that the actor does not see are counted, not named."""
    from syncs.access import syncs_in_view  # on first use: starting Django loads no connector

    rows = Sync.objects.filter(model__method=ModelMethod.AUDIENCE, model__parent_model_id=model.pk)
    seen = list(syncs_in_view(actor).filter(pk__in=rows).select_related("workspace", "model", "destination"))
    named = [built.Dependant("sync", str(row), row.get_absolute_url()) for row in seen]
    return [*named, *built.unseen("a sync", rows.count() - len(seen))]


def templates_of(actor: Actor, model: SchemaModel) -> list[built.Dependant]:
    """The sync templates of a parent model."""
    rows = SyncTemplate.objects.filter(parent_model=model).select_related("workspace")
    return [built.Dependant("sync template", row.name, row.get_absolute_url()) for row in rows]


def templates_of_destination(actor: Actor, destination_id: int, limit: int) -> Sequence[Dependant]:
    """The first sync templates that send to a destination."""
    rows = SyncTemplate.objects.filter(destination_id=destination_id).select_related("workspace").order_by("name", "id")
    return [Dependant("sync template", row.name, row.get_absolute_url()) for row in rows[:limit]]


def template_counts(actor: Actor, destination_ids: Sequence[int]) -> Mapping[int, int]:
    """How many sync templates send to each of several destinations."""
    rows = SyncTemplate.objects.filter(destination_id__in=destination_ids).order_by().values_list("destination_id")
    return dict(rows.annotate(Count("pk")))


def template_kind() -> ResourceKind:
    """Sync templates, found by their description, too."""
    return ResourceKind(
        name="sync_template",
        plural="Sync templates",
        icon="clipboard-copy",
        route="audiences:sync_template",
        rows=lambda actor: SyncTemplate.objects.all(),
        detail=lambda template: f"{template.parent_model.name} to {template.destination.name}",
        named=("name",),
        inside=lambda word: Q(description__icontains=word),
        inside_words="in its description",
        related=("parent_model", "destination"),
    )


def told_rules() -> list[tuple[str, str]]:
    """Whether templates are required, for the page of the workspace."""
    from audiences.selectors.settings import settings_here  # its package loads what start-up does without

    stored = settings_here()
    required = (
        ("Sync templates", stored.templates_required),
        ("Audience templates", stored.audience_templates_required),
    )
    return [(label, "Required" if asked else "Not required") for label, asked in required]
