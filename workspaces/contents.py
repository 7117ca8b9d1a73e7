"""What a workspace holds, told by the apps that keep it there: for lists, and before one is deleted.

Apps register at start-up; their functions run inside ``unscoped``, for any of the workspaces they are given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Count

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
    """What several workspaces hold: one query a kind."""
    ids = list(workspace_ids)
    counts: dict[int, list[Counted]] = {pk: [] for pk in ids}
    with unscoped("the organization's admins see how much each of its workspaces holds"):
        for noun, model in _kinds.items() if ids else ():
            rows = model.objects.filter(workspace_id__in=ids).order_by().values_list("workspace_id")
            for pk, number in rows.annotate(Count("pk")):
                counts[pk].append(Counted(noun, number))
    return counts


def obstacles_of(workspace_id: int) -> list[str]:
    """Why a workspace cannot be deleted now."""
    with unscoped("a workspace is deleted from outside it"):
        return [sentence for find in _obstacles for sentence in find(workspace_id)]


def erase_outside(workspace_id: int) -> None:
    """Delete what a workspace keeps outside the database."""
    for erase in _erasers:
        erase(workspace_id)
