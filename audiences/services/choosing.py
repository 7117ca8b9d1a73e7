"""Which subsets an audience is built from: what a person may choose, keep and leave out."""

from __future__ import annotations

from collections.abc import Iterable

from audiences.access import WHO_GIVES_SUBSETS
from audiences.definitions import subsets_of
from audiences.models import Audience, AudienceSubset, SchemaModel, Subset
from audiences.selectors.subsets import Choice, choices_of
from config.errors import Denied, Invalid
from governance.audit.actors import Actor


def chosen_subsets(
    actor: Actor, parent: SchemaModel, wanted: Iterable[int] | None, audience: Audience | None = None
) -> list[Subset]:
    """The subsets that an audience is going to have; without ``wanted`` those that it has.

    A required category takes one that the person may build from; a single one is taken by itself. What somebody
    else chose and the person may not build from stays: nobody widens an audience beyond their own subsets.
    Categories are locked, so that none becomes required meanwhile.
    """
    had = {subset.pk for subset in subsets_of(audience)} if audience else set()
    asked = had if wanted is None else set(wanted)
    choices = choices_of(actor, parent, had, lock=True)
    known = {subset.pk for choice in choices for subset in choice.subsets}
    if asked - known:
        raise Invalid.field("subsets", f"{parent.name} has no such subset.")
    return [subset for choice in choices for subset in _of_category(choice, asked)]


def _of_category(choice: Choice, asked: set[int]) -> list[Subset]:
    wanted = {subset.pk for subset in choice.subsets} & asked
    category = choice.category
    if choice.kept and (category.required or wanted != choice.chosen):
        named = " and ".join(f"“{subset}”" for subset in choice.kept)
        words = f"This audience is built from {named} of “{category}”, which your roles do not hold: it stays so."
        raise Denied(words, hint=WHO_GIVES_SUBSETS)
    if new := wanted - choice.chosen - choice.held:
        named = " and ".join(f"“{subset}”" for subset in choice.subsets if subset.pk in new)
        raise Denied(f"Your roles do not hold {named} of “{category}”.", hint=WHO_GIVES_SUBSETS)
    if category.required and not wanted:
        if not choice.held:
            raise Denied(f"Building on {category.parent_model} takes a subset of “{category}”.", hint=WHO_GIVES_SUBSETS)
        if not choice.single:
            raise Invalid.field("subsets", f"Choose at least one subset of “{category}”.")
        wanted = set(choice.held)
    return [subset for subset in choice.subsets if subset.pk in wanted]


def store_choice(audience: Audience, subsets: Iterable[Subset]) -> None:
    """Build a saved audience from these subsets and no others."""
    wanted = {subset.pk: subset for subset in subsets}
    rows = AudienceSubset.objects.filter(audience=audience)
    rows.exclude(subset__in=wanted).delete()
    known = set(rows.values_list("subset_id", flat=True))
    AudienceSubset.objects.bulk_create(
        AudienceSubset(workspace_id=audience.workspace_id, audience=audience, subset=subset)
        for pk, subset in wanted.items()
        if pk not in known
    )


def named(subsets: Iterable[Subset]) -> dict[str, str]:
    """Subsets as an audit entry tells them: by id, so that a version can be put back whatever they are called then."""
    return {str(subset.pk): f"{subset.category.name}: {subset.name}" for subset in subsets}
