"""The types of events that webhooks carry, and the patterns that choose among them.

``run.*`` types are registered by the app that has runs; every audit event ``sync.updated`` is
``audit.sync.updated`` here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

from config.errors import Invalid
from governance.audit import events

AUDIT = "audit."
TEST = "webhook.test"
MOST_PATTERNS = 50
_PATTERN = re.compile(r"[a-z_*]+(?:\.[a-z_*]+){0,3}")
_types: dict[str, str] = {}


def register(name: str, words: str) -> None:
    """Add a type; ``words`` say what happened ("A run failed")."""
    if name in _types:
        raise ValueError(f"the webhook event {name!r} is registered twice")
    _types[name] = words


def registered() -> dict[str, str]:
    """The types that apps registered, with their words."""
    return dict(_types)


def known() -> dict[str, str]:
    """Every type there is, with its words."""
    audit = {f"{AUDIT}{event.name}": f"Somebody {event.sentence}" for event in events.all_types()}
    return {**_types, **audit}


def matches(patterns: Iterable[str], name: str) -> bool:
    """Whether one of the patterns covers the type; ``*`` stands for anything."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def wants_audit(patterns: Iterable[str]) -> bool:
    """Whether some audit event may be covered."""
    return any(pattern.startswith((AUDIT, "*")) or fnmatchcase(AUDIT, pattern) for pattern in patterns)


def checked(patterns: Iterable[str]) -> list[str]:
    """The patterns in order, once each; raises ``Invalid`` for one that covers nothing."""
    wanted = list(dict.fromkeys(pattern.strip().lower() for pattern in patterns if pattern.strip()))
    if not wanted:
        raise Invalid.field("events", "Choose at least one event.")
    if len(wanted) > MOST_PATTERNS:
        raise Invalid.field("events", f"At most {MOST_PATTERNS} events or patterns.")
    for pattern in wanted:
        if not covers_something(pattern, known()):
            raise Invalid.field("events", f"“{pattern[:80]}” covers no event. Use run.* or audit.sync.updated.")
    return wanted


def covers_something(pattern: str, names: Collection[str]) -> bool:
    """Whether the pattern is sound and covers at least one type."""
    return _PATTERN.fullmatch(pattern) is not None and any(fnmatchcase(name, pattern) for name in names)
