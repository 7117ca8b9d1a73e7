"""What is built on a model of the schema, told by the rooms that build on it.

``register("audience", finder)`` at start-up; the finder gets the actor and the model and returns names and
addresses, only of what the actor sees, and a count of all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from audiences.models import SchemaModel
from governance.audit.actors import Actor

NAMED = 6


@dataclass(frozen=True, slots=True)
class Dependant:
    """One thing that needs the model, and how."""

    noun: str
    name: str
    url: str = ""
    how: str = field(default="", compare=False)


Finder = Callable[[Actor, SchemaModel], Sequence[Dependant]]
_finders: dict[str, Finder] = {}


def register(noun: str, finder: Finder) -> None:
    """Tell of one kind of things that stop working without the model."""
    if noun in _finders:
        raise ValueError(f"dependants of kind {noun!r} are registered twice")
    _finders[noun] = finder


def built_on(actor: Actor, model: SchemaModel) -> list[Dependant]:
    """Everything that needs the model, once each."""
    return list(dict.fromkeys(found for finder in _finders.values() for found in finder(actor, model)))


def unseen(noun: str, count: int) -> list[Dependant]:
    """What stands in spaces that the actor does not see: it holds the model, too, and is not named."""
    return [Dependant(f"{noun} in a space that you do not see", "")] * count


def sentence(found: Sequence[Dependant]) -> str:
    """Their names, as part of a message."""
    names = [f"{item.noun} “{item.name}”" if item.name else item.noun for item in found[:NAMED]]
    more = len(found) - len(names)
    return ", ".join([*names, *([f"{more:,} more"] if more else [])])
