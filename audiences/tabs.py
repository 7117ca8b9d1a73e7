"""The tabs of an audience's page, in their order. A room that has something to say of an audience adds one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from audiences.models import Audience
from governance.audit.actors import Actor


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab: the name of its route (which gets the audience's id), its label, and what it counts, if anything."""

    route: str
    label: str
    counter: Callable[[Actor, Audience], int] | None = None


TABS = (
    Tab("audience", "Overview"),
    Tab("audience_definition", "Definition"),
    Tab("audience_members", "Members"),
    Tab("audience_activity", "Activity"),
)
