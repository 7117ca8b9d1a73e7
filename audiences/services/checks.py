"""Checks that several services share."""

from __future__ import annotations

from config.errors import Invalid

LONGEST = 200


def checked_name(name: str, noun: str) -> str:
    """A name without needless spaces. Raises :class:`Invalid` where there is none, or too much of it."""
    cleaned = " ".join(name.split())
    if not cleaned:
        raise Invalid.field("name", f"Give the {noun} a name.")
    if len(cleaned) > LONGEST:
        raise Invalid.field("name", f"A name has {LONGEST} characters at most.")
    return cleaned
