"""Who does something: every service takes one of these, never ``None``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# What whoever looks as somebody else is told where something would change.
END_LOOKING = "End it in the bar at the top of the page."


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
    and are not held by grants. ``workspace_id`` limits an API key to its workspace,
    ``allowed`` to the rights that its scopes let it use (``None``: all of its owner's).
    While a person is ``looking`` as another, ``id`` is theirs and ``user_id`` the other's:
    they see what the other sees, and no service does anything for them.
    """

    kind: ActorKind
    id: int | None
    label: str
    user_id: int | None = None
    workspace_id: int | None = None
    allowed: frozenset[str] | None = None
    looking: bool = False

    @property
    def person_id(self) -> int | None:
        """The person who answers for it, which is not the one they look as."""
        return self.id if self.looking else self.user_id

    @property
    def is_system(self) -> bool:
        return self.kind is ActorKind.SYSTEM


def system(name: str) -> Actor:
    """A named part of Headrace acting on its own: the scheduler, a worker, the demo."""
    return Actor(kind=ActorKind.SYSTEM, id=None, label=name)
