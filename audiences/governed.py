"""What this app tells others about what governs its data: subsets and destination rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Count, QuerySet

from audiences import dependants as built
from audiences.models import DestinationRule, SchemaModel, Subset, SubsetCategory
from connectors import dependants
from connectors.choices import Kind
from connectors.dependants import Dependant, Provider
from governance.audit.actors import Actor
from workspaces import belongings, resources
from workspaces.resources import Kind as ResourceKind


def register_all() -> None:
    """Called once at start-up."""
    dependants.register(Kind.DESTINATION, Provider("destination rule", rules_of_destination, rule_counts))
    built.register("subset category", categories_of)
    built.register("destination rule", rules_of)
    belongings.register("subset categories", categories_made_by)
    belongings.register("subsets", subsets_made_by)
    belongings.register("destination rules", rules_made_by)
    resources.register(subset_kind())
    resources.register(rule_kind())


def rules_of_destination(actor: Actor, destination_id: int, limit: int) -> Sequence[Dependant]:
    """The first rules of a destination."""
    rows = DestinationRule.objects.filter(destination_id=destination_id).select_related("workspace")
    return [Dependant("destination rule", rule.name, rule.get_absolute_url()) for rule in rows[:limit]]


def rule_counts(actor: Actor, destination_ids: Sequence[int]) -> Mapping[int, int]:
    """How many rules each of several destinations has."""
    rows = DestinationRule.objects.filter(destination_id__in=destination_ids).order_by().values_list("destination_id")
    return dict(rows.annotate(Count("pk")))


def categories_of(actor: Actor, model: SchemaModel) -> list[built.Dependant]:
    """The categories that divide a parent model."""
    rows = SubsetCategory.objects.filter(parent_model=model).select_related("workspace")
    return [built.Dependant("subset category", row.name, row.get_absolute_url()) for row in rows]


def rules_of(actor: Actor, model: SchemaModel) -> list[built.Dependant]:
    """The destination rules of a parent model."""
    rows = DestinationRule.objects.filter(parent_model=model).select_related("workspace")
    return [built.Dependant("destination rule", row.name, row.get_absolute_url()) for row in rows]


def categories_made_by(organization_id: int, user_id: int) -> QuerySet[SubsetCategory]:
    """The categories that a person made, in all workspaces of the organization."""
    return SubsetCategory.objects.filter(workspace__organization_id=organization_id, created_by_id=user_id)


def subsets_made_by(organization_id: int, user_id: int) -> QuerySet[Subset]:
    """The subsets that a person made, in all workspaces of the organization."""
    return Subset.objects.filter(workspace__organization_id=organization_id, created_by_id=user_id)


def rules_made_by(organization_id: int, user_id: int) -> QuerySet[DestinationRule]:
    """The destination rules that a person made, in all workspaces of the organization."""
    return DestinationRule.objects.filter(workspace__organization_id=organization_id, created_by_id=user_id)


def subset_kind() -> ResourceKind:
    """Subsets, which every member may find: their rows are another matter."""
    return ResourceKind(
        name="subset",
        plural="Subsets",
        icon="layers",
        route="audiences:subset",
        rows=lambda actor: Subset.objects.all(),
        detail=lambda subset: f"of {subset.category.name}",
        named=("name",),
        related=("category",),
    )


def rule_kind() -> ResourceKind:
    """Destination rules."""
    return ResourceKind(
        name="destination_rule",
        plural="Destination rules",
        icon="shield-check",
        route="audiences:destination_rule",
        rows=lambda actor: DestinationRule.objects.all(),
        detail=lambda rule: f"{rule.parent_model.name} to {rule.destination.name}",
        named=("name",),
        related=("parent_model", "destination"),
    )
