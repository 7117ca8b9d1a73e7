"""Folders as a tree. A workspace has hundreds of them, so all of them are read in one statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from governance.audit.actors import Actor
from workspaces.access import folder_for
from workspaces.bulk import Outcome
from workspaces.models import Folder

UNFILED = "none"


@dataclass(slots=True)
class Node:
    """A folder with those inside it. ``count`` is of all that it holds, folders below it included."""

    folder: Folder
    depth: int
    children: list[Node] = field(default_factory=list)
    own: int = 0
    count: int = 0

    def walk(self) -> Iterator[Node]:
        """This folder, then everything below it, in the order of the tree."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))


class Tree:
    """All folders, in one statement; with ``rows``, how many of them each holds (at ``path``)."""

    def __init__(self, rows: QuerySet[Any] | None = None, path: str = "folder") -> None:
        folders = list(_counted(Folder.objects.order_by("name", "pk"), rows, path))
        below: dict[int | None, list[Folder]] = defaultdict(list)
        for folder in folders:
            below[folder.parent_id].append(folder)
        self.unfiled: int = getattr(folders[0], "unfiled", 0) if folders else 0
        self.nodes: dict[int, Node] = {}
        self.roots = self._built(below)

    def _built(self, below: Mapping[int | None, list[Folder]]) -> list[Node]:
        """Nodes from the top down, then counts from the bottom up; no recursion, as nesting has no limit."""
        roots = [Node(folder, 0) for folder in below[None]]
        order = list(roots)
        for node in order:
            self.nodes[node.folder.pk] = node
            node.own = node.count = getattr(node.folder, "held", 0)
            node.children = [Node(folder, node.depth + 1) for folder in below.get(node.folder.pk, ())]
            order.extend(node.children)
        for node in reversed(order):
            node.count += sum(child.count for child in node.children)
        return roots

    def __bool__(self) -> bool:
        return bool(self.nodes)

    def walk(self) -> Iterator[Node]:
        """Every folder in the order in which it is shown."""
        for root in self.roots:
            yield from root.walk()

    def shown(self, open_id: int | None) -> list[Node]:
        """What a sidebar lists: the top folders, those on the way to the open one, and what lies right below each."""
        opened = {folder.pk for folder in self.path(open_id)}
        return [n for n in self.walk() if n.folder.parent_id is None or n.folder.parent_id in opened]

    def within(self, folder_id: int) -> list[int]:
        """The ids of a folder and everything below it; none where there is no such folder."""
        node = self.nodes.get(folder_id)
        return [inner.folder.pk for inner in node.walk()] if node else []

    def path(self, folder_id: int | None) -> list[Folder]:
        """The folders from the top down to this one."""
        path: list[Folder] = []
        while folder_id is not None and folder_id in self.nodes:
            folder = self.nodes[folder_id].folder
            path.insert(0, folder)
            folder_id = folder.parent_id
        return path

    def paths(self) -> dict[int, str]:
        """Every folder's place in words: "Marketing / Campaigns"."""
        words: dict[int, str] = {}
        for node in self.walk():
            above = words.get(node.folder.parent_id or 0)
            words[node.folder.pk] = f"{above} / {node.folder.name}" if above else node.folder.name
        return words


def _counted(folders: QuerySet[Folder], rows: QuerySet[Any] | None, path: str) -> QuerySet[Folder]:
    if rows is None:
        return folders
    number = rows.order_by().values(path).annotate(number=Count("pk")).values("number")
    held = Subquery(number.filter(**{path: OuterRef("pk")}))
    unfiled = Subquery(number.filter(**{f"{path}__isnull": True}))
    return folders.annotate(held=Coalesce(held, 0), unfiled=Coalesce(unfiled, 0))


def folder_choices(tree: Tree | None = None) -> list[tuple[int, str]]:
    """Every folder with its place in words, in the order of the words."""
    return sorted((tree or Tree()).paths().items(), key=lambda pair: pair[1].lower())


def within(folder_id: int) -> list[int]:
    """The ids of a folder and everything below it. Raises NotFound."""
    return Tree().within(folder_for(folder_id).pk)


# Deletes everything of an app in these folders, each thing by its own service, and says what became of each.
Emptier = Callable[[Actor, Sequence[int]], list[Outcome]]
_emptiers: list[Emptier] = []


def register_contents(emptier: Emptier) -> None:
    """Tell how to delete what folders hold; called in order."""
    _emptiers.append(emptier)


def delete_contents(actor: Actor, folder_ids: Sequence[int]) -> list[Outcome]:
    """Delete everything in these folders that can be deleted."""
    return [outcome for emptier in _emptiers for outcome in emptier(actor, folder_ids)]
