"""Splits: which part of the members of an audience belongs to which group.

A member's place is a hash of the split's salt and its primary key as text, the same in every warehouse and
from run to run. The places are cut into 10,000 slots; an allocation says whose each slot is. Resizing gives
slots from groups that shrink to groups that grow and leaves all others alone, so the fewest members move.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import md5

SLOTS = 10_000
_DIGITS = 8
_PLACES: int = 16**_DIGITS


@dataclass(frozen=True, slots=True)
class Stretch:
    """Slots from ``start`` up to ``end`` that belong to a group."""

    start: int
    end: int
    group: str

    @property
    def size(self) -> int:
        """How many slots it has."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """An audience's split. ``stratify`` are columns within each of whose values the shares hold exactly.

    That needs ranks among the present members, so it is for one delivery: with new members places move.
    """

    salt: str
    stretches: tuple[Stretch, ...]
    stratify: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that have a share, in the order of their first slots."""
        return tuple(dict.fromkeys(stretch.group for stretch in self.stretches))


def allocate(shares: Mapping[str, int]) -> tuple[Stretch, ...]:
    """Slots for new groups; shares are in slots, and all of them are given away."""
    return _merged([(group, size) for group, size in _checked(shares).items()])


def resize(present: Sequence[Stretch], shares: Mapping[str, int]) -> tuple[Stretch, ...]:
    """The allocation with new shares that leaves most slots where they are."""
    wanted = dict(_checked(shares))
    kept: list[tuple[str | None, int]] = []
    for stretch in present:
        size = min(stretch.size, wanted.get(stretch.group, 0))
        wanted[stretch.group] = wanted.get(stretch.group, 0) - size
        kept += [(stretch.group, size), (None, stretch.size - size)]
    return _merged(_filled(kept, [(group, size) for group, size in wanted.items() if size]))


def slot(salt: str, key: str) -> int:
    """The slot of a key: what the SQL works out, for tests and single rows."""
    digest = md5(f"{salt}{key}".encode(), usedforsecurity=False).hexdigest()[:_DIGITS]
    return int(digest, 16) * SLOTS // _PLACES  # the last one whose edge, rounded up, is not past it


def edge(number: int) -> str:
    """Where a slot begins, in hexadecimal digits that compare as texts; after the last, what no digest reaches."""
    place = -(-number * _PLACES // SLOTS)
    return format(place, f"0{_DIGITS}x") if number < SLOTS else "g"


def _checked(shares: Mapping[str, int]) -> Mapping[str, int]:
    if sum(shares.values()) != SLOTS or any(size < 0 for size in shares.values()):
        raise ValueError(f"shares add up to {SLOTS:,}")
    return shares


def _filled(kept: Sequence[tuple[str | None, int]], missing: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Free slots given to the groups that miss some, in order."""
    found: list[tuple[str, int]] = []
    waiting = list(reversed(missing))
    for group, size in kept:
        if group is not None:
            found.append((group, size))
            continue
        while size:
            name, lacks = waiting.pop()
            taken = min(lacks, size)
            found.append((name, taken))
            size -= taken
            if lacks > taken:
                waiting.append((name, lacks - taken))
    return found


def _merged(sizes: Sequence[tuple[str, int]]) -> tuple[Stretch, ...]:
    found: list[Stretch] = []
    start = 0
    for group, size in sizes:
        if not size:
            continue
        if found and found[-1].group == group:
            found[-1] = Stretch(found[-1].start, start + size, group)
        else:
            found.append(Stretch(start, start + size, group))
        start += size
    return tuple(found)
