"""The audiences that an ad platform holds, whoever made them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceThere:
    """An audience of an ad account.

    ``size`` is roughly how many people the service counts in it; nothing where it does not say. ``told`` is all that
    it says of the audience, as it says it.
    """

    account: str
    id: str
    name: str
    size: int | None
    told: Mapping[str, Any]


def counted(told: Any) -> int | None:
    """A number of people as services tell it, as a number or as text; below zero means that they do not know."""
    if told is None or told == "":
        return None
    count = int(told)
    return count if count >= 0 else None
