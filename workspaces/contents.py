"""What a workspace holds, told by the apps that keep it there: for lists, and before one is deleted.

Apps register at start-up; their functions run inside ``unscoped``, for any of the workspaces they are given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet, Value

from workspaces.scoping import TenantModel, unscoped

Obstacles = Callable[[int], Sequence[str]]
Eraser = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Counted:
    """How many of one kind a workspace holds."""

    noun: str
    number: int


_kinds: dict[str, type[TenantModel]] = {}
_obstacles: list[Obstacles] = []
_erasers: list[Eraser] = []


def register(noun: str, model: type[TenantModel]) -> None:
    """Count the rows of a model; ``noun`` is the singular of what they are called."""
    _kinds[noun] = model


def register_obstacle(find: Obstacles) -> None:
    """Tell what must come to rest before a workspace may be deleted: sentences, none if nothing does."""
    _obstacles.append(find)


def register_eraser(erase: Eraser) -> None:
    """Delete what a workspace keeps outside the database; called before its rows go, and again after a kill."""
    _erasers.append(erase)


def counts_of(workspace_ids: Iterable[int]) -> dict[int, list[Counted]]:
    """What several workspaces hold, in the order in which kinds are registered: one query for all of them."""
    ids = list(workspace_ids)
    counts: dict[int, list[Counted]] = {pk: [] for pk in ids}
    if not ids or not _kinds:
        return counts
    with unscoped("the organization's admins see how much each of its workspaces holds"):
        first, *others = [_counted(place, model, ids) for place, model in enumerate(_kinds.values())]
        rows = sorted(first.union(*others, all=True))
    nouns = list(_kinds)
    for place, pk, number in rows:
        counts[pk].append(Counted(nouns[place], number))
    return counts


def _counted(place: int, model: type[TenantModel], ids: Sequence[int]) -> QuerySet[Any, tuple[int, int, int]]:
    """Rows of a kind's place, a workspace, and how many there are."""
    rows = model.objects.filter(workspace_id__in=ids).order_by().values("workspace_id")
    found = rows.annotate(place=Value(place), number=Count("pk"))
    return found.values_list("place", "workspace_id", "number")


def obstacles_of(workspace_id: int) -> list[str]:
    """Why a workspace cannot be deleted now."""
    with unscoped("a workspace is deleted from outside it"):
        return [sentence for find in _obstacles for sentence in find(workspace_id)]


def erase_outside(workspace_id: int) -> None:
    """Delete what a workspace keeps outside the database."""
    for erase in _erasers:
        erase(workspace_id)
