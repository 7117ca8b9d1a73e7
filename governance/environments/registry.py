"""What can be linked between workspaces, and what can be deployed: filled at start-up by the apps that own it.

A *linkable* kind (source, destination) is linked by people. A *deployable* one (model, sync) is
copied to another workspace, and linked by that. All functions work in the workspace of the current scope.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol, TypeVar

from django.db.models.signals import post_delete

from governance.audit.actors import Actor
from governance.environments import services
from governance.environments.choices import Action
from governance.environments.models import DeploymentItem
from workspaces.permissions import Permission
from workspaces.scoping import TenantModel

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Thing:
    """A source, destination, model or sync as pages and plans show it. Only things of one type are linked."""

    kind: str
    pk: int
    name: str
    url: str
    workspace_id: int = 0
    type: str = ""
    type_name: str = ""


@dataclass(frozen=True, slots=True)
class Need:
    """A thing that another one stands on, in the workspace it is deployed from."""

    thing: Thing
    deployable: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a thing cannot be deployed, and what to do. ``code`` is stable; ``need`` is what is missing there."""

    message: str
    hint: str = ""
    code: str = "invalid"
    need: Need | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What only a person can say: a value there, by ``path``; one of ``choices``, or text. A secret is never shown."""

    path: str
    label: str
    help: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    secret: bool = False
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """Where one thing is to be deployed to, as the workspace in scope sees it.

    ``stands_on`` maps each need's kind to the id of its counterpart, ``coming`` to what this very
    deployment makes first. ``answers`` are a person's, by path; ``remapped`` what was answered before.
    """

    captured: Mapping[str, Any]
    counterpart: int | None = None
    stands_on: Mapping[str, int] = field(default_factory=dict)
    coming: Mapping[str, Outlook] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    remapped: Mapping[str, Any] = field(default_factory=dict)
    with_schedule: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What deploying one thing would do. ``payload`` is the deployable's own, for its ``apply``."""

    action: Action
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    problems: Sequence[Problem] = ()
    questions: Sequence[Question] = ()
    warnings: Sequence[str] = ()
    remapped: Mapping[str, Any] = field(default_factory=dict)
    payload: Any = field(default=None, repr=False)

    @property
    def ready(self) -> bool:
        """Whether nothing is in the way."""
        return not self.problems and not any(not question.value for question in self.questions)


class Linkable(Protocol):
    """A kind of thing that people link. ``permission`` is what that takes in every workspace of the link."""

    kind: str
    permission: Permission

    def thing(self, actor: Actor, pk: int) -> Thing | None:
        """The thing with this id, if it is here and the actor sees it."""

    def things(self, type: str, workspace_ids: Collection[int]) -> Sequence[Thing]:
        """All things of a type in these workspaces that can be linked; called inside ``unscoped`` for several."""

    def join(self, *, actor: Actor, pk: int, link_id: int | None) -> int:
        """Put a thing into a link (a new one where none is given), through the owning app's service; the link's id."""

    def leave(self, *, actor: Actor, pk: int) -> None:
        """Take a thing out of its link."""


class Deployable(Protocol):
    """A kind of thing that is deployed. Kinds are deployed in the order of ``order``."""

    kind: str
    order: int

    def thing(self, actor: Actor, pk: int) -> Thing | None:
        """The thing with this id, if it is here and the actor sees it."""

    def things(self, actor: Actor) -> Sequence[Thing]:
        """All things that can be deployed and that the actor sees."""

    def needs(self, actor: Actor, pk: int) -> Sequence[Need]:
        """What it stands on."""

    def obstacles(self, pk: int) -> Sequence[Problem]:
        """Why it cannot leave its workspace as it is."""

    def capture(self, pk: int) -> Mapping[str, Any]:
        """Its configuration as plain values. Holds no secret and no row."""

    def look(self, actor: Actor, aim: Aim) -> Outlook:
        """What deploying would do here; asks the other systems where that is possible."""

    def apply(self, *, actor: Actor, aim: Aim, outlook: Outlook, item: DeploymentItem) -> TenantModel:
        """Create or update it here in one transaction, which also links it and settles ``item``."""


_linkables: dict[str, Callable[[], Linkable]] = {}
_deployables: dict[str, Callable[[], Deployable]] = {}


def register_linkable(kind: str, model: type[TenantModel], load: Callable[[], Linkable]) -> None:
    """Add a kind of thing that people link; ``load`` is called when it is first asked for."""
    _add(_linkables, kind, model, cache(load))


def register_deployable(kind: str, model: type[TenantModel], load: Callable[[], Deployable]) -> None:
    """Add a kind of thing that is deployed; ``load`` is called when it is first asked for."""
    _add(_deployables, kind, model, cache(load))


def linkable(kind: str) -> Linkable | None:
    """The linkable kind of this name."""
    return _linkables[kind]() if kind in _linkables else None


def deployable(kind: str) -> Deployable | None:
    """The deployable kind of this name."""
    return _deployables[kind]() if kind in _deployables else None


def deployables() -> Sequence[Deployable]:
    """Every deployable kind, in the order in which they are deployed."""
    return sorted((load() for load in _deployables.values()), key=lambda kind: kind.order)


def thing_of(actor: Actor, kind: str, pk: int) -> Thing | None:
    """A thing of any registered kind that the actor sees in the workspace in scope."""
    owner = linkable(kind) or deployable(kind)
    return owner.thing(actor, pk) if owner else None


def _add(kinds: dict[str, Callable[[], K]], kind: str, model: type[TenantModel], load: Callable[[], K]) -> None:
    if kind in kinds:
        raise ValueError(f"{kind} is registered twice")
    kinds[kind] = load

    def forget(instance: TenantModel, **_: Any) -> None:
        """A thing that is deleted leaves its link; what it was deployed to stays as it is."""
        services.forget_thing(kind, instance.pk)

    post_delete.connect(forget, sender=model, weak=False, dispatch_uid=f"environments.{kind}")
