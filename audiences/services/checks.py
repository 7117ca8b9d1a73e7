"""Checks that several services share."""

from __future__ import annotations

import hashlib
import json

from audiences.definitions import subsets_of
from audiences.models import Audience, AudienceTemplate, DestinationRule, Subset, Trait
from config.errors import Conflict, Invalid

LONGEST = 200
Defined = Audience | AudienceTemplate | DestinationRule | Subset | Trait
_LOGIC = ("definition", "extra", "blanks", "overrides", "enabled")


def checked_name(name: str, noun: str) -> str:
    """A name without needless spaces. Raises :class:`Invalid` where there is none, or too much of it."""
    cleaned = " ".join(name.split())
    if not cleaned:
        raise Invalid.field("name", f"Give the {noun} a name.")
    if len(cleaned) > LONGEST:
        raise Invalid.field("name", f"A name has {LONGEST} characters at most.")
    return cleaned


def version_of(row: Defined) -> str:
    """What tells the logic that a page was opened with from what somebody saved since; names are no part of it."""
    logic = [getattr(row, name, None) for name in _LOGIC]
    chosen = sorted(subset.pk for subset in subsets_of(row)) if isinstance(row, Audience) else []
    return hashlib.sha256(json.dumps([logic, chosen], sort_keys=True).encode()).hexdigest()[:16]


def require_version(row: Defined, seen: str) -> None:
    """Raise :class:`Conflict` unless a locked row is as it was ``seen``; an empty one is whatever is there."""
    if seen and seen != version_of(row):
        raise Conflict(
            f"Somebody else saved “{row}” while you worked on it.",
            hint="Another tab shows their change. What you have here is kept: saving again replaces theirs.",
            code="changed_meanwhile",
        )
