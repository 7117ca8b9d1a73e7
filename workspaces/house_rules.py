"""What a workspace decided for everybody in it, as the apps that hold to it tell: for the workspace's own page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse

from workspaces import areas
from workspaces.models import Workspace


@dataclass(frozen=True, slots=True)
class Rule:
    """One decision: what it is called, how it stands in words, and where it is changed."""

    label: str
    state: str
    url: str


Teller = Callable[[], list[tuple[str, str]]]
_tellers: list[tuple[Teller, str]] = []


def register(tell: Teller, route: str) -> None:
    """Tell of decisions of the current workspace, as label and state; ``route`` is the page on which they are made."""
    _tellers.append((tell, route))


def rules_of(workspace: Workspace) -> list[Rule]:
    """All decisions, in the order in which they are registered."""
    told = [(label, state, route) for tell, route in _tellers for label, state in tell()]
    told.append(("Spaces", "On" if workspace.spaces_enabled else "Off", "workspaces:spaces"))
    away = areas.named(workspace.areas_off)
    told.append(("Product areas", f"Off: {', '.join(away)}" if away else "All on", "workspaces:areas"))
    return [Rule(label, state, reverse(route, args=[workspace.slug])) for label, state, route in told]
