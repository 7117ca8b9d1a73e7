"""What a person keeps at hand, and what they opened last. The latter lives in their session alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.urls import reverse

from workspaces.models import Favourite
from workspaces.requests import WorkspaceRequest
from workspaces.resources import Thing, kinds, things

RECENT = 12
_SESSION = "recent"


@dataclass(frozen=True, slots=True)
class Star:
    """The star of a page: whether it is set, and where to set or unset it."""

    name: str
    on: bool
    url: str


def opened(request: WorkspaceRequest, kind: str, row: Model) -> Star:
    """Remember that the person opened a thing's page, and say how its star stands."""
    _remember(request, kind, row.pk)
    return star_of(request, kind, row)


def star_of(request: WorkspaceRequest, kind: str, row: Model) -> Star:
    """How the star of a thing stands: one statement."""
    on = Favourite.objects.filter(user=request.user, kind=kind, object_id=row.pk).exists()
    url = reverse("workspaces:favourite", args=[request.workspace.slug, kind, row.pk])
    return Star(str(row), on, url)


def url_of(request: WorkspaceRequest, kind: str, pk: int) -> str:
    """The page of a thing."""
    return kinds()[kind].url(request.workspace.slug, pk)


def favourites_of(request: WorkspaceRequest) -> list[Thing]:
    """The person's favourites that they may still see, in the order in which they were added."""
    pairs = Favourite.objects.filter(user=request.user).values_list("kind", "object_id")
    return things(request.actor, request.workspace.slug, pairs)


def recently_opened(request: WorkspaceRequest) -> list[Thing]:
    """What the person opened last in this workspace and may still see, the latest first."""
    return things(request.actor, request.workspace.slug, _recent(request))


def _remember(request: WorkspaceRequest, kind: str, pk: int) -> None:
    pairs = _recent(request)
    if pairs[:1] == [(kind, pk)]:
        return
    newest = [(kind, pk), *(pair for pair in pairs if pair != (kind, pk))][:RECENT]
    everywhere: dict[str, Any] = request.session.get(_SESSION, {})
    request.session[_SESSION] = {**everywhere, str(request.workspace.pk): newest}


def _recent(request: WorkspaceRequest) -> list[tuple[str, int]]:
    stored = request.session.get(_SESSION, {}).get(str(request.workspace.pk), [])
    return [(str(kind), int(pk)) for kind, pk in stored]
