"""Writes to subsets and their categories. What changes a subset changes every audience that is built from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from audiences import access
from audiences.definitions import NEW, asker, problems_of, schema_with_audiences, subsets_of
from audiences.models import Audience, AudienceSubset, SchemaModel, Subset, SubsetCategory
from audiences.query.codec import load_definition
from audiences.query.errors import InvalidTree, Problem
from audiences.query.schema import SavedAudience, StudioSchema
from audiences.services.audiences import as_stored
from audiences.services.checks import checked_name, require_version
from config.errors import Conflict, Invalid
from governance.audit.actors import Actor
from governance.audit.services import changes, record, service, snapshot, unchanged
from workspaces.scoping import current_workspace_id

OF_CATEGORY = ("name", "description", "required", "parent_model")
OF_SUBSET = ("name", "definition", "category")
NAMED = 5


@service("subset_category.created")
def create_subset_category(*, actor: Actor, parent: SchemaModel, name: str, description: str = "") -> SubsetCategory:
    """Add a way to divide a parent model. Required it becomes later, once it has subsets."""
    parent = access.parent_to_govern(actor, parent.pk)
    category = SubsetCategory(
        workspace_id=current_workspace_id(),
        parent_model=parent,
        name=checked_name(name, "category"),
        description=description.strip(),
        created_by_id=actor.user_id,
    )
    _check_category_name(category)
    category.save()
    record(category, after=snapshot(category, OF_CATEGORY))
    return category


@service("subset_category.updated")
def update_subset_category(
    *,
    actor: Actor,
    category: SubsetCategory,
    name: str | None = None,
    description: str | None = None,
    required: bool | None = None,
    fallback: Subset | None = None,
) -> SubsetCategory:
    """Change a category; what is ``None`` stays.

    Audiences that have none of its subsets when it becomes required are built from ``fallback`` from then on.
    """
    category = access.subset_category_to_change(actor, category.pk)
    before = snapshot(category, OF_CATEGORY)
    if name is not None:
        category.name = checked_name(name, "category")
        _check_category_name(category)
    if description is not None:
        category.description = description.strip()
    moved: Sequence[Audience] = ()
    if required is not None and required != category.required:
        category.required = required
        moved = _put_into(category, fallback) if required else ()
    changed = changes(before, snapshot(category, OF_CATEGORY))
    if not changed:
        unchanged()
        return category
    category.save()
    told = {"put_into": fallback.name, "audiences": len(moved)} if moved and fallback else {}
    record(category, before=changed.before, after={**changed.after, **told})
    return category


@service("subset_category.deleted")
def delete_subset_category(*, actor: Actor, category: SubsetCategory) -> None:
    """Delete a category whose subsets no audience is built from."""
    category = access.subset_category_to_change(actor, category.pk)
    _refuse_in_use(f"Subsets of “{category}”", audiences_in(*category.subsets.all()))
    record(
        category, before={**snapshot(category, OF_CATEGORY), "subsets": [each.name for each in category.subsets.all()]}
    )
    category.delete()


@service("subset.created")
def create_subset(*, actor: Actor, category: SubsetCategory, name: str, definition: Any) -> Subset:
    """Add a subset to a category. Pre-built roles that build audiences hold it; custom roles are given it."""
    category = access.subset_category_to_change(actor, category.pk)
    subset = Subset(
        workspace_id=current_workspace_id(),
        category=category,
        name=checked_name(name, "subset"),
        definition=as_stored(category.parent_model, definition, problems_of_subset(category.parent_model, definition)),
        created_by_id=actor.user_id,
    )
    _check_subset_name(subset)
    subset.save()
    record(subset, after=snapshot(subset, OF_SUBSET))
    return subset


@service("subset.updated")
def update_subset(
    *, actor: Actor, subset: Subset, name: str | None = None, definition: Any = None, seen: str = ""
) -> Subset:
    """Change a subset, and with it all audiences that are built from it: their sizes are forgotten.

    Refused where it is not the version any more that was ``seen``.
    """
    subset = access.subset_to_change(actor, subset.pk)
    require_version(subset, seen)
    before = snapshot(subset, OF_SUBSET)
    if name is not None:
        subset.name = checked_name(name, "subset")
        _check_subset_name(subset)
    if definition is not None:
        problems = problems_of_subset(subset.category.parent_model, definition, subset)
        subset.definition = as_stored(subset.category.parent_model, definition, problems)
    changed = changes(before, snapshot(subset, OF_SUBSET))
    if not changed:
        unchanged()
        return subset
    subset.save()
    after = dict(changed.after)
    if "definition" in changed.after:
        in_it = audiences_in(subset)
        Audience.objects.filter(pk__in=[each.pk for each in in_it]).update(size=None, sized_at=None)
        after["audiences"] = len(in_it)
    record(subset, before=changed.before, after=after)
    return subset


@service("subset.deleted")
def delete_subset(*, actor: Actor, subset: Subset) -> None:
    """Delete a subset that no audience is built from."""
    subset = access.subset_to_change(actor, subset.pk)
    _refuse_in_use(f"“{subset}”", audiences_in(subset))
    record(subset, before=snapshot(subset, OF_SUBSET))
    subset.delete()


def audiences_in(*subsets: Subset) -> list[Audience]:
    """The audiences that are built from any of these subsets."""
    chosen = AudienceSubset.objects.filter(subset__in=subsets).values("audience_id")
    return list(Audience.objects.filter(pk__in=chosen).select_related("workspace"))


def audiences_without(category: SubsetCategory) -> list[Audience]:
    """The audiences of the parent model that are built from none of a category's subsets."""
    chosen = AudienceSubset.objects.filter(subset__category=category).values("audience_id")
    return list(Audience.objects.filter(parent_model_id=category.parent_model_id).exclude(pk__in=chosen))


def problems_of_subset(parent: SchemaModel, definition: Any, subset: Subset | None = None) -> Sequence[Problem]:
    """Everything that is wrong with a subset's conditions: also that an audience in it would be made of itself."""
    try:
        read = load_definition(definition)
    except InvalidTree as error:
        return error.problems
    if read.limit is not None:
        return [Problem(("limit",), "limit_unfit", "A subset has no limit: it is decided for each row by itself.")]
    instead = {subset.pk: read} if subset else {}
    name = subset.name if subset else "This subset"
    meant = SavedAudience(id=f"subset {NEW}", name=name, model=str(parent.pk), definition=read)
    return asker(schema_with_audiences(parent.source, instead=instead)).check(meant)


def _put_into(category: SubsetCategory, fallback: Subset | None) -> list[Audience]:
    without = audiences_without(category)
    if not without:
        return without
    if fallback is None or fallback.category_id != category.pk:
        raise Invalid.field(
            "fallback",
            f"{len(without):,} audience{'' if len(without) == 1 else 's'} of {category.parent_model} "
            f"{'has' if len(without) == 1 else 'have'} no subset of “{category}”: choose the one they get.",
        )
    schema = schema_with_audiences(category.parent_model.source)
    if looping := next((each for each in without if _loops(schema, each, fallback)), None):
        raise Conflict(f"“{fallback}” is made of “{looping}”, which would then be made of itself.")
    AudienceSubset.objects.bulk_create(
        AudienceSubset(workspace_id=category.workspace_id, audience=each, subset=fallback) for each in without
    )
    Audience.objects.filter(pk__in=[each.pk for each in without]).update(size=None, sized_at=None)
    return without


def _loops(schema: StudioSchema, audience: Audience, subset: Subset) -> bool:
    chosen = [*subsets_of(audience), subset]
    found = problems_of(subset.category.parent_model, audience.definition, schema, audience, chosen)
    return any(problem.code == "audience_loop" for problem in found)


def _refuse_in_use(what: str, users: Sequence[Audience]) -> None:
    if not users:
        return
    named = ", ".join(f"“{each.name}”" for each in users[:NAMED])
    more = f" and {len(users) - NAMED:,} more" if len(users) > NAMED else ""
    verb = "are" if what.startswith("Subsets") else "is"
    raise Conflict(f"{what} {verb} what {named}{more} are built from.", hint="Choose others for them first.")


def _check_category_name(category: SubsetCategory) -> None:
    same = SubsetCategory.objects.filter(parent_model=category.parent_model, name=category.name)
    if same.exclude(pk=category.pk).exists():
        raise Invalid.field("name", f"{category.parent_model} already has a category “{category.name}”.")


def _check_subset_name(subset: Subset) -> None:
    if Subset.objects.filter(category=subset.category, name=subset.name).exclude(pk=subset.pk).exists():
        raise Invalid.field("name", f"“{subset.category}” already has a subset “{subset.name}”.")
