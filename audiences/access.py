"""The only ways from an id to a schema model or relationship of the current workspace.

Members read the schema; changing it takes the right to configure the schema of its source. Rows are
seen by whoever may view the source's rows, or those of the parent model; what belongs to a parent is
seen with it. Audiences are built by whoever may configure them on their parent model, from the subsets
that one of their roles holds beside it. What governs a parent model, subsets and destination rules, is
changed by whoever may configure its schema.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, TypeVar

from django.db.models import Prefetch, Q, QuerySet

from audiences.choices import ModelKind
from audiences.models import (
    Audience,
    AudienceSubset,
    AudienceTemplate,
    Calculation,
    DestinationRule,
    PriorityList,
    Relationship,
    SchemaModel,
    Subset,
    SubsetCategory,
    SyncTemplate,
    Trait,
    ValueList,
)
from config.errors import Denied, NotFound
from connectors import access as connections
from connectors.models import Source
from governance.audit.actors import Actor
from syncs.access import may_change as may_change_sync
from syncs.access import syncs_in_view
from syncs.models import Model, Sync
from workspaces import access
from workspaces.models import Space
from workspaces.permissions import Permission

WHO_GIVES_SUBSETS = "A workspace admin can give your role the subset: Settings, Roles, Subsets."

M = TypeVar(
    "M",
    SchemaModel,
    Relationship,
    Audience,
    AudienceTemplate,
    Calculation,
    SubsetCategory,
    Subset,
    DestinationRule,
    Trait,
    PriorityList,
    ValueList,
    SyncTemplate,
)
ADD_SYNC = (Permission.CONFIGURE_AUDIENCES, Permission.DRAFT_TO_DESTINATION)
TEMPLATES = (Permission.CONFIGURE_SCHEMA, Permission.DRAFT_TO_DESTINATION)


def schema_model_for(actor: Actor, model_id: int) -> SchemaModel:
    """A schema model that the actor may read."""
    access.require(actor, Permission.MEMBER)
    return _found(SchemaModel.objects.select_related("source", "created_by"), model_id, "model")


def schema_model_to_change(actor: Actor, model_id: int) -> SchemaModel:
    """A schema model that the actor may change, locked."""
    model = _found(SchemaModel.objects.select_for_update(no_key=True), model_id, "model")
    require_configure(actor, model.source_id)
    return model


def schema_model_to_look_at(actor: Actor, model_id: int) -> SchemaModel:
    """A schema model, locked, whose values a worker may look at: for who configures it or sees what is found."""
    model = _found(SchemaModel.objects.select_for_update(no_key=True), model_id, "model")
    if not may_see_suggestions(actor, model):
        require_configure(actor, model.source_id)
    return model


def relationship_for(actor: Actor, relationship_id: int) -> Relationship:
    """A relationship that the actor may read."""
    access.require(actor, Permission.MEMBER)
    rows = Relationship.objects.select_related("from_model__source", "to_model")
    return _found(rows, relationship_id, "relationship")


def relationship_to_change(actor: Actor, relationship_id: int) -> Relationship:
    """A relationship that the actor may change, locked with its models."""
    rows = Relationship.objects.select_for_update(no_key=True, of=("self",)).select_related("from_model", "to_model")
    found = _found(rows, relationship_id, "relationship")
    require_configure(actor, found.from_model.source_id)
    return found


def source_to_configure(actor: Actor, source_id: int, *, lock: bool = False) -> Source:
    """A source whose schema the actor may configure."""
    return connections.source_for(actor, source_id, Permission.CONFIGURE_SCHEMA, lock=lock)


def require_configure(actor: Actor, source_id: int) -> None:
    """Raise unless the actor may configure the schema of this source."""
    access.require(actor, Permission.CONFIGURE_SCHEMA, source_id=source_id)


def may_configure(actor: Actor, source_id: int | None = None) -> bool:
    """Whether the actor may configure the schema of this source, or of at least one."""
    return access.may(actor, Permission.CONFIGURE_SCHEMA, source_id=source_id)


def may_view_source_rows(actor: Actor, source_id: int) -> bool:
    """Whether the actor may see whatever the source answers: what writing a query takes."""
    return access.may(actor, Permission.VIEW_ROWS, source_id=source_id)


def may_view_rows(actor: Actor, model: SchemaModel) -> bool:
    """Whether the actor may see values of this model: by its source, or by a parent that it belongs to."""
    if may_view_source_rows(actor, model.source_id):
        return True
    if not access.may(actor, Permission.VIEW_MEMBERS):
        return False
    return any(access.may(actor, Permission.VIEW_MEMBERS, parent_model_id=pk) for pk in parents_of(model))


def require_view_rows(actor: Actor, model: SchemaModel) -> None:
    """Raise unless the actor may see values of this model."""
    if not may_view_rows(actor, model):
        raise Denied(
            f"You may not see rows of {model.name}.",
            hint="A workspace admin can give your group the right to view this parent model's row data.",
        )


def may_see_suggestions(actor: Actor, model: SchemaModel) -> bool:
    """Whether the actor may see a model's most frequent values: who sees its rows, or builds audiences with it."""
    if may_view_rows(actor, model):
        return True
    if not access.may(actor, Permission.CONFIGURE_AUDIENCES):
        return False
    return any(access.may(actor, Permission.CONFIGURE_AUDIENCES, parent_model_id=pk) for pk in parents_of(model))


def models_to_suggest_from(actor: Actor, source_id: int, model_ids: Collection[int]) -> set[int]:
    """Those of a source's models whose most frequent values the actor may see, as :func:`may_see_suggestions` says."""
    return _models_near(actor, source_id, model_ids, Permission.VIEW_MEMBERS, Permission.CONFIGURE_AUDIENCES)


def models_to_see(actor: Actor, source_id: int, model_ids: Collection[int]) -> set[int]:
    """Those of a source's models whose rows the actor may see, as :func:`may_view_rows` says."""
    return _models_near(actor, source_id, model_ids, Permission.VIEW_MEMBERS)


def _models_near(actor: Actor, source_id: int, model_ids: Collection[int], *rights: Permission) -> set[int]:
    """Those of a source's models that are, or belong to, a parent model on which the actor has one of these rights."""
    if may_view_source_rows(actor, source_id):
        return set(model_ids)
    parents = SchemaModel.objects.filter(source_id=source_id, kind=ModelKind.PARENT).values_list("pk", flat=True)
    allowed = {pk for pk in parents if any(access.may(actor, right, parent_model_id=pk) for right in rights)}
    near = Q(relationships__to_model__in=allowed) | Q(relationships_to__from_model__in=allowed)
    rows = SchemaModel.objects.filter(Q(pk__in=allowed) | near, pk__in=model_ids)
    return set(rows.order_by().values_list("pk", flat=True))


def parents_of(model: SchemaModel) -> list[int]:
    """The ids of the parent models that a model belongs to: itself, or those it is related to."""
    if model.is_parent:
        return [model.pk]
    beside = Q(relationships__to_model=model) | Q(relationships_to__from_model=model)
    rows = SchemaModel.objects.filter(beside, kind=ModelKind.PARENT)
    return list(rows.order_by("pk").values_list("pk", flat=True).distinct())


def audiences_in_view(actor: Actor) -> QuerySet[Audience]:
    """The audiences that the actor may read: everyone's, and those of the spaces that the actor sees."""
    access.require(actor, Permission.MEMBER)
    return access.in_view(Audience.objects.all(), actor)


def audience_for(actor: Actor, audience_id: int) -> Audience:
    """An audience that the actor may read."""
    rows = audiences_in_view(actor).select_related("parent_model__source", "created_by", "space", "folder")
    rows = rows.prefetch_related(_chosen())
    return _found(rows, audience_id, "audience")


def audience_of_model(actor: Actor, model_id: int) -> Audience:
    """The audience that the syncs of a model send."""
    found = audiences_in_view(actor).filter(model_id=model_id).first()
    if found is None:
        raise NotFound("There is no such audience in this workspace.")
    return found


def _chosen() -> Prefetch[Any]:
    return Prefetch("chosen", AudienceSubset.objects.select_related("subset__category"))


def audience_to_change(actor: Actor, audience_id: int) -> Audience:
    """An audience that the actor may change, locked."""
    audience = audience_to_organize(actor, audience_id)
    _require_syncs(actor, audience)
    return audience


def audience_to_organize(actor: Actor, audience_id: int) -> Audience:
    """An audience that the actor may move and label, locked: that changes nothing about what its syncs send."""
    rows = audiences_in_view(actor).select_for_update(no_key=True, of=("self",)).select_related("parent_model__source")
    audience = _found(rows.prefetch_related(_chosen()), audience_id, "audience")
    require_build(actor, audience.parent_model_id)
    require_subsets(actor, audience)
    return audience


def require_subsets(actor: Actor, audience: Audience, right: Permission = Permission.CONFIGURE_AUDIENCES) -> None:
    """Raise unless the actor's roles hold every required subset that an audience is built from, with this right."""
    _require_chosen(actor, audience, audience.chosen.all(), right)


def require_subsets_of_model(actor: Actor, model: Model, rights: Iterable[Permission]) -> None:
    """The same for the model that syncs of an audience have, with the rights on its parent model among these."""
    asked = [right for right in rights if right.side == "parent_model"]
    rows = AudienceSubset.objects.filter(audience__model=model, subset__category__required=True)
    chosen = list(rows.select_related("audience", "subset__category")) if asked else []
    for right in asked if chosen else ():
        _require_chosen(actor, chosen[0].audience, chosen, right)


def _require_chosen(actor: Actor, audience: Audience, chosen: Iterable[AudienceSubset], right: Permission) -> None:
    for row in chosen:
        subset = row.subset
        if subset.category.required and not may_use_subset(actor, subset, audience.parent_model_id, right):
            words = f"“{audience}” is built from “{subset}” of “{subset.category}”, which your roles do not hold."
            raise Denied(words, hint=WHO_GIVES_SUBSETS)


def _require_syncs(actor: Actor, audience: Audience) -> None:
    """Raise unless the actor may change every sync of an audience: changing the audience changes what they send."""
    if audience.model_id is None:
        return
    seen = set(syncs_in_view(actor).filter(model_id=audience.model_id).values_list("pk", flat=True))
    for sync in Sync.objects.filter(model_id=audience.model_id).select_related("model", "destination"):
        if not may_change_sync(actor, sync):
            named = f"The sync to “{sync.destination}”" if sync.pk in seen else "A sync that you do not see"
            raise Denied(
                f"{named} sends this audience, and you may not change it.",
                hint="Ask somebody who may change syncs to its destination, or build an audience of your own.",
            )


def parent_to_build_on(actor: Actor, model_id: int) -> SchemaModel:
    """A parent model on which the actor may build audiences."""
    model = _found(_parents(), model_id, "parent model")
    require_build(actor, model.pk)
    return model


def parent_model_for(actor: Actor, model_id: int) -> SchemaModel:
    """A parent model that the actor may read."""
    access.require(actor, Permission.MEMBER)
    rows = SchemaModel.objects.select_related("source").filter(kind=ModelKind.PARENT)
    return _found(rows, model_id, "parent model")


def templates_in_view(actor: Actor) -> QuerySet[AudienceTemplate]:
    """The templates of audiences, which every member of the workspace may read."""
    access.require(actor, Permission.MEMBER)
    return AudienceTemplate.objects.all()


def template_for(actor: Actor, template_id: int) -> AudienceTemplate:
    """A template that the actor may read."""
    rows = templates_in_view(actor).select_related("parent_model__source", "created_by")
    return _found(rows, template_id, "template")


def template_to_change(actor: Actor, template_id: int, *, approving: bool = False) -> AudienceTemplate:
    """A template that the actor may change, or approve as who may configure its schema; locked."""
    rows = templates_in_view(actor).select_for_update(no_key=True, of=("self",)).select_related("parent_model__source")
    template = _found(rows, template_id, "template")
    if approving:
        require_configure(actor, template.parent_model.source_id)
    else:
        require_build(actor, template.parent_model_id)
    return template


def calculation_for(actor: Actor, calculation_id: int) -> Calculation:
    """A calculation about a parent model whose rows the actor may count."""
    rows = Calculation.objects.select_related("parent_model__source", "destination", "audience")
    rows = access.in_view(rows, actor, "audience__space")
    calculation = _found(rows, calculation_id, "calculation")
    parent = calculation.parent_model
    if not may_configure(actor, parent.source_id):
        require_build(actor, parent.pk)
    return calculation


def lists_in_view(actor: Actor) -> QuerySet[ValueList]:
    """The uploaded lists, which every member of the workspace may know of."""
    access.require(actor, Permission.MEMBER)
    return ValueList.objects.all()


def list_for(actor: Actor, list_id: int) -> ValueList:
    """An uploaded list that the actor may read."""
    return _found(lists_in_view(actor), list_id, "list")


def list_to_change(actor: Actor, list_id: int) -> ValueList:
    """An uploaded list that the actor may change, locked."""
    require_build(actor)
    return _found(lists_in_view(actor).select_for_update(no_key=True), list_id, "list")


def require_build(actor: Actor, parent_id: int | None = None) -> None:
    """Raise unless the actor may build audiences on this parent model, or on at least one."""
    access.require(actor, Permission.CONFIGURE_AUDIENCES, parent_model_id=parent_id)


def may_build(actor: Actor, parent_id: int | None = None) -> bool:
    """Whether the actor may build audiences on this parent model, or on at least one."""
    return access.may(actor, Permission.CONFIGURE_AUDIENCES, parent_model_id=parent_id)


def parent_to_govern(actor: Actor, model_id: int) -> SchemaModel:
    """A parent model whose subsets and destination rules the actor may change."""
    model = _found(_parents(), model_id, "parent model")
    require_configure(actor, model.source_id)
    return model


def _parents() -> QuerySet[SchemaModel]:
    return SchemaModel.objects.select_related("source").filter(kind=ModelKind.PARENT, archived_at=None)


def subset_category_for(actor: Actor, category_id: int) -> SubsetCategory:
    """A category of subsets that the actor may read."""
    access.require(actor, Permission.MEMBER)
    rows = SubsetCategory.objects.select_related("parent_model__source")
    return _found(rows, category_id, "category of subsets")


def subset_category_to_change(actor: Actor, category_id: int) -> SubsetCategory:
    """A category of subsets that the actor may change, locked."""
    rows = SubsetCategory.objects.select_for_update(no_key=True, of=("self",)).select_related("parent_model__source")
    category = _found(rows, category_id, "category of subsets")
    require_configure(actor, category.parent_model.source_id)
    return category


def subset_for(actor: Actor, subset_id: int) -> Subset:
    """A subset that the actor may read: its name and conditions, not its rows."""
    access.require(actor, Permission.MEMBER)
    return _found(Subset.objects.select_related("category__parent_model__source"), subset_id, "subset")


def subset_to_change(actor: Actor, subset_id: int) -> Subset:
    """A subset that the actor may change, locked."""
    rows = Subset.objects.select_for_update(no_key=True, of=("self",))
    subset = _found(rows.select_related("category__parent_model__source"), subset_id, "subset")
    require_configure(actor, subset.category.parent_model.source_id)
    return subset


def may_use_subset(actor: Actor, subset: Subset, parent_id: int, right: Permission) -> bool:
    """Whether one of the actor's roles holds this right on the parent model together with the subset."""
    return access.may(actor, (right, Permission.USE_SUBSET), parent_model_id=parent_id, subset_id=subset.pk)


def rule_for(actor: Actor, rule_id: int) -> DestinationRule:
    """A destination rule that the actor may read."""
    access.require(actor, Permission.MEMBER)
    return _found(DestinationRule.objects.select_related("parent_model__source", "destination"), rule_id, "rule")


def rule_to_change(actor: Actor, rule_id: int) -> DestinationRule:
    """A destination rule that the actor may change, locked."""
    rows = DestinationRule.objects.select_for_update(no_key=True, of=("self",))
    rule = _found(rows.select_related("parent_model__source", "destination"), rule_id, "rule")
    require_configure(actor, rule.parent_model.source_id)
    return rule


def priority_lists_in_view(actor: Actor) -> QuerySet[PriorityList]:
    """The priority lists of the workspace."""
    access.require(actor, Permission.MEMBER)
    return PriorityList.objects.all()


def priority_list_for(actor: Actor, list_id: int) -> PriorityList:
    """A priority list that the actor may read: its name, and those of its audiences that the actor sees."""
    rows = priority_lists_in_view(actor).select_related("parent_model__source", "created_by")
    return _found(rows, list_id, "priority list")


def priority_list_to_change(actor: Actor, list_id: int) -> PriorityList:
    """A priority list that the actor may change, locked."""
    rows = PriorityList.objects.select_for_update(no_key=True, of=("self",)).select_related("parent_model")
    found = _found(rows, list_id, "priority list")
    require_build(actor, found.parent_model_id)
    return found


def trait_for(actor: Actor, trait_id: int) -> Trait:
    """A trait that the actor may read."""
    access.require(actor, Permission.MEMBER)
    return _found(Trait.objects.select_related("model__source", "template", "created_by"), trait_id, "trait")


def trait_to_change(actor: Actor, trait_id: int) -> Trait:
    """A trait that the actor may change, locked."""
    rows = Trait.objects.select_for_update(no_key=True, of=("self",)).select_related("model__source", "template")
    trait = _found(rows, trait_id, "trait")
    require_traits(actor, trait.model)
    return trait


def model_to_put_traits_on(actor: Actor, model_id: int) -> SchemaModel:
    """A model on which the actor may define traits."""
    rows = SchemaModel.objects.select_related("source").filter(archived_at=None)
    model = _found(rows, model_id, "model")
    require_traits(actor, model)
    return model


def require_traits(actor: Actor, model: SchemaModel) -> None:
    """Raise unless the actor may define traits of this model."""
    access.require(actor, Permission.CONFIGURE_AUDIENCES)
    if not may_define_traits(actor, model):
        raise Denied(
            f"You may not change traits of {model.name}.",
            hint="A workspace admin can give your group the right to configure audiences on its parent model.",
        )


def may_define_traits(actor: Actor, model: SchemaModel) -> bool:
    """Whether the actor may define traits of a model: who builds audiences of it, or of a parent of its schema."""
    if not may_build(actor):
        return False
    if model.is_parent:
        return may_build(actor, model.pk)
    parents = SchemaModel.objects.filter(source_id=model.source_id, kind=ModelKind.PARENT)
    near = parents_of(model) or list(parents.values_list("pk", flat=True))
    return any(may_build(actor, pk) for pk in near)


def sync_template_for(actor: Actor, template_id: int) -> SyncTemplate:
    """A template of audience syncs that the actor may read."""
    return _found(sync_templates_in_view(actor), template_id, "template")


def sync_templates_in_view(actor: Actor) -> QuerySet[SyncTemplate]:
    """The templates of audience syncs: members read all of them."""
    access.require(actor, Permission.MEMBER)
    return SyncTemplate.objects.select_related("parent_model__source", "destination", "created_by", "workspace")


def sync_template_to_change(actor: Actor, template_id: int) -> SyncTemplate:
    """A template of audience syncs that the actor may change, locked."""
    rows = SyncTemplate.objects.select_for_update(no_key=True, of=("self",))
    template = _found(rows.select_related("parent_model__source", "destination"), template_id, "template")
    require_template_change(actor, template)
    return template


def require_template_change(actor: Actor, template: SyncTemplate) -> None:
    """Raise unless the actor may change this template."""
    access.require(actor, TEMPLATES, source_id=template.parent_model.source_id, destination_id=template.destination_id)


def may_make_templates(actor: Actor, source_id: int | None = None, destination_id: int | None = None) -> bool:
    """Whether one group may configure this source's schema and draft to this destination, or some of each."""
    return access.may(actor, TEMPLATES, source_id=source_id, destination_id=destination_id)


def parent_for_templates(actor: Actor, model_id: int, destination_id: int) -> SchemaModel:
    """A parent model and destination for which the actor may make templates of audience syncs."""
    model = _found(_parents(), model_id, "parent model")
    access.require(actor, TEMPLATES, source_id=model.source_id, destination_id=destination_id)
    return model


def space_to_put_into(actor: Actor, space_id: int | None) -> Space | None:
    """The space that something new goes into; it cannot be deleted until the transaction ends."""
    return None if space_id is None else access.space_for(actor, space_id, lock=True)


def _found(rows: QuerySet[M], pk: int, noun: str) -> M:
    row = rows.filter(pk=pk).first()
    if row is None:
        raise NotFound(f"There is no such {noun} in this workspace.")
    return row
