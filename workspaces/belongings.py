"""What hangs on a person: shown before they are removed, told by the apps that hold it.

Apps register a finder at start-up; it gets the organization's and the person's ids,
runs inside ``unscoped`` and keeps to workspaces of that organization.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from workspaces.models import OrganizationMember
from workspaces.scoping import unscoped

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Belongings:
    """Things of one kind. ``stops`` says that they end with the person; others go on."""

    noun: str
    names: tuple[str, ...]
    total: int
    stops: bool

    @property
    def more(self) -> int:
        """How many are not named."""
        return self.total - len(self.names)


Finder = Callable[[int, int], QuerySet[Any]]
_finders: dict[str, tuple[Finder, bool]] = {}


def register(noun: str, finder: Finder, *, stops: bool = False) -> None:
    """Tell of one kind of things; ``noun`` is their plural, the text of each row is its name."""
    _finders[noun] = (finder, stops)


def belongings_of(member: OrganizationMember) -> list[Belongings]:
    """All that hangs on a person in their organization, first what stops."""
    found = []
    with unscoped("what hangs on a person lies in all workspaces of the organization"):
        for noun, (finder, stops) in _finders.items():
            rows = finder(member.organization_id, member.user_id)
            names: Sequence[str] = [str(row) for row in rows[:SHOWN]]
            total = rows.count() if len(names) == SHOWN else len(names)
            if total:
                found.append(Belongings(noun, tuple(names), total, stops))
    return sorted(found, key=lambda item: not item.stops)
