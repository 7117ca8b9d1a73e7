"""What is built on a source or destination, told by the apps that build on them.

Apps after this one register a function at start-up (``AppConfig.ready``); it
returns at most ``limit`` dependants of one connection that the actor sees, of any kind:

    register(Kind.SOURCE, lambda actor, source_id, limit: [Dependant("model", m.name, m.get_absolute_url()) …])

and a function that counts them, so that pages are honest about long lists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from connectors.choices import Kind
from governance.audit.actors import Actor
from workspaces.access import may
from workspaces.permissions import Permission

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Dependant:
    """One thing that needs the connection: ``noun`` is what people call it ("model", "sync")."""

    noun: str
    name: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Dependants:
    """The first of them, and how many there are in all."""

    shown: tuple[Dependant, ...] = ()
    total: int = 0

    def __bool__(self) -> bool:
        return self.total > 0

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.total - len(self.shown)

    def sentence(self) -> str:
        """The names, as part of a message."""
        names = ", ".join(f"{d.noun} “{d.name}”" for d in self.shown)
        return f"{names} and {self.more:,} more" if self.more else names


@dataclass(frozen=True, slots=True)
class Provider:
    """How one app tells its dependants.

    ``listing`` (actor, id, limit) gives the first ones; ``counts`` (actor, ids) gives how
    many each of several connections has, in one query; both only of what the actor sees.
    ``new_url`` (workspace slug, id) is where another one is made, by whoever holds
    ``new_needs`` on the connection.
    """

    noun: str
    listing: Callable[[Actor, int, int], Sequence[Dependant]]
    counts: Callable[[Actor, Sequence[int]], Mapping[int, int]]
    new_url: Callable[[str, int], str] | None = None
    new_needs: tuple[Permission, ...] = ()


_providers: dict[tuple[Kind, str], Provider] = {}


def register(kind: Kind, provider: Provider) -> None:
    """Tell how to find one noun's dependants of sources or destinations."""
    if (kind, provider.noun) in _providers:
        raise ValueError(f"dependants of kind {provider.noun!r} are registered twice for {kind.value}")
    _providers[kind, provider.noun] = provider


def dependants_of(actor: Actor, kind: Kind, pk: int) -> Dependants:
    """What is built on one connection, as far as the actor sees it."""
    found: list[Dependant] = []
    total = 0
    for provider in _of(kind):
        total += provider.counts(actor, [pk]).get(pk, 0)
        found += provider.listing(actor, pk, SHOWN - len(found)) if len(found) < SHOWN else ()
    return Dependants(tuple(found), total)


def counts_of(actor: Actor, kind: Kind, pks: Sequence[int]) -> dict[int, dict[str, int]]:
    """How many of each noun that the actor sees are built on several connections: one query a provider."""
    counts: dict[int, dict[str, int]] = {pk: {} for pk in pks}
    for provider in _of(kind) if pks else ():
        for pk, number in provider.counts(actor, pks).items():
            counts[pk][provider.noun] = number
    return counts


def additions_of(actor: Actor, kind: Kind, slug: str, pk: int) -> list[dict[str, str]]:
    """What this person may build on a connection next: noun and address."""
    return [
        {"noun": provider.noun, "url": provider.new_url(slug, pk)}
        for provider in _of(kind)
        if provider.new_url and may(actor, provider.new_needs, **{f"{kind.value}_id": pk})
    ]


def nouns_of(kind: Kind) -> list[str]:
    """The nouns registered for a side, as list columns."""
    return [provider.noun for provider in _of(kind)]


def _of(kind: Kind) -> list[Provider]:
    return [provider for (side, _), provider in _providers.items() if side is kind]
