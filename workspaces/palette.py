"""What the command palette finds. Apps register a finder in their ``AppConfig.ready``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from itertools import islice

from django.urls import reverse

from workspaces.access import may
from workspaces.permissions import Permission
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
    """All groups that have hits. The rail's own pages are found in the browser already."""
    finders = [("Do", _settings), *_finders.items()]
    found = [(label, [asdict(hit) for hit in islice(finder(request, words), LIMIT)]) for label, finder in finders]
    return [{"label": label, "items": items} for label, items in found if items]


def _settings(request: WorkspaceRequest, words: str) -> Iterable[Hit]:
    """Pages of this app that stand behind a button."""
    for label, route, needs in _ACTIONS:
        if words and words.lower() in label.lower() and may(request.actor, needs):
            yield Hit(label, "Settings", reverse(route, args=[request.workspace.slug]))


_ACTIONS = (
    ("Invite a person", "workspaces:invite", Permission.MANAGE_ORGANIZATION),
    ("New group", "workspaces:new_group", Permission.MANAGE_ORGANIZATION),
    ("New workspace", "workspaces:new_workspace", Permission.MANAGE_ORGANIZATION),
    ("New API key", "workspaces:new_api_key", Permission.MANAGE_WORKSPACE),
    ("Your profile and time zone", "workspaces:profile", Permission.MEMBER),
)
