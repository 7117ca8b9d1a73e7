"""Who does something: every service takes one of these, never ``None``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    """The kinds of actor that audit entries name."""

    PERSON = "person"
    API_KEY = "api_key"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Someone or something that acts.

    ``user_id`` is the person whose grants apply: the person, or the owner of
    the API key; ``None`` for the system, whose jobs act on what people set up
    and are not held by grants. ``workspace_id`` limits an API key to its workspace.
    """

    kind: ActorKind
    id: int | None
    label: str
    user_id: int | None = None
    workspace_id: int | None = None

    @property
    def is_system(self) -> bool:
        return self.kind is ActorKind.SYSTEM


def system(name: str) -> Actor:
    """A named part of Headrace acting on its own: the scheduler, a worker, the demo."""
    return Actor(kind=ActorKind.SYSTEM, id=None, label=name)
