"""Subsets as people meet them: what there is to choose, and which rows somebody may see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from audiences import access
from audiences.models import SchemaModel, Subset, SubsetCategory
from config.errors import Denied
from governance.audit.actors import Actor
from workspaces.permissions import Permission


@dataclass(frozen=True, slots=True)
class Choice:
    """A category with its subsets: which a person may build from, and which an audience has."""

    category: SubsetCategory
    subsets: tuple[Subset, ...]
    held: frozenset[int]
    chosen: frozenset[int] = frozenset()

    def with_chosen(self, chosen: Iterable[int]) -> Choice:
        """The same with these of its subsets chosen."""
        return replace(self, chosen=frozenset(chosen) & {subset.pk for subset in self.subsets})

    @property
    def usable(self) -> list[Subset]:
        """Those that the person may build from."""
        return [subset for subset in self.subsets if subset.pk in self.held]

    @property
    def kept(self) -> list[Subset]:
        """Those that the audience has and the person may not build from: they stay."""
        return [subset for subset in self.subsets if subset.pk in self.chosen - self.held]

    @property
    def barred(self) -> bool:
        """Whether the person cannot build on the parent model for want of a subset."""
        return self.category.required and not self.held

    @property
    def single(self) -> bool:
        """Whether there is nothing to choose: the category is required, and only one may be taken."""
        return self.category.required and len(self.held) == 1 and not self.kept


def choices_of(
    actor: Actor,
    parent: SchemaModel,
    chosen: Iterable[int] = (),
    right: Permission = Permission.CONFIGURE_AUDIENCES,
    *,
    lock: bool = False,
) -> list[Choice]:
    """The categories of a parent model, with what the actor may use of each by this right on the parent model."""
    rows = SubsetCategory.objects.filter(parent_model=parent).order_by("name", "pk")
    categories = list(rows.select_for_update(no_key=True) if lock else rows)
    found: dict[int, list[Subset]] = {category.pk: [] for category in categories}
    for subset in Subset.objects.filter(category__in=categories) if categories else ():
        found[subset.category_id].append(subset)
    wanted = frozenset(chosen)
    return [
        Choice(
            category,
            tuple(found[category.pk]),
            frozenset(s.pk for s in found[category.pk] if access.may_use_subset(actor, s, parent.pk, right)),
            wanted & {s.pk for s in found[category.pk]},
        )
        for category in categories
    ]


def first_choice(choices: Iterable[Choice]) -> list[int]:
    """What a new audience gets without being asked: the only subset of a required category that the person has."""
    return [pk for choice in choices if choice.single for pk in choice.held]


def require_all_rows(actor: Actor, parent: SchemaModel) -> None:
    """Raise unless no required subset keeps rows of a parent model from the actor: for what no subset narrows."""
    if actor.is_system or access.may_view_source_rows(actor, parent.source_id):
        return
    for choice in choices_of(actor, parent, right=Permission.VIEW_MEMBERS):
        if choice.category.required and len(choice.held) < len(choice.subsets):
            words = f"You may not see rows outside of your subsets of {parent.name} by “{choice.category}”."
            raise Denied(words, hint=access.WHO_GIVES_SUBSETS)


def rows_within(actor: Actor, parent: SchemaModel, chosen: Sequence[Subset]) -> list[Subset]:
    """The subsets in which the actor sees rows of a parent model, of an audience that is built from ``chosen``.

    Of a required category those that the actor's roles hold, and no others. Who may see all that the source
    answers is not narrowed. Raises :class:`Denied` where nothing is left.
    """
    if actor.is_system or access.may_view_source_rows(actor, parent.source_id):
        return list(chosen)
    seen: list[Subset] = []
    for choice in choices_of(actor, parent, [subset.pk for subset in chosen], Permission.VIEW_MEMBERS):
        own = [subset for subset in choice.subsets if subset.pk in choice.chosen]
        if not choice.category.required:
            seen += own
            continue
        held = [subset for subset in own or choice.subsets if subset.pk in choice.held]
        if not held:
            of = " or ".join(f"“{subset}”" for subset in own) or "any part"
            raise Denied(
                f"You may not see rows of {of} of {parent.name} by “{choice.category}”.", hint=access.WHO_GIVES_SUBSETS
            )
        seen += held
    return seen
