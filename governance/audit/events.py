"""The registry of audit event types: what can happen, in words, and how to treat its data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventType:
    """One kind of audited change, e.g. ``sync.paused``.

    ``sentence`` completes "<actor> …" ("paused the sync"). ``masked`` names
    fields whose values are never written to the log, beside those whose
    names look secret. ``observed`` events change nothing: they are recorded by
    :func:`governance.audit.services.record_event`, not by a service.
    """

    name: str
    sentence: str
    masked: frozenset[str] = frozenset()
    observed: bool = False

    @property
    def resource_type(self) -> str:
        return self.name.partition(".")[0]


class DuplicateEventType(Exception):
    """Two parts of Headrace registered the same event name."""


class UnknownEventType(Exception):
    """An event was recorded that nobody registered."""


_registry: dict[str, EventType] = {}


def register(name: str, sentence: str, *, masked: frozenset[str] = frozenset(), observed: bool = False) -> EventType:
    """Add an event type; each app does this in its ``events.py`` at import."""
    if name in _registry:
        raise DuplicateEventType(name)
    _registry[name] = EventType(name, sentence, masked, observed)
    return _registry[name]


def get(name: str) -> EventType:
    """The registered type of this name."""
    try:
        return _registry[name]
    except KeyError:
        raise UnknownEventType(f"{name} is not registered; add it to the app's events.py") from None


def all_types() -> Iterator[EventType]:
    """Every registered type, sorted by name."""
    return iter(sorted(_registry.values(), key=lambda event: event.name))
