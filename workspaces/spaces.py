"""What spaces hold. The apps whose rows name a space register how to count them.

A row in a space is seen by the people of its groups and by workspace admins;
``workspaces.access.in_view`` is the one condition that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from workspaces.models import Space

EVERYONE = "Everyone"

# Space ids → how many rows of one kind each holds, in one statement.
Counter = Callable[[Sequence[int]], Mapping[int, int]]
_counters: dict[str, Counter] = {}


def register(noun: str, counter: Counter) -> None:
    """Count one kind of row ("sync") in spaces."""
    if noun in _counters:
        raise ValueError(f"what spaces hold of {noun!r} is registered twice")
    _counters[noun] = counter


def contents(spaces: Sequence[Space]) -> dict[int, dict[str, int]]:
    """How many rows of each kind every space holds: one statement a kind."""
    ids = [space.pk for space in spaces]
    counted = {noun: counter(ids) for noun, counter in _counters.items()} if ids else {}
    return {pk: {noun: numbers.get(pk, 0) for noun, numbers in counted.items()} for pk in ids}


def contents_of(space: Space) -> str:
    """The same of one space in words ("3 syncs"); empty where it holds nothing."""
    counted = contents([space])[space.pk]
    return " and ".join(f"{number:,} {noun}{'' if number == 1 else 's'}" for noun, number in counted.items() if number)
