"""What the command palette finds. Apps register kinds of things and finders in their ``AppConfig.ready``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from itertools import islice
from urllib.parse import urlencode

from django.urls import reverse

from workspaces import favourites
from workspaces.access import may
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.resources import Thing, kinds
from workspaces.search import LONGEST, Hit, find_things

LIMIT = 6

Finder = Callable[[WorkspaceRequest, str], Iterable[Hit]]
_finders: dict[str, Finder] = {}


def register(label: str, finder: Finder) -> None:
    """Add a group of the palette alone. The finder gets the request and the words typed.

    It yields what this person may open; at most ``LIMIT`` hits are shown.
    """
    _finders[label] = finder


def find(request: WorkspaceRequest, words: str) -> list[dict[str, object]]:
    """What has the words in its name, by kind; with no words, what the person keeps at hand and opened last."""
    words = words[:LONGEST]
    groups = _found(request, words) if words else _at_hand(request)
    found = [(label, [asdict(hit) for hit in islice(hits, LIMIT)]) for label, hits in groups]
    return [{"label": label, "items": items} for label, items in found if items]


def _found(request: WorkspaceRequest, words: str) -> Iterable[tuple[str, Iterable[Hit]]]:
    yield "Do", _actions(request, words)
    for kind in kinds().values():
        yield kind.plural, find_things(request, kind, words, LIMIT)
    for label, finder in _finders.items():
        yield label, finder(request, words)
    url = reverse("workspaces:search", args=[request.workspace.slug])
    label = f"Search everything for “{words}”"
    yield "Search", [Hit(label, "Queries, columns, people…", f"{url}?{urlencode({'q': words})}")]


def _at_hand(request: WorkspaceRequest) -> Iterable[tuple[str, Iterable[Hit]]]:
    yield "Favourites", map(_hit, favourites.favourites_of(request))
    yield "Opened last", map(_hit, favourites.recently_opened(request))


def _hit(thing: Thing) -> Hit:
    return Hit(thing.name, thing.kind.plural, thing.url)


def _actions(request: WorkspaceRequest, words: str) -> Iterable[Hit]:
    """Pages of this app that stand behind a button."""
    for label, route, needs in ACTIONS:
        if words and words.lower() in label.lower() and may(request.actor, needs):
            yield Hit(label, "Settings", reverse(route, args=[request.workspace.slug]))


ACTIONS = (
    ("Invite people", "workspaces:invite", Permission.MANAGE_ORGANIZATION),
    ("New group", "workspaces:new_group", Permission.MANAGE_ORGANIZATION),
    ("Ask for a second factor", "workspaces:sign_in_rules", Permission.MANAGE_ORGANIZATION),
    ("Set up single sign-on", "workspaces:sso", Permission.MANAGE_ORGANIZATION),
    ("New workspace", "workspaces:new_workspace", Permission.MANAGE_ORGANIZATION),
    ("New role", "workspaces:new_role", Permission.MANAGE_WORKSPACE),
    ("What a person can do, and why", "workspaces:access_people", Permission.MEMBER),
    ("Who can see a source’s rows", "workspaces:access_who", Permission.MEMBER),
    ("Switch workspace", "workspaces:switch", Permission.MEMBER),
    ("New API key", "workspaces:new_api_key", Permission.MANAGE_WORKSPACE),
    ("Your profile and time zone", "workspaces:profile", Permission.MEMBER),
)
