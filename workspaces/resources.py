"""The kinds of things that people find, mark as favourites and open again. Apps register theirs at start-up.

``rows`` gives what one actor may see, so that nobody meets here what a list would not show them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.urls import reverse

from config.errors import NotFound
from governance.audit.actors import Actor
from workspaces.areas import off_here


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind: what it is called, its icon, the route of its page (workspace slug, id), and its rows in view.

    ``named`` are the fields of its name; ``inside`` is the condition under which a word
    stands elsewhere in it, and ``inside_words`` says where ("in its query"). ``related``
    is what ``detail`` reads. Where all ``areas`` that it belongs to are off, nothing of it is found.
    """

    name: str
    plural: str
    icon: str
    route: str
    rows: Callable[[Actor], QuerySet[Any]]
    detail: Callable[[Any], str]
    named: tuple[str, ...] = ("name", "slug")
    inside: Callable[[str], Q] | None = None
    inside_words: str = ""
    related: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()

    def url(self, slug: str, pk: int) -> str:
        """The address of one of them."""
        return reverse(self.route, args=[slug, pk])


@dataclass(frozen=True, slots=True)
class Thing:
    """One of them, as menus and panels show it."""

    kind: Kind
    pk: int
    name: str
    url: str


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Add a kind."""
    if kind.name in _kinds:
        raise ValueError(f"the kind {kind.name!r} is registered twice")
    _kinds[kind.name] = kind


def kinds() -> Mapping[str, Kind]:
    """The kinds by name that the workspace has not switched off with their areas."""
    away = off_here()
    return {name: kind for name, kind in _kinds.items() if not (kind.areas and away.issuperset(kind.areas))}


def thing_for(actor: Actor, kind_name: str, pk: int) -> Model:
    """The row of this kind and id, if the actor may see it."""
    kind = kinds().get(kind_name)
    row: Model | None = kind.rows(actor).filter(pk=pk).first() if kind else None
    if row is None:
        raise NotFound("There is no such thing here.")
    return row


def things(actor: Actor, slug: str, wanted: Iterable[tuple[str, int]]) -> list[Thing]:
    """Those of (kind, id) that still exist and that the actor may see, in the same order: one statement a kind."""
    wanted = list(wanted)
    ids: dict[str, list[int]] = defaultdict(list)
    for kind_name, pk in wanted:
        ids[kind_name].append(pk)
    offered = kinds()
    rows = {name: offered[name].rows(actor).in_bulk(pks) for name, pks in ids.items() if name in offered}
    found = []
    for kind_name, pk in wanted:
        if (row := rows.get(kind_name, {}).get(pk)) is not None:
            kind = _kinds[kind_name]
            found.append(Thing(kind, pk, str(row), kind.url(slug, pk)))
    return found
