"""The one door for writes: the ``@service`` decorator and the audit entry each service leaves.

A service is a function ``verb_noun(*, actor, …)``. Inside, in this order: check
access, lock, validate, write, :func:`record`, enqueue. The decorator puts the
whole body in one durable transaction and refuses to commit unless exactly one
entry of the declared event type was recorded.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

from django.db import models, transaction
from django.forms.models import model_to_dict

from config.errors import Denied
from governance.audit import events
from governance.audit.actors import END_LOOKING, Actor
from governance.audit.context import correlation_id
from governance.audit.masking import mask
from governance.audit.models import AuditEntry

P = ParamSpec("P")
R = TypeVar("R")


class ServiceContractError(AssertionError):
    """A service broke the rules of the door: a defect in Headrace, not in the input."""


@dataclass(slots=True)
class _Call:
    event: events.EventType
    actor: Actor
    recorded: int = 0
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """A registered service, for the invariant tests and the generated docs."""

    function: Callable[..., Any]
    event: str


_current: ContextVar[_Call | None] = ContextVar("service_call", default=None)
SERVICES: dict[str, Service] = {}


def service(event_name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare a service function and the one audit event type it leaves."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        actor_parameter = inspect.signature(function).parameters.get("actor")
        if actor_parameter is None or actor_parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            raise ServiceContractError(f"{function.__qualname__} needs a keyword-only 'actor'")

        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            actor = kwargs.get("actor")
            if not isinstance(actor, Actor):
                raise ServiceContractError(f"{function.__qualname__} was called without an actor")
            if actor.looking:
                raise Denied("You are looking as somebody else, so nothing can be changed.", hint=END_LOOKING)
            call = _Call(event=events.get(event_name), actor=actor)
            with transaction.atomic(durable=True):
                token = _current.set(call)
                try:
                    result = function(*args, **kwargs)
                finally:
                    _current.reset(token)
                if call.recorded != (0 if call.unchanged else 1):
                    raise ServiceContractError(
                        f"{function.__qualname__} left {call.recorded} entries of {event_name}, not one"
                    )
            return result

        SERVICES[f"{function.__module__}.{function.__qualname__}"] = Service(run, event_name)
        return run

    return decorate


def record(
    target: models.Model,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    label: str | None = None,
) -> AuditEntry:
    """Write the audit entry of the running service.

    ``target`` is the row that changed; its ``workspace_id``/``organization_id``
    place the entry. ``before``/``after`` hold only the changed fields
    (see :func:`changes`); values that look secret are masked.
    """
    call = _current.get()
    if call is None:
        raise ServiceContractError("record() outside a service")
    call.recorded += 1
    event, actor = call.event, call.actor
    workspace_id, organization_id = _place(target)
    return AuditEntry.objects.create(
        workspace_id=workspace_id,
        organization_id=organization_id,
        event=event.name,
        actor_kind=actor.kind.value,
        actor_id=actor.id,
        actor_label=actor.label[:320],
        user_id=actor.person_id,
        resource_type=event.resource_type,
        resource_id=target.pk,
        resource_label=(label if label is not None else str(target))[:400],
        before=mask(before, event.masked),
        after=mask(after, event.masked),
        correlation_id=correlation_id(),
    )


def unchanged() -> None:
    """Say that this call found nothing to change, so that it leaves no entry."""
    call = _current.get()
    if call is None:
        raise ServiceContractError("unchanged() outside a service")
    call.unchanged = True


def snapshot(instance: models.Model, fields: tuple[str, ...] | None = None) -> dict[str, Any]:
    """The row's fields as plain values, for ``before`` and ``after``."""
    names = fields or tuple(f.name for f in instance._meta.concrete_fields)
    values = model_to_dict(instance, fields=names)
    return {name: values.get(name, getattr(instance, name, None)) for name in names}


@dataclass(frozen=True, slots=True)
class Changes:
    """Only what differs between two snapshots."""

    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.after or self.before)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Changes:
    """What changed from one snapshot to the other."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return Changes({n: before.get(n) for n in names}, {n: after.get(n) for n in names})


def _place(target: models.Model) -> tuple[int | None, int | None]:
    """(workspace id, organization id) of a row: its own columns, or itself if it is one of them."""
    name = target._meta.model_name
    workspace_id = target.pk if name == "workspace" else getattr(target, "workspace_id", None)
    if name == "organization":
        return workspace_id, target.pk
    organization_id = getattr(target, "organization_id", None)
    if organization_id is None and workspace_id is not None:
        organization_id = target.workspace.organization_id  # type: ignore[attr-defined]
    return workspace_id, organization_id
