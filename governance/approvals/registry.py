"""What can be drafted, told by the apps that own it: each registers its kinds at start-up.

This app knows a resource by its kind and number only. States are JSON values that
the owning app makes and understands.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.db.models import QuerySet

from config.errors import NotFound
from governance.audit.actors import Actor
from workspaces.models import OrganizationMember
from workspaces.requests import WorkspaceRequest

if TYPE_CHECKING:
    from governance.approvals.models import Draft

State = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a draft changes, to be shown as a difference. ``kind`` is one of the diff component's."""

    label: str
    kind: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What approving would do to the rows at one destination. ``state`` is waiting, running, ready or failed.

    ``rows`` are the first rows that differ, as far as whoever looks may see them.
    """

    label: str
    state: str
    url: str = ""
    added: int = 0
    changed: int = 0
    removed: int = 0
    queried: int = 0
    warnings: Sequence[str] = ()
    error: str = ""
    at: datetime | None = None
    sample: Mapping[str, Any] = field(default_factory=dict)


class Governed(ABC):
    """One kind of resource whose changes can be drafted."""

    kind: ClassVar[str]
    noun: ClassVar[str]
    sample_template: ClassVar[str] = ""

    @abstractmethod
    def lock(self, resource_id: int) -> None:
        """Hold the resource until the transaction ends, or raise :class:`NotFound`."""

    @abstractmethod
    def live(self, resource_id: int) -> State | None:
        """What is live of it, or nothing where it was never published."""

    @abstractmethod
    def label(self, resource_id: int) -> str:
        """Its name."""

    @abstractmethod
    def url(self, slug: str, resource_id: int) -> str:
        """Its page."""

    @abstractmethod
    def edit_url(self, slug: str, resource_id: int) -> str:
        """Where it is edited."""

    @abstractmethod
    def require_draft(self, actor: Actor, resource_id: int) -> None:
        """Raise :class:`Denied` unless the actor may propose changes of it and of what depends on it."""

    @abstractmethod
    def require_approve(self, actor: Actor, resource_id: int) -> None:
        """Raise :class:`Denied` unless the actor may approve changes of it and of what depends on it."""

    @abstractmethod
    def approvers(self, resource_id: int) -> QuerySet[OrganizationMember]:
        """The people who may."""

    @abstractmethod
    def approvable(self, actor: Actor) -> QuerySet[Any]:
        """Resources that the actor may approve changes of, as far as one query can tell."""

    @abstractmethod
    def in_view(self, actor: Actor) -> QuerySet[Any] | None:
        """The resources that the actor sees; nothing where none is hidden from them."""

    @abstractmethod
    def write_new(self, draft: Draft) -> None:
        """Put the proposed state on a resource that was never published."""

    @abstractmethod
    def discard_new(self, resource_id: int) -> None:
        """Delete a resource that was never published; :class:`Conflict` where something is built on it."""

    @abstractmethod
    def publish(self, actor: Actor, draft: Draft) -> None:
        """Make the proposed state live through the owning app's ordinary service, which calls
        :func:`governance.approvals.services.take_for_publishing` in its transaction."""

    @abstractmethod
    def merge(self, base: State, proposed: State, live: State) -> State:
        """The draft's own changes on top of what is live now."""

    @abstractmethod
    def parts(self, draft: Draft) -> Sequence[Part]:
        """What it changes, in words and differences."""

    @abstractmethod
    def start_impact(self, draft: Draft) -> None:
        """Begin to find out what this revision would do, giving up what was begun for earlier ones."""

    @abstractmethod
    def impact(self, actor: Actor, draft: Draft, *, sample: bool = False) -> Sequence[Impact]:
        """What was found out about this revision so far; with the first rows where they are asked for."""

    def present(self, sample: Mapping[str, Any]) -> Mapping[str, Any]:
        """The first rows of an impact as ``sample_template`` draws them."""
        return sample


_kinds: dict[str, Governed] = {}


def register(governed: Governed) -> None:
    """Add a kind."""
    if governed.kind in _kinds:
        raise ValueError(f"drafts of the kind {governed.kind!r} are registered twice")
    _kinds[governed.kind] = governed


def governed(kind: str) -> Governed:
    """The kind of this name."""
    try:
        return _kinds[kind]
    except KeyError:
        raise NotFound(f"Nothing of the kind “{kind}” can be drafted here.") from None


def kinds() -> list[Governed]:
    """Every registered kind."""
    return list(_kinds.values())


@dataclass(frozen=True, slots=True)
class Stop:
    """Something that a rule stopped and that waits for the same people's decision.

    ``choices`` are (value, label) pairs that a form sends as ``choice`` to ``decide_url``.
    """

    label: str
    noun: str
    words: str
    since: datetime
    url: str
    decide_url: str
    choices: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Stops:
    """How an app tells what it stopped: a count and a list of what the asking person may decide."""

    count: Callable[[Actor], int]
    listing: Callable[[WorkspaceRequest], Sequence[Stop]]


_stops: list[Stops] = []


def register_stops(stops: Stops) -> None:
    """Add a kind of thing that waits for a decision."""
    _stops.append(stops)


def stops(request: WorkspaceRequest) -> list[Stop]:
    """Everything that was stopped and that this person may decide, the longest waiting first."""
    found = [stop for each in _stops for stop in each.listing(request)]
    return sorted(found, key=lambda stop: stop.since)


def stop_count(actor: Actor) -> int:
    """How many there are."""
    return sum(each.count(actor) for each in _stops)
