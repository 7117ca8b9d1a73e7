"""Telling people of requests: apps that carry messages register a listener at start-up.

Listeners run in the transaction of what they tell of, and only write to an outbox.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from governance.approvals.choices import Happening
from governance.approvals.models import Draft
from governance.audit.actors import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What happened to a draft, who did it, their words, and the ids of the people to tell."""

    happening: Happening
    draft: Draft
    actor: Actor
    noun: str
    words: str = ""
    people: Sequence[int] = ()
    channel_id: int | None = None


@dataclass(frozen=True, slots=True)
class Carrier:
    """``tell`` carries an announcement; ``places`` lists the channels that can be chosen, as (id, name)."""

    tell: Callable[[Announcement], None]
    places: Callable[[], Sequence[tuple[int, str]]]


_carriers: list[Carrier] = []


def register(carrier: Carrier) -> None:
    """Add a carrier."""
    _carriers.append(carrier)


def announce(announcement: Announcement) -> None:
    """Tell everybody concerned but whoever did it."""
    for carrier in _carriers:
        carrier.tell(announcement)


def places() -> list[tuple[int, str]]:
    """The channels that requests can be told to."""
    return [place for carrier in _carriers for place in carrier.places()]
