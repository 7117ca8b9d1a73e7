"""Which rows of a model somebody sees who has no right on its source: those that belong to their subsets."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from audiences import access
from audiences.definitions import grouped
from audiences.models import SchemaModel, SubsetCategory
from audiences.query.conditions import Definition, Group, Match, RelationCondition
from audiences.query.schema import SavedAudience, StudioSchema
from audiences.selectors.subsets import rows_within
from config.errors import Denied
from governance.audit.actors import Actor
from workspaces.access import may
from workspaces.permissions import Permission


def rows_seen(actor: Actor, model: SchemaModel, read: Callable[[], StudioSchema]) -> SavedAudience | None:
    """The rows of a model that the actor sees, as an audience of it; nothing where they see all of them.

    Rows of a related model are seen with a row of a parent model that they belong to. The schema is ``read`` only
    where subsets are required.
    """
    divided = SubsetCategory.objects.filter(required=True, parent_model__source=model.source_id)
    if access.may_view_source_rows(actor, model.source_id) or not divided.exists():
        return None
    schema = read()
    ways: list[Group] = []
    for parent in _parents_seen(actor, model):
        groups = grouped(rows_within(actor, parent, ()))
        if not groups:
            return None
        within = [Group(match=Match.ANY, conditions=tuple(each.where for each in some)) for some in groups]
        inside = Group(conditions=tuple(within))
        ways += [inside] if parent == model else _by_relationship(schema, model, parent, inside)
    if not ways:
        raise Denied(f"Nothing leads from {model.name} to rows that you may see.", hint=access.WHO_GIVES_SUBSETS)
    where = Group(match=Match.ANY, conditions=tuple(ways))
    return SavedAudience(id="rows", name=model.name, model=str(model.pk), definition=Definition(where=where))


def _parents_seen(actor: Actor, model: SchemaModel) -> Iterator[SchemaModel]:
    for parent in SchemaModel.objects.filter(pk__in=access.parents_of(model)).select_related("source"):
        if may(actor, Permission.VIEW_MEMBERS, parent_model_id=parent.pk):
            yield parent


def _by_relationship(schema: StudioSchema, model: SchemaModel, parent: SchemaModel, inside: Group) -> list[Group]:
    ends = {str(model.pk), str(parent.pk)}
    ties = [tie.id for tie in schema.relationships.values() if {tie.from_, tie.to} == ends]
    return [Group(conditions=(RelationCondition(tie, where=inside),)) for tie in ties]
