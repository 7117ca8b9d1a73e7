"""What the command palette finds. Apps register a finder in their ``AppConfig.ready``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

from workspaces.navigation import navigation
from workspaces.requests import WorkspaceRequest

LIMIT = 6


@dataclass(frozen=True, slots=True)
class Hit:
    """One line of the palette."""

    label: str
    detail: str
    url: str


Finder = Callable[[WorkspaceRequest, str], Iterable[Hit]]
_finders: dict[str, Finder] = {}


def register(label: str, finder: Finder) -> None:
    """Add a group. The finder gets the request and the words typed, and yields what this person may open.

    With no words it may yield nothing, or what was used last. At most ``LIMIT`` hits are shown.
    """
    _finders[label] = finder


def find(request: WorkspaceRequest, words: str) -> list[dict[str, object]]:
    """All groups that have hits, pages first."""
    groups = [
        ("Pages", _pages(request, words)),
        *((label, finder(request, words)) for label, finder in _finders.items()),
    ]
    found = [(label, [asdict(hit) for _, hit in zip(range(LIMIT), hits, strict=False)]) for label, hits in groups]
    return [{"label": label, "items": items} for label, items in found if items]


def _pages(request: WorkspaceRequest, words: str) -> Iterable[Hit]:
    for group in navigation(request):
        for item in group.items:
            if words.lower() in item.label.lower():
                yield Hit(item.label, group.label, item.url)
