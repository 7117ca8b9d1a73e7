"""Entries of what was seen or refused: sign-ins, denials, views of row data. Nothing was changed, so no service ran."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.core.cache import cache

from governance.audit import events
from governance.audit.actors import Actor
from governance.audit.context import correlation_id
from governance.audit.masking import mask
from governance.audit.models import AuditEntry
from governance.audit.services.door import ServiceContractError

logger = logging.getLogger(__name__)

REPEATS_WITHIN = timedelta(minutes=10)
# Different entries of one event that one actor may leave in that time; a scan of addresses cannot flood the log.
MOST_AT_ONCE = 60


def record_event(
    name: str,
    *,
    actor: Actor,
    organization_id: int | Callable[[], int] | None,
    workspace_id: int | None = None,
    resource_id: int | None = None,
    label: str = "",
    details: Mapping[str, Any] | None = None,
    once: bool = True,
    resource_type: str = "",
    most: int = MOST_AT_ONCE,
) -> AuditEntry | None:
    """Write an entry of an ``observed`` event type (see :func:`governance.audit.events.register`).

    The same actor, event, resource, label and details leave one entry in ten minutes, and one actor at most
    ``most`` different ones of an event; the last of them says that more were left out. ``once=False`` keeps
    every one (sign-ins). ``details`` stand under "after"; a row's key belongs into the field ``row_key``, where
    it can be erased. ``resource_type`` files the entry with the thing it is about where the event's name does not
    say that. An ``organization_id`` that takes a query may be a function: it is asked only for an entry that is
    written. Returns nothing where no entry was written.
    """
    event = events.get(name)
    if not event.observed:
        raise ServiceContractError(f"{name} is a change: record it in a service")
    said = mask(details, event.masked)
    kind = resource_type or event.resource_type
    place = workspace_id or organization_id
    key = _key(name, actor, place, kind, resource_id, label, said)
    if once:
        if _seen(key):
            return None
        number = _number(_key(name, actor, place))
        if number > most:
            return None
        if number == most:
            said = {**(said or {}), "more_left_out_for_minutes": int(REPEATS_WITHIN.total_seconds() // 60)}
    entry = AuditEntry.objects.create(
        workspace_id=workspace_id,
        organization_id=organization_id() if callable(organization_id) else organization_id,
        event=event.name,
        actor_kind=actor.kind.value,
        actor_id=actor.id,
        actor_label=actor.label[:320],
        user_id=actor.person_id,
        resource_type=kind,
        resource_id=resource_id,
        resource_label=label[:400],
        before=None,
        after=said,
        correlation_id=correlation_id(),
    )
    if once:
        _remember(key)
    return entry


def _key(name: str, actor: Actor, *parts: object) -> str:
    told = repr((name, actor.kind.value, actor.id, actor.label if actor.id is None else "", parts))
    return "audit-once:" + sha256(told.encode("utf-8", "surrogatepass")).hexdigest()


def _seen(key: str) -> bool:
    """A cache that cannot be asked costs a repeated entry, never a missing one."""
    try:
        return cache.get(key) is not None
    except Exception as error:
        logger.warning("the cache cannot be asked: %s", error)
        return False


def _remember(key: str) -> None:
    try:
        cache.set(key, 1, timeout=int(REPEATS_WITHIN.total_seconds()))
    except Exception as error:
        logger.warning("the cache cannot be written to: %s", error)


def _number(key: str) -> int:
    """How many of these there were lately, this one included."""
    try:
        cache.add(key, 0, timeout=int(REPEATS_WITHIN.total_seconds()))
        return int(cache.incr(key))
    except Exception as error:
        logger.warning("the cache cannot count: %s", error)
        return 1
