"""Search across everything that a person may see, for the search page and the command palette.

Registered kinds (``workspaces/resources.py``) are found by name and by what is
inside them; apps add other finders with :func:`register`. Each costs one
statement. A name that is the words comes first, then those that begin with
them, then those that hold them, then what holds them elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db.models import Case, IntegerField, Model, Q, QuerySet, Value, When
from rapidfuzz import fuzz, process, utils

from config.ui.search import MAX_WORDS
from workspaces.access import may
from workspaces.permissions import Permission
from workspaces.requests import WorkspaceRequest
from workspaces.resources import Kind, kinds

SHOWN = 8
SHOWN_ALONE = 100
LONGEST = 200
# Names further from the words than this (0–100) are not what was meant.
CLOSE_ENOUGH = 72
# Names looked through for ones that are only similar.
MOST_NAMES = 20_000


@dataclass(frozen=True, slots=True)
class Hit:
    """One line: what it is called, what else helps to tell it, and where it is."""

    label: str
    detail: str
    url: str


@dataclass(frozen=True, slots=True)
class Found:
    """What one finder found; ``more`` says that there is more than is shown."""

    key: str
    label: str
    icon: str
    hits: tuple[Hit, ...]
    more: bool = False


@dataclass(frozen=True, slots=True)
class Finder:
    """A finder of other things: gets the request and the words, yields hits, best first."""

    key: str
    label: str
    icon: str
    find: Callable[[WorkspaceRequest, str], Iterable[Hit]]
    needs: Permission = Permission.MEMBER


_finders: dict[str, Finder] = {}


def register(finder: Finder) -> None:
    """Add a finder; apps do so in ``AppConfig.ready``."""
    if finder.key in _finders:
        raise ValueError(f"the finder {finder.key!r} is registered twice")
    _finders[finder.key] = finder


def search(request: WorkspaceRequest, words: str, only: str = "") -> list[Found]:
    """Everything that matches, by kind; of one kind (``only``) more of it."""
    words = words.strip()[:LONGEST]
    if not words:
        return []
    limit = SHOWN_ALONE if only else SHOWN
    found = [_of_kind(request, kind, words, limit) for kind in kinds().values() if only in ("", kind.name)]
    for finder in _finders.values():
        if only in ("", finder.key) and may(request.actor, finder.needs):
            found.append(_shown(finder.key, finder.label, finder.icon, finder.find(request, words), limit))
    return [each for each in found if each.hits]


def similar(request: WorkspaceRequest, words: str) -> list[Found]:
    """Things whose names are only like the words, for when nothing matches them: one statement a kind."""
    found = []
    for kind in kinds().values():
        rows = kind.rows(request.actor).values_list("pk", *kind.named)[:MOST_NAMES]
        names = {pk: next(filter(None, named), "") for pk, *named in rows}
        close = process.extract(
            words[:LONGEST],
            names,
            scorer=fuzz.WRatio,
            processor=utils.default_process,
            limit=SHOWN,
            score_cutoff=CLOSE_ENOUGH,
        )
        slug = request.workspace.slug
        hits = tuple(Hit(name, kind.plural.lower().removesuffix("s"), kind.url(slug, pk)) for name, _, pk in close)
        found.append(Found(kind.name, kind.plural, kind.icon, hits))
    return [each for each in found if each.hits]


def find_things(request: WorkspaceRequest, kind: Kind, words: str, limit: int) -> Iterator[Hit]:
    """Rows of a kind by name alone."""
    rows = kind.rows(request.actor).select_related(*kind.related)
    for row in ranked(rows, words, kind.named)[:limit]:
        yield Hit(str(row), kind.detail(row), kind.url(request.workspace.slug, row.pk))


def ranked(
    rows: QuerySet[Any], words: str, named: tuple[str, ...], inside: Callable[[str], Q] | None = None
) -> QuerySet[Any]:
    """Rows that hold every word, the closest names first; a number is an id, too."""
    for word in words.split()[:MAX_WORDS]:
        holds = _any(named, "icontains", word)
        if inside is not None:
            holds |= inside(word)
        if word.isdecimal() and len(word) < 19:
            holds |= Q(pk=int(word))
        rows = rows.filter(holds)
    rank = Case(
        When(_any(named, "iexact", words), then=Value(0)),
        When(_any(named, "istartswith", words), then=Value(1)),
        When(_any(named, "icontains", f" {words}"), then=Value(2)),
        When(_any(named, "icontains", words), then=Value(3)),
        default=Value(4),
        output_field=IntegerField(),
    )
    closest: QuerySet[Any] = rows.annotate(search_rank=rank).order_by("search_rank", named[0], "pk")
    return closest


def _of_kind(request: WorkspaceRequest, kind: Kind, words: str, limit: int) -> Found:
    rows = ranked(kind.rows(request.actor).select_related(*kind.related), words, kind.named, kind.inside)
    slug = request.workspace.slug
    hits = (Hit(str(row), _detail(kind, row, words), kind.url(slug, row.pk)) for row in rows[: limit + 1])
    return _shown(kind.name, kind.plural, kind.icon, hits, limit)


def _detail(kind: Kind, row: Model, words: str) -> str:
    """What tells the row from others, and where the words are if not in its name."""
    names = " ".join(str(getattr(row, field) or "") for field in kind.named).lower()
    elsewhere = kind.inside_words and any(word.lower() not in names for word in words.split())
    return f"{kind.detail(row)}, {kind.inside_words}" if elsewhere else kind.detail(row)


def _shown(key: str, label: str, icon: str, hits: Iterable[Hit], limit: int) -> Found:
    first = tuple(islice(hits, limit + 1))
    return Found(key, label, icon, first[:limit], len(first) > limit)


def _any(fields: tuple[str, ...], lookup: str, value: str) -> Q:
    condition = Q()
    for field in fields:
        condition |= Q(**{f"{field}__{lookup}": value})
    return condition
